// SPDX-License-Identifier: MIT
#include <pagesim/cache/dirty_throttle.hpp>
#include <pagesim/sim/jiffies.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;

TEST(dirty_limits, ratios_are_4096ths_truncated) {
    const dirty_limits l = domain_dirty_limits({}, 100000);
    EXPECT_EQ(l.thresh, 19995U) << "819 / 4096, not a fifth";
    EXPECT_EQ(l.bg_thresh, 9985U) << "409 / 4096";
    EXPECT_EQ(l.freerun(), 14990U);
}

// A 192 MiB guest of Linux 6.1: free 34913, reserve 603 (its high mark), 7 file pages; later 22688 and 12009.
TEST(dirty_limits, are_those_of_a_recorded_machine) {
    const dirty_limits at_boot = domain_dirty_limits({}, 34913 - 603 + 7 + 1);
    EXPECT_EQ(at_boot.thresh, 6861U);
    EXPECT_EQ(at_boot.bg_thresh, 3426U);
    const dirty_limits later = domain_dirty_limits({}, 22688 - 603 + 12009 + 1);
    EXPECT_EQ(later.thresh, 6817U);
    EXPECT_EQ(later.bg_thresh, 3404U);
}

TEST(dirty_limits, bytes_take_the_place_of_their_ratio) {
    const dirty_limits l = domain_dirty_limits({.bytes = 8193, .background_bytes = 4096}, 100000);
    EXPECT_EQ(l.thresh, 3U) << "rounded up";
    EXPECT_EQ(l.bg_thresh, 1U);
}

TEST(dirty_limits, the_background_threshold_is_below_the_other) {
    EXPECT_EQ(domain_dirty_limits({.ratio = 20, .background_ratio = 20}, 100000).bg_thresh, 9997U);
    EXPECT_EQ(domain_dirty_limits({.ratio = 20, .background_ratio = 50}, 100000).bg_thresh, 9997U);
    EXPECT_EQ(domain_dirty_limits({.bytes = 40960, .background_bytes = 409600}, 100000).bg_thresh, 5U);
}

TEST(dirty_limits, what_is_dirtyable_is_free_or_file_but_not_anonymous) {
    auto m = a_machine().build();
    const std::uint64_t before = global_dirtyable_memory(m->parts.lru);
    EXPECT_EQ(before, m->parts.home.nr_free_pages() - m->parts.home.totalreserve_pages() + 1);
    for (std::uint64_t i = 0; i < 63; ++i) m->written(i);
    EXPECT_EQ(global_dirtyable_memory(m->parts.lru),
              m->parts.home.nr_free_pages() - m->parts.home.totalreserve_pages() + 1);
    EXPECT_LT(global_dirtyable_memory(m->parts.lru), before - 60);
}

TEST(dirty_limits, vmstat_shows_the_thresholds_of_the_moment) {
    auto m = a_machine().build();
    const vmstat s = m->parts.snapshot();
    EXPECT_EQ(s[vm_item::nr_dirty_threshold], m->parts.bdi.limits().thresh);
    EXPECT_EQ(s[vm_item::nr_dirty_background_threshold], m->parts.bdi.limits().bg_thresh);
    EXPECT_GT(s[vm_item::nr_dirty_background_threshold], 0U);
}

// thresh 2000, bg 1000, so freerun 1500 and setpoint 1750; one device has it all. Bandwidth 100.
dirty_position at(std::uint64_t dirty, std::uint64_t wb_dirty) {
    return {.limits = {.thresh = 2000, .bg_thresh = 1000},
            .dirty = dirty,
            .limit = 2000,
            .wb_thresh = 2000,
            .wb_dirty = wb_dirty};
}

TEST(wb_position_ratio, follows_the_curve_and_the_devices_line) {
    // By hand: share 65503 / 65536, wb_setpoint 1749, span 799, intercept 2548.
    EXPECT_EQ(wb_position_ratio(at(1750, 1750), 100), 1022U)
        << "at the setpoint: 1, and the line at 798 / 799";
    EXPECT_EQ(wb_position_ratio(at(1500, 1500), 100), 2666U) << "2033 of the curve, times 1048 / 799";
    EXPECT_EQ(wb_position_ratio(at(1999, 1999), 100), 17U) << "26 of the curve, times 549 / 799";
    EXPECT_EQ(wb_position_ratio(at(2000, 2000), 100), 0U) << "nothing at the limit";
    EXPECT_EQ(wb_position_ratio(at(1750, 2400), 100), 256U) << "beyond the end of the line: a quarter";
}

TEST(wb_position_ratio, a_device_that_runs_dry_gets_more) {
    EXPECT_EQ(wb_position_ratio(at(1750, 200), 100), 15045U) << "3009 * 1000 / 200";
    EXPECT_EQ(wb_position_ratio(at(1750, 100), 100), 25096U) << "3137 * 8";
}

TEST(wb_position_ratio, a_device_without_a_share_gets_an_eighth_of_the_room) {
    dirty_position p = at(1600, 0);
    p.wb_thresh = 0;
    EXPECT_GT(wb_position_ratio(p, 100), 1024U);
    p.wb_dirty = 1600;
    EXPECT_LT(wb_position_ratio(p, 100), 1024U) << "and is far beyond it with all of the dirty pages";
}

TEST(bandwidth_estimate, averages_over_seconds_and_smooths_once_more) {
    bandwidth_estimate e;
    e.update_bandwidth(50, 0, 1280); // 6400 pages a second
    EXPECT_EQ(e.write_bandwidth, 24662U);
    EXPECT_EQ(e.avg_write_bandwidth, 25600U) << "the first drop is not believed";
    e.update_bandwidth(100, 0, 2560);
    EXPECT_EQ(e.write_bandwidth, 23770U);
    EXPECT_EQ(e.avg_write_bandwidth, 25600U - (25600 - 24662) / 8);
    e.update_bandwidth(100 + 1025, 0, 2560 + 1025);
    EXPECT_EQ(e.write_bandwidth, 250U) << "longer than the period: what was seen, no average";
    EXPECT_EQ(e.avg_write_bandwidth, 250U);
    e.update_bandwidth(100000, 0, 2560 + 1025);
    EXPECT_EQ(e.avg_write_bandwidth, 1U) << "never 0";
}

TEST(bandwidth_estimate, the_rate_limit_falls_only_when_all_three_say_so) {
    bandwidth_estimate e;
    e.dirty_limit = 2000;
    const dirty_position above = at(1999, 1999);
    e.update_ratelimit(above, 17, 50, 1000, 0);
    EXPECT_EQ(e.dirty_ratelimit, 25600U) << "the last balanced rate was still as high";
    EXPECT_EQ(e.balanced_dirty_ratelimit, 2180U);
    e.update_ratelimit(above, 17, 100, 2000, 0);
    EXPECT_EQ(e.dirty_ratelimit, 25600U - 2928U) << "an eighth of the way to 2180";
}

TEST(bandwidth_estimate, the_limit_rises_at_once_and_falls_by_a_32nd) {
    bandwidth_estimate e;
    e.dirty_limit = 1000;
    e.update_ratelimit(at(1600, 1600), 1024, 50, 0, 0);
    EXPECT_EQ(e.dirty_limit, 2000U);
    dirty_position low = at(100, 100);
    low.limits = {.thresh = 400, .bg_thresh = 200};
    e.update_ratelimit(low, 1024, 99, 0, 0);
    EXPECT_EQ(e.dirty_limit, 2000U) << "200 ms are not over";
    e.update_ratelimit(low, 1024, 100, 0, 0);
    EXPECT_EQ(e.dirty_limit, 1950U);
    low.dirty = 1900;
    e.update_ratelimit(low, 1024, 150, 0, 0);
    EXPECT_EQ(e.dirty_limit, 1949U) << "towards what is dirty, not below";
    EXPECT_EQ(e.hard_limit(400), 1949U);
}

TEST(pauses, are_short_for_a_device_that_is_soon_through) {
    const bandwidth_estimate e;
    const pause_lengths p = pauses_for(e, 1999, 25550);
    EXPECT_EQ(p.max, 3) << "1999 pages at 25600 a second, in 32nds of a second, and one jiffy";
    EXPECT_EQ(p.min, 2);
    EXPECT_EQ(p.nr_dirtied_pause, 200U);
    const pause_lengths slow = pauses_for(e, 1999, 426);
    EXPECT_EQ(slow.nr_dirtied_pause, 4U) << "what it may dirty in the longest pause";
    EXPECT_EQ(slow.min, 3);
    EXPECT_EQ(pauses_for(e, 1000000, 426).max, 50) << "never more than 200 ms";
}

TEST(pauses, poll_interval_is_the_root_of_the_room) {
    EXPECT_EQ(dirty_poll_interval(1500, 2000), 16U);
    EXPECT_EQ(dirty_poll_interval(1999, 2000), 1U);
    EXPECT_EQ(dirty_poll_interval(2000, 2000), 1U);
}

TEST(jiffies, long_timers_lie_on_a_coarser_grid) {
    const sim_time now = sim_time{} + jiffy * 100 + microseconds(1);
    EXPECT_EQ(timer_expiry(now, 25), timeout_in_jiffies(now, 25));
    EXPECT_EQ(timer_expiry(now, 62), timeout_in_jiffies(now, 62));
    EXPECT_EQ(jiffies_at(timer_expiry(now, 63)), 168U) << "163, up to the next multiple of 8";
    EXPECT_EQ(jiffies_at(timer_expiry(now, 1250)), 1408U) << "1350, up to the next multiple of 64";
    EXPECT_EQ(jiffies_of_centisecs(500), 1250U);
}

} // namespace
} // namespace pagesim
