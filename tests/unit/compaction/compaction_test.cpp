// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/compaction/kcompactd.hpp>
#include <pagesim/process/unmap.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

constexpr std::uint64_t memory = 8192;
constexpr page_order whole_block{pageblock_order};

std::uint64_t free_blocks(const small_machine& m) {
    const buddy& free = m.parts.home.zones().front().free_area();
    return free.free_blocks(whole_block) + free.free_blocks(page_order{pageblock_order + 1});
}

void forget(small_machine& m, std::uint64_t page_number) {
    unmap_page_range(m.parts.fc, *m.space, *m.range, vpn{page_number}, vpn{page_number + 1});
}

// All of memory was written, and of the lower pages each second one is gone again.
std::unique_ptr<small_machine> scattered(const kernel_profile& kernel = linux_6_1) {
    auto m = a_machine().with_memory(memory).with_profile(kernel).build();
    const zone& z = m->parts.home.zones().front();
    std::uint64_t n = 0;
    for (; z.nr_free_pages() > z.low_wmark_pages() + 16; ++n) m->touch(n, access_kind::write);
    m->parts.batches.lru_add_drain();
    for (std::uint64_t i = 0; i < n; i += 2) forget(*m, i);
    m->parts.home.drain_all_pages();
    m->parts.stat.clear_events();
    m->parts.kswapd = {}; // it was asked on the way, and has gone to sleep again
    m->waker.last = {};
    return m;
}

// Holds the pages of these frames that are on a list: they cannot be moved.
class holder {
public:
    holder(small_machine& m, std::uint64_t first, std::uint64_t end) : machine_{m} {
        for (std::uint64_t n = first; n < end; ++n) {
            page& p = m.parts.frames[pfn{n}];
            if (!p.test(page_flag::lru)) continue;
            p.get();
            held_.push_back(&p);
        }
    }
    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;
    ~holder() {
        for (page* p : held_) machine_.parts.batches.put_page(*p);
    }

private:
    small_machine& machine_;
    std::vector<page*> held_;
};

struct compaction {
    explicit compaction(small_machine& m) : machine{m}, known{m.parts.home.zones().front()} {}

    compact_result run(unsigned order) {
        cc = {};
        cc.where = &machine.parts.home.zones().front();
        cc.memory = &known;
        cc.order = order;
        for (steps = 0; !compact_zone(machine.parts.rc, machine.parts.movable, cc).done(); ++steps) {}
        machine.parts.batches.lru_add_drain();
        machine.check();
        return cc.result;
    }

    small_machine& machine;
    zone_compaction known;
    compact_control cc;
    unsigned steps = 0;
};

TEST(compact_zone, empties_the_first_pageblock_of_which_each_second_page_is_used) {
    for (const kernel_profile& kernel : {linux_5_10, linux_6_1}) {
        auto m = scattered(kernel);
        ASSERT_EQ(free_blocks(*m), 0U);
        compaction c{*m};
        EXPECT_EQ(c.run(pageblock_order), compact_result::success);
        EXPECT_EQ(free_blocks(*m), 1U);
        const vmstat& s = m->parts.stat;
        EXPECT_GE(s[vm_item::pgmigrate_success], 250) << "half a pageblock";
        EXPECT_LE(s[vm_item::pgmigrate_success], 512);
        EXPECT_EQ(s[vm_item::pgmigrate_fail], 0);
        EXPECT_GE(s[vm_item::compact_isolated], 2 * s[vm_item::pgmigrate_success]);
        EXPECT_EQ(s[vm_item::compact_migrate_scanned], static_cast<std::int64_t>(c.cc.total_migrate_scanned));
        EXPECT_EQ(s[vm_item::compact_free_scanned], static_cast<std::int64_t>(c.cc.total_free_scanned));
        EXPECT_EQ(s[vm_item::pgalloc_dma], 0) << "what is isolated was not allocated";
    }
}

TEST(compact_zone, moves_32_pages_at_a_time_and_once_it_comes_back_to_a_pageblock_the_rest_of_it) {
    auto m = scattered();
    compaction c{*m};
    c.cc.where = &m->parts.home.zones().front();
    c.cc.memory = &c.known;
    c.cc.order = pageblock_order;
    std::vector<std::size_t> batches;
    auto before = compact_control::phase::begin;
    while (!compact_zone(m->parts.rc, m->parts.movable, c.cc).done()) {
        const bool begins = c.cc.at == compact_control::phase::migrating && before != c.cc.at;
        if (begins) batches.push_back(c.cc.migratepages.size() + 1); // the first one has moved
        before = c.cc.at;
    }
    ASSERT_GE(batches.size(), 2U);
    EXPECT_EQ(batches.front(), compact_cluster_max);
    EXPECT_GT(batches.back(), 150U);
}

TEST(compact_zone, passes_a_pageblock_over_that_it_could_move_nothing_from) {
    auto m = scattered();
    compaction c{*m};
    const zone& z = m->parts.home.zones().front();
    const holder held{*m, 512, 1024};
    EXPECT_EQ(c.run(pageblock_order), compact_result::success);
    EXPECT_GT(raw(c.known.cached_migrate_pfn), raw(z.start_pfn()));
}

TEST(compact_zone, ends_where_the_scanners_meet_and_begins_anew_the_next_time) {
    auto m = scattered();
    const holder held{*m, 0, memory};
    compaction c{*m};
    EXPECT_EQ(c.run(pageblock_order), compact_result::partial_skipped);
    EXPECT_EQ(m->parts.stat[vm_item::pgmigrate_success], 0);
    EXPECT_EQ(c.known.cached_migrate_pfn, m->parts.home.zones().front().start_pfn());
}

TEST(compact_zone, gives_the_free_pages_back_that_it_did_not_need) {
    auto m = scattered();
    compaction c{*m};
    static_cast<void>(c.run(pageblock_order));
    EXPECT_TRUE(c.cc.freepages.empty() && c.cc.migratepages.empty());
    std::uint64_t unused = 0;
    for (std::uint64_t n = 0; n < memory; ++n) {
        const page& p = m->parts.frames[pfn{n}];
        if (p.refcount() == 1 && p.flags().empty() && p.mapping() == 0) ++unused;
    }
    EXPECT_LE(unused, 8U) << "the kernel's own";
}

TEST(compact_zone, unasked_goes_on_until_the_free_memory_is_less_scattered) {
    auto m = scattered();
    const zone& z = m->parts.home.zones().front();
    ASSERT_EQ(fragmentation_score_zone(z), 100U);
    compaction c{*m};
    EXPECT_EQ(c.run(compact_control::any_order), compact_result::success);
    EXPECT_LE(fragmentation_score_zone(z), fragmentation_score_low(20));
    EXPECT_GE(free_blocks(*m), 1U);
}

TEST(compact_zone, unasked_ends_when_kswapd_wakes) {
    auto m = scattered();
    m->parts.kswapd.sleeping = false;
    compaction c{*m};
    EXPECT_EQ(c.run(compact_control::any_order), compact_result::partial_skipped);
    EXPECT_EQ(m->parts.stat[vm_item::pgmigrate_success], 0);
}

TEST(zone_compaction, defers_for_twice_as_long_each_time_up_to_64) {
    auto m = a_machine().build();
    zone_compaction z{m->parts.home.zones().front()};
    EXPECT_FALSE(z.deferred(9)) << "nothing failed yet";
    const unsigned skipped[] = {1, 3, 7, 15, 31, 63, 63};
    for (const unsigned n : skipped) {
        z.defer(9);
        for (unsigned i = 0; i < n; ++i) EXPECT_TRUE(z.deferred(9)) << i << " of " << n;
        EXPECT_FALSE(z.deferred(9));
    }
    EXPECT_FALSE(z.deferred(9));
}

TEST(zone_compaction, does_not_defer_orders_below_the_one_that_failed_nor_one_that_succeeded) {
    auto m = a_machine().build();
    zone_compaction z{m->parts.home.zones().front()};
    z.succeeded(9);
    z.defer(9);
    EXPECT_TRUE(z.deferred(9));
    EXPECT_FALSE(z.deferred(8));
    z.succeeded(9);
    EXPECT_FALSE(z.deferred(9));
}

TEST(fragmentation_score, marks_are_80_and_90_for_a_proactiveness_of_20_and_never_below_5_or_above_100) {
    EXPECT_EQ(fragmentation_score_low(20), 80U);
    EXPECT_EQ(fragmentation_score_high(20), 90U);
    EXPECT_EQ(fragmentation_score_low(100), 5U);
    EXPECT_EQ(fragmentation_score_high(0), 100U);
}

// ---- kcompactd

// Steps until it sleeps.
step_result run(small_machine& m, kcompactd_cursor& c) {
    for (;;) {
        const step_result r = kcompactd_step(m.parts.rc, m.parts.movable, c);
        if (r.kind == step_kind::sleep) return r;
    }
}

TEST(kcompactd, is_woken_if_a_zone_is_suitable_and_makes_the_block) {
    auto m = scattered();
    wakeup_kcompactd(m->parts.rc, pageblock_order, zone_type::dma);
    EXPECT_EQ(m->waker.last.reason, wait_reason::kcompactd_work);
    EXPECT_FALSE(m->parts.kcompactd.sleeping);
    kcompactd_cursor c{m->parts.home};
    static_cast<void>(run(*m, c));
    EXPECT_GE(free_blocks(*m), 1U);
    EXPECT_EQ(m->parts.kcompactd.order, 0U);
    EXPECT_TRUE(m->parts.kcompactd.sleeping);
    const vmstat& s = m->parts.stat;
    EXPECT_EQ(s[vm_item::compact_daemon_wake], 1);
    EXPECT_EQ(s[vm_item::compact_daemon_migrate_scanned], s[vm_item::compact_migrate_scanned]);
    EXPECT_EQ(s[vm_item::compact_daemon_free_scanned], s[vm_item::compact_free_scanned]);
}

TEST(kcompactd, finds_a_request_that_was_not_worth_a_wake_up_when_its_timer_goes_off) {
    auto m = a_machine().with_memory(memory).build(); // nothing is scattered
    wakeup_kcompactd(m->parts.rc, pageblock_order, zone_type::dma);
    EXPECT_EQ(m->waker.last.reason, wait_reason::none);
    EXPECT_EQ(m->parts.kcompactd.order, pageblock_order);
    kcompactd_cursor c{m->parts.home};
    static_cast<void>(run(*m, c));
    EXPECT_EQ(m->parts.stat[vm_item::compact_daemon_wake], 1);
    EXPECT_EQ(m->parts.stat[vm_item::compact_migrate_scanned], 0);
    EXPECT_EQ(m->parts.kcompactd.order, 0U);
}

TEST(kcompactd, is_not_asked_for_single_pages) {
    auto m = scattered();
    wakeup_kcompactd(m->parts.rc, 0, zone_type::dma);
    EXPECT_EQ(m->waker.last.reason, wait_reason::none);
}

TEST(kcompactd, sleeps_for_half_a_second_and_after_work_that_did_not_help_64_times_as_long_in_6_1) {
    auto m = scattered();
    const holder held{*m, 0, memory};
    kcompactd_cursor c{m->parts.home};
    const step_result r = run(*m, c); // unasked: scattered, and nothing can be moved
    EXPECT_EQ(m->parts.stat[vm_item::compact_daemon_wake], 0);
    EXPECT_GT(m->parts.stat[vm_item::compact_migrate_scanned], 0);
    EXPECT_EQ(r.until, timer_expiry(m->parts.clock.now(), 125 * 64));
    m->parts.kswapd.sleeping = false; // so that it is not tried again
    EXPECT_EQ(run(*m, c).until, timer_expiry(m->parts.clock.now(), 125));
}

TEST(kcompactd, of_5_10_goes_on_waking_and_skips_64_turns) {
    auto m = scattered(linux_5_10);
    const holder held{*m, 0, memory};
    kcompactd_cursor c{m->parts.home};
    EXPECT_EQ(run(*m, c).until, timer_expiry(m->parts.clock.now(), 125));
    const std::uint64_t scanned = m->parts.stat[vm_item::compact_migrate_scanned];
    EXPECT_GT(scanned, 0U);
    for (int turn = 0; turn < 64; ++turn) static_cast<void>(run(*m, c));
    EXPECT_EQ(m->parts.stat[vm_item::compact_migrate_scanned], scanned);
    static_cast<void>(run(*m, c));
    EXPECT_EQ(m->parts.stat[vm_item::compact_migrate_scanned], 2 * scanned);
}

TEST(kcompactd, of_5_8_sleeps_until_it_is_asked) {
    auto m = scattered(linux_5_8);
    kcompactd_cursor c{m->parts.home};
    EXPECT_EQ(run(*m, c).until, never);
    EXPECT_EQ(m->parts.stat[vm_item::compact_migrate_scanned], 0);
}

TEST(kcompactd, does_not_compact_unasked_while_kswapd_works) {
    auto m = scattered();
    m->parts.kswapd.sleeping = false;
    kcompactd_cursor c{m->parts.home};
    static_cast<void>(run(*m, c));
    EXPECT_EQ(m->parts.stat[vm_item::compact_migrate_scanned], 0);
}

} // namespace
} // namespace pagesim
