// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/memory/fragmentation.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

constexpr page_order block{pageblock_order};

// A zone of 4096 pages of which just these blocks are free.
std::unique_ptr<testing::small_machine> machine_with_free(const free_layout& free) {
    machine_config config = machine_with(page_count{4096});
    config.zones.front().wmarks = watermarks{.min = 100, .low = 125, .high = 150};
    config.swap.device = swap_device::none;
    config.start.free_blocks = free;
    return std::make_unique<testing::small_machine>(config);
}

free_layout movable(std::initializer_list<std::pair<unsigned, std::uint32_t>> blocks) {
    free_layout l;
    for (const auto& [order, n] : blocks) l.blocks[static_cast<std::size_t>(migratetype::movable)][order] = n;
    return l;
}

const zone& zone_of(const testing::small_machine& m) { return m.parts.home.zones().front(); }

TEST(fragmentation_index, is_minus_1000_when_a_block_of_the_order_is_free) {
    const auto m = machine_with_free(movable({{9, 1}, {0, 100}}));
    EXPECT_EQ(fragmentation_index(zone_of(*m), block), -1000);
}

TEST(fragmentation_index, nears_1000_when_much_is_free_in_small_blocks_and_0_when_little_is_free) {
    // 1000 - (1000 + 1600 * 1000 / 512) / 400
    EXPECT_EQ(fragmentation_index(zone_of(*machine_with_free(movable({{2, 400}}))), block), 990);
    // 1000 - (1000 + 256 * 1000 / 512) / 1
    EXPECT_EQ(fragmentation_index(zone_of(*machine_with_free(movable({{8, 1}}))), block), -500);
}

TEST(extfrag_for_order, is_the_percentage_of_free_pages_in_smaller_blocks) {
    EXPECT_EQ(extfrag_for_order(zone_of(*machine_with_free(movable({{9, 1}, {8, 2}}))), block), 50U);
    EXPECT_EQ(extfrag_for_order(zone_of(*machine_with_free(movable({{3, 200}}))), block), 100U);
    EXPECT_EQ(extfrag_for_order(zone_of(*machine_with_free(movable({{10, 1}}))), block), 0U);
}

TEST(compaction_suitable, is_not_needed_while_a_block_of_the_order_is_free) {
    const auto m = machine_with_free(movable({{9, 2}}));
    EXPECT_EQ(compaction_suitable(zone_of(*m), block, zone_type::dma), compaction_suitability::not_needed);
}

TEST(compaction_suitable, asks_for_low_and_twice_the_block_beside_when_the_order_is_costly) {
    // 125 + 1024 is not enough, one more is.
    const auto at_the_mark = machine_with_free(movable({{2, 287}, {0, 1}}));
    EXPECT_EQ(compaction_suitable(zone_of(*at_the_mark), block, zone_type::dma),
              compaction_suitability::too_little_free);
    const auto above = machine_with_free(movable({{2, 287}, {0, 2}}));
    EXPECT_EQ(compaction_suitable(zone_of(*above), block, zone_type::dma), compaction_suitability::suitable);
}

TEST(compaction_suitable, asks_for_min_alone_when_the_order_is_not) {
    const page_order pair{1};
    const auto at_the_mark = machine_with_free(movable({{0, 104}}));
    EXPECT_EQ(compaction_suitable(zone_of(*at_the_mark), pair, zone_type::dma),
              compaction_suitability::too_little_free);
    const auto above = machine_with_free(movable({{0, 105}}));
    EXPECT_EQ(compaction_suitable(zone_of(*above), pair, zone_type::dma), compaction_suitability::suitable);
}

TEST(compaction_suitable, blames_want_of_memory_up_to_an_index_of_500) {
    // 1000 - (1000 + 1280 * 1000 / 512) / 5 = 300; of 7 blocks and more pages it is 502.
    const auto large_blocks = machine_with_free(movable({{8, 5}}));
    EXPECT_EQ(compaction_suitable(zone_of(*large_blocks), block, zone_type::dma),
              compaction_suitability::too_little_free);
    const auto more_blocks = machine_with_free(movable({{8, 3}, {7, 4}}));
    EXPECT_EQ(fragmentation_index(zone_of(*more_blocks), block), 500);
    EXPECT_EQ(compaction_suitable(zone_of(*more_blocks), block, zone_type::dma),
              compaction_suitability::too_little_free);
    const auto smaller = machine_with_free(movable({{8, 3}, {7, 3}, {6, 2}}));
    EXPECT_EQ(compaction_suitable(zone_of(*smaller), block, zone_type::dma),
              compaction_suitability::suitable);
}

} // namespace
} // namespace pagesim
