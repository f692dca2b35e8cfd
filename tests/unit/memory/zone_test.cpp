// SPDX-License-Identifier: MIT
#include "short_names.hpp"

#include <pagesim/memory/node.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace pagesim {
namespace {

class zone_test : public ::testing::Test {
protected:
    zone& build(page_count managed, page_count reserved = {}, const memory_config& config = {}) {
        frames = std::make_unique<mem_map>(managed + reserved);
        const zone_config z{.type = zone_type::dma, .present = managed + reserved, .managed = managed};
        home = std::make_unique<node>(*frames, stat, std::vector{z}, config, linux_6_1);
        return home->zones().front();
    }
    void free(page& p) {
        p.set_refcount(0);
        home->free_page(p);
    }
    void TearDown() override {
        if (home) home->check_consistency();
    }

    vmstat stat;
    std::unique_ptr<mem_map> frames;
    std::unique_ptr<node> home;
};

TEST_F(zone_test, all_managed_pages_are_free_at_boot) {
    const zone& z = build(page_count{65000}, page_count{536});
    EXPECT_EQ(z.nr_free_pages(), 65000U);
    EXPECT_EQ(stat[vm_item::nr_free_pages], 65000U);
    EXPECT_EQ(stat[vm_item::pgfree], 0U);
    EXPECT_TRUE(z.is_reserved(pfn{535}));
    EXPECT_FALSE(z.is_reserved(pfn{536}));
}

TEST_F(zone_test, a_page_handed_out_is_clean) {
    zone& z = build(page_count{4096});
    page* p = z.rmqueue(single, M);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(p->refcount(), 1);
    EXPECT_TRUE(p->flags().empty() && p->raw_mapcount() == -1 && unlinked(*p));
    EXPECT_EQ(p->mapping() + p->index() + p->private_data(), 0U);
}

TEST_F(zone_test, nr_free_pages_moves_by_batches) {
    zone& z = build(page_count{65536});
    std::vector<page*> taken;
    for (int i = 0; i < 16; ++i) taken.push_back(z.rmqueue(single, M));
    EXPECT_EQ(stat[vm_item::nr_free_pages], 65536U - 30);
    for (page* p : taken) free(*p);
    EXPECT_EQ(stat[vm_item::nr_free_pages], 65536U - 30);
    EXPECT_EQ(stat[vm_item::pgfree], 16U);
    z.drain_pcp();
    EXPECT_EQ(stat[vm_item::nr_free_pages], 65536U);
    EXPECT_EQ(stat[vm_item::pgfree], 16U);
}

//  As seen on Debian's 6.1: 15 + 30 + 60 + 120 + 240 + 480, the rest stays on the per-CPU list.
TEST_F(zone_test, freeing_700_pages_gives_945_to_the_buddy_lists) {
    zone& z = build(page_count{57377});
    z.pcp().set_size({595, 15});
    std::vector<page*> taken;
    for (int i = 0; i < 700; ++i) taken.push_back(z.rmqueue(single, M));
    z.fill_pcp(page_count{450 - z.pcp().count()}, M);
    const std::uint64_t before = stat[vm_item::nr_free_pages];
    for (page* p : taken) free(*p);
    EXPECT_EQ(stat[vm_item::nr_free_pages] - before, 945U);
    EXPECT_EQ(z.pcp().count(), 450U + 700U - 945U);
    EXPECT_EQ(stat[vm_item::pgfree], 700U);
}

TEST_F(zone_test, orders_above_3_bypass_the_per_cpu_lists) {
    zone& z = build(page_count{4096});
    page* p = z.rmqueue(page_order{4}, M);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(stat[vm_item::nr_free_pages], 4096U - 16);
    p->set_refcount(0);
    z.free_pages(*p, page_order{4});
    EXPECT_EQ(stat[vm_item::nr_free_pages], 4096U);
    EXPECT_EQ(stat[vm_item::pgfree], 16U);
}

TEST_F(zone_test, a_block_of_8_pages_stays_on_the_per_cpu_list) {
    zone& z = build(page_count{4096});
    page* p = z.rmqueue(page_order{3}, M);
    ASSERT_NE(p, nullptr);
    p->set_refcount(0);
    z.free_pages(*p, page_order{3});
    EXPECT_EQ(stat[vm_item::nr_free_pages], 4096U - 8);
    EXPECT_EQ(z.pcp().count(), 8U);
    EXPECT_EQ(stat[vm_item::pgfree], 8U);
    z.check_consistency();
    z.drain_pcp();
    EXPECT_EQ(stat[vm_item::nr_free_pages], 4096U);
}

TEST_F(zone_test, a_freed_page_forgets_what_it_was) {
    zone& z = build(page_count{4096});
    page* p = z.rmqueue(single, M);
    p->set(page_flag::swapbacked);
    p->set(page_flag::uptodate);
    p->set(page_flag::workingset);
    p->set_mapping(5);
    p->set_index(6);
    p->set_private_data(7);
    free(*p);
    page* again = z.rmqueue(single, M);
    EXPECT_EQ(again, p);
    EXPECT_TRUE(p->flags().empty());
    EXPECT_EQ(p->mapping() + p->index() + p->private_data(), 0U);
}

TEST_F(zone_test, initial_pages_count_nowhere_but_in_the_free_pages) {
    zone& z = build(page_count{4096});
    EXPECT_EQ(z.take_initial(page_count{1000}, U), page_count{1000});
    EXPECT_EQ(stat[vm_item::nr_free_pages], 3096U);
    EXPECT_EQ(stat[vm_item::pgalloc_dma] + stat[vm_item::numa_hit], 0U);
    EXPECT_EQ(z.take_initial(page_count{5000}, U), page_count{3096});
    EXPECT_EQ(z.watermark_boost(), 0U);
}

// ---- the watermark test
// ---------------------------------------------------------------------------------------

class watermark_ok_test : public zone_test {
protected:
    bool ok(std::uint64_t free, std::uint64_t mark, alloc_reserves rights = {}) {
        return home->zones().front().watermark_ok_with(free, single, mark, zone_type::movable, rights);
    }
};

TEST_F(watermark_ok_test, equal_to_the_mark_fails_and_one_more_passes) {
    build(page_count{65536});
    EXPECT_FALSE(ok(512, 512));
    EXPECT_TRUE(ok(513, 512));
}

TEST_F(watermark_ok_test, rights_lower_the_mark) {
    build(page_count{65536});
    const alloc_reserves atomic{alloc_reserve::min_reserve, alloc_reserve::non_block};
    EXPECT_FALSE(ok(192, 512, atomic));
    EXPECT_TRUE(ok(193, 512, atomic));
    EXPECT_FALSE(ok(256, 512, alloc_reserve::min_reserve));
    EXPECT_TRUE(ok(257, 512, alloc_reserve::min_reserve));
    EXPECT_FALSE(ok(256, 512, alloc_reserve::oom));
    EXPECT_TRUE(ok(257, 512, alloc_reserve::oom));
}

TEST_F(watermark_ok_test, quick_and_full_test_agree_at_the_mark) {
    zone& z = build(page_count{65536});
    z.take_initial(page_count{65536 - 640}, M);
    EXPECT_EQ(z.low_wmark_pages(), 640U);
    EXPECT_FALSE(z.zone_watermark_ok(single, 640, zone_type::movable));
    EXPECT_FALSE(z.zone_watermark_fast(single, 640, zone_type::movable));
    EXPECT_TRUE(z.zone_watermark_ok(single, 639, zone_type::movable));
    EXPECT_TRUE(z.zone_watermark_fast(single, 639, zone_type::movable));
}

TEST_F(watermark_ok_test, a_larger_order_needs_its_other_pages_and_a_block) {
    zone& z = build(page_count{1024});
    z.take_initial(page_count{1024 - 4}, M); // the block of four that is left is the last one
    EXPECT_TRUE(z.zone_watermark_ok(page_order{2}, 0, zone_type::dma));
    EXPECT_FALSE(z.zone_watermark_ok(page_order{2}, 1, zone_type::dma));
    EXPECT_FALSE(z.watermark_ok_with(1000, page_order{3}, 0, zone_type::dma));
}

// ---- the boost
// ------------------------------------------------------------------------------------------------

class boost_test : public zone_test {
protected:
    // Takes single movable pages until no block of a pageblock or more is free.
    void leave_less_than_a_pageblock(zone& z, std::uint64_t left) {
        z.take_initial(page_count{z.nr_free_pages() - left}, M);
    }
    // One unmovable block that the zone must break a movable pageblock for.
    page* steal(zone& z, rmqueue_rules rules = {}) { return z.rmqueue(page_order{1}, U, rules); }
};

TEST_F(boost_test, stealing_from_a_smaller_block_raises_all_marks_by_a_pageblock) {
    zone& z = build(page_count{65536});
    leave_less_than_a_pageblock(z, 300);
    ASSERT_NE(steal(z), nullptr);
    EXPECT_EQ(z.watermark_boost(), 512U);
    EXPECT_EQ(z.min_wmark_pages(), 512U + 512U);
    EXPECT_EQ(z.low_wmark_pages(), 640U + 512U);
    EXPECT_EQ(z.high_wmark_pages(), 768U + 512U);
    EXPECT_TRUE(z.test_and_clear_boosted());
    EXPECT_FALSE(z.test_and_clear_boosted());
}

TEST_F(boost_test, stealing_a_whole_pageblock_does_not_boost) {
    zone& z = build(page_count{65536});
    ASSERT_NE(steal(z), nullptr);
    EXPECT_EQ(z.watermark_boost(), 0U);
    EXPECT_FALSE(z.test_and_clear_boosted());
}

//  512, 1024, then the most: 768 x 1.5 = 1152
TEST_F(boost_test, the_boost_ends_at_its_factor_times_high) {
    zone& z = build(page_count{65536});
    std::vector<std::uint64_t> boosts;
    for (int i = 0; i < 4; ++i) {
        // Each time only movable memory in small blocks is left.
        leave_less_than_a_pageblock(z, 0);
        page& p = (*frames)[pfn{static_cast<std::uint64_t>(10000 + 4096 * i)}];
        p.set_refcount(0);
        z.free_page(p);
        z.drain_pcp();
        ASSERT_NE(z.rmqueue(single, migratetype::reclaimable), nullptr);
        boosts.push_back(z.watermark_boost());
    }
    EXPECT_EQ(boosts, (std::vector<std::uint64_t>{512, 1024, 1152, 1152}));
}

TEST_F(boost_test, kswapd_takes_the_boost_off) {
    zone& z = build(page_count{65536});
    leave_less_than_a_pageblock(z, 300);
    ASSERT_NE(steal(z), nullptr);
    z.reduce_watermark_boost(500);
    EXPECT_EQ(z.watermark_boost(), 12U);
    z.reduce_watermark_boost(500);
    EXPECT_EQ(z.watermark_boost(), 0U);
}

TEST_F(boost_test, a_zone_of_less_than_four_pageblocks_never_boosts) {
    zone& z = build(page_count{2047});
    leave_less_than_a_pageblock(z, 100);
    ASSERT_NE(steal(z), nullptr);
    EXPECT_EQ(z.watermark_boost(), 0U);
    EXPECT_FALSE(z.test_and_clear_boosted());
}

TEST_F(boost_test, four_pageblocks_are_enough_and_a_pageblock_is_the_least_maximum) {
    zone& z = build(page_count{2048});
    leave_less_than_a_pageblock(z, 100);
    ASSERT_NE(steal(z), nullptr);
    EXPECT_EQ(z.watermark_boost(), 512U);
}

TEST_F(boost_test, a_factor_of_zero_switches_it_off) {
    zone& z = build(page_count{65536}, {}, memory_config{.watermark_boost_factor = 0});
    leave_less_than_a_pageblock(z, 300);
    ASSERT_NE(steal(z), nullptr);
    EXPECT_EQ(z.watermark_boost(), 0U);
}

TEST_F(boost_test, a_request_that_must_not_wake_kswapd_boosts_but_does_not_flag) {
    zone& z = build(page_count{65536});
    leave_less_than_a_pageblock(z, 300);
    ASSERT_NE(steal(z, {.wake = rmqueue_rules::kswapd::must_not_wake}), nullptr);
    EXPECT_EQ(z.watermark_boost(), 512U);
    EXPECT_FALSE(z.test_and_clear_boosted());
}

// ---- mistakes
// -------------------------------------------------------------------------------------------------

using zone_death_test = zone_test;

TEST_F(zone_death_test, a_page_that_is_still_used_cannot_be_freed) {
    zone& z = build(page_count{1024});
    page& p = *z.rmqueue(single, M);
    EXPECT_DEATH(z.free_page(p), "refcount\\(\\) == 0");
    p.set_refcount(0);
    p.add_mapping();
    EXPECT_DEATH(z.free_page(p), "mapcount 0 .*\n.*mapped");
    p.remove_mapping();
    for (page_flag f : {page_flag::locked, page_flag::lru, page_flag::writeback, page_flag::swapcache}) {
        p.set(f);
        EXPECT_DEATH(z.free_page(p), "in_use");
        p.clear(f);
    }
    page_list list = frames->make_list();
    list.push_back(p);
    EXPECT_DEATH(z.free_page(p), "unlinked");
    list.remove(p);
    z.free_page(p);
    EXPECT_DEATH(z.free_page(p), "free_pcp flags pcp");
}

TEST_F(zone_death_test, a_lost_lru_page_is_found) {
    zone& z = build(page_count{1024});
    z.add_nr_zone_lru(0, 1);
    EXPECT_DEATH(z.check_consistency(), "lru == nr_zone_lru_");
    z.add_nr_zone_lru(0, -1);
}

} // namespace
} // namespace pagesim
