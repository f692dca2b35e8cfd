// SPDX-License-Identifier: MIT
// Badness and choice over plain values, and the reaper by hand.
#include <pagesim/machine/oom_killer.hpp>
#include <pagesim/machine/oom_reaper.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using state = oom_candidate::state;
using verdict = oom_choice::verdict;
using testing::a_machine;

constexpr page_count million{1'000'000};
constexpr oom_score newer = oom_score::may_be_negative;

oom_candidate candidate(std::uint32_t pid, std::uint64_t rss, int adj = 0) {
    return {.pid = pid, .name = "p", .oom_score_adj = adj, .anon_rss = rss};
}

TEST(oom_badness, adds_resident_pages_swap_entries_and_page_tables) {
    oom_candidate p = candidate(1, 100);
    p.file_rss = 20;
    p.shmem_rss = 3;
    p.swap_entries = 4000;
    p.table_pages = 50'000;
    EXPECT_EQ(oom_badness(p, million, newer), 54'123);
}

TEST(oom_badness, an_adj_of_500_adds_half_of_memory_and_swap) {
    EXPECT_EQ(oom_badness(candidate(1, 7, 500), million, newer), 500'007);
    EXPECT_EQ(oom_badness(candidate(1, 7, 500), page_count{1'999}, newer), 507)
        << "thousands are cut off first";
}

TEST(oom_badness, may_be_negative_but_was_at_least_one_before_5_9) {
    EXPECT_EQ(oom_badness(candidate(1, 7, -500), million, newer), -499'993);
    EXPECT_EQ(oom_badness(candidate(1, 7, -500), million, oom_score::at_least_one), 1);
}

TEST(oom_badness, spares_who_is_exempt_has_no_memory_or_was_reaped) {
    EXPECT_EQ(oom_badness(candidate(1, 7, -1000), million, newer), std::nullopt);
    oom_candidate p = candidate(1, 7);
    p.has_mm = false;
    EXPECT_EQ(oom_badness(p, million, newer), std::nullopt);
    p = candidate(1, 7);
    p.is = state::reaped;
    EXPECT_EQ(oom_badness(p, million, newer), std::nullopt);
}

TEST(select_bad_process, takes_the_worst_and_of_equal_ones_the_later) {
    const std::vector<oom_candidate> all{candidate(1, 10), candidate(2, 30), candidate(3, 30),
                                         candidate(4, 20)};
    const oom_choice c = select_bad_process(all, million, newer);
    EXPECT_EQ(c.what, verdict::process);
    EXPECT_EQ(all[c.index].pid, 3U);
    EXPECT_EQ(c.points, 30);
}

TEST(select_bad_process, counts_what_is_in_swap) {
    std::vector<oom_candidate> all{candidate(1, 10), candidate(2, 30)};
    all[0].swap_entries = 21;
    EXPECT_EQ(select_bad_process(all, million, newer).index, 0U);
}

TEST(select_bad_process, before_5_9_makes_all_below_one_equal) {
    const std::vector<oom_candidate> all{candidate(1, 500, -300), candidate(2, 10, -300)};
    EXPECT_EQ(select_bad_process(all, million, newer).index, 0U);
    EXPECT_EQ(select_bad_process(all, million, oom_score::at_least_one).index, 1U) << "the later";
}

TEST(select_bad_process, waits_for_a_victim_that_is_not_yet_gone) {
    std::vector<oom_candidate> all{candidate(1, 10), candidate(2, 30)};
    all[0].is = state::victim;
    EXPECT_EQ(select_bad_process(all, million, newer).what, verdict::wait_for_victim);
    all[0].has_mm = false;
    EXPECT_EQ(select_bad_process(all, million, newer).what, verdict::wait_for_victim) << "it exits";
    all[0].is = state::dead_victim;
    EXPECT_EQ(select_bad_process(all, million, newer).index, 1U);
}

TEST(select_bad_process, finds_nobody_among_the_spared) {
    const std::vector<oom_candidate> all{candidate(1, 10, -1000)};
    EXPECT_EQ(select_bad_process(all, million, newer).what, verdict::nobody);
    EXPECT_EQ(select_bad_process({}, million, newer).what, verdict::nobody);
}

// A reaper and one dying address space with pages 0 to 9 and a report of its death.
struct reaping {
    explicit reaping(const kernel_profile& p) : m{a_machine().with_profile(p).build()}, reports(1) {
        for (std::uint64_t n = 0; n < 10; ++n) m->written(n);
        reports[0].victim = oom_candidate{.pid = 1001, .name = "v"};
    }
    std::unique_ptr<testing::small_machine> m;
    std::vector<oom_report> reports;
    oom_reaper_task reaper{7, m->parts, reports};

    step_result until_it_sleeps() {
        step_result r = step_again;
        while (r.kind == step_kind::again) r = reaper.step();
        return r;
    }
};

TEST(oom_reaper, of_5_8_comes_at_once) {
    reaping r{linux_5_8};
    r.reaper.queue(*r.m->space, 0);
    EXPECT_EQ(r.m->waker.last.reason, wait_reason::oom_reaper_work);
    EXPECT_EQ(r.until_it_sleeps().until, never);
    EXPECT_EQ(r.m->space->anon_pages, 0U);
    EXPECT_TRUE(r.m->space->flags.has(mm_flag::oom_skip));
    ASSERT_TRUE(r.reports[0].reaper.has_value());
    EXPECT_TRUE(r.reports[0].reaper->reaped);
    r.m->check();
}

TEST(oom_reaper, of_later_kernels_leaves_two_seconds) {
    for (const kernel_profile* p : {&linux_5_10, &linux_6_1}) {
        reaping r{*p};
        r.reaper.queue(*r.m->space, 0);
        EXPECT_EQ(r.until_it_sleeps().until, never);
        EXPECT_EQ(r.m->space->anon_pages, 10U) << "nothing yet";
        EXPECT_EQ(r.m->parts.events.next_time(), timeout_in_jiffies(sim_time{}, 500));
        r.m->complete_io();
        EXPECT_EQ(r.m->waker.last.reason, wait_reason::oom_reaper_work);
        static_cast<void>(r.until_it_sleeps());
        EXPECT_EQ(r.m->space->anon_pages, 0U);
    }
}

TEST(oom_reaper, does_not_come_for_who_has_died_meanwhile) {
    reaping r{linux_6_1};
    r.reaper.queue(*r.m->space, 0);
    exit_cursor c;
    while (!exit_mmap(r.m->parts.fc, *r.m->space, c).done()) {}
    EXPECT_TRUE(r.m->space->flags.has(mm_flag::oom_skip));
    r.m->waker.last = {};
    r.m->complete_io();
    EXPECT_EQ(r.m->waker.last.reason, wait_reason::none);
    EXPECT_FALSE(r.reports[0].reaper.has_value());
}

TEST(oom_reaper, tries_ten_times_while_the_owner_changes_its_ranges_and_gives_up) {
    reaping r{linux_5_8};
    r.m->space->lock = mmap_lock::written;
    r.reaper.queue(*r.m->space, 0);
    for (int i = 0; i < 10; ++i) {
        const step_result s = r.reaper.step();
        ASSERT_EQ(s.kind, step_kind::sleep);
        EXPECT_EQ(s.until, timeout_in_jiffies(r.m->parts.clock.now(), 25));
        r.m->parts.clock.advance_to(s.until);
    }
    EXPECT_FALSE(r.m->space->flags.has(mm_flag::oom_skip));
    EXPECT_EQ(r.until_it_sleeps().until, never);
    EXPECT_TRUE(r.m->space->flags.has(mm_flag::oom_skip)) << "somebody else must die";
    EXPECT_EQ(r.m->space->anon_pages, 10U);
    ASSERT_TRUE(r.reports[0].reaper.has_value());
    EXPECT_FALSE(r.reports[0].reaper->reaped);
}

TEST(oom_reaper, comes_in_when_the_lock_is_free_again) {
    reaping r{linux_5_8};
    r.m->space->lock = mmap_lock::written;
    r.reaper.queue(*r.m->space, 0);
    EXPECT_EQ(r.reaper.step().kind, step_kind::sleep);
    r.m->space->lock = mmap_lock::free;
    static_cast<void>(r.until_it_sleeps());
    EXPECT_EQ(r.m->space->anon_pages, 0U);
    EXPECT_TRUE(r.reports[0].reaper->reaped);
}

TEST(oom_reaper, is_asked_once_for_an_address_space) {
    reaping r{linux_6_1};
    r.reaper.queue(*r.m->space, 0);
    r.reaper.queue(*r.m->space, std::nullopt);
    EXPECT_EQ(r.m->parts.events.size(), 1U);
}

} // namespace
} // namespace pagesim
