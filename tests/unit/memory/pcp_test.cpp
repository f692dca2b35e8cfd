// SPDX-License-Identifier: MIT
#include "short_names.hpp"

#include <pagesim/memory/pcp.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pagesim {
namespace {

class pcp_test : public ::testing::Test {
protected:
    pcp_test() { area.free_range(pfn{0}, pfn{8192}); }

    pcp_lists lists_of(pcp_high_rule rule, pcp_size size) { return {frames, rule, size}; }
    page& take(pcp_lists& pcp, migratetype type = M) {
        page* p = pcp.alloc(type, area, report, fragmentation::allowed);
        PAGESIM_ASSERT(p != nullptr);
        return *p;
    }
    // n pages straight from the buddy lists.
    std::vector<page*> pages(std::uint64_t n) {
        std::vector<page*> v;
        for (std::uint64_t i = 0; i < n; ++i) v.push_back(area.alloc(page_order{0}, M, report));
        return v;
    }
    // What each overflow gave back while n pages were freed.
    std::vector<std::uint64_t> overflows(pcp_lists& pcp, std::uint64_t n,
                                         zone_reclaim reclaim = zone_reclaim::idle) {
        std::vector<std::uint64_t> sizes;
        for (page* p : pages(n)) {
            const std::uint64_t before = area.nr_free();
            pcp.free(*p, M, area, reclaim);
            if (area.nr_free() != before) sizes.push_back(area.nr_free() - before);
        }
        return sizes;
    }
    std::string picture(const pcp_lists& pcp, migratetype type) const {
        std::string out;
        pcp.list(type).for_each([&](const page& p) {
            out += fmt::format("{}{}", out.empty() ? "" : " ", raw(frames.pfn_of(p)));
        });
        return out;
    }
    void TearDown() override { area.check_consistency(); }

    mem_map frames{page_count{8192}};
    buddy area{frames, pfn{0}, pfn{8192}};
    steal_report report;
};

using sizes = std::vector<std::uint64_t>;

TEST_F(pcp_test, an_empty_list_is_refilled_by_a_batch) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    take(pcp);
    EXPECT_EQ(area.nr_free(), 8192U - 15);
    EXPECT_EQ(pcp.count(), 14U);
    for (int i = 0; i < 14; ++i) take(pcp);
    EXPECT_EQ(area.nr_free(), 8192U - 15);
    EXPECT_EQ(pcp.count(), 0U);
    take(pcp);
    EXPECT_EQ(area.nr_free(), 8192U - 30);
    EXPECT_EQ(pcp.refills(), 2U);
    pcp.check_consistency();
}

TEST_F(pcp_test, refilled_pages_come_in_the_order_of_the_buddy_lists) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 4});
    for (std::uint64_t n = 0; n < 9; ++n) EXPECT_EQ(raw(frames.pfn_of(take(pcp))), n);
}

TEST_F(pcp_test, the_page_freed_last_comes_first) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 4});
    page& a = take(pcp);
    page& b = take(pcp);
    pcp.free(a, M, area, zone_reclaim::idle);
    pcp.free(b, M, area, zone_reclaim::idle);
    EXPECT_EQ(picture(pcp, M), "1 0 2 3");
    EXPECT_EQ(&take(pcp), &b);
}

TEST_F(pcp_test, overflows_of_6_1_double_up_to_32_batches) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    EXPECT_EQ(overflows(pcp, 640 + 15 + 30 + 60 + 120 + 240 + 480), (sizes{15, 30, 60, 120, 240, 480, 480}));
    EXPECT_EQ(pcp.free_factor(), 5U);
    EXPECT_EQ(pcp.count(), 640U - 480);
}

TEST_F(pcp_test, the_munmap_of_700_pages_gives_back_nothing_before_640) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    EXPECT_EQ(overflows(pcp, 639), sizes{});
    EXPECT_EQ(overflows(pcp, 1), sizes{15});
}

TEST_F(pcp_test, each_allocation_halves_the_free_factor) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    overflows(pcp, 640 + 15 + 30 + 60 + 120 + 240);
    EXPECT_EQ(pcp.free_factor(), 5U);
    take(pcp);
    EXPECT_EQ(pcp.free_factor(), 2U);
    take(pcp);
    take(pcp);
    EXPECT_EQ(pcp.free_factor(), 0U);
}

TEST_F(pcp_test, the_stock_is_clipped_to_four_batches_while_kswapd_works) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    EXPECT_EQ(overflows(pcp, 60 + 15 + 30 + 45, zone_reclaim::active), (sizes{15, 30, 45, 45}));
    EXPECT_EQ(pcp.free_factor(), 2U);
}

TEST_F(pcp_test, a_high_below_the_batch_gives_back_page_by_page) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {3, 15});
    EXPECT_EQ(overflows(pcp, 6), (sizes{1, 1, 1, 1}));
}

TEST_F(pcp_test, a_high_of_less_than_two_batches_bounds_the_overflow) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {20, 15});
    EXPECT_EQ(overflows(pcp, 30), (sizes{5, 5, 5}));
}

TEST_F(pcp_test, overflow_of_6_1_takes_the_oldest_of_the_list_freed_to_and_then_the_next_lists) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {100, 4});
    const std::vector<page*> v = pages(7); // 0..6
    pcp.free(*v[0], U, area, zone_reclaim::idle);
    pcp.free(*v[1], U, area, zone_reclaim::idle);
    pcp.free(*v[2], M, area, zone_reclaim::idle);
    pcp.free(*v[3], M, area, zone_reclaim::idle);
    pcp.free(*v[4], R, area, zone_reclaim::idle);
    pcp.free(*v[5], R, area, zone_reclaim::idle);
    pcp.set_size({7, 3});
    pcp.free(*v[6], R, area, zone_reclaim::idle);
    // Reclaimable 6 5 4: all three go, oldest first.
    EXPECT_EQ(picture(pcp, R), "");
    EXPECT_EQ(picture(pcp, U), "1 0");
    EXPECT_EQ(picture(pcp, M), "3 2");
    pcp.check_consistency();
}

TEST_F(pcp_test, overflow_of_6_1_goes_round_to_the_first_list) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {100, 3});
    const std::vector<page*> v = pages(6);
    for (unsigned i = 0; i < 5; ++i) pcp.free(*v[i], U, area, zone_reclaim::idle);
    pcp.set_size({6, 3});
    pcp.free(*v[5], R, area, zone_reclaim::idle);
    EXPECT_EQ(picture(pcp, R), "");
    EXPECT_EQ(picture(pcp, U), "4 3 2");
}

TEST_F(pcp_test, blocks_of_order_1_are_refilled_by_half_a_batch_and_by_two_at_least) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 7});
    EXPECT_EQ(pcp.alloc(M, area, report, fragmentation::allowed, page_order{1}), &frames[pfn{0}]);
    EXPECT_EQ(area.nr_free(), 8192U - 3 * 2);
    EXPECT_EQ(pcp.count(), 2U * 2);
    EXPECT_EQ(pcp.alloc(M, area, report, fragmentation::allowed, page_order{3}), &frames[pfn{8}]);
    EXPECT_EQ(area.nr_free(), 8192U - 3 * 2 - 2 * 8);
    EXPECT_EQ(pcp.count(), 2U * 2 + 8);
    pcp.check_consistency();
    pcp.drain(area);
    EXPECT_EQ(area.nr_free(), 8192U - 2 - 8);
    EXPECT_EQ(pcp.count(), 0U);
}

TEST_F(pcp_test, a_larger_block_freed_after_an_overflow_sends_the_whole_stock_back) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    page& first = *area.alloc(page_order{1}, M, report);
    page& second = *area.alloc(page_order{1}, M, report);
    pcp.free(first, M, area, zone_reclaim::idle, page_order{1});
    EXPECT_EQ(pcp.count(), 2U) << "nothing overflowed yet";
    EXPECT_EQ(overflows(pcp, 638), (sizes{15}));
    EXPECT_EQ(pcp.free_factor(), 1U);
    pcp.free(second, R, area, zone_reclaim::idle, page_order{1});
    EXPECT_EQ(pcp.count(), 0U);
    EXPECT_EQ(pcp.free_factor(), 1U);
    EXPECT_EQ(area.nr_free(), 8192U);
}

TEST_F(pcp_test, an_overflow_counts_the_pages_of_larger_blocks_and_may_give_back_one_more) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {20, 5});
    std::vector<page*> v;
    for (int i = 0; i < 10; ++i) v.push_back(area.alloc(page_order{1}, M, report));
    for (page* p : v) pcp.free(*p, M, area, zone_reclaim::idle, page_order{1});
    EXPECT_EQ(pcp.count(), 14U);
    pcp.check_consistency();
}

TEST_F(pcp_test, only_6_1_has_lists_of_larger_blocks_and_up_to_order_3) {
    const pcp_lists now = lists_of(pcp_high_rule::low_watermark, {640, 15});
    EXPECT_TRUE(now.has_order(page_order{3}));
    EXPECT_FALSE(now.has_order(page_order{4}));
    const pcp_lists then = lists_of(pcp_high_rule::six_batches, {90, 15});
    EXPECT_TRUE(then.has_order(page_order{0}));
    EXPECT_FALSE(then.has_order(page_order{1}));
}

TEST_F(pcp_test, overflow_of_5_8_is_always_one_batch) {
    pcp_lists pcp = lists_of(pcp_high_rule::six_batches, {90, 15});
    EXPECT_EQ(overflows(pcp, 120, zone_reclaim::active), (sizes{15, 15, 15}));
    EXPECT_EQ(pcp.count(), 75U);
}

TEST_F(pcp_test, overflow_of_5_8_takes_the_lists_in_turn) {
    pcp_lists pcp = lists_of(pcp_high_rule::six_batches, {10, 5});
    const std::vector<page*> v = pages(10);
    for (unsigned i = 0; i < 3; ++i) pcp.free(*v[i], U, area, zone_reclaim::idle);
    for (unsigned i = 3; i < 7; ++i) pcp.free(*v[i], M, area, zone_reclaim::idle);
    for (unsigned i = 7; i < 10; ++i) pcp.free(*v[i], R, area, zone_reclaim::idle);
    // Given back: 3 (movable), 7 (reclaimable), 0 (unmovable), 4, 8.
    EXPECT_EQ(picture(pcp, U), "2 1");
    EXPECT_EQ(picture(pcp, M), "6 5");
    EXPECT_EQ(picture(pcp, R), "9");
}

TEST_F(pcp_test, overflow_of_5_8_takes_more_from_a_list_after_an_empty_one) {
    pcp_lists pcp = lists_of(pcp_high_rule::six_batches, {8, 4});
    const std::vector<page*> v = pages(8);
    for (unsigned i = 0; i < 4; ++i) pcp.free(*v[i], U, area, zone_reclaim::idle);
    for (unsigned i = 4; i < 8; ++i) pcp.free(*v[i], M, area, zone_reclaim::idle);
    // Movable 1, reclaimable is empty, unmovable 2, movable 1.
    EXPECT_EQ(picture(pcp, U), "3 2");
    EXPECT_EQ(picture(pcp, M), "7 6");
}

TEST_F(pcp_test, draining_returns_every_page_and_memory_is_whole_again) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    for (page* p : pages(100)) pcp.free(*p, M, area, zone_reclaim::idle);
    pcp.drain(area);
    EXPECT_EQ(pcp.count(), 0U);
    EXPECT_EQ(area.free_blocks(page_order{10}), 8U);
}

TEST_F(pcp_test, a_described_stock_can_be_set) {
    pcp_lists pcp = lists_of(pcp_high_rule::low_watermark, {640, 15});
    EXPECT_EQ(pcp.fill(M, 123, area, report), 123U);
    EXPECT_EQ(pcp.count(M), 123U);
    EXPECT_EQ(area.nr_free(), 8192U - 123);
    pcp.set_size({503, 7});
    EXPECT_EQ(pcp.high(), 503U);
    EXPECT_EQ(pcp.batch(), 7U);
}

} // namespace
} // namespace pagesim
