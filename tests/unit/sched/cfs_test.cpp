// SPDX-License-Identifier: MIT
#include <pagesim/sched/cfs.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace pagesim {
namespace {

constexpr sim_duration tick_length = milliseconds(4);

class cfs : public ::testing::Test {
protected:
    void start_both() {
        queue.start(a);
        queue.start(b);
        queue.pick_next();
    }
    // The current task runs through one tick; true if somebody else runs then.
    bool tick_switches() {
        const sched_entity* before = queue.current();
        queue.charge(tick_length);
        queue.tick();
        if (queue.need_resched()) queue.pick_next();
        return queue.current() != before;
    }

    cfs_run_queue queue;
    sched_entity a{0};
    sched_entity b{1};
};

TEST_F(cfs, idle_takes_whoever_wakes) {
    queue.wake(a);
    EXPECT_TRUE(queue.need_resched());
    EXPECT_EQ(queue.pick_next(), &a);
    EXPECT_FALSE(queue.need_resched());
}

TEST_F(cfs, equal_tasks_alternate_every_tick) {
    start_both();
    EXPECT_EQ(queue.current(), &a) << "ties go to the smaller id";
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(tick_switches());
}

TEST_F(cfs, a_task_started_in_mid_tick_runs_on_through_the_first_tick) {
    start_both();
    queue.charge(milliseconds(2)); // 2 ms before the tick
    queue.tick();
    EXPECT_FALSE(queue.need_resched()) << "less than a slice of 3 ms";
    queue.charge(tick_length);
    queue.tick();
    EXPECT_TRUE(queue.need_resched());
}

TEST_F(cfs, a_task_that_slept_long_preempts_at_once) {
    queue.start(a);
    queue.pick_next();
    queue.charge(milliseconds(50));
    queue.wake(b);
    EXPECT_EQ(b.vruntime(), queue.min_vruntime() - 3'000'000);
    EXPECT_TRUE(queue.need_resched());
    EXPECT_EQ(queue.pick_next(), &b);
}

TEST_F(cfs, a_task_that_slept_briefly_keeps_its_place_and_waits) {
    start_both();
    queue.charge(milliseconds(4));
    queue.tick();
    ASSERT_EQ(queue.pick_next(), &b);
    queue.charge(microseconds(3900));
    queue.sleep_current();
    queue.pick_next();
    queue.charge(microseconds(500));
    queue.wake(b);
    EXPECT_EQ(b.vruntime(), 3'900'000) << "no credit";
    EXPECT_FALSE(queue.need_resched()) << "0.6 ms behind";
}

TEST_F(cfs, exactly_one_millisecond_behind_is_not_enough) {
    queue.start(a);
    queue.pick_next();
    queue.charge(milliseconds(1));
    sched_entity c{2};
    queue.start(c);
    queue.charge(milliseconds(1));
    queue.wake(b);
    EXPECT_TRUE(queue.need_resched());
    EXPECT_EQ(queue.pick_next(), &b);
}

TEST_F(cfs, a_wake_up_that_finds_need_resched_set_makes_no_buddy) {
    start_both();
    queue.charge(milliseconds(4));
    queue.pick_next();
    queue.charge(milliseconds(8));
    queue.tick();
    ASSERT_TRUE(queue.need_resched());
    sched_entity c{2};
    queue.wake(c);
    EXPECT_EQ(c.vruntime(), 1'000'000) << "min_vruntime of 4 ms less the credit";
    EXPECT_EQ(queue.pick_next(), &c) << "the smallest v";
}

TEST_F(cfs, need_resched_is_only_a_new_choice) {
    start_both();
    queue.charge(tick_length);
    queue.tick();
    queue.pick_next();
    queue.charge(microseconds(3100));
    queue.tick();
    EXPECT_TRUE(queue.need_resched()) << "ran longer than its slice";
    EXPECT_EQ(queue.pick_next(), &b) << "but is still the one that has had least";
}

TEST_F(cfs, min_vruntime_never_goes_back) {
    start_both();
    queue.charge(milliseconds(10));
    queue.pick_next();
    queue.charge(milliseconds(10));
    const std::int64_t before = queue.min_vruntime();
    sched_entity c{2};
    queue.wake(c);
    queue.pick_next();
    queue.charge(nanoseconds(1));
    EXPECT_GE(queue.min_vruntime(), before);
}

TEST_F(cfs, with_more_than_eight_tasks_the_slice_is_the_granularity) {
    std::vector<std::unique_ptr<sched_entity>> many;
    for (std::uint32_t i = 10; i < 19; ++i) {
        many.push_back(std::make_unique<sched_entity>(i));
        queue.start(*many.back());
    }
    queue.pick_next();
    queue.charge(microseconds(751));
    queue.tick();
    EXPECT_TRUE(queue.need_resched());
}

TEST_F(cfs, counts_running_and_waiting) {
    start_both();
    EXPECT_EQ(queue.nr_running(), 2U);
    queue.sleep_current();
    EXPECT_EQ(queue.nr_running(), 1U);
    EXPECT_EQ(queue.current(), nullptr);
}

} // namespace
} // namespace pagesim
