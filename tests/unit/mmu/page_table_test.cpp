// SPDX-License-Identifier: MIT
#include "test_space.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

using testing::test_frames;
using testing::test_space;

constexpr vpn example = vpn_of(virt_addr{0x7f12'3456'7abc});
constexpr std::uint64_t table_pages = 512;              // of one level 3 table
constexpr std::uint64_t gigabyte = 512 * 512;           // pages of one level 2 table
constexpr std::uint64_t half_terabyte = 512 * gigabyte; // pages of one level 1 table

class page_table_test : public ::testing::Test {
protected:
    void install(vpn n, int level) { space.table.install_table(n, level, from.table_frame()); }
    std::vector<vpn> visited(vpn first, vpn end) {
        std::vector<vpn> seen;
        space.table.for_each_leaf(first, end, [&](vpn n, std::uint64_t&) { seen.push_back(n); });
        return seen;
    }

    test_frames from;
    test_space space{from, asid{1}};
    page_table& table = space.table;
};

TEST_F(page_table_test, indices_of_the_example_address) {
    EXPECT_EQ(table_index(example, 0), 254U);
    EXPECT_EQ(table_index(example, 1), 72U);
    EXPECT_EQ(table_index(example, 2), 418U);
    EXPECT_EQ(table_index(example, 3), 359U);
    EXPECT_EQ(descriptor_address(phys_addr{0x4000'0000}, example, 0), phys_addr{0x4000'07f0});
}

TEST_F(page_table_test, an_entry_spans_what_the_levels_below_hold) {
    EXPECT_EQ(pages_per_entry(3), 1U);
    EXPECT_EQ(pages_per_entry(2), table_pages);
    EXPECT_EQ(pages_per_entry(1), gigabyte);
    EXPECT_EQ(pages_per_entry(0), half_terabyte);
}

TEST_F(page_table_test, tables_are_missing_one_level_after_the_other) {
    for (int level = 0; level < table_levels; ++level) {
        EXPECT_EQ(table.missing_level(example), level);
        EXPECT_EQ(table.leaf(example), nullptr);
        install(example, level);
        EXPECT_EQ(table.table_count(level), 1U);
    }
    EXPECT_EQ(table.missing_level(example), -1);
    EXPECT_EQ(table.table_count(), 4U);
    ASSERT_NE(table.leaf(example), nullptr);
    EXPECT_EQ(*table.leaf(example), 0U);
    table.check_consistency();
}

TEST_F(page_table_test, installing_out_of_order_is_refused) {
    EXPECT_DEATH(install(example, 1), "assertion failed");
    install(example, 0);
    EXPECT_DEATH(install(example, 0), "assertion failed");
    EXPECT_DEATH(install(example, 3), "assertion failed");
}

TEST_F(page_table_test, table_frames_carry_the_flag_and_upper_descriptors_name_them) {
    page& root = from.table_frame();
    page& next = from.table_frame();
    table.set_root(root);
    table.install_table(example, 1, next);
    EXPECT_EQ(table.root(), &root);
    EXPECT_TRUE(root.test(page_flag::table));
    EXPECT_TRUE(next.test(page_flag::table));
    const host_table& words = from.pool.at(0, root.index());
    EXPECT_EQ(words.words[254], descriptor::table(from.frames.pfn_of(next)).word());
}

TEST_F(page_table_test, the_real_descriptors_lead_to_the_same_leaf) {
    space.set(example, testing::written_page(pfn{7}));
    pfn at = from.frames.pfn_of(*table.root());
    for (int level = 0; level < 3; ++level) {
        const host_table& words = from.pool.at(level, from.frames[at].index());
        const descriptor d{words.words[table_index(example, level)]};
        ASSERT_TRUE(d.leaf_or_table());
        at = d.frame();
    }
    const host_table& last = from.pool.at(3, from.frames[at].index());
    EXPECT_EQ(last.words[table_index(example, 3)], testing::written_page(pfn{7}).word());
}

TEST_F(page_table_test, neighbours_share_a_table_and_keep_their_own_descriptors) {
    space.set(vpn{0}, testing::written_page(pfn{1}));
    space.set(vpn{511}, testing::written_page(pfn{2}));
    space.set(vpn{512}, testing::written_page(pfn{3}));
    EXPECT_EQ(table.table_count(3), 2U);
    EXPECT_EQ(space.get(vpn{0}).frame(), pfn{1});
    EXPECT_EQ(space.get(vpn{511}).frame(), pfn{2});
    EXPECT_EQ(space.get(vpn{512}).frame(), pfn{3});
}

TEST_F(page_table_test, a_frame_is_found_only_where_a_descriptor_maps_it) {
    EXPECT_EQ(table.leaf_of(example, pfn{5}), nullptr) << "no table";
    for (int level = 0; level < table_levels; ++level) install(example, level);
    std::uint64_t& slot = *table.leaf(example);
    EXPECT_EQ(table.leaf_of(example, pfn{0}), nullptr) << "nothing there";
    slot = descriptor::page(pfn{5}, page_prot::readonly).mkold().word();
    EXPECT_EQ(table.leaf_of(example, pfn{5}), &slot);
    EXPECT_EQ(table.leaf_of(example, pfn{6}), nullptr) << "another frame";
    slot = descriptor::page(pfn{5}, page_prot::none).word();
    EXPECT_EQ(table.leaf_of(example, pfn{5}), &slot) << "present, though nobody may use it";
    slot = descriptor::zero_page(pfn{5}, page_prot::readonly).word();
    EXPECT_EQ(table.leaf_of(example, pfn{5}), nullptr) << "the zero page counts no mappings";
    slot = descriptor::swap({.offset = 5U << 4U, .type = 0}).word();
    EXPECT_EQ(table.leaf_of(example, descriptor{slot}.frame()), nullptr) << "a swap entry";
}

TEST_F(page_table_test, addresses_beyond_48_bits_have_no_leaf) {
    space.set(vpn{0}, testing::written_page(pfn{1}));
    const page_table& constant = table;
    EXPECT_EQ(table.leaf(vpn{vpn_limit}), nullptr);
    EXPECT_EQ(constant.leaf(vpn{vpn_limit}), nullptr);
    EXPECT_EQ(table.leaf(vpn{~std::uint64_t{0}}), nullptr);
}

TEST_F(page_table_test, last_page_of_the_address_space_works) {
    const vpn last{vpn_limit - 1};
    space.set(last, testing::written_page(pfn{9}));
    EXPECT_EQ(visited(vpn{vpn_limit - 3}, vpn{vpn_limit}),
              (std::vector<vpn>{vpn{vpn_limit - 3}, vpn{vpn_limit - 2}, last}));
}

TEST_F(page_table_test, visiting_skips_absent_tables_and_keeps_to_the_range) {
    space.slot(vpn{0});
    space.slot(vpn{3 * table_pages});
    space.slot(vpn{gigabyte});
    space.slot(vpn{half_terabyte});
    EXPECT_EQ(visited(vpn{0}, vpn{2 * half_terabyte}).size(), 4 * table_pages);
    const std::vector<vpn> some = visited(vpn{510}, vpn{3 * table_pages + 2});
    EXPECT_EQ(some, (std::vector<vpn>{vpn{510}, vpn{511}, vpn{1536}, vpn{1537}}));
    EXPECT_TRUE(visited(vpn{table_pages}, vpn{2 * table_pages}).empty());
    EXPECT_TRUE(visited(vpn{5}, vpn{5}).empty());
}

TEST_F(page_table_test, visiting_without_a_root_finds_nothing) {
    EXPECT_TRUE(visited(vpn{0}, vpn{vpn_limit}).empty());
}

TEST_F(page_table_test, empty_tables_wholly_within_the_range_are_released_children_first) {
    space.slot(vpn{0});
    space.slot(vpn{table_pages});
    space.slot(vpn{gigabyte});
    // The second half of the first table, all of the second: only the second goes.
    const std::vector<page*> one = table.release_empty(vpn{256}, vpn{gigabyte});
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(table.missing_level(vpn{table_pages}), 3);
    EXPECT_EQ(table.missing_level(vpn{0}), -1);
    // The first gigabyte: its last table, then the level 2 table over it.
    const std::vector<page*> two = table.release_empty(vpn{0}, vpn{gigabyte});
    ASSERT_EQ(two.size(), 2U);
    EXPECT_EQ(table.missing_level(vpn{0}), 2);
    EXPECT_EQ(table.missing_level(vpn{gigabyte}), -1);
    EXPECT_EQ(table.table_count(), 4U);
    for (const page* p : two) EXPECT_FALSE(p->test(page_flag::table));
    table.check_consistency();
}

TEST_F(page_table_test, tables_in_use_stay) {
    space.set(vpn{3}, descriptor::swap({.offset = 8}));
    EXPECT_TRUE(table.release_empty(vpn{0}, vpn{vpn_limit}).empty());
    EXPECT_EQ(table.table_count(), 4U);
}

TEST_F(page_table_test, released_tables_are_forgotten_by_the_last_table_cache) {
    std::uint64_t& word = space.slot(vpn{5}); // now cached
    word = 0;
    static_cast<void>(table.release_empty(vpn{0}, vpn{table_pages}));
    EXPECT_EQ(table.leaf(vpn{5}), nullptr);
    space.set(vpn{5}, testing::written_page(pfn{1}));
    EXPECT_EQ(space.get(vpn{5}).frame(), pfn{1});
}

TEST_F(page_table_test, releasing_all_gives_every_frame_back_root_last) {
    space.slot(vpn{0});
    space.slot(vpn{gigabyte});
    space.slot(vpn{half_terabyte});
    page* root = table.root();
    const std::vector<page*> frames = table.release_all();
    EXPECT_EQ(frames.size(), 1U + 2U + 3U + 3U);
    EXPECT_EQ(frames.back(), root);
    EXPECT_EQ(table.table_count(), 0U);
    EXPECT_EQ(table.missing_level(vpn{0}), 0);
    EXPECT_EQ(from.pool.in_use(), 0U);
    EXPECT_TRUE(table.release_all().empty());
    table.check_consistency();
}

TEST_F(page_table_test, releasing_all_while_a_page_is_mapped_is_refused) {
    space.set(vpn{1}, testing::written_page(pfn{1}));
    EXPECT_DEATH(static_cast<void>(table.release_all()), "assertion failed");
}

TEST_F(page_table_test, a_table_used_again_is_empty) {
    space.set(vpn{1}, testing::written_page(pfn{1}));
    space.slot(vpn{1}) = 0;
    space.slot(vpn{2}) = 0;
    static_cast<void>(table.release_all());
    space.slot(vpn{1});
    for (vpn n{0}; n < vpn{table_pages}; n = n + 1) EXPECT_EQ(*table.leaf(n), 0U);
    table.check_consistency();
}

TEST_F(page_table_test, two_spaces_share_a_pool_but_no_tables) {
    test_space other{from, asid{2}};
    space.set(vpn{1}, testing::written_page(pfn{1}));
    other.set(vpn{1}, testing::written_page(pfn{2}));
    EXPECT_EQ(space.get(vpn{1}).frame(), pfn{1});
    EXPECT_EQ(other.get(vpn{1}).frame(), pfn{2});
    EXPECT_EQ(from.pool.in_use(), 8U);
}

TEST_F(page_table_test, check_finds_a_pointer_that_its_descriptor_does_not_know) {
    space.slot(vpn{0});
    from.pool.at(0, table.root()->index()).words[0] = 0;
    EXPECT_DEATH(table.check_consistency(), "assertion failed");
}

} // namespace
} // namespace pagesim
