// SPDX-License-Identifier: MIT
#include <pagesim/machine/time_series.hpp>
#include <support/script.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace pagesim {
namespace {

using testing::script;

// 512 frames under a region of 900 pages that is written `rounds` times over.
struct sampled_run {
    explicit sampled_run(swap_device device, unsigned rounds = 2, sim_duration pause = {}) {
        machine_config config = machine_with(page_count{512});
        config.swap.device = device;
        config.swap.flash.latency = microseconds(500);
        m = std::make_unique<machine>(config, &series);
        stream.anon("a", 0x1000, 900);
        for (unsigned r = 0; r < rounds; ++r) {
            for (std::uint64_t n = 0; n < 900; ++n) stream.write(0x1000 + n);
            if (pause != sim_duration{}) stream.sleep(pause);
        }
        m->start(stream);
        series.begin(*m);
        while (m->step()) series.look();
        series.finish();
    }
    script stream;
    time_series series;
    std::unique_ptr<machine> m;
};

TEST(time_series, begins_and_ends_with_the_run) {
    const sampled_run run{swap_device::flash};
    const auto& s = run.series.samples();
    ASSERT_GT(s.size(), 10U);
    EXPECT_EQ(s.front().time, sim_time{});
    EXPECT_EQ(s.front().stat[vm_item::pgfault], 0U);
    EXPECT_EQ(s.back().time, run.m->now());
    EXPECT_EQ(s.back().stat, run.m->parts().snapshot());
    EXPECT_EQ(s.back().zones.front().free, run.m->parts().home.zones().front().nr_free_pages());
    for (std::size_t i = 1; i < s.size(); ++i) EXPECT_LT(s[i - 1].time, s[i].time);
}

TEST(time_series, a_long_run_keeps_fewer_samples_than_the_most_and_all_intervals_alike) {
    const sampled_run run{swap_device::zram, 1, milliseconds(20'000)};
    const auto& s = run.series.samples();
    EXPECT_LT(s.size(), time_series::most_samples);
    EXPECT_GE(s.size(), time_series::most_samples / 4);
    EXPECT_GT(run.series.interval(), milliseconds(1));
    for (std::size_t i = 1; i + 1 < s.size(); ++i) {
        EXPECT_GE(s[i].time - s[i - 1].time, run.series.interval());
        EXPECT_LT(s[i].time - s[i - 1].time, run.series.interval() * 2);
    }
}

TEST(time_series, does_not_change_the_run) {
    const sampled_run run{swap_device::flash};
    machine_config config = machine_with(page_count{512});
    config.swap.device = swap_device::flash;
    config.swap.flash.latency = microseconds(500);
    machine alone{config};
    script stream;
    stream.anon("a", 0x1000, 900);
    for (std::uint64_t n = 0; n < 1800; ++n) stream.write(0x1000 + n % 900);
    alone.start(stream);
    alone.run();
    EXPECT_EQ(alone.fingerprint_value(), run.m->fingerprint_value());
}

TEST(memory_pressure, a_task_alone_that_reads_its_working_set_back_is_stalled_in_full) {
    const sampled_run run{swap_device::flash, 4};
    const auto& last = run.series.samples().back();
    ASSERT_GT(last.stat[vm_item::workingset_restore_anon] + last.stat[vm_item::allocstall_movable], 0U);
    EXPECT_GT(last.some, milliseconds(1));
    EXPECT_GT(last.full, sim_duration{});
    EXPECT_LE(last.full, last.some);
    EXPECT_LT(last.some.ns, run.m->now().ns);
}

TEST(memory_pressure, sums_only_rise) {
    const sampled_run run{swap_device::zram, 4};
    const auto& s = run.series.samples();
    for (std::size_t i = 1; i < s.size(); ++i) {
        EXPECT_LE(s[i - 1].some, s[i].some);
        EXPECT_LE(s[i].full, s[i].some);
        EXPECT_LE(s[i].some - s[i - 1].some, s[i].time - s[i - 1].time);
    }
}

TEST(memory_pressure, none_without_a_shortage) {
    script stream;
    stream.anon("a", 0x1000, 100);
    for (std::uint64_t n = 0; n < 100; ++n) stream.write(0x1000 + n);
    time_series series;
    machine m{machine_with(page_count{2048}), &series};
    m.start(stream);
    series.begin(m);
    while (m.step()) series.look();
    series.finish();
    EXPECT_EQ(series.samples().back().some, sim_duration{});
}

} // namespace
} // namespace pagesim
