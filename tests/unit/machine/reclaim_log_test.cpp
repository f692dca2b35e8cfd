// SPDX-License-Identifier: MIT
#include <pagesim/machine/reclaim_log.hpp>
#include <pagesim/workload/ops.hpp>
#include <unit/workload/temp_file.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace pagesim {
namespace {

using testing::temp_file;

// 900 pages are written in full and read again, on a machine of 512, and kswapd comes to its end.
constexpr const char* workload = "anon a 900\nw a 0 900\nmark m\nr a 0 900\nr a 0 900\nsleep 100\n";

struct watched_run {
    explicit watched_run(reclaim_log::stretch s, std::vector<ops_stream::observation> at = {},
                         const kernel_profile& profile = linux_6_1)
        : log{s} {
        machine_config config = machine_with(page_count{512});
        config.profile = profile;
        config.swap.device = swap_device::zram;
        stream.observe(std::move(at));
        m = std::make_unique<machine>(config, &log);
        m->start(stream);
        log.begin(*m);
        before = m->stat();
        m->run();
        log.finish();
    }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return (m->stat() - before)[i]; }

    temp_file file{workload};
    ops_stream stream{file.path()};
    reclaim_log log;
    std::unique_ptr<machine> m;
    vmstat before;
};

std::uint64_t fingerprint_alone() {
    const temp_file file{workload};
    ops_stream stream{file.path()};
    machine_config config = machine_with(page_count{512});
    config.swap.device = swap_device::zram;
    machine m{config};
    m.start(stream);
    m.run();
    return m.fingerprint_value();
}

TEST(reclaim_log, neither_it_nor_observations_change_the_fingerprint) {
    const watched_run r{{.from = 0, .to = 1}, {{1, "before the writes"}, {2, "after them"}}};
    EXPECT_EQ(r.m->workload().observed().size(), 2U);
    EXPECT_EQ(r.m->workload().marks().size(), 1U) << "the workload's own";
    EXPECT_EQ(r.m->fingerprint_value(), fingerprint_alone());
}

TEST(reclaim_log, of_a_whole_run_agrees_with_the_counters) {
    const watched_run r{{}};
    const auto& anon = r.log.batched(lru_type::anon);
    EXPECT_GT(anon.all_scanned, 0U);
    EXPECT_EQ(anon.all_scanned, r.count(vm_item::pgscan_anon));
    EXPECT_EQ(anon.all_reclaimed, r.count(vm_item::pgsteal_anon));
    std::uint64_t freed = 0;
    for (const reclaim_log::pass& p : r.log.passes()) freed += p.reclaimed[0];
    EXPECT_EQ(freed, r.count(vm_item::pgsteal_anon)) << "each batch belongs to a pass";
    const auto& refaults = r.log.refaulted(lru_type::anon);
    EXPECT_EQ(refaults.distance.count(), r.count(vm_item::workingset_refault_anon));
    EXPECT_EQ(refaults.activated, r.count(vm_item::workingset_activate_anon));
    EXPECT_EQ(refaults.restored, r.count(vm_item::workingset_restore_anon));
    EXPECT_GT(refaults.distance.count(), 100U);
    EXPECT_EQ(r.log.counted().verdicts[static_cast<std::size_t>(why::reclaimed)],
              r.count(vm_item::pgsteal_anon));
    EXPECT_EQ(r.log.last().stat[vm_item::nr_inactive_anon],
              r.log.last().lists[index_of(lru_list::inactive_anon)]);
}

TEST(reclaim_log, of_a_stretch_tells_of_nothing_else) {
    const watched_run all{{}};
    const watched_run before{{.from = {}, .to = 0}, {{2, "written"}}};
    const watched_run after{{.from = 0, .to = {}}, {{2, "written"}}};
    EXPECT_GT(before.log.passes().size(), 0U);
    EXPECT_GT(after.log.passes().size(), 0U);
    EXPECT_EQ(before.log.batched(lru_type::anon).all_scanned + after.log.batched(lru_type::anon).all_scanned,
              all.log.batched(lru_type::anon).all_scanned);
    EXPECT_EQ(before.log.refaulted(lru_type::anon).distance.count(), 0U) << "nothing was read back yet";
    EXPECT_EQ(before.log.last().lists, after.log.first().lists);
    EXPECT_EQ(before.log.last().time, before.m->workload().observed()[0].time);
}

TEST(reclaim_log, tells_the_balance_its_shares_and_what_it_came_to) {
    const watched_run r{{}};
    const auto& passes = r.log.passes();
    const auto swaps = std::find_if(passes.begin(), passes.end(), [](const reclaim_log::pass& p) {
        return p.chosen.how == tracepoints::scan_count::balance::fract && p.reclaimed[0] > 0;
    });
    ASSERT_NE(swaps, passes.end());
    EXPECT_EQ(balance_name(swaps->chosen.how), "SCAN_FRACT");
    EXPECT_EQ(balance_cause_name(swaps->chosen.why), "costs");
    const auto& c = swaps->chosen;
    const std::uint64_t share = c.anon_share + c.file_share;
    EXPECT_EQ(c.target[0], (c.size[0] >> static_cast<unsigned>(c.priority)) * c.anon_share / share);
    EXPECT_LE(swaps->reclaimed[0], swaps->scanned[0]);
    EXPECT_EQ(swaps->comm, c.kswapd ? "kswapd0" : "workload");
}

TEST(sample, tells_the_least_the_middle_and_the_greatest) {
    sample s;
    EXPECT_EQ(s.middle(), 0U);
    for (const std::uint64_t v : {9U, 1U, 5U, 7U}) s.add(v);
    EXPECT_EQ(s.count(), 4U);
    EXPECT_EQ(s.least(), 1U);
    EXPECT_EQ(s.middle(), 5U) << "the lower one of two";
    EXPECT_EQ(s.greatest(), 9U);
}

} // namespace
} // namespace pagesim
