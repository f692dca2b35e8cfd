// SPDX-License-Identifier: MIT
#include "short_names.hpp"

#include <pagesim/memory/buddy.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace pagesim {
namespace {

class buddy_test : public ::testing::Test {
protected:
    // Frames [first, end) free.
    void build(std::uint64_t first, std::uint64_t end) {
        area = std::make_unique<buddy>(frames, pfn{first}, pfn{end});
        area->free_range(pfn{first}, pfn{end});
    }
    page& take(unsigned order, migratetype type, fragmentation rule = fragmentation::allowed) {
        page* p = area->alloc(page_order{static_cast<std::uint8_t>(order)}, type, report, rule);
        PAGESIM_ASSERT(p != nullptr);
        p->set_refcount(1);
        return *p;
    }
    std::uint64_t take_number(unsigned order, migratetype type) { return number(take(order, type)); }
    std::uint64_t number(const page& p) const { return raw(frames.pfn_of(p)); }
    void give(std::uint64_t n, unsigned order = 0) {
        page& p = frames[pfn{n}];
        p.clear_flags();
        p.set_refcount(0);
        area->free(p, page_order{static_cast<std::uint8_t>(order)});
    }
    void take_all(migratetype type) {
        while (area->nr_free() > 0) take(0, type);
    }
    // The lists of one type, head first: "0: 1 | 1: 2 | 2: 4".
    std::string picture(migratetype type) const {
        std::string out;
        for (unsigned o = 0; o < max_order; ++o) {
            const page_list& list = area->blocks(page_order{static_cast<std::uint8_t>(o)}, type);
            if (list.empty()) continue;
            out += fmt::format("{}{}:", out.empty() ? "" : " | ", o);
            list.for_each([&](const page& p) { out += fmt::format(" {}", number(p)); });
        }
        return out.empty() ? "-" : out;
    }
    void TearDown() override {
        if (area) area->check_consistency();
    }

    mem_map frames{page_count{8192}};
    std::unique_ptr<buddy> area;
    steal_report report;
};

TEST_F(buddy_test, boot_frees_largest_aligned_blocks_in_ascending_order) {
    build(100, 3172);
    EXPECT_EQ(picture(M), "2: 100 3168 | 3: 104 | 4: 112 | 5: 3136 | 6: 3072 | 7: 128 | 8: 256 | 9: 512 | "
                          "10: 1024 2048");
    EXPECT_EQ(area->nr_free(), 3072U);
    EXPECT_EQ(area->free_blocks(page_order{10}), 2U);
}

//  |0|1|2  |4      |     one page out of a block of eight: the lowest; the upper halves stay free
TEST_F(buddy_test, taking_a_page_splits_and_keeps_upper_halves) {
    build(0, 8);
    EXPECT_EQ(take_number(0, M), 0U);
    EXPECT_EQ(picture(M), "0: 1 | 1: 2 | 2: 4");
    EXPECT_EQ(area->nr_free(), 7U);
}

TEST_F(buddy_test, single_pages_of_a_fresh_block_come_in_ascending_order) {
    build(0, 16);
    for (std::uint64_t n = 0; n < 16; ++n) EXPECT_EQ(take_number(0, M), n);
    EXPECT_EQ(area->alloc(page_order{0}, M, report), nullptr);
}

TEST_F(buddy_test, the_smallest_block_that_is_large_enough_is_split) {
    build(0, 28); // 16 at 0, 8 at 16, 4 at 24
    EXPECT_EQ(take_number(2, M), 24U);
    EXPECT_EQ(take_number(2, M), 16U);
    EXPECT_EQ(picture(M), "2: 20 | 4: 0");
}

TEST_F(buddy_test, the_head_of_the_list_is_taken_and_splits_go_to_the_head) {
    build(0, 2048);
    EXPECT_EQ(take_number(9, M), 0U);
    EXPECT_EQ(take_number(9, M), 512U);
    EXPECT_EQ(take_number(10, M), 1024U);
}

TEST_F(buddy_test, freeing_merges_up_to_the_largest_order_and_no_further) {
    build(0, 2048);
    const std::string fresh = picture(M);
    for (int i = 0; i < 2048; ++i) take(0, M);
    EXPECT_EQ(picture(M), "-");
    for (std::uint64_t n = 0; n < 2048; ++n) give(n);
    EXPECT_EQ(area->free_blocks(page_order{10}), 2U);
    EXPECT_EQ(area->nr_free(), 2048U);
    EXPECT_EQ(fresh, "10: 0 1024");
}

//  freed in this order: 2 and 3 (merge), 5, 0, 7.    0 would merge with 1 and then at once with 2: to the tail
TEST_F(buddy_test, a_block_that_is_likely_to_merge_goes_to_the_tail) {
    build(0, 8);
    take_all(M);
    give(2);
    give(3);
    EXPECT_EQ(picture(M), "1: 2");
    give(5);
    give(0);
    EXPECT_EQ(picture(M), "0: 5 0 | 1: 2");
    give(7);
    EXPECT_EQ(picture(M), "0: 7 5 0 | 1: 2");
}

TEST_F(buddy_test, a_block_of_order_9_is_never_likely_to_merge) {
    build(0, 4096);
    for (int i = 0; i < 8; ++i) take(9, M);
    give(512 * 2, 9);
    give(512 * 3, 9); // merged: order 10 at 1024
    give(512 * 5, 9);
    give(0, 9);
    EXPECT_EQ(picture(M), "9: 0 2560 | 10: 1024");
}

TEST_F(buddy_test, a_buddy_outside_the_range_is_not_touched) {
    build(1, 7); // 1 | 2 3 | 4 5 | 6
    EXPECT_EQ(picture(M), "0: 1 6 | 1: 2 4");
    take_all(M);
    for (std::uint64_t n = 1; n < 7; ++n) give(n);
    EXPECT_EQ(area->free_blocks(page_order{0}), 2U);
    EXPECT_EQ(area->free_blocks(page_order{1}), 2U);
}

TEST_F(buddy_test, the_first_unmovable_request_takes_a_block_of_order_10_and_two_pageblocks) {
    build(0, 4096);
    EXPECT_EQ(take_number(0, U), 0U);
    EXPECT_EQ(report.steals, 1U);
    EXPECT_EQ(report.below_pageblock, 0U);
    EXPECT_EQ(area->pageblocks(U), 2U);
    EXPECT_EQ(area->pageblocks(M), 6U);
    EXPECT_EQ(picture(M), "10: 1024 2048 3072");
    EXPECT_EQ(picture(U), "0: 1 | 1: 2 | 2: 4 | 3: 8 | 4: 16 | 5: 32 | 6: 64 | 7: 128 | 8: 256 | 9: 512");
}

TEST_F(buddy_test, reclaimable_memory_is_taken_before_movable) {
    build(0, 2048);
    take(10, R);
    take(10, M);
    give(256, 8);
    give(1280, 8);
    EXPECT_EQ(picture(R), "8: 256");
    EXPECT_EQ(picture(M), "8: 1280");
    EXPECT_EQ(take_number(0, U), 256U);
    EXPECT_EQ(picture(M), "8: 1280");
}

// A pageblock of which `used` pages from the bottom are in use and `on_lru` of those are on an LRU list.
class steal_test : public buddy_test {
protected:
    void use(std::uint64_t used, std::uint64_t on_lru, migratetype type = M) {
        build(0, 512);
        for (std::uint64_t n = 0; n < used; ++n) {
            page& p = take(0, type);
            if (n < on_lru) p.set(page_flag::lru);
        }
        report = {};
    }
};

TEST_F(steal_test, all_free_blocks_of_the_pageblock_change_lists) {
    use(300, 300);
    EXPECT_EQ(picture(M), "2: 300 | 4: 304 | 6: 320 | 7: 384");
    EXPECT_EQ(take_number(0, U), 300U);
    EXPECT_EQ(picture(M), "-");
    EXPECT_EQ(picture(U), "0: 301 | 1: 302 | 4: 304 | 6: 320 | 7: 384");
    EXPECT_EQ(report.below_pageblock, 1U);
}

TEST_F(steal_test, less_than_half_alike_leaves_the_type) {
    use(300, 257); // 212 free + 43 that cannot move = 255
    take(0, U);
    EXPECT_EQ(area->pageblock_type(pfn{0}), M);
    EXPECT_EQ(report.retyped_pageblocks, 0U);
}

TEST_F(steal_test, half_alike_retypes_the_pageblock) {
    use(300, 256); // 212 + 44 = 256
    take(0, U);
    EXPECT_EQ(area->pageblock_type(pfn{0}), U);
    EXPECT_EQ(report.retyped_pageblocks, 1U);
}

TEST_F(steal_test, pages_of_a_zram_pool_can_move) {
    use(300, 256);
    frames[pfn{299}].set(page_flag::zsmalloc);
    take(0, U);
    EXPECT_EQ(area->pageblock_type(pfn{0}), M);
}

TEST_F(steal_test, a_movable_request_counts_movable_pages_as_alike) {
    use(384, 0, U);
    ASSERT_EQ(area->pageblock_type(pfn{0}), U);
    for (std::uint64_t n = 0; n < 128; ++n) frames[pfn{n}].set(page_flag::lru);
    take(0, M); // 128 free + 128 on a list
    EXPECT_EQ(area->pageblock_type(pfn{0}), M);
}

TEST_F(steal_test, a_movable_request_that_finds_no_16_pages_takes_the_smallest_block_alone) {
    use(499, 0, U); // free: 499 | 500..503 | 504..511
    EXPECT_EQ(picture(U), "0: 499 | 2: 500 | 3: 504");
    EXPECT_EQ(take_number(0, M), 499U);
    EXPECT_EQ(picture(U), "2: 500 | 3: 504");
    EXPECT_EQ(area->pageblock_type(pfn{0}), U);
    EXPECT_EQ(take_number(1, M), 500U);
    EXPECT_EQ(picture(M), "1: 502");
    EXPECT_EQ(picture(U), "3: 504");
}

TEST_F(steal_test, a_block_on_a_foreign_list_returns_to_its_pageblocks_type) {
    use(496, 0, U);
    give(3);
    EXPECT_EQ(picture(U), "0: 3 | 4: 496");
    take(4, M); // exactly 16: takes the pageblock's other block, too
    EXPECT_EQ(picture(M), "0: 3");
    give(7);
    EXPECT_EQ(picture(U), "0: 7");
    give(2); // merges with 3, which is on the other list
    EXPECT_EQ(picture(U), "0: 7 | 1: 2");
    EXPECT_EQ(picture(M), "-");
}

TEST_F(steal_test, avoiding_fragmentation_refuses_smaller_blocks) {
    use(1, 1);
    EXPECT_EQ(area->alloc(page_order{0}, U, report, fragmentation::avoided), nullptr);
    EXPECT_EQ(report.steals, 0U);
    EXPECT_NE(area->alloc(page_order{0}, M, report, fragmentation::avoided), nullptr);
    EXPECT_NE(area->alloc(page_order{0}, U, report), nullptr);
}

TEST_F(buddy_test, a_partial_pageblock_is_never_taken_whole) {
    build(0, 300);
    EXPECT_EQ(picture(M), "2: 296 | 3: 288 | 5: 256 | 8: 0");
    EXPECT_EQ(take_number(0, U), 0U);
    EXPECT_EQ(picture(M), "2: 296 | 3: 288 | 5: 256");
    EXPECT_EQ(area->pageblock_type(pfn{0}), M);
}

TEST_F(buddy_test, a_pageblock_cut_off_at_the_beginning_is_taken_from_the_block_on) {
    build(200, 512); // 200 (8) | 208 (16) | 224 (32) | 256 (256)
    take(0, U);
    EXPECT_EQ(area->pageblock_type(pfn{300}), U);
    EXPECT_EQ(picture(M), "3: 200 | 4: 208 | 5: 224");
}

using buddy_death_test = buddy_test;

TEST_F(buddy_death_test, freeing_twice_is_a_mistake) {
    build(0, 8);
    take(0, M);
    give(0);
    EXPECT_DEATH(area->free(frames[pfn{0}], page_order{0}), "free_buddy flags buddy refcount 0 mapcount -1");
}

TEST_F(buddy_death_test, freeing_an_unaligned_block_is_a_mistake) {
    build(0, 8);
    take_all(M);
    EXPECT_DEATH(give(1, 1), "assertion failed");
}

} // namespace
} // namespace pagesim
