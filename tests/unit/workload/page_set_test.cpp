// SPDX-License-Identifier: MIT
#include <pagesim/base/dice.hpp>
#include <pagesim/workload/page_set.hpp>

#include <gtest/gtest.h>

#include <set>

namespace pagesim {
namespace {

using ranges = std::vector<page_range>;

TEST(touched_pages, are_counted_once) {
    page_set s;
    for (const std::uint64_t n : {5U, 5U, 6U, 5U}) s.insert(vpn{n});
    EXPECT_EQ(s.count(), page_count{2});
    EXPECT_TRUE(s.contains(vpn{5}));
    EXPECT_FALSE(s.contains(vpn{7}));
    EXPECT_FALSE(s.contains(vpn{1U << 20U}));
}

TEST(touched_pages, as_ranges_are_merged_over_a_gap_and_not_over_one_more) {
    page_set s;
    s.insert(vpn{100});
    s.insert(vpn{117}); // 16 pages between
    EXPECT_EQ(s.ranges({16}), (ranges{{vpn{100}, vpn{118}}}));
    EXPECT_EQ(s.ranges({15}), (ranges{{vpn{100}, vpn{101}}, {vpn{117}, vpn{118}}}));
}

TEST(touched_pages, as_ranges_cross_the_pieces_they_are_kept_in) {
    page_set s;
    for (std::uint64_t n = 500; n < 530; ++n) s.insert(vpn{n});
    s.insert(vpn{(1ULL << 36U) - 1});
    s.insert(vpn{0});
    EXPECT_EQ(s.ranges({0}),
              (ranges{{vpn{0}, vpn{1}}, {vpn{500}, vpn{530}}, {vpn{(1ULL << 36U) - 1}, vpn{1ULL << 36U}}}));
    EXPECT_TRUE(page_set{}.ranges({16}).empty());
}

TEST(touched_pages, equal_a_plain_set_under_random_inserts) {
    dice d{11};
    for (unsigned round = 0; round < 20; ++round) {
        page_set s;
        std::set<std::uint64_t> model;
        for (unsigned i = 0; i < 3000; ++i) {
            // Near one another, or 256 pieces apart so that they share a place among the recent ones.
            const std::uint64_t n = d.below(2000) + (d.ratio(1, 4) ? d.below(8) * 512 * 256 : 0);
            s.insert(vpn{n});
            model.insert(n);
        }
        EXPECT_EQ(s.count().value, model.size());
        std::set<std::uint64_t> listed;
        for (const page_range& r : s.ranges({0})) {
            for (vpn n = r.first; n != r.end; n = n + 1) listed.insert(raw(n));
        }
        EXPECT_EQ(listed, model);
    }
}

} // namespace
} // namespace pagesim
