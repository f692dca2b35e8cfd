// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using enum frame_use;

// 4096 frames of one zone, of which it manages 3000.
machine_config config_with(memory_map map) {
    machine_config c = machine_with(page_count{3000});
    c.zones.front().present = page_count{4096};
    c.swap.device = swap_device::none;
    c.start.map = std::move(map);
    return c;
}

const memory_map some_map{{free_movable, 528}, {in_use, 1000},         {locked, 8},   {per_cpu, 20},
                          {in_use, 492},       {locked_file, 4},       {in_use, 508}, {free_unmovable, 256},
                          {in_use, 256},       {free_reclaimable, 24}, {in_use, 488}, {free_movable, 512}};

class map_test : public ::testing::Test {
protected:
    [[nodiscard]] static const zone& zone_of(const pagesim::testing::small_machine& m) {
        return m.parts.home.zones().front();
    }
    [[nodiscard]] static std::uint64_t blocks(const pagesim::testing::small_machine& m, unsigned order,
                                              migratetype type) {
        return zone_of(m).free_area().blocks(page_order{static_cast<std::uint8_t>(order)}, type).size();
    }
};

TEST_F(map_test, what_it_says_is_free_is_free_in_blocks_as_large_as_can_be_and_of_their_type) {
    pagesim::testing::small_machine m{config_with(some_map)};
    EXPECT_EQ(zone_of(m).nr_free_pages(), 528U + 256 + 24 + 512);
    EXPECT_EQ(blocks(m, 9, migratetype::movable), 2U);
    EXPECT_EQ(blocks(m, 4, migratetype::movable), 1U);
    EXPECT_EQ(blocks(m, 8, migratetype::unmovable), 1U);
    EXPECT_EQ(blocks(m, 4, migratetype::reclaimable), 1U);
    EXPECT_EQ(blocks(m, 3, migratetype::reclaimable), 1U);
    EXPECT_EQ(zone_of(m).free_area().pageblock_type(pfn{2816}), migratetype::unmovable);
    EXPECT_EQ(&zone_of(m).free_area().blocks(page_order{9}, migratetype::movable).front(),
              &m.parts.frames[pfn{0}])
        << "the lowest comes first";
    m.check();
}

TEST_F(map_test, the_programs_pages_are_where_it_says_those_of_its_file_first) {
    machine_config c = config_with(some_map);
    c.start.unevictable = page_count{9};
    pagesim::testing::small_machine m{c};
    EXPECT_EQ(m.parts.lru.size(lru_list::unevictable), 9U);
    EXPECT_TRUE(m.parts.frames[pfn{2048}].test(page_flag::unevictable));
    EXPECT_FALSE(m.parts.frames[pfn{2048}].test(page_flag::swapbacked));
    EXPECT_TRUE(m.parts.frames[pfn{1528}].test(page_flag::swapbacked));
    EXPECT_TRUE(m.parts.frames[pfn{1532}].test(page_flag::unevictable));
    EXPECT_FALSE(m.parts.frames[pfn{1533}].test(page_flag::unevictable)) << "the tenth";
    m.check();
}

TEST_F(map_test, metadata_is_where_it_says_and_more_of_it_in_what_is_free) {
    memory_map map = some_map;
    map[4] = {metadata_mount, 2};
    map.insert(map.begin() + 5, {{metadata_bh_lru, 3}, {in_use, 487}});
    machine_config c = config_with(map);
    c.start.metadata = {.by_mount = page_count{2}, .by_bh_lru = page_count{4}};
    pagesim::testing::small_machine m{c};
    EXPECT_EQ(m.parts.stat[vm_item::nr_inactive_file], 6U);
    EXPECT_EQ(m.parts.stat[vm_item::nr_file_pages], 6U);
    EXPECT_EQ(&m.metadata(0), &m.parts.frames[pfn{1556}]);
    EXPECT_EQ(&m.metadata(4), &m.parts.frames[pfn{1560}]);
    EXPECT_EQ(m.metadata(5).refcount(), 2) << "the cache's and the buffers', as of all";
    EXPECT_EQ(zone_of(m).nr_free_pages() + zone_of(m).pcp().count(), 1319U);
    m.parts.cache.invalidate_bh_lrus();
    EXPECT_TRUE(m.parts.cache.buffers_in_use(m.metadata(1)));
    EXPECT_FALSE(m.parts.cache.buffers_in_use(m.metadata(2)));
    m.check();
}

TEST_F(map_test, the_per_cpu_list_and_the_free_pages_become_as_many_as_were_counted) {
    machine_config c = config_with(some_map);
    c.start.pcp_pages = page_count{12};
    c.start.free_pages = page_count{1320 + 5};
    pagesim::testing::small_machine m{c};
    EXPECT_EQ(zone_of(m).pcp().count(), 12U);
    EXPECT_EQ(zone_of(m).nr_free_pages(), 1325U);
    c.start.free_pages = page_count{1320 - 7};
    pagesim::testing::small_machine fewer{c};
    EXPECT_EQ(zone_of(fewer).nr_free_pages(), 1313U);
    fewer.check();
}

TEST_F(map_test, more_locked_pages_or_stock_than_it_knows_come_from_what_is_free) {
    machine_config c = config_with(some_map);
    c.start.unevictable = page_count{15};
    c.start.pcp_pages = page_count{24};
    pagesim::testing::small_machine m{c};
    EXPECT_EQ(m.parts.lru.size(lru_list::unevictable), 15U);
    EXPECT_EQ(zone_of(m).pcp().count(), 24U);
    EXPECT_EQ(zone_of(m).nr_free_pages(), 1320U - 3) << "frames in use make up for the stock";
    m.check();
}

// A zone whose batch is more than one page.
TEST_F(map_test, what_came_to_the_per_cpu_list_with_a_new_frame_goes_back) {
    machine_config c = machine_with(page_count{45000});
    c.zones.front().present = page_count{49152};
    c.swap.device = swap_device::none;
    c.start.map = {{free_movable, 16384}, {in_use, 32768}};
    c.start.unevictable = page_count{3};
    c.start.metadata = {.by_mount = page_count{0}, .by_bh_lru = page_count{1}};
    c.start.pcp_pages = page_count{20};
    pagesim::testing::small_machine m{c};
    ASSERT_GT(zone_of(m).pcp().batch(), 1U);
    EXPECT_EQ(zone_of(m).pcp().count(), 20U);
    m.check();
}

TEST_F(map_test, where_more_was_free_frames_that_it_has_in_use_are) {
    machine_config c = config_with(some_map);
    c.start.free_pages = page_count{1320 + 20 + 30};
    pagesim::testing::small_machine m{c};
    EXPECT_EQ(zone_of(m).nr_free_pages(), 1370U);
    m.check();
}

TEST_F(map_test, refuses_what_does_not_tell_of_each_frame) {
    const machine_config c = config_with({{in_use, 100}});
    ASSERT_TRUE(find_fault_in(c));
    EXPECT_EQ(*find_fault_in(c), "a memory map must tell of each frame");
}

} // namespace
} // namespace pagesim
