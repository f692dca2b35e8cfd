// SPDX-License-Identifier: MIT
#include <pagesim/cache/page_writeback.hpp>

namespace pagesim {

void account_writeback_start(const cpu_context& cpu, page& p) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::writeback), p);
    p.set(page_flag::writeback);
    cpu.count(vm_item::nr_writeback);
    cpu.count(vm_item::nr_zone_write_pending);
}

void account_writeback_end(const cpu_context& cpu, lruvec& lru, lru_batches& batches, page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::writeback), p);
    if (p.test_and_clear(page_flag::reclaim)) batches.rotate_reclaimable_page(p);
    p.clear(page_flag::writeback);
    const std::uint64_t frame = raw(lru.home().frames().pfn_of(p));
    cpu.count(vm_item::nr_writeback, -1);
    cpu.count(vm_item::nr_zone_write_pending, -1);
    cpu.count(vm_item::nr_written);
    cpu.emit(trace_kind::writeback_end, frame);
    cpu.wakes.wake_all({wait_reason::page_written, frame});
    pgdat_state& pgdat = lru.pgdat;
    if (pgdat.writeback_waiters == 0) return;
    cpu.count(vm_item::nr_throttled_written);
    const std::uint64_t written = cpu.stat[vm_item::nr_throttled_written] - pgdat.throttle_start;
    if (written > std::uint64_t{32} * pgdat.writeback_waiters) {
        cpu.wakes.wake_all({.reason = wait_reason::throttle_writeback});
    }
}

} // namespace pagesim
