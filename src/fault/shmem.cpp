// SPDX-License-Identifier: MIT
// Faults of shared anonymous memory: pages of a file that has no device, only swap.
//
//     the file's slot holds    a page          lock it, map it
//                              a swap entry    from the swap cache, or read with its neighbours; then it leaves the swap
//                                              cache and is the file's again, dirty, its slot given back
//                              nothing         a new frame of zeros
//
// Source: shmem_fault, shmem_get_folio_gfp, shmem_swapin_folio of mm/shmem.c, Linux 6.1.
#include "file_fault.hpp"

#include <pagesim/swap/swap_readahead.hpp>

namespace pagesim {

namespace {

using phase = fault_cursor::phase;

step_result look_up(const fault_context& fc, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    const mapping& file = *file_of_fault(fc, f).of;
    const std::uint64_t index = index_of_fault(f);
    if (index >= file.size().value) return give_up_file_fault(fc, f, fault_outcome::bus_error);
    const cache_slot s = file.slot(index);
    f.at = phase::shmem_alloc;
    if (s.empty()) return step_again;
    f.at = phase::shmem_lock;
    if (s.is_frame()) {
        f.target = &rc.home.frames()[s.frame()];
        f.target->get();
        return step_again;
    }
    f.entry = swap_entry::from_packed(static_cast<std::uint32_t>(s.value()));
    f.target = swap_cache_get_page(rc.cpu, rc.swap, f.entry, nullptr, f.where, swap_ra_method::cluster);
    if (f.target != nullptr) {
        f.target->get();
        return step_again;
    }
    f.major = true;
    rc.cpu.count(vm_item::pgmajfault);
    rc.cpu.emit(trace_kind::major_fault, raw(f.where), f.entry.offset);
    begin_swapin(rc, f.swap_in, f.entry, nullptr, nullptr, f.where);
    f.at = phase::shmem_read;
    return step_again;
}

step_result allocate(const fault_context& fc, fault_cursor& f) {
    const reclaim_context& rc = fc.rc;
    const step_result r = fault_alloc(fc, f, gfp::highuser_movable);
    if (!r.done()) return r;
    if (f.outcome != fault_outcome::resolved) return give_up_file_fault(fc, f, f.outcome);
    page& p = *f.alloc.result;
    mapping& file = *file_of_fault(fc, f).of;
    f.at = phase::shmem_lookup;
    if (!file.slot(index_of_fault(f)).empty()) {
        rc.batches.put_page(p);
        return step_again;
    }
    rc.cpu.charge(rc.cpu.cost.anon_fault);
    rc.cache.add_shmem(file, p, index_of_fault(f));
    rc.batches.lru_cache_add(p);
    p.set(page_flag::uptodate);
    p.clear(page_flag::locked);
    f.target = &p;
    f.at = phase::shmem_lock;
    return step_again;
}

step_result read_from_swap(const fault_context& fc, fault_cursor& f) {
    const step_result r = swapin_readahead(fc.rc, f.swap_in);
    if (!r.done()) return r;
    f.at = phase::shmem_lookup;
    if (f.swap_in.outcome == swapin_outcome::out_of_memory)
        return give_up_file_fault(fc, f, fault_outcome::out_of_memory);
    if (f.swap_in.outcome == swapin_outcome::in_cache) {
        f.target = f.swap_in.result;
        f.at = phase::shmem_lock;
    }
    return step_again;
}

// kernel: shmem_swapin_folio() behind its locks: from the swap cache to the page cache.
void take_back(const fault_context& fc, const fault_cursor& f, page& p) {
    const reclaim_context& rc = fc.rc;
    rc.swap.delete_from_swap_cache(p);
    const bool last = p.put_testzero(); // the swap cache's; the fault has its own
    PAGESIM_ASSERT_PAGE(!last, p);
    rc.cache.add_shmem(*file_of_fault(fc, f).of, p, index_of_fault(f));
    p.clear(page_flag::locked);
    rc.cache.set_page_dirty(p);
    rc.swap.swap_free(f.entry);
}

bool is_the_files(const fault_context& fc, const fault_cursor& f, const page& p) {
    return p.in_file() && p.file_id() == file_of_fault(fc, f).of->id() && p.index() == index_of_fault(f);
}

bool is_at_the_slot(const fault_context& fc, const fault_cursor& f, const page& p) {
    const cache_slot s = file_of_fault(fc, f).of->slot(index_of_fault(f));
    return p.test(page_flag::swapcache) && swap_space::entry_of(p) == f.entry && s.is_value() &&
           swap_entry::from_packed(static_cast<std::uint32_t>(s.value())) == f.entry;
}

step_result lock_target(const fault_context& fc, mm& owner, fault_cursor& f) {
    page& p = *f.target;
    if (p.test(page_flag::locked)) return sleep_on(lock_channel(fc.rc, p));
    if (is_the_files(fc, f, p)) return map_file_target(fc, owner, f);
    if (!is_at_the_slot(fc, f, p)) {
        fc.rc.batches.put_page(p);
        f.target = nullptr;
        f.at = phase::shmem_lookup;
        return step_again;
    }
    if (!p.test(page_flag::uptodate)) return give_up_file_fault(fc, f, fault_outcome::bus_error);
    if (p.test(page_flag::writeback))
        return sleep_on({wait_reason::page_written, raw(fc.rc.home.frames().pfn_of(p))});
    take_back(fc, f, p);
    return map_file_target(fc, owner, f);
}

} // namespace

step_result shmem_fault(const fault_context& fc, mm& owner, fault_cursor& f) {
    switch (f.at) {
    case phase::shmem_alloc: return allocate(fc, f);
    case phase::shmem_read: return read_from_swap(fc, f);
    case phase::shmem_lock: return lock_target(fc, owner, f);
    default: return look_up(fc, f);
    }
}

} // namespace pagesim
