// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/shrink_page_list.hpp>

namespace pagesim {

namespace {

constexpr verdict let_pass{};

verdict keep(why reason) { return {disposition::keep, reason, page_lock::held}; }
verdict activate(why reason) { return {disposition::activate, reason, page_lock::held}; }
verdict keep_unlocked(why reason) { return {disposition::keep, reason, page_lock::not_held}; }

// A page still being written is not waited for: it moves away and rotates back when the write is over.
verdict settle_writeback(const reclaim_context& rc, const scan_control& sc, page& p, reclaim_stat& stat) {
    rc.cpu.charge(rc.cpu.cost.under_writeback);
    if (sc.by_kswapd() && p.test(page_flag::reclaim) && rc.lru.pgdat.writeback) {
        ++stat.nr_immediate;
        return activate(why::writeback_immediate);
    }
    p.set(page_flag::reclaim);
    ++stat.nr_writeback;
    return activate(why::writeback);
}

// A page of MADV_FREE: anonymous, on the file lists.
bool is_lazyfree(const page& p) { return p.anon() && !p.test(page_flag::swapbacked); }

// kernel: folio_check_dirty_writeback() and what is made of it.
void count_dirty(const page& p, reclaim_stat& stat) {
    if (page_lru_type(p) != lru_type::file || is_lazyfree(p)) return;
    const bool dirty = p.test(page_flag::dirty);
    const bool writeback = p.test(page_flag::writeback);
    if (dirty || writeback) ++stat.nr_dirty;
    if (dirty && !writeback) ++stat.nr_unqueued_dirty;
    if (writeback && p.test(page_flag::reclaim)) ++stat.nr_congested;
}

// `asked` tells the later steps what the reference check said.
verdict judge_references(const reclaim_context& rc, const scan_control& sc, page& p, reclaim_stat& stat,
                         page_references& asked) {
    if (sc.may.has(scan_permission::ignore_references)) return let_pass;
    const reference_check check = page_check_references(rc, p);
    asked = check.outcome;
    switch (check.outcome) {
    case page_references::activate: return activate(check.reason);
    case page_references::keep: ++stat.nr_ref_keep; return keep(check.reason);
    case page_references::reclaim:
    case page_references::reclaim_clean: break;
    }
    return let_pass;
}

verdict give_swap_slot(const reclaim_context& rc, const scan_control& sc, page& p) {
    if (!p.anon() || !p.test(page_flag::swapbacked) || p.test(page_flag::swapcache)) return let_pass;
    if (!sc.gfp.has(gfp_flag::io)) return keep(why::no_io);
    if (add_to_swap(rc, p) == swap_slot_result::full) return activate(why::no_swap);
    return let_pass;
}

verdict unmap(const reclaim_context& rc, page& p, reclaim_stat& stat) {
    if (!p.mapped()) return let_pass;
    const bool was_swapbacked = p.test(page_flag::swapbacked);
    if (rc.map.try_to_unmap(p) == unmap_result::unmapped) return let_pass;
    ++stat.nr_unmap_fail;
    if (was_swapbacked || !p.test(page_flag::swapbacked)) return activate(why::unmap_failed);
    ++stat.nr_lazyfree_fail;
    return activate(why::lazyfree_dirty);
}

// kernel: may_enter_fs(): swap on a plain device needs no file system, I/O suffices.
bool may_enter_fs(const scan_control& sc, const page& p) {
    return sc.gfp.has(gfp_flag::fs) || (p.test(page_flag::swapcache) && sc.gfp.has(gfp_flag::io));
}

// Only kswapd writes pages of the file lists, and only if it meets them again while all the rest is dirty, too.
verdict leave_to_flusher(const reclaim_context& rc, const scan_control& sc, page& p) {
    if (page_lru_type(p) != lru_type::file) return let_pass;
    if (sc.by_kswapd() && p.test(page_flag::reclaim) && rc.lru.pgdat.dirty) return let_pass;
    rc.cpu.count(vm_item::nr_vmscan_immediate_reclaim);
    p.set(page_flag::reclaim);
    return activate(why::dirty_file);
}

verdict write_out(const reclaim_context& rc, const scan_control& sc, page& p, page_references asked,
                  reclaim_stat& stat, io_plug& plug) {
    if (!p.test(page_flag::dirty)) return let_pass;
    if (const verdict v = leave_to_flusher(rc, sc, p); v.decided()) return v;
    if (asked == page_references::reclaim_clean) return keep(why::dirty_referenced);
    if (!may_enter_fs(sc, p)) return keep(why::no_fs);
    if (!sc.may.has(scan_permission::writepage)) return keep(why::no_writepage);
    switch (pageout(rc, p, plug)) {
    case pageout_result::keep: return keep(why::pinned);
    case pageout_result::activate: return activate(why::write_refused);
    case pageout_result::clean: return let_pass;
    case pageout_result::success: break;
    }
    ++stat.nr_pageout;
    if (p.test(page_flag::writeback)) return keep_unlocked(why::written);
    if (p.test(page_flag::dirty)) return keep_unlocked(why::redirtied);
    p.set(page_flag::locked); // the write was synchronous: lock it again and go on to free it
    return let_pass;
}

verdict drop_buffers(const reclaim_context& rc, page& p) {
    if (!p.test(page_flag::private_)) return let_pass;
    if (!rc.cache.release_private(p)) return activate(why::buffers_busy);
    if (has_mapping(p) || p.refcount() != 1) return let_pass;
    p.set_refcount(0);
    return {disposition::free, why::orphan_freed, page_lock::held};
}

verdict discard_lazyfree(const reclaim_context& rc, page& p) {
    if (!is_lazyfree(p)) return let_pass;
    if (!p.freeze(1)) return keep(why::busy);
    rc.cpu.count(vm_item::pglazyfreed);
    return {disposition::free, why::lazyfreed, page_lock::held};
}

verdict take_out_of_cache(const reclaim_context& rc, page& p) {
    if (!has_mapping(p)) return keep(why::no_mapping);
    if (remove_mapping(rc, p) == remove_result::busy) return keep(why::busy);
    return {disposition::free, why::reclaimed, page_lock::held};
}

} // namespace

verdict judge_page(const reclaim_context& rc, scan_control& sc, page& p, reclaim_stat& stat, io_plug& plug) {
    rc.cpu.charge(rc.cpu.cost.judge_page);
    if (p.test_and_set(page_flag::locked)) return keep_unlocked(why::locked);
    ++sc.nr_scanned;
    if (!page_evictable(p)) return activate(why::unevictable);
    if (!sc.may.has(scan_permission::unmap) && p.mapped()) return keep(why::may_not_unmap);
    count_dirty(p, stat);
    if (p.test(page_flag::writeback)) return settle_writeback(rc, sc, p, stat);
    page_references asked = page_references::reclaim;
    if (const verdict v = judge_references(rc, sc, p, stat, asked); v.decided()) return v;
    if (const verdict v = give_swap_slot(rc, sc, p); v.decided()) return v;
    if (const verdict v = unmap(rc, p, stat); v.decided()) return v;
    if (const verdict v = write_out(rc, sc, p, asked, stat, plug); v.decided()) return v;
    if (const verdict v = drop_buffers(rc, p); v.decided()) return v;
    if (const verdict v = discard_lazyfree(rc, p); v.decided()) return v;
    return take_out_of_cache(rc, p);
}

namespace {

// The kernel's activate_locked.
void mark_active(const reclaim_context& rc, page& p, reclaim_stat& stat) {
    if (p.test(page_flag::swapcache) && (rc.swap.vm_swap_full() || p.test(page_flag::mlocked))) {
        rc.swap.try_to_free_swap(p);
    }
    if (p.test(page_flag::mlocked)) return;
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::active), p);
    p.set(page_flag::active);
    ++stat.nr_activate[static_cast<unsigned>(page_lru_type(p))];
}

void carry_out(const reclaim_context& rc, page& p, verdict v, shrink_page_list_cursor& c) {
    rc.reasons.add(v.reason);
    rc.cpu.emit(trace_kind::judged, raw(rc.home.frames().pfn_of(p)), static_cast<std::uint64_t>(v.reason));
    if (v.what == disposition::activate) mark_active(rc, p, c.stat);
    if (v.lock == page_lock::held) p.clear(page_flag::locked);
    (v.what == disposition::free ? c.freed : c.kept).push(p);
}

void finish(const reclaim_context& rc, const shrink_page_list_cursor& c) {
    rc.cpu.count(vm_item::pgactivate,
                 static_cast<std::int64_t>(c.stat.nr_activate[0] + c.stat.nr_activate[1]));
    // Last reclaimed, first freed: the frame freed last is the first to be handed out again.
    for (unsigned i = c.freed.size; i > 0; --i) {
        rc.cpu.charge(rc.cpu.cost.free_page);
        rc.cpu.emit(trace_kind::free_page, raw(rc.home.frames().pfn_of(*c.freed.pages[i - 1])));
        rc.cpu.emit(
            tracepoints::page_free{.pfn = raw(rc.home.frames().pfn_of(*c.freed.pages[i - 1])), .order = 0});
        rc.home.free_page(*c.freed.pages[i - 1]);
    }
}

} // namespace

step_result shrink_page_list(const reclaim_context& rc, scan_control& sc, shrink_page_list_cursor& c,
                             io_plug& plug) {
    for (;;) {
        if (rc.io != nullptr && !rc.io->resume(plug)) return step_again;
        if (c.at == c.input.size) break;
        page& p = *c.input.pages[c.at++];
        carry_out(rc, p, judge_page(rc, sc, p, c.stat, plug), c);
        if (rc.cpu.waits_for_io() || (c.at < c.input.size && rc.cpu.should_yield())) return step_again;
    }
    finish(rc, c);
    return step_done;
}

} // namespace pagesim
