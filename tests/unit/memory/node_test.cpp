// SPDX-License-Identifier: MIT
#include <pagesim/memory/node.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

zone_config zone_with(zone_type type, std::uint64_t managed, std::uint64_t reserved = 0) {
    return {.type = type, .present = page_count{managed + reserved}, .managed = page_count{managed}};
}

class node_test : public ::testing::Test {
protected:
    mem_map frames{page_count{1048576}};
    vmstat stat;
};

TEST_F(node_test, a_256_mib_machine_gets_the_numbers_of_linux) {
    node home{frames, stat, {zone_with(zone_type::dma, 65536)}, {}, linux_6_1};
    const zone& z = home.zones().front();
    EXPECT_EQ(home.min_free_kbytes(), 2048U);
    EXPECT_EQ(z.wmarks(), (watermarks{512, 640, 768}));
    EXPECT_EQ(z.pcp().high(), 640U);
    EXPECT_EQ(z.pcp().batch(), 15U);
    EXPECT_EQ(z.lowmem_reserve(zone_type::movable), 0U);
    EXPECT_EQ(home.totalreserve_pages(), 768U);
}

TEST_F(node_test, a_4_gib_machine_of_two_zones_gets_the_numbers_of_linux) {
    node home{frames,
              stat,
              {zone_with(zone_type::dma, 786432), zone_with(zone_type::normal, 262144)},
              {},
              linux_6_1};
    const zone& dma = home.zones()[0];
    const zone& normal = home.zones()[1];
    EXPECT_EQ(dma.wmarks(), (watermarks{1536, 2322, 3108}));
    EXPECT_EQ(normal.wmarks(), (watermarks{512, 774, 1036}));
    EXPECT_EQ(dma.lowmem_reserve(zone_type::normal), 1024U);
    EXPECT_EQ(dma.lowmem_reserve(zone_type::movable), 1024U);
    EXPECT_EQ(normal.lowmem_reserve(zone_type::movable), 0U);
    EXPECT_EQ(home.totalreserve_pages(), 5168U);
    EXPECT_EQ(home.managed(), page_count{1048576});
    EXPECT_EQ(stat[vm_item::nr_free_pages], 1048576U);
}

TEST_F(node_test, zones_follow_each_other_and_empty_ones_are_left_out) {
    node home{frames,
              stat,
              {zone_with(zone_type::dma, 3000, 100), zone_with(zone_type::dma32, 0),
               zone_with(zone_type::normal, 777, 1)},
              {},
              linux_6_1};
    ASSERT_EQ(home.zones().size(), 2U);
    EXPECT_EQ(home.zones()[1].start_pfn(), pfn{3100});
    EXPECT_EQ(home.zones()[1].end_pfn(), pfn{3878});
    EXPECT_EQ(home.zone_of(frames[pfn{3099}]).type(), zone_type::dma);
    EXPECT_EQ(home.zone_of(frames[pfn{3100}]).type(), zone_type::normal);
    EXPECT_EQ(home.find_zone(zone_type::dma32), nullptr);
    EXPECT_EQ(home.find_zone(zone_type::normal), &home.zones()[1]);
    EXPECT_EQ(zone_name(home.zones()[1].type()), "Normal");
    home.check_consistency();
}

TEST_F(node_test, blocks_do_not_merge_across_zones) {
    node home{
        frames, stat, {zone_with(zone_type::dma, 512), zone_with(zone_type::normal, 512)}, {}, linux_6_1};
    EXPECT_EQ(home.zones()[0].free_area().free_blocks(page_order{9}), 1U);
    EXPECT_EQ(home.zones()[1].free_area().free_blocks(page_order{9}), 1U);
}

TEST_F(node_test, a_described_machine_keeps_its_numbers) {
    zone_config z = zone_with(zone_type::dma, 41272, 24264);
    z.wmarks = watermarks{403, 503, 603};
    z.pcp = pcp_size{503, 7};
    node home{frames, stat, {z}, {}, linux_6_1};
    EXPECT_EQ(home.zones().front().wmarks(), (watermarks{403, 503, 603}));
    EXPECT_EQ(home.zones().front().pcp().high(), 503U);
    EXPECT_EQ(home.zones().front().pcp().batch(), 7U);
}

TEST_F(node_test, settling_sets_the_stock_and_the_free_pages) {
    node home{frames, stat, {zone_with(zone_type::dma, 41272)}, {}, linux_6_1};
    ASSERT_NE(home.zones().front().rmqueue(page_order{0}, migratetype::unmovable), nullptr);
    EXPECT_TRUE(home.settle(page_count{30000}, page_count{123}));
    EXPECT_EQ(home.nr_free_pages(), 30000U);
    EXPECT_EQ(stat[vm_item::nr_free_pages], 30000U);
    EXPECT_EQ(home.zones().front().pcp().count(), 123U);
    EXPECT_FALSE(home.settle(page_count{40000}, page_count{0}));
    EXPECT_EQ(home.nr_free_pages(), 30123U);
    home.check_consistency();
}

TEST_F(node_test, settling_without_a_number_leaves_the_rest_free) {
    node home{frames, stat, {zone_with(zone_type::dma, 4096)}, {}, linux_6_1};
    EXPECT_TRUE(home.settle({}, page_count{96}));
    EXPECT_EQ(home.nr_free_pages(), 4000U);
}

TEST_F(node_test, initial_pages_come_from_the_highest_zone_first) {
    node home{
        frames, stat, {zone_with(zone_type::dma, 1000), zone_with(zone_type::normal, 1000)}, {}, linux_6_1};
    EXPECT_EQ(home.take_initial(page_count{1200}, migratetype::unmovable), page_count{1200});
    EXPECT_EQ(home.zones()[0].nr_free_pages(), 800U);
    EXPECT_EQ(home.zones()[1].nr_free_pages(), 0U);
}

TEST_F(node_test, draining_reaches_every_zone) {
    node home{
        frames, stat, {zone_with(zone_type::dma, 1024), zone_with(zone_type::normal, 1024)}, {}, linux_6_1};
    for (zone& z : home.zones()) z.fill_pcp(page_count{10}, migratetype::movable);
    EXPECT_EQ(home.nr_free_pages(), 2028U);
    home.drain_all_pages();
    EXPECT_EQ(home.nr_free_pages(), 2048U);
}

TEST_F(node_test, two_nodes_do_not_know_each_other) {
    mem_map other_frames{page_count{4096}};
    vmstat other_stat;
    node a{frames, stat, {zone_with(zone_type::dma, 4096)}, {}, linux_6_1};
    node b{other_frames, other_stat, {zone_with(zone_type::dma, 4096)}, {}, linux_6_1};
    ASSERT_NE(a.zones().front().rmqueue(page_order{0}, migratetype::movable), nullptr);
    EXPECT_EQ(b.nr_free_pages(), 4096U);
    EXPECT_EQ(other_stat[vm_item::nr_free_pages], 4096U);
}

} // namespace
} // namespace pagesim
