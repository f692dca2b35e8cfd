// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/reclaim/direct_reclaim.hpp>
#include <pagesim/reclaim/kswapd.hpp>
#include <pagesim/reclaim/scan_balance.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

struct split {
    unsigned swappiness;
    std::uint64_t anon_cost;
    std::uint64_t file_cost;
    std::uint64_t anon;
    std::uint64_t file;
};

TEST(scan_balance, fractions_follow_swappiness_and_costs) {
    for (const split& s : {split{60, 0, 0, 60, 140}, split{60, 100, 0, 89, 417}, split{60, 0, 100, 178, 209},
                           split{100, 50, 50, 199, 199}, split{0, 10, 10, 0, 393}, split{200, 10, 10, 393, 0},
                           split{60, 1000, 3000, 143, 239}}) {
        const scan_fraction f = fraction_of(s.swappiness, s.anon_cost, s.file_cost);
        EXPECT_EQ(f.anon, s.anon) << s.swappiness << ' ' << s.anon_cost << ' ' << s.file_cost;
        EXPECT_EQ(f.file, s.file);
    }
}

// 600 pages on the inactive list, none of them young.
std::unique_ptr<small_machine> with_old_pages(const a_machine& how, std::uint64_t n = 600) {
    auto m = how.build();
    for (std::uint64_t i = 0; i < n; ++i) m->touch(i, access_kind::write);
    m->parts.batches.lru_add_drain();
    for (std::uint64_t i = 0; i < n; ++i) m->age(i);
    return m;
}

TEST(scan_balance, a_list_shorter_than_the_priority_asks_for_gets_nothing) {
    auto m = with_old_pages(a_machine());
    scan_control sc;
    prepare_scan_count(m->parts.rc, sc);
    EXPECT_EQ(get_scan_count(m->parts.rc, sc)[0], 0U) << "600 >> 12";
    sc.priority = 5;
    EXPECT_EQ(get_scan_count(m->parts.rc, sc)[0], (600U >> 5U) * 60 / 200)
        << "file pages are few, but free pages many";
    sc.priority = 0;
    EXPECT_EQ(get_scan_count(m->parts.rc, sc)[0], 600U) << "the last resort: all of it";
}

// The balance that get_scan_count tells of, and why.
struct told_balance final : trace_sink {
    void on(const trace_event& /*e*/) override {}
    void on(sim_time /*time*/, const tracepoint& t) override {
        if (const auto* c = std::get_if<tracepoints::scan_count>(&t)) last = *c;
    }
    tracepoints::scan_count last{};
};

TEST(scan_balance, is_told_with_its_cause) {
    using balance = tracepoints::scan_count::balance;
    using cause = tracepoints::scan_count::cause;
    auto m = with_old_pages(a_machine());
    told_balance told;
    m->parts.cpu.tracer = &told;
    scan_control sc;
    sc.priority = 4;
    sc.anon_cost = 30;
    sc.file_cost = 10;
    const auto expect = [&](balance how, cause why) {
        const scan_targets nr = get_scan_count(m->parts.rc, sc);
        EXPECT_EQ(told.last.how, how);
        EXPECT_EQ(told.last.why, why);
        EXPECT_EQ(told.last.target, nr);
        EXPECT_EQ(told.last.size[0], 600U);
        EXPECT_EQ(told.last.priority, sc.priority);
    };
    expect(balance::fract, cause::costs);
    EXPECT_EQ(told.last.anon_cost, 30U);
    EXPECT_EQ(told.last.anon_share, fraction_of(60, 30, 10).anon);
    EXPECT_EQ(told.last.file_share, fraction_of(60, 30, 10).file);
    sc.cache_trim_mode = true;
    expect(balance::file, cause::cache_trim_mode);
    sc.file_is_tiny = true;
    expect(balance::anon, cause::file_is_tiny);
    sc.priority = 0;
    expect(balance::equal, cause::last_priority);
    sc.may.clear(scan_permission::swap);
    expect(balance::file, cause::no_swap);
    EXPECT_FALSE(told.last.kswapd);
}

TEST(scan_balance, without_swap_only_file_pages_are_scanned) {
    auto m = with_old_pages(a_machine().with_swap_on(swap_device::none));
    scan_control sc;
    sc.priority = 0;
    EXPECT_EQ(get_scan_count(m->parts.rc, sc)[0], 0U);
}

TEST(scan_balance, only_anonymous_pages_are_scanned_when_hardly_any_file_pages_are_left) {
    auto m = with_old_pages(a_machine(), 950);
    scan_control sc;
    sc.priority = 4;
    prepare_scan_count(m->parts.rc, sc);
    EXPECT_TRUE(sc.file_is_tiny);
    EXPECT_EQ(get_scan_count(m->parts.rc, sc)[0], m->parts.lru.size(lru_list::inactive_anon) >> 4U);
}

TEST(inactive_is_low, compares_the_lists_one_to_one_below_a_gibibyte) {
    auto m = a_machine().build();
    EXPECT_FALSE(inactive_is_low(m->parts.lru, lru_type::anon)) << "both empty";
    page& p = m->written(1);
    m->parts.batches.activate_page(p);
    m->parts.batches.lru_add_drain();
    EXPECT_TRUE(inactive_is_low(m->parts.lru, lru_type::anon));
    m->written(2);
    EXPECT_FALSE(inactive_is_low(m->parts.lru, lru_type::anon));
}

TEST(shrink_active_list, deactivates_even_what_was_just_used_and_clears_its_flag) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->parts.batches.activate_page(p);
    m->parts.batches.lru_add_drain();
    scan_control sc;
    shrink_active_list(m->parts.rc, sc, 32, lru_type::anon);
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_FALSE(m->entry(1).young());
    EXPECT_TRUE(p.test(page_flag::workingset));
    EXPECT_EQ(m->parts.stat[vm_item::pgrefill], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], 1U);
}

TEST(shrink_inactive_list, counts_scans_and_steals_by_who_reclaims) {
    auto m = with_old_pages(a_machine().with_swap_on(swap_device::zram));
    scan_control sc;
    sc.who = reclaimer::kswapd;
    shrink_inactive_cursor c;
    io_plug plug;
    while (!shrink_inactive_list(m->parts.rc, sc, c, 32, lru_type::anon, plug).done()) {}
    EXPECT_EQ(c.nr_reclaimed, 32U);
    EXPECT_EQ(m->parts.stat[vm_item::pgscan_kswapd], 32U);
    EXPECT_EQ(m->parts.stat[vm_item::pgscan_anon], 32U);
    EXPECT_EQ(m->parts.stat[vm_item::pgsteal_kswapd], 32U);
    EXPECT_EQ(m->parts.stat[vm_item::pgsteal_anon], 32U);
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 32U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_isolated_anon], 0U);
    EXPECT_EQ(m->parts.lru.anon_cost, 32U) << "a pageout costs";
    m->check();
}

TEST(shrink_inactive_list, pages_written_to_a_slow_device_are_freed_by_the_next_pass) {
    auto m = with_old_pages(a_machine());
    scan_control sc;
    for (const std::uint64_t expected : {0U, 32U}) {
        shrink_inactive_cursor c;
        io_plug plug;
        while (!shrink_inactive_list(m->parts.rc, sc, c, 32, lru_type::anon, plug).done()) {}
        m->parts.io->flush(plug);
        EXPECT_EQ(c.nr_reclaimed, expected);
        m->complete_io();
        m->parts.batches.lru_add_drain();
    }
    EXPECT_GE(m->parts.stat[vm_item::pgrotated], 32U);
    m->check();
}

TEST(too_many_isolated, lets_kswapd_pass_and_stops_direct_reclaimers_at_an_eighth) {
    auto m = with_old_pages(a_machine(), 80);
    m->parts.lru.isolated[0] = 11;
    scan_control sc;
    EXPECT_TRUE(too_many_isolated(m->parts.rc, sc, lru_type::anon)) << "11 > 80 / 8";
    sc.gfp = gfp::noio;
    EXPECT_FALSE(too_many_isolated(m->parts.rc, sc, lru_type::anon));
    sc = {};
    sc.who = reclaimer::kswapd;
    EXPECT_FALSE(too_many_isolated(m->parts.rc, sc, lru_type::anon));
    m->parts.lru.isolated[0] = 0;
}

TEST(too_many_isolated, who_is_killed_while_it_waits_claims_a_batch_and_leaves) {
    auto m = with_old_pages(a_machine(), 80);
    m->parts.lru.isolated[0] = 11;
    task_signals self;
    m->parts.cpu.current = &self;
    scan_control sc;
    shrink_inactive_cursor c;
    io_plug plug;
    EXPECT_EQ(shrink_inactive_list(m->parts.rc, sc, c, 32, lru_type::anon, plug).kind, step_kind::sleep);
    self.sigkill = true;
    m->parts.lru.isolated[0] = 0;
    EXPECT_TRUE(shrink_inactive_list(m->parts.rc, sc, c, 32, lru_type::anon, plug).done());
    EXPECT_EQ(c.nr_reclaimed, 32U);
    EXPECT_EQ(m->parts.stat[vm_item::pgscan_direct], 0U);
}

void run_kswapd(small_machine& m, kswapd_cursor& c) {
    while (kswapd_step(m.parts.rc, c).kind != step_kind::sleep) {}
}

TEST(kswapd, sleeps_when_a_zone_is_above_its_high_mark) {
    auto m = a_machine().build();
    kswapd_cursor c;
    EXPECT_EQ(kswapd_step(m->parts.rc, c).kind, step_kind::sleep) << "a nap first";
    m->parts.clock.advance_to(c.nap_ends);
    EXPECT_EQ(kswapd_step(m->parts.rc, c).until, never) << "nothing happened: for good";
    EXPECT_EQ(m->parts.stat[vm_item::pageoutrun], 0U);
    EXPECT_TRUE(m->parts.kswapd.sleeping);
}

TEST(kswapd, restores_the_high_mark) {
    auto m = with_old_pages(a_machine().with_swap_on(swap_device::zram), 960);
    const zone& z = m->parts.home.zones().front();
    kswapd_cursor c;
    run_kswapd(*m, c);
    EXPECT_GT(z.nr_free_pages(), z.wmark_pages(wmark_level::high));
    EXPECT_EQ(m->parts.stat[vm_item::pageoutrun], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::kswapd_high_wmark_hit_quickly], 1U)
        << "it was not balanced when it began";
    m->check();
}

TEST(kswapd, is_woken_once_and_a_request_while_it_runs_is_remembered) {
    auto m = with_old_pages(a_machine().with_swap_on(swap_device::none), 960);
    m->parts.kswapd = {};
    wakeup_kswapd(m->parts.rc, 0, zone_type::normal, gfp::highuser_movable);
    EXPECT_FALSE(m->parts.kswapd.sleeping);
    EXPECT_EQ(m->waker.last.reason, wait_reason::kswapd_work);
    m->waker.last = {};
    wakeup_kswapd(m->parts.rc, 0, zone_type::movable, gfp::highuser_movable);
    EXPECT_EQ(m->waker.last.reason, wait_reason::none);
    EXPECT_EQ(m->parts.kswapd.highest_zoneidx, zone_type::movable);
}

TEST(kswapd, is_left_asleep_while_the_node_is_balanced) {
    auto m = a_machine().build();
    wakeup_kswapd(m->parts.rc, 0, zone_type::movable, gfp::highuser_movable);
    EXPECT_TRUE(m->parts.kswapd.sleeping);
}

TEST(kswapd, gives_up_after_sixteen_runs_that_freed_nothing) {
    auto m = with_old_pages(a_machine().with_swap_on(swap_device::none), 960);
    for (unsigned i = 0; i < 16; ++i) {
        balance_cursor c;
        while (!balance_pgdat(m->parts.rc, c, 0, zone_type::movable).done()) {}
    }
    EXPECT_EQ(m->parts.lru.pgdat.kswapd_failures, 16U);
    m->parts.kswapd.sleeping = true;
    wakeup_kswapd(m->parts.rc, 0, zone_type::movable, gfp::highuser_movable);
    EXPECT_TRUE(m->parts.kswapd.sleeping);
    EXPECT_TRUE(allow_direct_reclaim(m->parts.rc)) << "nobody waits for it any more";
}

TEST(direct_reclaim, stops_at_32_pages_and_counts_one_stall) {
    auto m = with_old_pages(a_machine().with_swap_on(swap_device::zram), 960);
    const vmstat before = m->parts.stat;
    direct_reclaim_cursor c;
    c.sc.gfp = gfp::highuser_movable;
    while (!try_to_free_pages(m->parts.rc, c).done()) {}
    EXPECT_GE(c.result, 32U);
    EXPECT_EQ((m->parts.stat - before)[vm_item::allocstall_movable], 1U);
    EXPECT_EQ((m->parts.stat - before)[vm_item::pgsteal_direct], c.result);
}

TEST(direct_reclaim, repeats_with_forced_deactivation_when_nothing_was_freed) {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    for (std::uint64_t i = 0; i < 700; ++i) m->touch(i, access_kind::write);
    m->parts.batches.lru_add_drain();
    // One list is spared only because the other looks long enough.
    direct_reclaim_cursor c;
    c.sc.gfp = gfp::kernel;
    while (!try_to_free_pages(m->parts.rc, c).done()) {}
    EXPECT_EQ(c.result, 0U);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_normal], 1U) << "no list was skipped: no second round";
}

TEST(out_of_memory, comes_when_nothing_can_be_reclaimed) {
    auto m = a_machine().with_swap_on(swap_device::none).with_memory(512).build();
    fault_outcome last = fault_outcome::resolved;
    std::uint64_t touched = 0;
    for (; last == fault_outcome::resolved && touched < 600; ++touched)
        last = m->touch(touched, access_kind::write);
    EXPECT_EQ(last, fault_outcome::out_of_memory);
    EXPECT_GT(touched, 350U) << "almost all of memory was given out first";
    EXPECT_GT(m->parts.stat[vm_item::allocstall_movable], 0U);
    m->check();
}

} // namespace
} // namespace pagesim
