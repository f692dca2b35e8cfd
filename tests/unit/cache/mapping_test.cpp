// SPDX-License-Identifier: MIT
#include <pagesim/base/dice.hpp>
#include <pagesim/cache/mapping.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace pagesim {
namespace {

TEST(mapping, a_slot_holds_a_frame_a_value_or_nothing) {
    mapping f{1, "f", page_count{1000}, file_kind::regular};
    shadow_nodes nodes;
    EXPECT_TRUE(f.slot(70).empty());
    f.store(70, cache_slot::of_frame(pfn{0}), nodes);
    EXPECT_TRUE(f.slot(70).is_frame());
    EXPECT_EQ(raw(f.slot(70).frame()), 0U);
    f.store(70, cache_slot::of_value((1ULL << 63U) - 1), nodes);
    EXPECT_TRUE(f.slot(70).is_value());
    EXPECT_EQ(f.slot(70).value(), (1ULL << 63U) - 1);
    EXPECT_EQ(f.nrpages(), 0U);
    f.check_consistency();
}

TEST(mapping, a_leaf_of_shadows_alone_is_counted_and_one_with_a_page_is_not) {
    mapping f{1, "f", page_count{1000}, file_kind::regular};
    shadow_nodes nodes;
    EXPECT_EQ(f.store(3, cache_slot::of_frame(pfn{9}), nodes), 0);
    EXPECT_EQ(f.store(4, cache_slot::of_value(1), nodes), 0);
    EXPECT_EQ(f.store(3, cache_slot::of_value(2), nodes), 1) << "the last page left";
    EXPECT_EQ(nodes.size(), 1U);
    EXPECT_EQ(f.store(3, {}, nodes), 0);
    EXPECT_EQ(f.store(4, {}, nodes), -1) << "and so did the last shadow";
}

TEST(mapping, tags_are_found_in_order_and_across_leaves) {
    mapping f{1, "f", page_count{1000}, file_kind::regular};
    shadow_nodes nodes;
    for (const std::uint64_t n : {5ULL, 63ULL, 64ULL, 700ULL}) {
        f.store(n, cache_slot::of_frame(pfn{n}), nodes);
        f.set_tag(n, cache_tag::dirty);
    }
    std::vector<std::uint64_t> found;
    for (std::uint64_t n = f.next_tagged(0, cache_tag::dirty); n != mapping::none;
         n = f.next_tagged(n + 1, cache_tag::dirty))
        found.push_back(n);
    EXPECT_EQ(found, (std::vector<std::uint64_t>{5, 63, 64, 700}));
    EXPECT_EQ(f.next_tagged(0, cache_tag::writeback), mapping::none);
    f.clear_tag(64, cache_tag::dirty);
    EXPECT_EQ(f.next_tagged(64, cache_tag::dirty), 700U);
    EXPECT_EQ(f.tagged_pages(cache_tag::dirty), 3U);
    EXPECT_EQ(f.next_frame(65), 700U);
    f.check_consistency();
}

TEST(mapping, a_tag_counts_once_however_often_it_is_set_and_cleared) {
    mapping f{1, "f", page_count{1000}, file_kind::regular};
    shadow_nodes nodes;
    f.store(70, cache_slot::of_frame(pfn{9}), nodes);
    for (int i = 0; i < 2; ++i) f.set_tag(70, cache_tag::dirty);
    EXPECT_EQ(f.tagged_pages(cache_tag::dirty), 1U);
    f.clear_tag(71, cache_tag::dirty);
    f.clear_tag(700, cache_tag::dirty); // nothing near it was ever cached
    EXPECT_EQ(f.tagged_pages(cache_tag::dirty), 1U);
    for (int i = 0; i < 2; ++i) f.clear_tag(70, cache_tag::dirty);
    EXPECT_EQ(f.tagged_pages(cache_tag::dirty), 0U);
    f.check_consistency();
}

// Every query against every range, by looking at all of them.
TEST(range_index, finds_exactly_the_ranges_that_cover_a_page) {
    dice d{7};
    table_pool tables;
    mem_map frames{page_count{16}};
    mm owner{asid{1}, frames, tables};
    std::vector<std::unique_ptr<vma>> ranges;
    range_index index;
    for (int step = 0; step < 2000; ++step) {
        if (ranges.empty() || d.ratio(2, 3)) {
            auto v = std::make_unique<vma>();
            v->first = vpn{10'000};
            v->end = v->first + (1 + d.below(40));
            v->pgoff = d.below(100);
            index.insert(owner, *v);
            ranges.push_back(std::move(v));
        } else {
            const auto at = ranges.begin() + static_cast<std::ptrdiff_t>(d.below(ranges.size()));
            index.remove(**at);
            ranges.erase(at);
        }
        const std::uint64_t page = d.below(160);
        std::multiset<const vma*> expected;
        std::multiset<const vma*> found;
        for (const auto& v : ranges) {
            if (page >= v->pgoff && page < v->pgoff + v->pages()) expected.insert(v.get());
        }
        index.for_each(page, [&](const file_range& r) {
            found.insert(r.range);
            EXPECT_EQ(raw(r.at(page)) - raw(r.range->first), page - r.range->pgoff);
            return true;
        });
        ASSERT_EQ(found, expected);
    }
}

TEST(range_index, a_range_that_is_alone_covers_its_own_pages) {
    table_pool tables;
    mem_map frames{page_count{16}};
    mm owner{asid{1}, frames, tables};
    vma v;
    v.end = vpn{10};
    v.pgoff = 100;
    range_index index;
    index.insert(owner, v);
    for (const auto& [page, expected] : {std::pair{99U, 0}, {100U, 1}, {109U, 1}, {110U, 0}}) {
        int calls = 0;
        index.for_each(page, [&](const file_range&) { return ++calls > 0; });
        EXPECT_EQ(calls, expected) << "page " << page;
    }
}

TEST(range_index, a_walk_ends_when_it_is_told_to) {
    table_pool tables;
    mem_map frames{page_count{16}};
    mm owner{asid{1}, frames, tables};
    vma a;
    a.end = vpn{10};
    vma b;
    b.first = vpn{20};
    b.end = vpn{30};
    range_index index;
    index.insert(owner, a);
    index.insert(owner, b);
    int calls = 0;
    index.for_each(5, [&](const file_range&) { return ++calls < 1; });
    EXPECT_EQ(calls, 1);
}

} // namespace
} // namespace pagesim
