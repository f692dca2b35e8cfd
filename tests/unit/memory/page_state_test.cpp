// SPDX-License-Identifier: MIT
#include <pagesim/memory/mem_map.hpp>
#include <pagesim/memory/page_state.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

class page_state_test : public ::testing::Test {
protected:
    mem_map frames{page_count{4}};
    page_list list = frames.make_list();
    page& p = frames[pfn{1}];
};

TEST_F(page_state_test, flags_are_named_lowest_bit_first) {
    EXPECT_EQ(flag_names({page_flag::swapbacked, page_flag::uptodate, page_flag::lru}),
              "uptodate|lru|swapbacked");
    EXPECT_EQ(flag_names({}), "");
    EXPECT_EQ(page_flag_name(page_flag::anon_exclusive), "anon_exclusive");
}

TEST_F(page_state_test, a_page_describes_itself) {
    EXPECT_EQ(describe(p), "blank flags none refcount 0 mapcount -1 mapping 0 index 0 private 0x0");
    p.set(page_flag::swapbacked);
    p.set(page_flag::swapcache);
    p.set_refcount(2);
    p.set_mapping(3);
    p.set_index(17);
    p.set_private_data(0x40);
    EXPECT_EQ(describe(p),
              "in_transit flags swapcache|swapbacked refcount 2 mapcount -1 mapping 3 index 17 private 0x40");
}

// The rows of the picture in page_state.hpp.
TEST_F(page_state_test, an_anonymous_page_is_legal_all_its_life) {
    EXPECT_EQ(state_of(p), page_state::blank);
    p.set_refcount(1);
    EXPECT_EQ(state_of(p), page_state::kernel);
    EXPECT_TRUE(is_legal(p));
    p.set(page_flag::swapbacked);
    p.add_mapping();
    p.get();
    EXPECT_EQ(state_of(p), page_state::in_transit);
    EXPECT_TRUE(is_legal(p));
    EXPECT_FALSE(p.put_testzero());
    p.set(page_flag::lru);
    list.push_front(p);
    EXPECT_EQ(state_of(p), page_state::on_lru);
    EXPECT_TRUE(is_legal(p));
    list.remove(p);
    p.clear(page_flag::lru);
    p.set_refcount(3);
    p.set(page_flag::swapcache);
    p.set(page_flag::locked);
    p.set(page_flag::dirty);
    EXPECT_TRUE(is_legal(p));
    p.remove_mapping();
    EXPECT_FALSE(p.put_testzero());
    EXPECT_TRUE(is_legal(p));
    EXPECT_TRUE(p.freeze(2));
    p.clear(page_flag::swapcache);
    EXPECT_EQ(state_of(p), page_state::frozen);
    EXPECT_TRUE(is_legal(p));
}

TEST_F(page_state_test, a_mapping_or_the_swap_cache_without_a_reference_is_illegal) {
    p.set(page_flag::swapbacked);
    p.set_refcount(1);
    p.add_mapping();
    EXPECT_TRUE(is_legal(p));
    p.set(page_flag::swapcache);
    EXPECT_FALSE(is_legal(p));
    p.get();
    EXPECT_TRUE(is_legal(p));
}

TEST_F(page_state_test, lru_without_a_link_is_illegal) {
    p.set(page_flag::lru);
    p.set_refcount(1);
    EXPECT_FALSE(is_legal(p));
    list.push_back(p);
    EXPECT_TRUE(is_legal(p));
    list.remove(p);
}

TEST_F(page_state_test, unevictable_and_active_exclude_each_other) {
    p.set(page_flag::swapbacked);
    p.set(page_flag::unevictable);
    p.set_refcount(1);
    EXPECT_TRUE(is_legal(p));
    p.set(page_flag::active);
    EXPECT_FALSE(is_legal(p));
}

TEST_F(page_state_test, a_frozen_page_in_the_swap_cache_is_illegal) {
    p.set(page_flag::swapbacked);
    p.set(page_flag::swapcache);
    EXPECT_EQ(state_of(p), page_state::frozen);
    EXPECT_FALSE(is_legal(p));
}

TEST_F(page_state_test, a_free_frame_with_a_reference_is_illegal) {
    p.set(page_flag::buddy);
    list.push_back(p);
    EXPECT_TRUE(is_legal(p));
    p.set_refcount(1);
    EXPECT_FALSE(is_legal(p));
    p.set_refcount(0);
    p.set(page_flag::dirty);
    EXPECT_FALSE(is_legal(p));
    list.remove(p);
}

TEST_F(page_state_test, tables_and_zram_pages_are_told_by_their_flag) {
    p.set_refcount(1);
    p.set(page_flag::table);
    EXPECT_EQ(state_of(p), page_state::table);
    EXPECT_TRUE(is_legal(p));
    p.clear_flags();
    p.set(page_flag::zsmalloc);
    EXPECT_EQ(page_state_name(state_of(p)), "zspage");
    EXPECT_TRUE(is_legal(p));
    p.add_mapping();
    EXPECT_FALSE(is_legal(p));
}

TEST(page_death_test, a_failed_assertion_prints_the_page) {
    mem_map frames{page_count{1}};
    page& p = frames[pfn{0}];
    p.set(page_flag::uptodate);
    p.set(page_flag::dirty);
    p.set_refcount(2);
    EXPECT_DEATH(
        PAGESIM_ASSERT_PAGE(p.refcount() == 0, p),
        "flags uptodate\\|dirty refcount 2 mapcount -1.*\n.*assertion failed: p.refcount\\(\\) == 0");
    p.set_refcount(0);
    EXPECT_DEATH(static_cast<void>(p.put_testzero()), "refcount_ > 0");
}

} // namespace
} // namespace pagesim
