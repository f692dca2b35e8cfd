// SPDX-License-Identifier: MIT
// do_swap_page: back from swap.
#include <pagesim/fault/handle_mm_fault.hpp>

#include <pagesim/mmu/descriptor.hpp>

namespace pagesim {

namespace {

using phase = fault_cursor::phase;

const cpu_context& cpu_of(const fault_context& fc) { return fc.rc.cpu; }

wait_channel page_channel(const fault_context& fc, const page& p) {
    return {wait_reason::page_unlocked, raw(fc.rc.home.frames().pfn_of(p))};
}

void count_major(const fault_context& fc, fault_cursor& f) {
    f.major = true;
    cpu_of(fc).count(vm_item::pgmajfault);
    cpu_of(fc).emit(trace_kind::major_fault, raw(f.where), f.entry.offset);
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
    const bool allowed = f.is_write() && reuse_swap_page(fc, p) <= 1;
    rc.map.page_add_anon_rmap(p, *f.range, f.where, allowed ? exclusivity::exclusive : exclusivity::shared);
    rc.swap.swap_free(f.entry);
    if (should_free_slot(fc, f, p)) rc.swap.try_to_free_swap(p);
    ++owner.anon_pages;
    --owner.swap_entries;
    return allowed ? store::allowed : store::not_yet;
}

store settle_by_exclusive_mark(const fault_context& fc, mm& owner, const fault_cursor& f, page& p) {
    const reclaim_context& rc = fc.rc;
    const bool exclusive = f.bypass || descriptor{f.original}.swap_entry(rc.profile.swap_pte).exclusive;
    rc.swap.swap_free(f.entry);
    if (should_free_slot(fc, f, p)) rc.swap.try_to_free_swap(p);
    ++owner.anon_pages;
    --owner.swap_entries;
    const bool ours = exclusive || p.refcount() == 1;
    rc.map.page_add_anon_rmap(p, *f.range, f.where, ours ? exclusivity::exclusive : exclusivity::shared);
    return f.is_write() && ours ? store::allowed : store::not_yet;
}

// The page is not mapped.
step_result give_up(const fault_context& fc, const fault_cursor& f) {
    fc.rc.batches.put_page(*f.target);
    if (f.bypass) fc.rc.swap.clear_cache_mark(f.entry);
    return step_done;
}

// Maps f.target; the fault's reference becomes the descriptor's.
step_result map_page(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    page& p = *f.target;
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::locked), p);
    std::uint64_t& slot = *owner.table().leaf(f.where);
    const bool same_slot = p.test(page_flag::swapcache) && swap_space::entry_of(p) == f.entry;
    if (slot != f.original || (!f.bypass && !same_slot))
        return give_up(fc, f); // it is no longer what we waited for: the access starts over
    if (!p.test(page_flag::uptodate)) {
        f.outcome = fault_outcome::bus_error;
        return give_up(fc, f);
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
    descriptor d = descriptor::page(rc.home.frames().pfn_of(p), vm_page_prot(f.range->flags));
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
    if (f.at != phase::swap_sync && f.at != phase::swap_sync_read) {
        if (rc.swap.prepare_cache(f.entry) != slot_mark::taken) {
            f.at = phase::swap_lookup; // somebody else is reading it: look again in a moment
            return sleep_until(timeout_in_jiffies(rc.cpu.clock.now(), 1));
        }
        f.at = phase::swap_sync;
    }
    if (f.at == phase::swap_sync) {
        const step_result r = fault_alloc(fc, f, gfp::highuser_movable);
        if (!r.done()) return r;
        if (f.outcome != fault_outcome::resolved) {
            rc.swap.clear_cache_mark(f.entry);
            return step_done;
        }
        page& fresh = *f.alloc.result;
        fresh.set(page_flag::locked);
        fresh.set(page_flag::swapbacked);
        add_swapped_in_page(rc, fresh, rc.swap.shadow_at(f.entry));
        f.at = phase::swap_sync_read;
        if (rc.cpu.should_yield()) return step_again; // submitting a bio may sleep
    }
    page& p = *f.alloc.result;
    rc.io->read_page(p, f.entry, nullptr);
    count_major(fc, f);
    f.target = &p;
    f.bypass = true;
    return map_page(fc, owner, f);
}

// Through the swap cache, with neighbours.
step_result read_through_cache(const fault_context& fc, mm& owner, fault_cursor& f) {
    const step_result r = swapin_readahead(fc.rc, f.swap_in);
    if (!r.done()) return r;
    if (f.swap_in.outcome == swapin_outcome::out_of_memory) f.outcome = fault_outcome::out_of_memory;
    if (f.swap_in.outcome != swapin_outcome::in_cache) return step_done;
    count_major(fc, f);
    f.target = f.swap_in.result;
    if (f.swap_in.size == 1 && f.target->test(page_flag::locked)) {
        f.at = phase::swap_wait; // a single page is waited for in place
        return sleep_on(page_channel(fc, *f.target));
    }
    return lock_or_retry(fc, owner, f);
}

step_result look_up(const fault_context& fc, mm& owner, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    f.entry = entry_in(descriptor{f.original}, rc.profile.swap_pte);
    f.bypass = false;
    f.target = swap_cache_get_page(rc.cpu, rc.swap, f.entry, f.range, f.where,
                                   readahead_method(rc.swap, rc.config.vma_ra));
    if (f.target != nullptr) {
        f.target->get();
        return lock_or_retry(fc, owner, f);
    }
    if (rc.io->mode(f.entry) == io_mode::synchronous && rc.swap.count(f.entry) == 1)
        return read_bypassing(fc, owner, f);
    begin_swapin(rc, f.swap_in, f.entry, &owner, f.range, f.where);
    f.at = phase::swap_read;
    return step_again;
}

} // namespace

step_result do_swap_page(const fault_context& fc, mm& owner, fault_cursor& f) {
    switch (f.at) {
    case phase::swap_sync:
    case phase::swap_sync_read: return read_bypassing(fc, owner, f);
    case phase::swap_read: return read_through_cache(fc, owner, f);
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
