// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/pageout.hpp>

namespace pagesim {

namespace {

constexpr std::int32_t cache_and_isolation = 2;

} // namespace

pageout_result pageout(const reclaim_context& rc, page& p, io_plug& plug) {
    PAGESIM_ASSERT_PAGE(rc.io != nullptr, p);
    if (p.refcount() != cache_and_isolation) return pageout_result::keep;
    if (!p.test_and_clear(page_flag::dirty)) return pageout_result::clean;
    p.set(page_flag::reclaim);
    rc.io->write_page(p, plug);
    if (!p.test(page_flag::writeback)) p.clear(page_flag::reclaim);
    rc.cpu.count(vm_item::nr_vmscan_write);
    return pageout_result::success;
}

remove_result remove_mapping(const reclaim_context& rc, page& p) {
    if (!p.freeze(cache_and_isolation)) return remove_result::busy;
    if (p.test(page_flag::dirty)) {
        p.set_refcount(cache_and_isolation);
        return remove_result::busy;
    }
    rc.cpu.charge(rc.cpu.cost.remove_mapping);
    const shadow s = workingset_eviction(rc.lru, p, rc.profile.shadow);
    if (rc.profile.anon_refaults == anon_refault::detected) {
        rc.swap.delete_from_swap_cache(p, s);
    } else {
        rc.swap.delete_from_swap_cache(p);
    }
    return remove_result::removed;
}

swap_slot_result add_to_swap(const reclaim_context& rc, page& p) {
    const std::optional<swap_entry> e = rc.swap.alloc_slot();
    if (!e) return swap_slot_result::full;
    rc.cpu.charge(rc.cpu.cost.add_to_swap);
    rc.swap.add_to_swap_cache(p, *e);
    p.set(page_flag::dirty);
    return swap_slot_result::added;
}

} // namespace pagesim
