// SPDX-License-Identifier: MIT
#include <pagesim/workload/region_map.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

constexpr std::uint64_t top = raw(region_map::top);

std::uint64_t below_top(std::optional<vpn> n) { return n ? top - raw(*n) : 0; }

TEST(region_placement, begins_128_mib_and_8_pages_below_the_end_of_48_bits) {
    static_assert(top == 0xffff'f800'0 - 8);
    region_map m;
    EXPECT_EQ(m.take({10}), vpn{top - 10});
}

TEST(region_placement, goes_downwards) {
    region_map m;
    EXPECT_EQ(below_top(m.take({10})), 10U);
    EXPECT_EQ(below_top(m.take({5})), 15U);
    EXPECT_EQ(below_top(m.take({1})), 16U);
}

TEST(region_placement, reuses_the_highest_hole_that_fits_from_its_upper_end) {
    // from the top down: a 10, b 4, c 6, d 8, e 1
    region_map m;
    for (const std::uint64_t pages : {10U, 4U, 6U, 8U, 1U}) static_cast<void>(m.take({pages}));
    m.give_back(vpn{top - 14}, {4}); // b
    m.give_back(vpn{top - 28}, {8}); // d
    EXPECT_EQ(below_top(m.take({5})), 25U) << "b's hole is too small: the upper end of d's";
    EXPECT_EQ(below_top(m.take({4})), 14U) << "b's hole, all of it";
    EXPECT_EQ(below_top(m.take({3})), 28U) << "what is left of d's";
    EXPECT_EQ(below_top(m.take({1})), 30U) << "no hole is left: below e";
}

TEST(region_placement, joins_holes_with_both_neighbours) {
    region_map m;
    for (unsigned i = 0; i < 4; ++i) static_cast<void>(m.take({4}));
    m.give_back(vpn{top - 4}, {4});
    m.give_back(vpn{top - 12}, {4});
    m.give_back(vpn{top - 8}, {4}); // joins the two
    EXPECT_EQ(below_top(m.take({12})), 12U);
    m.give_back(vpn{top - 12}, {12});
    m.give_back(vpn{top - 16}, {4}); // joins with what lies below all regions, too
    EXPECT_EQ(m.take({top - 16}), region_map::bottom);
}

TEST(region_placement, ends_when_no_hole_is_large_enough) {
    region_map m;
    EXPECT_FALSE(m.take({top - 16 + 1}));
    EXPECT_EQ(m.take({top - 16}), region_map::bottom);
    EXPECT_FALSE(m.take({1}));
    m.give_back(region_map::bottom, {top - 16});
    EXPECT_TRUE(m.take({1}));
}

TEST(region_placement, ends_below_what_is_mapped_already) {
    region_map m{vpn{top - 100}};
    EXPECT_EQ(below_top(m.take({10})), 110U);
}

TEST(region_placement, aligns_as_the_kernel_does_in_a_hole_that_has_room_for_both) {
    constexpr std::uint64_t end = 100 * 512 + 70;
    region_map m{vpn{end}};
    // 600 and 512 pages below the end is 98 * 512 - 18, and then the next multiple of 512
    EXPECT_EQ(m.take_aligned({600}, 512), vpn{98 * 512});
    EXPECT_EQ(m.take({52}), vpn{end - 52}) << "what is above stays free";
    EXPECT_EQ(m.take({500}), vpn{98 * 512 - 500}) << "and too small for this";
}

TEST(region_placement, that_comes_out_aligned_is_left_512_pages_below_the_end) {
    region_map m{vpn{100 * 512}};
    EXPECT_EQ(m.take_aligned({512}, 512), vpn{98 * 512});
    EXPECT_EQ(m.take_aligned({512}, 512), vpn{96 * 512}) << "the hole above has no room for both";
    EXPECT_EQ(m.take({512}), vpn{99 * 512});
}

TEST(region_placement, does_not_align_where_no_hole_has_room_for_both) {
    region_map m{vpn{16 + 1000}};
    EXPECT_FALSE(m.take_aligned({512}, 512));
    EXPECT_EQ(m.take({1000}), region_map::bottom) << "nothing was taken";
}

TEST(region_placement_death, refuses_to_take_back_what_is_free) {
    region_map m;
    const auto r = m.take({4});
    m.give_back(*r, {4});
    EXPECT_DEATH(m.give_back(*r, {4}), "begin|end");
}

} // namespace
} // namespace pagesim
