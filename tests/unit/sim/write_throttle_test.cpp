// SPDX-License-Identifier: MIT
#include <pagesim/sim/write_throttle.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

constexpr sim_time at(std::uint64_t ms) { return sim_time{milliseconds(ms).ns}; }

// How many writes of that class may be under way, starting now; all are complete afterwards.
unsigned room(write_throttle& t, write_class c, sim_time now) {
    unsigned n = 0;
    while (t.begin_write(c, now)) ++n;
    for (unsigned i = 0; i < n; ++i) static_cast<void>(t.end_write(c, now));
    return n;
}

TEST(write_throttle, kswapd_has_16_others_half_of_it_and_a_quarter_while_somebody_reads) {
    write_throttle t{milliseconds(2), 64};
    EXPECT_EQ(room(t, write_class::kswapd, at(0)), 16U);
    EXPECT_EQ(room(t, write_class::others, at(0)), 8U);
    t.begin_read(at(1));
    EXPECT_EQ(room(t, write_class::others, at(1)), 4U);
    EXPECT_EQ(room(t, write_class::kswapd, at(1)), 16U);
}

TEST(write_throttle, reads_are_close_for_100_ms) {
    write_throttle t{milliseconds(2), 64};
    t.begin_read(at(0));
    t.end_read(at(0), at(1));
    EXPECT_EQ(room(t, write_class::others, at(100)), 4U);
    EXPECT_EQ(room(t, write_class::others, at(101)), 8U);
}

TEST(write_throttle, a_window_of_writes_alone_makes_it_deeper_up_to_three_quarters_of_the_queue) {
    write_throttle t{milliseconds(2), 64};
    EXPECT_EQ(room(t, write_class::kswapd, at(0)), 16U); // arms the window: 26 ticks
    EXPECT_EQ(room(t, write_class::kswapd, at(103)), 16U);
    EXPECT_EQ(room(t, write_class::kswapd, at(104)), 31U);
    EXPECT_EQ(room(t, write_class::kswapd, at(208)), 48U);
    EXPECT_EQ(room(t, write_class::others, at(208)), 24U);
    EXPECT_EQ(room(t, write_class::kswapd, at(312)), 48U);
}

TEST(write_throttle, reads_that_take_longer_than_the_target_make_it_less_deep) {
    write_throttle t{milliseconds(2), 64};
    for (std::uint64_t window = 0; window < 5; ++window) {
        for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(t.begin_write(write_class::kswapd, at(104 * window)));
            static_cast<void>(t.end_write(write_class::kswapd, at(104 * window)));
        }
        t.begin_read(at(104 * window));
        t.end_read(at(104 * window), at(104 * window + 3));
    }
    EXPECT_EQ(t.max_depth(), 1U);
    EXPECT_EQ(room(t, write_class::kswapd, at(420)), 1U);
}

TEST(write_throttle, one_fast_read_of_many_will_do) {
    write_throttle t{milliseconds(2), 64};
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(t.begin_write(write_class::kswapd, at(0)));
        static_cast<void>(t.end_write(write_class::kswapd, at(0)));
    }
    t.begin_read(at(1));
    t.end_read(at(1), at(9));
    t.begin_read(at(10));
    t.end_read(at(10), at(11));
    EXPECT_EQ(room(t, write_class::kswapd, at(104)), 31U);
}

TEST(write_throttle, a_read_that_hangs_counts_as_too_slow) {
    write_throttle t{milliseconds(2), 64};
    ASSERT_TRUE(t.begin_write(write_class::kswapd, at(0)));
    static_cast<void>(t.end_write(write_class::kswapd, at(0)));
    t.begin_read(at(50));
    EXPECT_EQ(room(t, write_class::kswapd, at(104)), 8U);
}

TEST(write_throttle, without_traffic_it_goes_back_to_the_middle_after_five_windows) {
    write_throttle t{milliseconds(2), 64};
    EXPECT_EQ(room(t, write_class::kswapd, at(0)), 16U);
    EXPECT_EQ(room(t, write_class::kswapd, at(104)), 31U);
    EXPECT_TRUE(t.may_begin(write_class::kswapd, at(104 + 104)));
    EXPECT_EQ(t.scale_step(), -2);
    EXPECT_TRUE(t.may_begin(write_class::kswapd, at(104 * 6)));
    EXPECT_EQ(t.scale_step(), -2);
    EXPECT_TRUE(t.may_begin(write_class::kswapd, at(104 * 7)));
    EXPECT_EQ(t.scale_step(), -1);
}

TEST(write_throttle, sleepers_wake_when_the_writes_are_a_good_deal_below_the_normal_depth) {
    write_throttle t{milliseconds(2), 64};
    for (int i = 0; i < 16; ++i) ASSERT_TRUE(t.begin_write(write_class::kswapd, at(0)));
    for (int left = 15; left >= 7; --left) EXPECT_FALSE(t.end_write(write_class::kswapd, at(0))) << left;
    EXPECT_TRUE(t.end_write(write_class::kswapd, at(0))) << "6 of 8: a gap of half the background depth";
}

TEST(write_throttle, does_nothing_without_a_target) {
    write_throttle t{{}, 64};
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(t.begin_write(write_class::others, at(0)));
}

} // namespace
} // namespace pagesim
