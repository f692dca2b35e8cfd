// SPDX-License-Identifier: MIT
// Several processes, and who dies when memory runs out: one sentence each.
#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <support/script.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace pagesim {
namespace {

using testing::script;

constexpr std::uint64_t base = 0x10000;

std::vector<access_record> stores(std::uint64_t pages, unsigned rounds = 1) {
    std::vector<access_record> out;
    for (unsigned r = 0; r < rounds; ++r) {
        for (std::uint64_t p = 0; p < pages; ++p)
            out.emplace_back(vpn{base + p}, run_writes::first, instruction_role::time_only, 100, 1);
    }
    return out;
}

// All processes use the same addresses.
void writes(script& s, std::uint64_t pages, unsigned rounds = 1) {
    s.anon("a", base, pages).access(stores(pages, rounds));
}

// More than fits into memory, so slowly that a device that takes 20 s keeps up; then all of it again.
void writes_slowly_twice(script& s, std::uint64_t pages) {
    const std::vector<access_record> all = stores(pages);
    const auto part = [&](std::uint64_t from, std::uint64_t to) {
        const auto at = [&](std::uint64_t n) { return all.begin() + static_cast<std::ptrdiff_t>(n); };
        s.access({at(from), at(to)});
    };
    constexpr std::uint64_t at_once = 900;
    constexpr std::uint64_t step = 8;
    s.anon("a", base, pages);
    part(0, at_once);
    for (std::uint64_t n = at_once; n < pages; n += step) {
        part(n, std::min(n + step, pages));
        s.sleep(milliseconds(21'000));
    }
    s.access(all);
}

machine_config without_swap(const kernel_profile& profile = linux_6_1) {
    machine_config c = machine_with(page_count{1024});
    c.profile = profile;
    c.swap.device = swap_device::none;
    return c;
}

machine_config with_swap(std::uint64_t pages, swap_device device = swap_device::flash) {
    machine_config c = machine_with(page_count{1024});
    c.swap.device = device;
    c.swap.pages = page_count{pages};
    return c;
}

// Every nanosecond is somebody's.
void expect_time_adds_up(const machine& m) {
    EXPECT_EQ(totals_of(m).cpu_time + m.kswapd().cpu_time + m.other_time() + m.idle_time(),
              m.now() - sim_time{});
}

const workload_task& second(const machine& m) { return *m.processes()[1]; }

// Turns of the loop until it is so; false if the run ends first.
bool run_until(machine& m, const std::function<bool()>& so) {
    while (!so()) {
        if (!m.step()) return so();
    }
    return true;
}

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
    m.kill(m.workload());
    m.run();
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

// The log of a small disaster, for each kernel's layout. PAGESIM_WRITE_GOLDEN=1 writes the files anew.
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
        const std::string text = format_oom_report(m.oom_reports()[0]);
        const std::string path =
            std::string{PAGESIM_SOURCE_DIR} + "/tests/golden/oom_report_" + std::string{name} + ".txt";
        if (std::getenv("PAGESIM_WRITE_GOLDEN") != nullptr) std::ofstream{path} << text;
        std::stringstream expected;
        expected << std::ifstream{path}.rdbuf();
        EXPECT_EQ(text, expected.str()) << path;
    }
}

} // namespace
} // namespace pagesim
