// SPDX-License-Identifier: MIT
#include <pagesim/cache/balance_dirty_pages.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::small_machine;

// Limits in bytes, so that they do not move: 40 pages in the background, 80 at most, free running up to 60.
constexpr dirty_config small_limits{.bytes = 80 * page_size, .background_bytes = 40 * page_size};

std::unique_ptr<small_machine> slow_machine(const kernel_profile& profile = linux_6_1) {
    return a_machine()
        .with_profile(profile)
        .with_files_on(file_device::flash)
        .with_dirty(small_limits)
        .with_memory(4096)
        .build();
}

TEST(balance_dirty_pages, a_task_looks_at_the_limits_every_32_pages_at_first) {
    auto m = slow_machine();
    dirty_files d{*m};
    mapping& f = d.create("f", 1000);
    dirty_balance_cursor c;
    d.dirty(f, 0, 15);
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).done());
    EXPECT_EQ(d.task.nr_dirtied, 15U) << "it did not look";
    d.dirty(f, 15, 17);
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).done());
    EXPECT_EQ(d.task.nr_dirtied, 0U);
    EXPECT_EQ(d.task.nr_dirtied_pause, 4U) << "48 pages of room: 2^(5 / 2)";
    EXPECT_FALSE(m->parts.bdi.begin_run()) << "32 are not more than the background threshold";
}

TEST(balance_dirty_pages, many_small_writers_together_make_one_look) {
    auto m = slow_machine();
    dirty_files d{*m};
    mapping& f = d.create("f", 1000);
    ASSERT_EQ(m->parts.bdi.ratelimit_pages(), 16U) << "80 / 32, but not below 16";
    d.dirty(f, 0, 15);
    task_dirty other{.nr_dirtied = 1};
    dirty_balance_cursor c;
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, other, c).done());
    EXPECT_EQ(other.nr_dirtied, 1U);
    d.dirty(f, 15);
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, other, c).done());
    EXPECT_EQ(other.nr_dirtied, 0U) << "the 16th page of this CPU";
    EXPECT_EQ(m->parts.bdi.dirtied_since_check, 0U);
}

TEST(balance_dirty_pages, above_the_background_threshold_the_flusher_is_started) {
    for (const kernel_profile& profile : {linux_6_1, linux_5_8}) {
        auto m = slow_machine(profile);
        dirty_files d{*m};
        d.dirty(d.create("f", 1000), 0, 41);
        dirty_balance_cursor c;
        EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).done()) << "nobody waits yet";
        EXPECT_TRUE(m->parts.bdi.begin_run()) << profile.name;
    }
}

TEST(balance_dirty_pages, between_freerun_and_the_limit_a_writer_is_paced) {
    auto m = slow_machine();
    dirty_files d{*m};
    d.warm_up(30);
    m->complete_io();
    d.dirty(d.create("f", 1000), 0, 70);
    dirty_balance_cursor c;
    d.task.nr_dirtied = 70;
    const step_result r = balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c);
    // 70 pages: the setpoint, so about the rate of 25600 a second: 250 * 70 / 25600 is no jiffy.
    EXPECT_TRUE(r.done()) << "too short a pause is owed";
    EXPECT_EQ(d.task.nr_dirtied_pause, 102U) << "and made with the pages to come";
}

TEST(balance_dirty_pages, at_the_limit_a_writer_waits_until_pages_were_written) {
    auto m = slow_machine();
    dirty_files d{*m};
    d.warm_up(30);
    m->complete_io();
    mapping& f = d.create("f", 1000);
    d.dirty(f, 0, 90);
    dirty_balance_cursor c;
    step_result r = balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c);
    ASSERT_EQ(r.kind, step_kind::sleep);
    EXPECT_EQ(r.channel.reason, wait_reason::dirty_pause);
    EXPECT_TRUE(m->parts.bdi.dirty_exceeded);
    const auto longest = static_cast<std::uint64_t>(pauses_for(m->parts.bdi.estimate(), 90, 0).max);
    EXPECT_EQ(r.until, timeout_in_jiffies(m->parts.clock.now(), longest));
    m->parts.clock.advance_to(r.until);
    r = balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c);
    EXPECT_EQ(r.kind, step_kind::sleep) << "nobody wrote anything: again";
    d.run_for(milliseconds(10));
    EXPECT_LE(d.nr_dirty(), 40U);
    r = balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c);
    EXPECT_TRUE(r.done());
    EXPECT_EQ(d.task.nr_dirtied, 0U);
}

TEST(balance_dirty_pages, who_is_killed_waits_no_longer) {
    auto m = slow_machine();
    dirty_files d{*m};
    d.warm_up(30);
    m->complete_io();
    d.dirty(d.create("f", 1000), 0, 90);
    dirty_balance_cursor c;
    const step_result r = balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c);
    ASSERT_EQ(r.kind, step_kind::sleep);
    EXPECT_EQ(r.state, sleep_state::killable);
    task_signals killed{.sigkill = true};
    m->parts.cpu.current = &killed;
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).done());
    m->parts.cpu.current = nullptr;
}

TEST(balance_dirty_pages, beyond_the_limit_every_eighth_page_looks) {
    auto m = slow_machine();
    dirty_files d{*m};
    mapping& f = d.create("f", 1000);
    d.dirty(f, 0, 90);
    d.task = {};
    m->parts.bdi.dirtied_since_check = 0;
    m->parts.bdi.dirty_exceeded = true;
    dirty_balance_cursor c;
    d.task.nr_dirtied = 7;
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).done());
    d.task.nr_dirtied = 8;
    EXPECT_EQ(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).kind, step_kind::sleep);
}

TEST(balance_dirty_pages, the_exceeded_mark_goes_with_the_first_free_runner_only_in_5_8) {
    for (const kernel_profile& profile : {linux_6_1, linux_5_8}) {
        auto m = slow_machine(profile);
        dirty_files d{*m};
        m->parts.bdi.dirty_exceeded = true;
        d.dirty(d.create("f", 1000), 0, 8);
        dirty_balance_cursor c;
        EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, d.task, c).done());
        EXPECT_EQ(m->parts.bdi.dirty_exceeded, profile.name == linux_6_1.name);
    }
}

TEST(balance_dirty_pages, what_a_task_leaves_behind_others_account_for) {
    auto m = slow_machine();
    task_dirty gone{.nr_dirtied = 30};
    dirty_pages_of_exiting(m->parts.bdi, gone);
    task_dirty other{.nr_dirtied = 2};
    dirty_balance_cursor c;
    EXPECT_TRUE(balance_dirty_pages_ratelimited(m->parts.bdi, other, c).done());
    EXPECT_EQ(other.nr_dirtied, 0U) << "2 and 30: it looked";
    EXPECT_EQ(m->parts.bdi.throttle_leaks, 0U);
}

} // namespace
} // namespace pagesim
