// SPDX-License-Identifier: MIT
// Several processes on one machine, and what ends them: one sentence each.
#include <support/many_processes.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace pagesim {
namespace {

using namespace testing;

TEST(kill, ends_a_sleep) {
    script s;
    s.anon("a", base, 10).access(stores(10)).sleep(milliseconds(1'000'000));
    machine m{without_swap()};
    m.start(s);
    ASSERT_TRUE(run_until(m, [&] { return m.workload().asleep; }));
    m.kill(m.workload());
    m.run();
    EXPECT_LT(m.now() - sim_time{}, milliseconds(1));
    EXPECT_EQ(m.workload().outcome(), run_outcome::killed);
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 0U);
    EXPECT_EQ(m.stat()[vm_item::oom_kill], 0U) << "not the OOM killer's doing";
    m.check_consistency();
}

TEST(kill, ends_the_wait_of_a_throttled_reclaimer) {
    script s;
    writes(s, 900);
    machine_config c = with_swap(2000);
    c.swap.flash.latency = milliseconds(20'000);
    machine m{c};
    m.start(s);
    ASSERT_TRUE(run_until(m, [&] { return m.workload().accesses() > 500; }));
    while (get_page_from_freelist(m.parts().home, gfp::kernel, page_order{0}, alloc_mark::none).frame) {}
    const auto throttled = [&] {
        return m.workload().asleep && m.workload().waits_for.reason == wait_reason::pfmemalloc;
    };
    ASSERT_TRUE(run_until(m, throttled));
    m.kill(m.workload());
    EXPECT_FALSE(m.workload().asleep);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::killed);
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 0U);
}

TEST(kill, ends_the_wait_for_a_page_that_is_read_with_others) {
    script s;
    writes_slowly_twice(s, 1150);
    machine_config c = with_swap(2000);
    c.swap.flash.latency = milliseconds(20'000);
    machine m{c};
    m.start(s);
    ASSERT_TRUE(run_until(m, [&] {
        return m.workload().asleep && m.workload().waits_for.reason == wait_reason::page_unlocked &&
               m.workload().sleep_ends == sleep_state::killable;
    }));
    const sim_time before = m.now();
    const std::uint64_t faults = m.stat()[vm_item::pgfault];
    m.kill(m.workload());
    m.run();
    EXPECT_EQ(m.stat()[vm_item::pgfault], faults) << "the fault is not tried again";
    EXPECT_EQ(m.workload().outcome(), run_outcome::killed);
    EXPECT_LT(m.now() - before, milliseconds(100)) << "it does not wait for the device";
    EXPECT_EQ(m.workload().space().swap_entries, 0U);
    m.check_consistency();
}

TEST(kill, ends_mlock_between_two_pages) {
    script s;
    s.anon("a", base, 800).mlock("a", base, 800);
    machine m{without_swap()};
    m.start(s);
    ASSERT_TRUE(run_until(m, [&] { return m.workload().space().anon_pages == 100; }));
    m.kill(m.workload());
    ASSERT_TRUE(run_until(m, [&] { return m.workload().exiting(); }));
    EXPECT_LE(m.workload().space().anon_pages, 101U);
    m.run();
    m.parts().batches.lru_add_drain();
    EXPECT_EQ(m.stat()[vm_item::nr_mlock], 0U);
}

TEST(kill, means_nothing_to_who_has_ended) {
    script s;
    writes(s, 10);
    machine m{without_swap()};
    m.start(s);
    m.run();
    m.kill(m.workload());
    EXPECT_EQ(m.workload().outcome(), run_outcome::finished);
}

TEST(processes, that_come_to_their_end_exit_but_the_last_is_left_as_it_stands) {
    script a;
    writes(a, 200);
    script b;
    writes(b, 300, 100);
    machine m{without_swap()};
    m.start(a);
    m.add_process(b, {});
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::finished);
    EXPECT_TRUE(m.workload().gone());
    EXPECT_EQ(m.workload().space().rss(), 0U);
    EXPECT_EQ(second(m).space().rss(), 300U);
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 300U);
    m.check_consistency();
}

TEST(processes, with_the_same_addresses_see_their_own_pages) {
    script a;
    writes(a, 400, 20);
    script b;
    writes(b, 400, 20);
    machine m{with_swap(4000, swap_device::zram)};
    m.start(a);
    m.add_process(b, {});
    for (unsigned turn = 0; m.step(); ++turn) {
        if (turn % 512 == 0) m.check_consistency();
    }
    EXPECT_EQ(m.stat()[vm_item::pgfault], 800U) << "each touches each of its pages";
    EXPECT_NE(raw(m.workload().space().id()), raw(second(m).space().id()));
    m.check_consistency();
}

TEST(processes, share_the_cpu_evenly) {
    script a;
    writes(a, 10, 20'000);
    script b;
    writes(b, 10, 20'000);
    machine m{without_swap()};
    m.start(a);
    m.add_process(b, {});
    ASSERT_TRUE(run_until(m, [&] { return m.workload().finished() || second(m).finished(); }));
    const auto behind = static_cast<double>(std::min(m.workload().accesses(), second(m).accesses()));
    EXPECT_GT(behind, 0.8 * 200'000);
    expect_time_adds_up(m);
}

TEST(processes, may_come_while_the_machine_runs_and_after_it_came_to_rest) {
    script a;
    writes(a, 100);
    script b;
    writes(b, 100);
    script c;
    writes(c, 100);
    machine m{without_swap()};
    m.start(a);
    ASSERT_TRUE(run_until(m, [&] { return m.workload().accesses() > 50; }));
    m.add_process(b, {});
    m.run();
    EXPECT_EQ(second(m).accesses(), 100U);
    const workload_task& third = m.add_process(c, {});
    m.run();
    EXPECT_EQ(third.accesses(), 100U);
    EXPECT_EQ(third.pid(), 1003U);
    m.check_consistency();
}

TEST(processes, give_the_same_fingerprint_again) {
    const auto run = [] {
        script a;
        writes(a, 900, 2);
        script b;
        writes(b, 700, 3);
        script c;
        writes(c, 500, 4);
        machine m{with_swap(500)};
        m.start(a);
        m.add_process(b, {});
        m.add_process(c, {});
        m.run();
        return m.fingerprint_value();
    };
    EXPECT_EQ(run(), run());
}

TEST(processes, one_accesses_what_is_in_no_range_and_the_other_runs_on) {
    script bad;
    bad.anon("a", base, 10).access(stores(11));
    script good;
    writes(good, 100, 50);
    machine m{without_swap()};
    m.start(bad, {}, {.name = "bad"});
    m.add_process(good, {.name = "good"});
    m.run();
    EXPECT_EQ(describe_outcome(m.workload()),
              "segmentation fault: bad (pid 1001) accessed page 0x1000a, which is in no range");
    EXPECT_EQ(describe_outcome(second(m)), "good (pid 1002) ran to its end");
    EXPECT_EQ(outcome_of(m), run_outcome::segv_map_error);
}

TEST(processes, with_impossible_options_are_refused) {
    script s;
    machine m{without_swap()};
    m.start(s);
    EXPECT_THROW(m.add_process(s, {.oom_score_adj = 1001}), std::invalid_argument);
    EXPECT_THROW(m.add_process(s, {.pid = 1001}), std::invalid_argument);
    EXPECT_EQ(m.processes().size(), 1U);
}

} // namespace
} // namespace pagesim
