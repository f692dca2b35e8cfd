// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/reclaim/direct_reclaim.hpp>
#include <pagesim/reclaim/shrink_node.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

void write_pages(small_machine& m, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) m.touch(i, access_kind::write);
    m.parts.batches.lru_add_drain();
}

void age_pages(small_machine& m, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) m.age(i);
}

void pass(small_machine& m, scan_control& sc) {
    shrink_node_cursor c;
    while (!shrink_node(m.parts.rc, sc, c).done()) {}
}

scan_control kswapd_at(int priority) {
    scan_control sc;
    sc.who = reclaimer::kswapd;
    sc.priority = priority;
    return sc;
}

TEST(shrink_lruvec, refills_the_inactive_list_after_every_pass_when_it_is_low) {
    auto m = a_machine().build();
    write_pages(*m, 100);
    for (std::uint64_t i = 0; i < 100; ++i) {
        m->parts.batches.activate_page(m->page_at(i));
    }
    m->parts.batches.lru_add_drain();
    scan_control sc = kswapd_at(def_priority);
    pass(*m, sc);
    EXPECT_EQ(m->parts.stat[vm_item::pgscan_kswapd], 0U) << "100 >> 12 pages to scan";
    EXPECT_EQ(m->parts.stat[vm_item::pgrefill], 32U);
    EXPECT_EQ(m->parts.lru.size(lru_list::inactive_anon), 32U);
}

TEST(shrink_lruvec, stops_when_enough_is_reclaimed_but_a_direct_reclaimers_first_pass_runs_to_its_end) {
    for (const reclaimer who : {reclaimer::kswapd, reclaimer::direct}) {
        auto m = a_machine().with_memory(141'000).with_swap_on(swap_device::zram, 200'000).build();
        const zone& z = m->parts.home.zones().front();
        std::uint64_t pages = 0;
        while (z.nr_free_pages() > z.wmark_pages(wmark_level::low)) m->touch(pages++, access_kind::write);
        m->parts.batches.lru_add_drain();
        age_pages(*m, pages);
        m->parts.stat.clear_events();
        scan_control sc;
        sc.who = who;
        sc.nr_to_reclaim = 16;
        pass(*m, sc);
        const std::uint64_t target = pages >> 12U; // 34: file pages are tiny, so all of it is anonymous
        EXPECT_EQ(m->parts.stat[vm_item::pgscan_anon], who == reclaimer::direct ? target : 32U);
    }
}

TEST(shrink_node, notes_that_everything_taken_is_being_written) {
    auto m = a_machine().build();
    write_pages(*m, 64);
    age_pages(*m, 64);
    scan_control first = kswapd_at(0);
    pass(*m, first);
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 64U);
    EXPECT_FALSE(m->parts.lru.pgdat.writeback);
    scan_control second = kswapd_at(0);
    pass(*m, second);
    EXPECT_EQ(second.nr.writeback, second.nr.taken);
    EXPECT_TRUE(m->parts.lru.pgdat.writeback);
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 64U);
}

TEST(shrink_node, kswapd_sleeps_when_it_meets_marked_pages_still_being_written) {
    auto m = a_machine().build();
    write_pages(*m, 64);
    age_pages(*m, 64);
    scan_control first = kswapd_at(0);
    pass(*m, first);
    m->parts.lru.pgdat.writeback = true;
    scan_control second = kswapd_at(0);
    shrink_node_cursor c;
    const step_result r = shrink_node(m->parts.rc, second, c);
    EXPECT_EQ(r.kind, step_kind::sleep);
    EXPECT_EQ(r.channel.reason, wait_reason::throttle_writeback);
    EXPECT_EQ(r.until, timeout_in_jiffies(m->parts.clock.now(), 25)) << "100 ms";
    EXPECT_EQ(m->parts.lru.pgdat.writeback_waiters, 1U);
    m->complete_io();
    EXPECT_EQ(m->parts.stat[vm_item::nr_throttled_written], 64U);
    EXPECT_EQ(m->waker.last.reason, wait_reason::throttle_writeback)
        << "more than 32 pages written: woken early";
    EXPECT_TRUE(shrink_node(m->parts.rc, second, c).done());
    EXPECT_EQ(m->parts.lru.pgdat.writeback_waiters, 0U);
}

TEST(shrink_node, a_round_of_kswapd_without_file_pages_marks_the_node_dirty) {
    auto m = a_machine().build();
    scan_control direct;
    pass(*m, direct);
    EXPECT_FALSE(m->parts.lru.pgdat.dirty);
    scan_control sc = kswapd_at(def_priority);
    pass(*m, sc);
    EXPECT_TRUE(m->parts.lru.pgdat.dirty) << "0 of 0 file pages were dirty";
}

TEST(shrink_node, one_page_reclaimed_forgives_kswapds_failures) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    m->parts.lru.pgdat.kswapd_failures = 3;
    scan_control nothing = kswapd_at(0);
    pass(*m, nothing);
    EXPECT_EQ(m->parts.lru.pgdat.kswapd_failures, 3U);
    write_pages(*m, 10);
    age_pages(*m, 10);
    scan_control sc = kswapd_at(0);
    pass(*m, sc);
    EXPECT_EQ(sc.nr_reclaimed, 10U);
    EXPECT_EQ(m->parts.lru.pgdat.kswapd_failures, 0U);
}

TEST(pageout, a_write_that_was_over_at_once_leaves_no_mark) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    write_pages(*m, 1);
    m->age(0);
    page& p = m->page_at(0);
    m->isolate(p);
    p.set(page_flag::locked);
    ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
    ASSERT_EQ(m->parts.map.try_to_unmap(p), unmap_result::unmapped);
    p.get();
    io_plug plug;
    EXPECT_EQ(pageout(m->parts.rc, p, plug), pageout_result::keep) << "somebody else holds it";
    static_cast<void>(p.put_testzero());
    EXPECT_EQ(pageout(m->parts.rc, p, plug), pageout_result::success);
    EXPECT_FALSE(p.test(page_flag::writeback) || p.test(page_flag::reclaim) || p.test(page_flag::dirty));
    EXPECT_EQ(m->parts.stat[vm_item::nr_written], 1U);
    p.set(page_flag::locked);
    EXPECT_EQ(pageout(m->parts.rc, p, plug), pageout_result::clean);
}

TEST(pageout, a_page_that_left_the_swap_cache_instead_of_being_written_keeps_no_mark) {
    auto m = a_machine().build();
    write_pages(*m, 1);
    m->age(0);
    page& p = m->page_at(0);
    m->isolate(p);
    p.set(page_flag::locked);
    ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
    ASSERT_EQ(m->parts.map.try_to_unmap(p), unmap_result::unmapped);
    const swap_entry e = swap_space::entry_of(p);
    *m->space->table().leaf(vpn{0}) = 0;
    m->parts.swap.swap_free(e);
    io_plug plug;
    EXPECT_EQ(pageout(m->parts.rc, p, plug), pageout_result::success);
    EXPECT_FALSE(p.test(page_flag::swapcache));
    EXPECT_FALSE(p.test(page_flag::reclaim)) << "it would rotate, or read as a readahead mark";
    EXPECT_TRUE(p.test(page_flag::dirty));
}

constexpr wait_channel pressure{.reason = wait_reason::kworker_work};

TEST(vmpressure, wakes_its_worker_once_512_pages_were_scanned) {
    auto m = a_machine().with_profile(linux_5_10).build();
    vmpressure(m->parts.rc, gfp::kernel, 500);
    vmpressure(m->parts.rc, gfp::kernel, 11);
    EXPECT_NE(m->waker.last, pressure);
    vmpressure(m->parts.rc, {}, 1000);
    EXPECT_NE(m->waker.last, pressure) << "an allocation that may neither wait for I/O nor move";
    vmpressure(m->parts.rc, gfp::kernel, 1);
    EXPECT_EQ(m->waker.last, pressure);
}

TEST(vmpressure, without_cgroups_interests_nobody_in_6_1) {
    auto m = a_machine().with_profile(linux_6_1).build();
    vmpressure(m->parts.rc, gfp::kernel, 5000);
    EXPECT_NE(m->waker.last, pressure);
    EXPECT_EQ(m->parts.lru.pgdat.tree_scanned, 0U);
}

TEST(shrink_node, tells_vmpressure_what_this_pass_scanned) {
    auto m = a_machine().with_profile(linux_5_10).build();
    write_pages(*m, 600);
    scan_control sc = kswapd_at(1);
    sc.nr_scanned = 1000; // earlier
    pass(*m, sc);
    EXPECT_EQ(m->parts.lru.pgdat.tree_scanned, 600U * 60 / 200 / 2)
        << "half of the list, and of that the share";
    EXPECT_NE(m->waker.last, pressure);
}

TEST(direct_reclaim, at_priority_3_and_below_always_tells_vmpressure) {
    for (const int priority : {4, 3}) {
        auto m = a_machine().with_profile(linux_5_10).build();
        write_pages(*m, 20);
        direct_reclaim_cursor c;
        c.sc.gfp = gfp::highuser_movable;
        c.sc.priority = priority;
        c.at = direct_reclaim_cursor::phase::priority;
        static_cast<void>(try_to_free_pages(m->parts.rc, c));
        EXPECT_EQ(m->waker.last == pressure, priority == 3);
    }
}

TEST(reclaim_throttle, without_progress_does_not_wait_while_little_is_being_written) {
    auto m = a_machine().build();
    write_pages(*m, 100);
    EXPECT_TRUE(reclaim_throttle(m->parts.rc, wait_reason::throttle_noprogress).done());
    m->parts.stat.add(vm_item::nr_zone_write_pending, 51);
    EXPECT_EQ(reclaim_throttle(m->parts.rc, wait_reason::throttle_noprogress).kind, step_kind::sleep);
    m->parts.lru.pgdat.kswapd_failures = 16;
    EXPECT_TRUE(reclaim_throttle(m->parts.rc, wait_reason::throttle_noprogress).done())
        << "nobody to wait for";
    m->parts.stat.add(vm_item::nr_zone_write_pending, -51);
}

} // namespace
} // namespace pagesim
