// SPDX-License-Identifier: MIT
#include "test_space.hpp"

#include <pagesim/mmu/cpu_model.hpp>
#include <pagesim/mmu/tlb.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pagesim {
namespace {

using testing::written_page;

constexpr asid home{1};

translation_key key_of(std::uint64_t n, asid a = home) { return {a, vpn{n}}; }

// The pages held, lowest way first: "3 0 7".
std::string picture(const tlb_level& level) {
    std::string text;
    level.for_each([&](translation_key k, descriptor) {
        text += fmt::format("{}{}", text.empty() ? "" : " ", raw(k.page()));
    });
    return text;
}

void insert(tlb_level& level, std::uint64_t n) { level.insert(key_of(n), written_page(pfn{n})); }

TEST(translation_key, keeps_page_and_space_apart) {
    const translation_key k{asid{0xffff}, vpn{vpn_limit - 1}};
    EXPECT_TRUE(k.valid());
    EXPECT_EQ(k.page(), vpn{vpn_limit - 1});
    EXPECT_EQ(k.space(), asid{0xffff});
    EXPECT_NE(key_of(1, asid{1}), key_of(1, asid{2}));
    EXPECT_TRUE((translation_key{asid{0}, vpn{0}}.valid()));
    EXPECT_FALSE(translation_key{}.valid());
    EXPECT_DEATH((translation_key{asid{0}, vpn{vpn_limit}}), "assertion failed");
}

TEST(tlb_level, a_new_entry_takes_the_lowest_free_way_then_the_way_whose_turn_it_is) {
    tlb_level level{3, 0};
    for (const std::uint64_t n : {5U, 6U, 7U}) insert(level, n);
    EXPECT_EQ(picture(level), "5 6 7");
    EXPECT_EQ(level.insert(key_of(8), written_page(pfn{8})), key_of(5));
    EXPECT_EQ(picture(level), "8 6 7");
    EXPECT_EQ(level.insert(key_of(9), written_page(pfn{9})), key_of(6));
    EXPECT_TRUE(level.erase(key_of(8)));
    EXPECT_FALSE(level.insert(key_of(10), written_page(pfn{10})).valid()) << "the hole";
    EXPECT_EQ(picture(level), "10 9 7");
    EXPECT_EQ(level.insert(key_of(11), written_page(pfn{11})), key_of(7)) << "the turn did not move";
}

TEST(tlb_level, a_find_does_not_change_whose_turn_it_is) {
    tlb_level level{2, 0};
    insert(level, 1);
    insert(level, 2);
    for (int i = 0; i < 5; ++i) EXPECT_NE(level.find(key_of(1)), nullptr);
    insert(level, 3);
    EXPECT_EQ(level.find(key_of(1)), nullptr);
}

TEST(tlb_level, sets_are_chosen_by_the_low_bits_of_the_page) {
    tlb_level level{8, 2}; // four sets
    for (const std::uint64_t n : {0U, 4U, 8U}) insert(level, n);
    EXPECT_EQ(level.find(key_of(0)), nullptr);
    EXPECT_NE(level.find(key_of(4)), nullptr);
    EXPECT_NE(level.find(key_of(8)), nullptr);
    insert(level, 1);
    EXPECT_EQ(picture(level), "8 4 1");
}

TEST(tlb_level, a_large_single_set_finds_exactly_what_it_holds_though_buckets_collide) {
    tlb_level level{48, 0};
    std::multiset<std::uint64_t> held;
    for (std::uint64_t i = 0; i < 500; ++i) {
        const std::uint64_t n = i * 256; // all in one bucket
        const translation_key evicted = level.insert(key_of(n), written_page(pfn{n}));
        held.insert(n);
        if (evicted.valid()) held.erase(raw(evicted.page()));
        if (i % 7 == 0) {
            level.erase(key_of(n));
            held.erase(n);
        }
        for (std::uint64_t m = 0; m <= i; ++m) {
            ASSERT_EQ(level.find(key_of(m * 256)) != nullptr, held.count(m * 256) != 0);
        }
    }
    EXPECT_FALSE(level.erase(key_of(1)));
}

TEST(tlb, address_spaces_do_not_see_each_other) {
    tlb t{{.l1_entries = 4, .l2_entries = 8, .l2_ways = 2}};
    t.fill(key_of(1, asid{1}), written_page(pfn{10}));
    EXPECT_EQ(t.find_l1(key_of(1, asid{2})), nullptr);
    t.fill(key_of(1, asid{2}), written_page(pfn{20}));
    EXPECT_EQ(t.find_l1(key_of(1, asid{1}))->frame(), pfn{10});
    EXPECT_EQ(t.find_l1(key_of(1, asid{2}))->frame(), pfn{20});
}

TEST(tlb, a_walk_fills_both_levels_and_l2_outlives_l1) {
    tlb t{{.l1_entries = 2, .l2_entries = 8, .l2_ways = 8}};
    for (const std::uint64_t n : {1U, 2U, 3U}) t.fill(key_of(n), written_page(pfn{n}));
    EXPECT_EQ(t.find_l1(key_of(1)), nullptr);
    ASSERT_NE(t.find_l2(key_of(1)), nullptr);
    t.fill_l1(key_of(1), *t.find_l2(key_of(1)));
    EXPECT_NE(t.find_l1(key_of(1)), nullptr);
    EXPECT_EQ(t.find_l1(key_of(2)), nullptr) << "it made room";
}

TEST(tlb, l1_outlives_an_eviction_from_l2) {
    tlb t{{.l1_entries = 4, .l2_entries = 2, .l2_ways = 2}};
    for (const std::uint64_t n : {1U, 2U, 3U}) t.fill(key_of(n), written_page(pfn{n}));
    EXPECT_EQ(t.find_l2(key_of(1)), nullptr);
    EXPECT_NE(t.find_l1(key_of(1)), nullptr);
}

TEST(tlb, filling_again_renews_the_entry_in_place) {
    tlb t{{.l1_entries = 2, .l2_entries = 2, .l2_ways = 2}};
    const descriptor clean = descriptor::page(pfn{1}, page_prot::shared);
    t.fill(key_of(1), clean);
    t.fill(key_of(2), written_page(pfn{2}));
    EXPECT_FALSE(t.memo().hit(key_of(1), access_kind::write));
    t.fill(key_of(1), clean.hw_mkdirty());
    EXPECT_TRUE(t.memo().hit(key_of(1), access_kind::write));
    EXPECT_EQ(*t.find_l2(key_of(1)), clean.hw_mkdirty());
    t.fill(key_of(3), written_page(pfn{3}));
    EXPECT_EQ(t.find_l1(key_of(1)), nullptr) << "still the oldest";
}

TEST(tlb, old_or_invalid_descriptors_are_refused) {
    tlb t{cortex_a72.tlb};
    EXPECT_DEATH(t.fill(key_of(1), written_page(pfn{1}).mkold()), "assertion failed");
    EXPECT_DEATH(t.fill(key_of(1), descriptor::swap({.offset = 4})), "assertion failed");
}

TEST(tlb, the_memo_answers_for_l1_by_permission) {
    tlb t{{.l1_entries = 4, .l2_entries = 4, .l2_ways = 4}};
    t.fill(key_of(1), written_page(pfn{1}));
    t.fill(key_of(2), descriptor::page(pfn{2}, page_prot::readonly));
    t.fill(key_of(3), descriptor::page(pfn{3}, page_prot::execonly));
    EXPECT_TRUE(t.memo().hit(key_of(1), access_kind::read));
    EXPECT_TRUE(t.memo().hit(key_of(1), access_kind::write));
    EXPECT_TRUE(t.memo().hit(key_of(2), access_kind::read));
    EXPECT_FALSE(t.memo().hit(key_of(2), access_kind::write));
    EXPECT_FALSE(t.memo().hit(key_of(3), access_kind::read));
    EXPECT_FALSE(t.memo().hit(key_of(1), access_kind::fetch));
    EXPECT_FALSE(t.memo().hit(key_of(1, asid{2}), access_kind::read));
}

TEST(tlb, the_memo_forgets_what_l1_evicts) {
    tlb t{{.l1_entries = 1, .l2_entries = 4, .l2_ways = 4}};
    t.fill(key_of(1), written_page(pfn{1}));
    t.fill(key_of(2), written_page(pfn{2}));
    EXPECT_FALSE(t.memo().hit(key_of(1), access_kind::read));
    EXPECT_FALSE(t.memo().hit(key_of(1), access_kind::write));
    EXPECT_TRUE(t.memo().hit(key_of(2), access_kind::write));
}

TEST(tlb, pages_that_share_a_memo_slot_take_turns_and_evictions_spare_the_other) {
    tlb t{{.l1_entries = 2, .l2_entries = 4, .l2_ways = 4}};
    constexpr std::uint64_t twin = 1 + translation_memo::entries;
    t.fill(key_of(1), written_page(pfn{1}));
    t.fill(key_of(twin), written_page(pfn{2}));
    EXPECT_FALSE(t.memo().hit(key_of(1), access_kind::read));
    EXPECT_NE(t.find_l1(key_of(1)), nullptr);
    EXPECT_TRUE(t.memo().hit(key_of(1), access_kind::read)) << "a find tells the memo";
    EXPECT_FALSE(t.memo().hit(key_of(twin), access_kind::read));
    t.forget(key_of(twin));
    EXPECT_TRUE(t.memo().hit(key_of(1), access_kind::read));
}

class tlb_forgets : public ::testing::Test {
protected:
    tlb_forgets() {
        for (const std::uint64_t n : {1U, 2U, 3U, 600U}) {
            t.fill(key_of(n, asid{1}), written_page(pfn{n}));
            t.fill(key_of(n, asid{2}), written_page(pfn{n + 1000}));
        }
    }
    // Held in all three, or in none of them.
    bool holds(std::uint64_t n, std::uint16_t space) {
        const translation_key k = key_of(n, asid{space});
        const bool in_l2 = t.find_l2(k) != nullptr;
        const bool in_memo_before = t.memo().hit(k, access_kind::write);
        const bool in_l1 = t.find_l1(k) != nullptr;
        EXPECT_EQ(in_l1, in_l2);
        EXPECT_TRUE(in_l1 || !in_memo_before);
        return in_l1;
    }
    tlb t{{.l1_entries = 32, .l2_entries = 64, .l2_ways = 4}};
};

TEST_F(tlb_forgets, one_page_of_one_space) {
    t.forget(key_of(2, asid{1}));
    EXPECT_FALSE(holds(2, 1));
    EXPECT_TRUE(holds(2, 2));
    EXPECT_TRUE(holds(1, 1));
}

TEST_F(tlb_forgets, a_short_range) {
    t.forget_range(asid{1}, vpn{2}, vpn{4});
    EXPECT_TRUE(holds(1, 1));
    EXPECT_FALSE(holds(2, 1));
    EXPECT_FALSE(holds(3, 1));
    EXPECT_TRUE(holds(3, 2));
}

TEST_F(tlb_forgets, a_range_longer_than_the_tlb) {
    t.forget_range(asid{2}, vpn{2}, vpn{600});
    EXPECT_TRUE(holds(1, 2));
    EXPECT_FALSE(holds(2, 2));
    EXPECT_FALSE(holds(3, 2));
    EXPECT_TRUE(holds(600, 2)) << "the end is not in the range";
    EXPECT_TRUE(holds(2, 1));
}

TEST_F(tlb_forgets, nothing_for_an_empty_range) {
    t.forget_range(asid{1}, vpn{2}, vpn{2});
    EXPECT_TRUE(holds(2, 1));
}

TEST_F(tlb_forgets, an_address_space) {
    t.forget_space(asid{1});
    for (const std::uint64_t n : {1U, 2U, 3U, 600U}) {
        EXPECT_FALSE(holds(n, 1));
        EXPECT_TRUE(holds(n, 2));
    }
}

TEST_F(tlb_forgets, everything) {
    t.forget_all();
    for (const std::uint64_t n : {1U, 2U, 3U, 600U}) {
        EXPECT_FALSE(holds(n, 1));
        EXPECT_FALSE(holds(n, 2));
    }
}

class tlb_check : public ::testing::Test {
protected:
    tlb_check() {
        space.set(vpn{1}, written_page(pfn{7}));
        t.fill(key_of(1), space.get(vpn{1}));
        t.check_consistency(home, space.table);
    }
    testing::test_frames from;
    testing::test_space space{from, home};
    tlb t{cortex_a72.tlb};
};

TEST_F(tlb_check, finds_a_page_that_lost_its_access_flag) {
    space.set(vpn{1}, written_page(pfn{7}).mkold());
    EXPECT_DEATH(t.check_consistency(home, space.table), "assertion failed");
}

TEST_F(tlb_check, finds_a_page_that_was_unmapped) {
    space.set(vpn{1}, descriptor{});
    EXPECT_DEATH(t.check_consistency(home, space.table), "assertion failed");
}

TEST_F(tlb_check, finds_a_page_with_another_frame) {
    space.set(vpn{1}, written_page(pfn{8}));
    EXPECT_DEATH(t.check_consistency(home, space.table), "assertion failed");
}

TEST_F(tlb_check, finds_a_page_that_lost_write_permission) {
    space.set(vpn{1}, written_page(pfn{7}).wrprotect());
    EXPECT_DEATH(t.check_consistency(home, space.table), "assertion failed");
}

TEST_F(tlb_check, allows_an_entry_with_less_permission_than_its_descriptor) {
    t.forget_all();
    t.fill(key_of(1), written_page(pfn{7}).wrprotect());
    t.check_consistency(home, space.table);
}

TEST(tlb_geometry, presets_can_be_built) {
    EXPECT_FALSE(invalid_geometry(cortex_a72.tlb).has_value());
    EXPECT_FALSE(invalid_geometry(neoverse_n1.tlb).has_value());
    EXPECT_FALSE(cortex_a72.has_hw_af());
    EXPECT_TRUE(neoverse_n1.has_hw_af());
    EXPECT_TRUE(neoverse_n1.has_hw_dbm());
}

TEST(tlb_geometry, impossible_shapes_are_refused_with_a_reason) {
    EXPECT_TRUE(invalid_geometry({.l1_entries = 0}).has_value());
    EXPECT_TRUE(invalid_geometry({.l1_entries = 65}).has_value());
    EXPECT_TRUE(invalid_geometry({.l2_entries = 1000, .l2_ways = 3}).has_value());
    EXPECT_TRUE(invalid_geometry({.l2_entries = 12, .l2_ways = 4}).has_value()) << "three sets";
    EXPECT_FALSE(invalid_geometry({.l1_entries = 64}).has_value());
}

} // namespace
} // namespace pagesim
