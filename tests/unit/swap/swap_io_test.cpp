// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/reclaim/shrink_page_list.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

// A page on its own, in the swap cache and ready to be written.
page& ready(small_machine& m, std::uint64_t n) {
    page& p = m.written(n);
    m.age(n);
    m.isolate(p);
    p.set(page_flag::locked);
    EXPECT_EQ(add_to_swap(m.parts.rc, p), swap_slot_result::added);
    EXPECT_EQ(m.parts.map.try_to_unmap(p), unmap_result::unmapped);
    p.clear(page_flag::dirty);
    return p;
}

TEST(swap_io, neighbouring_slots_merge_behind_a_plug) {
    auto m = a_machine().build();
    io_plug plug;
    for (std::uint64_t n = 0; n < 10; ++n) m->parts.io->write_page(ready(*m, n), plug);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 0U) << "nothing is submitted before the plug is flushed";
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 10U);
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 10U) << "counted when it is queued";
    m->parts.io->flush(plug);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 1U);
    m->complete_io();
    EXPECT_EQ(m->parts.io->requests_in_flight(), 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_written], 10U);
}

TEST(swap_io, a_request_carries_at_most_31_pages) {
    auto m = a_machine().build();
    io_plug plug;
    for (std::uint64_t n = 0; n < 62; ++n) m->parts.io->write_page(ready(*m, n), plug);
    m->parts.io->flush(plug);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 2U);
    m->complete_io();
}

TEST(swap_io, a_plug_with_32_requests_is_flushed_by_the_next) {
    auto m = a_machine().build();
    io_plug plug;
    // Every other slot, so that nothing merges.
    for (std::uint64_t n = 0; n < 33; ++n) {
        m->parts.io->write_page(ready(*m, n), plug);
        static_cast<void>(m->parts.swap.alloc_slot());
    }
    EXPECT_EQ(m->parts.io->requests_in_flight(), 32U);
    m->parts.io->flush(plug);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 33U);
    m->complete_io();
}

TEST(swap_io, a_plug_of_5_10_with_16_requests_is_flushed_by_the_next) {
    auto m = a_machine().with_profile(linux_5_10).with_swap({.wbt_lat = sim_duration{}}).build();
    io_plug plug;
    for (std::uint64_t n = 0; n < 17; ++n) {
        EXPECT_EQ(m->parts.io->requests_in_flight(), 0U);
        m->parts.io->write_page(ready(*m, n), plug);
        static_cast<void>(m->parts.swap.alloc_slot());
    }
    EXPECT_EQ(m->parts.io->requests_in_flight(), 16U);
    m->parts.io->flush(plug);
    m->complete_io();
}

// Every other slot, so that each page is a request.
void write_alone(small_machine& m, std::uint64_t n, io_plug& plug) {
    m.parts.io->write_page(ready(m, n), plug);
    static_cast<void>(m.parts.swap.alloc_slot());
}

constexpr wait_channel throttled{.reason = wait_reason::write_throttled, .key = 1};

TEST(swap_io, who_writes_more_than_the_device_takes_flushes_its_plug_and_sleeps) {
    auto m = a_machine().build(); // 16 deep, so 8 for a direct reclaimer
    task_signals current;
    m->parts.cpu.current = &current;
    io_plug plug;
    for (std::uint64_t n = 0; n < 8; ++n) write_alone(*m, n, plug);
    EXPECT_EQ(current.io_wait, wait_channel{});
    EXPECT_EQ(m->parts.io->requests_in_flight(), 0U);
    write_alone(*m, 8, plug);
    EXPECT_EQ(current.io_wait, throttled);
    EXPECT_TRUE(m->parts.cpu.should_yield());
    EXPECT_EQ(m->parts.io->requests_in_flight(), 8U);
    EXPECT_FALSE(plug.empty()) << "the ninth";
    m->parts.cpu.current = nullptr;
    m->complete_io();
    EXPECT_GT(m->waker.times(wait_reason::write_throttled), 0U);
    m->parts.io->flush(plug);
    m->complete_io();
    EXPECT_EQ(m->parts.stat[vm_item::nr_written], 9);
}

TEST(swap_io, a_batch_whose_last_page_is_one_too_many_ends_after_the_sleep) {
    auto m = a_machine().build();
    task_signals current;
    m->parts.cpu.current = &current;
    io_plug plug;
    for (std::uint64_t n = 0; n < 8; ++n) write_alone(*m, n, plug);
    page& last = ready(*m, 8);
    last.clear(page_flag::locked);
    last.set(page_flag::dirty);
    scan_control sc;
    shrink_page_list_cursor c;
    c.input.push(last);
    EXPECT_FALSE(shrink_page_list(m->parts.rc, sc, c, plug).done());
    EXPECT_EQ(current.io_wait, throttled);
    current.io_wait = {};
    EXPECT_TRUE(shrink_page_list(m->parts.rc, sc, c, plug).done());
    m->parts.cpu.current = nullptr;
    m->parts.io->flush(plug);
    m->complete_io();
}

TEST(swap_io, kswapd_may_write_twice_as_much_at_once) {
    auto m = a_machine().build();
    task_signals kswapd{.kswapd = true};
    m->parts.cpu.current = &kswapd;
    io_plug plug;
    for (std::uint64_t n = 0; n < 16; ++n) write_alone(*m, n, plug);
    EXPECT_EQ(kswapd.io_wait, wait_channel{});
    write_alone(*m, 16, plug);
    EXPECT_EQ(kswapd.io_wait.reason, wait_reason::write_throttled);
    m->parts.cpu.current = nullptr;
    m->parts.io->flush(plug);
    m->complete_io();
}

TEST(swap_io, what_waits_behind_somebody_elses_plug_counts) {
    auto m = a_machine().build();
    task_signals current;
    m->parts.cpu.current = &current;
    io_plug preempted;
    io_plug plug;
    for (std::uint64_t n = 0; n < 8; ++n) write_alone(*m, n, preempted);
    write_alone(*m, 8, plug);
    EXPECT_EQ(current.io_wait, throttled);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 0U);
    m->parts.cpu.current = nullptr;
    m->parts.io->flush(preempted);
    m->complete_io();
    EXPECT_GT(m->waker.times(wait_reason::write_throttled), 0U);
    m->parts.io->flush(plug);
    m->complete_io();
}

TEST(swap_io, a_page_that_joins_a_request_does_not_count) {
    auto m = a_machine().build();
    task_signals current;
    m->parts.cpu.current = &current;
    io_plug plug;
    for (std::uint64_t n = 0; n < 20; ++n) m->parts.io->write_page(ready(*m, n), plug);
    EXPECT_EQ(current.io_wait, wait_channel{});
    m->parts.cpu.current = nullptr;
    m->parts.io->flush(plug);
    m->complete_io();
}

TEST(swap_io, two_plugs_do_not_mix) {
    auto m = a_machine().build();
    io_plug one;
    io_plug two;
    m->parts.io->write_page(ready(*m, 1), one);
    m->parts.io->write_page(ready(*m, 2), two);
    m->parts.io->flush(two);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 1U);
    EXPECT_FALSE(one.empty());
    m->parts.io->flush(one);
    m->complete_io();
}

TEST(swap_io, a_page_taken_out_of_the_lists_meanwhile_is_not_rotated) {
    auto m = a_machine().build();
    io_plug plug;
    page& p = ready(*m, 1);
    p.set(page_flag::reclaim);
    m->parts.io->write_page(p, plug);
    m->parts.io->flush(plug);
    m->complete_io(); // still isolated: PG_lru is clear
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 0U);
    EXPECT_FALSE(p.test(page_flag::reclaim));
}

TEST(swap_io, zram_is_done_when_write_page_returns) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    io_plug plug;
    page& p = ready(*m, 1);
    m->parts.io->write_page(p, plug);
    EXPECT_FALSE(p.test(page_flag::writeback) || p.test(page_flag::dirty) || p.test(page_flag::locked));
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 1U);
    EXPECT_EQ(m->parts.store()->stored_pages(), 1U);
    EXPECT_TRUE(plug.empty());
}

TEST(swap_io, zram_without_a_frame_fails_the_write_and_loses_nothing) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    page& p = ready(*m, 1);
    // Nothing is left, not even below the watermarks.
    while (get_page_from_freelist(m->parts.home, gfp::kernel, page_order{0}, alloc_mark::none).frame !=
           nullptr) {}
    io_plug plug;
    m->parts.io->write_page(p, plug);
    EXPECT_TRUE(p.test(page_flag::dirty) && p.test(page_flag::swapcache));
    EXPECT_FALSE(p.test(page_flag::writeback));
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 1U) << "counted by the second, ordinary request";
}

TEST(zram, drops_a_page_only_when_its_slot_is_really_freed) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    m->written(1);
    m->swap_out(1);
    EXPECT_EQ(m->parts.store()->stored_pages(), 1U);
    m->touch(1, access_kind::write);
    EXPECT_EQ(m->parts.store()->stored_pages(), 1U) << "the slot waits in the return cache";
    for (std::uint64_t n = 100; n < 170; ++n) {
        m->written(n);
        m->swap_out(n);
        m->touch(n, access_kind::write);
    }
    EXPECT_LT(m->parts.store()->stored_pages(), 71U);
    m->check();
}

TEST(zram, takes_longer_the_more_of_a_page_is_left_after_compression) {
    auto m = a_machine().build();
    const auto store_of = [&m](std::uint32_t bytes) {
        return zram{m->parts.cpu, m->parts.pool, zram_config{.compressed_bytes = bytes}};
    };
    const cost_table cost;
    EXPECT_EQ(store_of(40).compression_time(cost).ns, 0U) << "in pageout_sync";
    EXPECT_EQ(store_of(110).compression_time(cost).ns, 0U);
    EXPECT_EQ(store_of(110).expansion_time(cost).ns, 0U);
    EXPECT_EQ(store_of(955).compression_time(cost).ns, 1395U * 845 / 64);
    EXPECT_EQ(store_of(955).expansion_time(cost).ns, 400U + 132U * 845 / 64);
    EXPECT_EQ(store_of(4000).compression_time(cost).ns, 1395U * 3890 / 64) << "tried in vain";
    EXPECT_EQ(store_of(4000).expansion_time(cost).ns, 0U) << "it was stored whole";
}

} // namespace
} // namespace pagesim
