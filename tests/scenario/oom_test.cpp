// SPDX-License-Identifier: MIT
// Several processes, and who dies when memory runs out: one sentence each.
#include <support/golden.hpp>
#include <support/many_processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using namespace testing;

class dying : public ::testing::TestWithParam<const kernel_profile*> {};

TEST_P(dying, the_fattest_process_is_killed_and_the_other_runs_on) {
    script fat;
    writes(fat, 1200);
    script thin;
    writes(thin, 300, 200);
    machine m{without_swap(*GetParam())};
    m.start(fat, {}, {.name = "fat"});
    m.add_process(thin, {.name = "thin"});
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::oom_killed);
    EXPECT_EQ(second(m).outcome(), run_outcome::finished);
    EXPECT_EQ(second(m).accesses(), 60'000U);
    EXPECT_EQ(m.stat()[vm_item::oom_kill], 1U);
    EXPECT_EQ(m.workload().space().rss() + m.workload().space().table_pages(), 0U);
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 300U) << "what the survivor has";
    m.check_consistency();
    expect_time_adds_up(m);
}

TEST_P(dying, oom_score_adj_chooses_another_one) {
    script fat;
    writes(fat, 1200);
    script thin;
    writes(thin, 300, 200);
    machine m{without_swap(*GetParam())};
    m.start(thin, {}, {.name = "thin", .oom_score_adj = 1000});
    m.add_process(fat, {.name = "fat"});
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::oom_killed);
    ASSERT_EQ(m.oom_reports().size(), 2U) << "that was not enough";
    EXPECT_EQ(m.oom_reports()[0].victim->name, "thin");
    EXPECT_EQ(m.oom_reports()[1].victim->name, "fat");
}

TEST_P(dying, everything_locked_and_no_swap_is_given_back_all_the_same) {
    script s;
    s.anon("a", base, 1200).mlock("a", base, 1200).access(stores(10));
    machine m{without_swap(*GetParam())};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::oom_killed);
    m.parts().batches.lru_add_drain(); // the last pages wait in a batch
    EXPECT_EQ(m.stat()[vm_item::nr_mlock] + m.stat()[vm_item::nr_unevictable], 0U);
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 0U);
    EXPECT_EQ(m.workload().accesses(), 0U) << "mlock never returned";
    m.check_consistency();
}

TEST_P(dying, nobody_to_kill_is_a_panic) {
    script s;
    writes(s, 1200);
    script idle;
    idle.sleep(milliseconds(100));
    machine m{without_swap(*GetParam())};
    m.start(s, {}, {.oom_score_adj = oom_score_adj_min});
    m.add_process(idle, {.name = "idle", .oom_score_adj = oom_score_adj_min});
    m.run();
    EXPECT_TRUE(m.panicked());
    EXPECT_EQ(m.workload().outcome(), run_outcome::panicked);
    EXPECT_EQ(second(m).outcome(), run_outcome::panicked);
    EXPECT_EQ(m.stat()[vm_item::oom_kill], 0U);
    EXPECT_NE(format_oom_report(m.oom_reports().at(0)).find("no killable processes"), std::string::npos);
    EXPECT_FALSE(m.step());
    m.check_consistency();
}

TEST_P(dying, a_victim_that_waits_for_its_device_is_reaped_and_the_other_goes_on) {
    script slow;
    writes_slowly_twice(slow, 1150);
    script quick;
    writes(quick, 500);
    machine_config c = with_swap(2000);
    c.profile = *GetParam();
    c.reclaim.page_cluster = 0; // a single page is waited for in place, and no signal ends that
    c.swap.flash.latency = milliseconds(20'000);
    machine m{c};
    m.start(slow, {}, {.name = "slow"});
    ASSERT_TRUE(run_until(m, [&] {
        const workload_task& p = m.workload();
        return p.asleep && p.waits_for.reason == wait_reason::page_unlocked &&
               p.sleep_ends == sleep_state::uninterruptible;
    }));
    while (m.parts().swap.alloc_slot()) {} // somebody else's: from now on nothing can be swapped out
    m.add_process(quick, {.name = "quick"});
    ASSERT_TRUE(run_until(m, [&] { return second(m).accesses() == 500; }));
    EXPECT_EQ(m.workload().outcome(), run_outcome::running) << "it still waits";
    EXPECT_EQ(m.stat()[vm_item::oom_kill], 1U) << "nobody else is killed meanwhile";
    ASSERT_EQ(m.oom_reports().size(), 1U);
    const oom_report& death = m.oom_reports()[0];
    ASSERT_TRUE(death.reaper.has_value());
    EXPECT_TRUE(death.reaper->reaped);
    const bool at_once = GetParam()->oom_reaper == reaper_start::at_once;
    const sim_duration took = death.reaper->time - death.time;
    EXPECT_GE(took, at_once ? sim_duration{} : milliseconds(2000));
    EXPECT_LT(took, at_once ? milliseconds(20) : milliseconds(2020));
    m.check_consistency();
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::oom_killed);
    EXPECT_EQ(second(m).outcome(), run_outcome::finished);
    m.check_consistency();
}

INSTANTIATE_TEST_SUITE_P(kernels, dying, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         [](const auto& i) {
                             std::string name{i.param->name};
                             name[1] = '_';
                             return name;
                         });

TEST(oom, the_victim_dies_after_its_fault_and_not_in_it) {
    script s;
    writes(s, 1200);
    machine m{without_swap()};
    m.start(s);
    ASSERT_TRUE(run_until(m, [&] { return m.stat()[vm_item::oom_kill] == 1; }));
    const std::uint64_t pages = m.workload().space().anon_pages;
    ASSERT_TRUE(run_until(m, [&] { return m.workload().exiting(); }));
    EXPECT_EQ(m.workload().space().anon_pages, pages + 1) << "the reserve let it finish";
    EXPECT_EQ(m.workload().ending().oom, 0U);
}

// The log of a small disaster, for each kernel's layout.
TEST(oom_report, reads_like_the_kernels_log) {
    for (const auto& [profile, name] :
         {std::pair{&linux_5_8, "5.8"}, {&linux_5_10, "5.10"}, {&linux_6_1, "6.1"}}) {
        script fat;
        writes(fat, 1600);
        script thin;
        writes(thin, 200, 300);
        machine_config c = with_swap(256, swap_device::zram);
        c.profile = *profile;
        machine m{c};
        m.start(fat, {}, {.name = "compile-a-kernel"});
        m.add_process(thin, {.name = "thin", .oom_score_adj = -17, .pid = 77});
        m.run();
        ASSERT_EQ(m.oom_reports().size(), 1U);
        expect_golden(format_oom_report(m.oom_reports()[0]), "oom_report_" + std::string{name} + ".txt");
    }
}

} // namespace
} // namespace pagesim
