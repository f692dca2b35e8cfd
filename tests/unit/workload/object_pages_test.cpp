// SPDX-License-Identifier: MIT
#include <pagesim/workload/object_pages.hpp>

#include <gtest/gtest.h>

#include <map>

namespace pagesim {
namespace {

constexpr std::uint64_t base = object_pages::first_object_page;

TEST(objects_by_number, are_the_pages_of_their_numbers) {
    object_pages o{object_placement::by_number};
    EXPECT_EQ(o.find({17}, 4096)->first, 17U);
    EXPECT_EQ(o.find({17}, 1)->pages, page_count{1});
    EXPECT_EQ(o.find({(1ULL << 36U) - 1}, 4096)->first, (1ULL << 36U) - 1);
    EXPECT_FALSE(o.find({1ULL << 36U}, 4096));
    EXPECT_FALSE(o.find({17}, 4097));
}

TEST(objects_in_order, lie_one_behind_the_other_as_they_are_first_asked_for) {
    object_pages o{object_placement::in_order};
    EXPECT_EQ(o.find({9}, 4097)->first, base);
    EXPECT_EQ(o.find({9}, 4097)->pages, page_count{2});
    EXPECT_EQ(o.find({0}, 1)->first, base + 2);
    EXPECT_EQ(o.find({~0ULL}, 8192)->first, base + 3);
    EXPECT_EQ(o.find({1}, 1)->first, base + 5);
}

TEST(objects_in_order, keep_their_pages_when_they_come_back_larger) {
    object_pages o{object_placement::in_order};
    ASSERT_TRUE(o.find({9}, 100));
    EXPECT_EQ(o.find({9}, 100000)->pages, page_count{1});
    EXPECT_EQ(o.find({10}, 1)->first, base + 1);
}

TEST(objects_in_order, are_found_again_among_many) {
    object_pages o{object_placement::in_order};
    std::map<std::uint64_t, std::uint64_t> expected;
    std::uint64_t next = base;
    for (std::uint64_t i = 0; i < 20000; ++i) {
        const std::uint64_t id = i * i % 15013 << (i % 40);
        const auto [it, is_new] = expected.try_emplace(id, next);
        if (is_new) ++next;
        ASSERT_EQ(o.find({id}, 1)->first, it->second);
    }
}

TEST(objects_in_order, end_with_the_address_space) {
    object_pages o{object_placement::in_order};
    std::uint64_t id = 0;
    while (o.find({id}, object_pages::most_bytes)) ++id;
    EXPECT_EQ(id, ((1ULL << 36U) - base) >> 20U);
    EXPECT_TRUE(o.find({0}, 1)) << "what has its place keeps it";
}

} // namespace
} // namespace pagesim
