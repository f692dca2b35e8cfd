// SPDX-License-Identifier: MIT
// do_swap_page: back from swap.
#include <pagesim/fault/handle_mm_fault.hpp>

#include <pagesim/mmu/descriptor.hpp>

namespace pagesim {

namespace {

using phase = fault_cursor::phase;

const cpu_context& cpu_of(const fault_context& fc) { return fc.rc.cpu; }

swap_entry entry_in(const descriptor& d) {
    const swap_bits bits = d.swap_entry();
    return {.offset = bits.offset, .type = bits.type};
}

wait_channel page_channel(const fault_context& fc, const page& p) {
    return {wait_reason::page_unlocked, raw(fc.rc.home.frames().pfn_of(p))};
}

void count_major(const fault_context& fc, fault_cursor& f) {
    f.major = true;
    cpu_of(fc).count(vm_item::pgmajfault);
    cpu_of(fc).emit(trace_kind::major_fault, raw(f.where), f.entry.offset);
}

// A new page that comes from swap joins the lists; its shadow decides on which side.
void join_lists(const fault_context& fc, page& p, std::optional<shadow> old) {
    const reclaim_context& rc = fc.rc;
    if (old && rc.profile.anon_refaults == anon_refault::detected) {
        workingset_refault(rc.cpu, rc.lru, p, *old, rc.swap.available());
    }
    if (rc.profile.swap_in_costs == swap_in_cost::of_each_page) rc.lru.note_cost(lru_type::anon, 1);
    rc.batches.lru_cache_add(p);
}

// kernel: __read_swap_cache_async() after its allocation: `p` holds the slot's content once it is unlocked.
void read_into_cache(const fault_context& fc, page& p, swap_entry e, io_plug* plug) {
    p.set(page_flag::locked);
    p.set(page_flag::swapbacked);
    const std::optional<shadow> old = fc.rc.swap.add_to_swap_cache(p, e);
    if (fc.rc.profile.swap_in != swap_in_placement::by_refault_distance) p.set(page_flag::workingset);
    join_lists(fc, p, old);
    fc.rc.io->read_page(p, e, plug);
}

// kernel: should_try_to_free_swap(); 5.8 and 5.10 have only its first condition.
bool should_free_slot(const fault_context& fc, const fault_cursor& f, const page& p) {
    if (!p.test(page_flag::swapcache)) return false;
    if (fc.rc.swap.vm_swap_full() || f.range->flags.has(vm_flag::locked) || p.test(page_flag::mlocked))
        return true;
    return fc.rc.profile.reuse == anon_reuse::by_exclusive_mark && f.is_write() && p.refcount() == 2;
}

// Settles the slot and the rights to the page; whether the store may go on without a copy.
enum class store : std::uint8_t { not_yet, allowed };

store settle_by_mapcount(const fault_context& fc, mm& owner, const fault_cursor& f, page& p) {
    const reclaim_context& rc = fc.rc;
    const bool allowed = f.is_write() && reuse_swap_page(fc, p);
    rc.map.page_add_anon_rmap(p, *f.range, f.where, exclusivity::shared);
    rc.swap.swap_free(f.entry);
    if (should_free_slot(fc, f, p)) rc.swap.try_to_free_swap(p);
    ++owner.anon_pages;
    --owner.swap_entries;
    return allowed ? store::allowed : store::not_yet;
}

store settle_by_exclusive_mark(const fault_context& fc, mm& owner, const fault_cursor& f, page& p) {
    const reclaim_context& rc = fc.rc;
    const bool exclusive = f.bypass || descriptor{f.original}.swap_entry().exclusive;
    rc.swap.swap_free(f.entry);
    if (should_free_slot(fc, f, p)) rc.swap.try_to_free_swap(p);
    ++owner.anon_pages;
    --owner.swap_entries;
    const bool ours = exclusive || p.refcount() == 1;
    rc.map.page_add_anon_rmap(p, *f.range, f.where, ours ? exclusivity::exclusive : exclusivity::shared);
    return f.is_write() && ours ? store::allowed : store::not_yet;
}

// Maps f.target; the fault's reference becomes the descriptor's.
step_result map_page(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    page& p = *f.target;
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::locked), p);
    std::uint64_t& slot = *owner.table().leaf(f.where);
    const bool same_slot = p.test(page_flag::swapcache) && swap_space::entry_of(p) == f.entry;
    if (slot != f.original || (!f.bypass && !same_slot)) {
        rc.batches.put_page(p); // it is no longer what we waited for: the access starts over
        if (f.bypass) rc.swap.clear_cache_mark(f.entry);
        return step_done;
    }
    p.set(page_flag::locked);
    const bool by_mark = rc.profile.reuse == anon_reuse::by_exclusive_mark;
    if (by_mark && f.is_write() && !f.bypass && !p.test(page_flag::lru)) rc.batches.lru_add_drain();
    rc.cpu.charge(f.bypass  ? rc.cpu.cost.swap_in_sync
                  : f.major ? rc.cpu.cost.swap_in_map
                            : rc.cpu.cost.swap_cache_hit);
    const store now =
        by_mark ? settle_by_exclusive_mark(fc, owner, f, p) : settle_by_mapcount(fc, owner, f, p);
    if (rc.profile.swap_in == swap_in_placement::activated_once_mapped) rc.batches.activate_page(p);
    descriptor d = descriptor::page(rc.home.frames().pfn_of(p), page_prot::readonly);
    if (now == store::allowed) d = d.mkdirty().mkwrite();
    slot = d.word();
    p.clear(page_flag::locked);
    if (f.bypass) rc.swap.clear_cache_mark(f.entry);
    if (f.is_write() && now == store::not_yet) {
        f.original = slot;
        return do_wp_page(fc, owner, f);
    }
    return step_done;
}

// The page is there: map it, or first wait until it is read.
step_result lock_or_retry(const fault_context& fc, mm& owner, fault_cursor& f) {
    if (!f.target->test(page_flag::locked)) return map_page(fc, owner, f);
    if (f.at == phase::swap_wait && cpu_of(fc).fatal_signal_pending()) {
        fc.rc.batches.put_page(*f.target);
        return step_done;
    }
    f.at = f.tried ? phase::swap_wait : phase::swap_retry;
    return killable(sleep_on(page_channel(fc, *f.target)));
}

// A device that answers at once, and nobody else uses the slot: no swap cache.
step_result read_bypassing(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    if (f.at != phase::swap_sync) {
        if (!rc.swap.prepare_cache(f.entry)) {
            f.at = phase::swap_lookup; // somebody else is reading it: look again in a moment
            return sleep_until(timeout_in_jiffies(rc.cpu.clock.now(), 1));
        }
        f.at = phase::swap_sync;
    }
    const step_result r = fault_alloc(fc, f, gfp::highuser_movable);
    if (!r.done()) return r;
    if (f.outcome != fault_outcome::resolved) {
        rc.swap.clear_cache_mark(f.entry);
        return step_done;
    }
    page& p = *f.alloc.result;
    p.set(page_flag::locked);
    p.set(page_flag::swapbacked);
    join_lists(fc, p, rc.swap.shadow_at(f.entry));
    rc.io->read_page(p, f.entry, nullptr);
    count_major(fc, f);
    f.target = &p;
    f.bypass = true;
    return map_page(fc, owner, f);
}

// One page of the readahead window; the frame is allocated before the slot is looked at again, as reclaim
// may have run.
step_result read_neighbour(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    const std::uint64_t* slot = owner.table().leaf(f.next);
    const descriptor d{slot == nullptr ? 0 : *slot};
    if (d.none() || d.valid()) return step_done;
    const swap_entry e = entry_in(d);
    if (f.alloc.at == alloc_cursor::phase::idle && (rc.swap.lookup(e) != nullptr || rc.swap.count(e) == 0)) {
        return step_done;
    }
    const step_result r = fault_alloc(fc, f, gfp::highuser_movable);
    if (!r.done()) return r;
    if (f.outcome != fault_outcome::resolved) {
        f.outcome = fault_outcome::resolved; // a neighbour is not worth a death
        return step_done;
    }
    page& p = *f.alloc.result;
    if (!rc.swap.prepare_cache(e)) {
        rc.batches.put_page(p);
        return step_done;
    }
    read_into_cache(fc, p, e, &f.plug);
    if (f.next != f.where) {
        p.set(page_flag::reclaim); // PG_readahead
        rc.cpu.count(vm_item::swap_ra);
    }
    rc.batches.put_page(p);
    return step_done;
}

step_result read_window(const fault_context& fc, mm& owner, fault_cursor& f) {
    f.at = phase::swap_window;
    while (f.next < f.window.end) {
        const step_result r = read_neighbour(fc, owner, f);
        if (r.kind == step_kind::sleep) fc.rc.io->flush(f.plug);
        if (!r.done()) return r;
        f.next = f.next + 1;
    }
    fc.rc.io->flush(f.plug);
    fc.rc.batches.lru_add_drain();
    f.at = phase::swap_read_one;
    return step_done;
}

// The faulting page itself: already read with the window, or read now.
step_result read_one(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    page* p = f.alloc.at == alloc_cursor::phase::idle ? rc.swap.lookup(f.entry) : nullptr;
    if (p != nullptr) {
        p->get();
    } else {
        const step_result r = fault_alloc(fc, f, gfp::highuser_movable);
        if (!r.done() || f.outcome != fault_outcome::resolved) return r;
        p = f.alloc.result;
        if (rc.swap.count(f.entry) == 0 || !rc.swap.prepare_cache(f.entry)) {
            rc.batches.put_page(*p);
            return step_done; // in the swap cache, or reaped, meanwhile: the access starts over
        }
        read_into_cache(fc, *p, f.entry, nullptr);
    }
    count_major(fc, f);
    f.target = p;
    if (f.window.size == 1 && p->test(page_flag::locked)) {
        f.at = phase::swap_wait; // a single page is waited for in place
        return sleep_on(page_channel(fc, *p));
    }
    return lock_or_retry(fc, owner, f);
}

step_result look_up(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    f.entry = entry_in(descriptor{f.original});
    f.bypass = false;
    f.target = swap_cache_get_page(rc.cpu, rc.swap, f.entry, *f.range, f.where);
    if (f.target != nullptr) {
        f.target->get();
        return lock_or_retry(fc, owner, f);
    }
    if (rc.io->mode() == io_mode::synchronous && rc.swap.count(f.entry) == 1)
        return read_bypassing(fc, owner, f);
    f.window = swap_ra_info(*f.range, f.where, rc.config.page_cluster);
    f.next = f.window.first;
    f.at = f.window.size == 1 ? phase::swap_read_one : phase::swap_window;
    return step_again;
}

} // namespace

step_result do_swap_page(const fault_context& fc, mm& owner, fault_cursor& f) {
    PAGESIM_ASSERT(fc.rc.io != nullptr);
    switch (f.at) {
    case phase::swap_sync: return read_bypassing(fc, owner, f);
    case phase::swap_window: {
        const step_result r = read_window(fc, owner, f);
        return r.done() ? read_one(fc, owner, f) : r;
    }
    case phase::swap_read_one: return read_one(fc, owner, f);
    case phase::swap_wait: return lock_or_retry(fc, owner, f);
    case phase::swap_retry:
        fc.rc.batches.put_page(*f.target);
        if (cpu_of(fc).fatal_signal_pending()) return step_done; // no second time for who dies
        f.tried = true;
        f.at = phase::begin;
        return step_again;
    default: return look_up(fc, owner, f);
    }
}

} // namespace pagesim
