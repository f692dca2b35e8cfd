// SPDX-License-Identifier: MIT
#include <pagesim/sim/block_device.hpp>
#include <pagesim/sim/event_queue.hpp>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace pagesim {
namespace {

class recorder final : public event_target {
public:
    void on_event(sim_time due, std::uint64_t arg) override { seen.emplace_back(due.ns, arg); }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
};

TEST(event_queue, orders_by_time_then_phase_then_sequence) {
    event_queue q;
    recorder r;
    q.schedule(sim_time{20}, event_phase::io_completion, r, 5);
    q.schedule(sim_time{10}, event_phase::sample, r, 4);
    q.schedule(sim_time{10}, event_phase::timer, r, 1);
    q.schedule(sim_time{10}, event_phase::timer, r, 2);
    q.schedule(sim_time{10}, event_phase::tick, r, 3);
    q.schedule(sim_time{10}, event_phase::io_completion, r, 0);
    while (q.run_one(never)) {}
    for (std::uint64_t i = 0; i < 6; ++i) EXPECT_EQ(r.seen[i].second, i);
}

TEST(event_queue, dispatches_nothing_before_its_time) {
    event_queue q;
    recorder r;
    EXPECT_EQ(q.next_time(), never);
    q.schedule(sim_time{10}, event_phase::timer, r);
    EXPECT_FALSE(q.run_one(sim_time{9}));
    EXPECT_EQ(q.next_time(), sim_time{10});
    EXPECT_TRUE(q.run_one(sim_time{10}));
    EXPECT_TRUE(q.empty());
}

TEST(event_queue, many_events_come_out_sorted) {
    event_queue q;
    recorder r;
    std::uint64_t x = 1;
    for (int i = 0; i < 1000; ++i) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        q.schedule(sim_time{x >> 40U}, event_phase::timer, r);
    }
    while (q.run_one(never)) {}
    ASSERT_EQ(r.seen.size(), 1000U);
    EXPECT_TRUE(std::is_sorted(r.seen.begin(), r.seen.end()));
}

using event_queue_death = ::testing::Test;

TEST(event_queue_death, an_event_in_the_past_is_a_mistake) {
    event_queue q;
    recorder r;
    q.schedule(sim_time{10}, event_phase::timer, r);
    q.run_one(never);
    EXPECT_DEATH(q.schedule(sim_time{9}, event_phase::timer, r), "assertion failed");
}

TEST(flash_device, answers_after_its_latency) {
    flash_device d{{.latency = microseconds(100)}};
    EXPECT_EQ(d.submit(sim_time{5}, io_direction::read, page_count{1}).ns, 100'005U);
    EXPECT_EQ(d.submit(sim_time{5}, io_direction::write, page_count{31}).ns, 100'005U)
        << "unlimited bandwidth";
}

TEST(flash_device, a_request_beyond_the_queue_depth_waits_for_a_tag) {
    flash_device d{{.latency = microseconds(100), .queue_depth = 2}};
    EXPECT_EQ(d.submit(sim_time{0}, io_direction::read, page_count{1}).ns, 100'000U);
    EXPECT_EQ(d.submit(sim_time{10}, io_direction::read, page_count{1}).ns, 100'010U);
    EXPECT_EQ(d.submit(sim_time{20}, io_direction::read, page_count{1}).ns, 200'000U);
    EXPECT_EQ(d.submit(sim_time{500'000}, io_direction::read, page_count{1}).ns, 600'000U);
}

TEST(flash_device, transfers_use_the_channel_one_after_the_other) {
    flash_device d{{.latency = microseconds(100), .bytes_per_second = 4'096'000'000}}; // 1 us a page
    EXPECT_EQ(d.submit(sim_time{0}, io_direction::write, page_count{10}).ns, 110'000U);
    EXPECT_EQ(d.submit(sim_time{0}, io_direction::write, page_count{10}).ns, 120'000U);
    EXPECT_EQ(d.submit(sim_time{50'000}, io_direction::write, page_count{1}).ns, 151'000U);
}

} // namespace
} // namespace pagesim
