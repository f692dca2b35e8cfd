// SPDX-License-Identifier: MIT
#include <pagesim/machine/machine.hpp>
#include <pagesim/workload/ops.hpp>
#include <unit/workload/temp_file.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

enum class grace_periods : std::uint8_t { none, two_ticks };

// How many of two activations reclaim sees after ops that leave the CPU idle. Ticks are 4 ms apart.
std::uint64_t seen_after(const kernel_profile& kernel, const char* ops, grace_periods rcu) {
    const testing::temp_file file{ops};
    ops_stream stream{file.path()};
    machine_config c = machine_with(page_count{16384});
    c.profile = kernel;
    c.sched.rcu_sched = rcu == grace_periods::two_ticks;
    machine m{c};
    m.start(stream);
    machine_parts& parts = m.parts();
    parts.cpu.count(vm_item::workingset_activate_anon, 2);
    EXPECT_EQ(parts.lru.visible_activations(lru_type::anon, m.now()), 0U) << "below the threshold";
    m.run();
    return parts.lru.visible_activations(lru_type::anon, m.now());
}

TEST(idle_cpu, folds_counters_at_once_in_5_10) {
    EXPECT_EQ(seen_after(linux_5_10, "sleep 1\n", grace_periods::none), 2U);
}

TEST(idle_cpu, folds_counters_when_a_tick_has_found_it_idle) {
    EXPECT_EQ(seen_after(linux_6_1, "sleep 3\n", grace_periods::none), 0U);
    EXPECT_EQ(seen_after(linux_6_1, "sleep 5\n", grace_periods::none), 2U);
    EXPECT_EQ(seen_after(linux_6_1, "anon a 1600\nw a 0 1600\nsleep 2\n", grace_periods::none), 0U)
        << "the tick at 4 ms found it busy";
}

TEST(idle_cpu, keeps_its_tick_until_the_grace_period_has_ended) {
    EXPECT_EQ(seen_after(linux_5_10, "sleep 7\n", grace_periods::two_ticks), 0U);
    EXPECT_EQ(seen_after(linux_5_10, "sleep 9\n", grace_periods::two_ticks), 2U);
    EXPECT_EQ(seen_after(linux_6_1, "sleep 11\n", grace_periods::two_ticks), 0U)
        << "its ticks woke rcu_sched";
    EXPECT_EQ(seen_after(linux_6_1, "sleep 13\n", grace_periods::two_ticks), 2U);
}

// How long a millisecond of the workload's own takes, with its ticks.
std::uint64_t ns_of_a_millisecond(sim_duration since_tick) {
    const testing::temp_file file{"anon a 1\nw a 0 1\nr a 0 1\nr a 0 1\nsleep 1\n"};
    ops_stream stream{file.path()};
    machine_config c = machine_with(page_count{16384});
    c.start.since_tick = since_tick;
    machine m{c};
    m.start(stream);
    EXPECT_EQ(m.now().ns, since_tick.ns);
    m.run();
    return m.now().ns - since_tick.ns;
}

TEST(ticks, come_at_whole_jiffies_wherever_a_run_begins) {
    const std::uint64_t none = ns_of_a_millisecond({});
    EXPECT_EQ(ns_of_a_millisecond(milliseconds(2)), none);
    EXPECT_EQ(ns_of_a_millisecond(nanoseconds(3'999'000)), none + cost_table{}.tick.ns) << "1 us later";
    EXPECT_THROW(ns_of_a_millisecond(jiffy), std::invalid_argument);
}

} // namespace
} // namespace pagesim
