// SPDX-License-Identifier: MIT
#include <pagesim/base/assert.hpp>
#include <pagesim/base/dice.hpp>
#include <pagesim/base/flags.hpp>
#include <pagesim/base/hash.hpp>
#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/base/units.hpp>

#include <gtest/gtest.h>

#include <set>
#include <type_traits>

namespace pagesim {
namespace {

template <typename A, typename B>
concept addable = requires(A a, B b) {
    a + b;
};

TEST(units, places_cannot_be_mixed) {
    static_assert(!addable<pfn, pfn>);
    static_assert(!addable<pfn, vpn>);
    static_assert(!addable<vpn, virt_addr>);
    static_assert(!addable<sim_time, sim_time>);
    static_assert(!std::is_convertible_v<pfn, vpn>);
    static_assert(!std::is_convertible_v<std::uint64_t, pfn>);
    static_assert(addable<sim_time, sim_duration>);
    static_assert(addable<vpn, std::uint64_t>);
}

TEST(units, addresses_and_page_numbers_differ_by_12_bits) {
    EXPECT_EQ(vpn_of(virt_addr{0x5fff}), vpn{5});
    EXPECT_EQ(addr_of(vpn{5}), virt_addr{0x5000});
    EXPECT_EQ(pfn_of(phys_addr{0x41234fff}), pfn{0x41234});
    EXPECT_EQ(addr_of(pfn{0x41234}), phys_addr{0x41234000});
    EXPECT_EQ(page_count{3}.bytes(), 12288U);
    EXPECT_EQ(pages_of(page_order{10}).value, 1024U);
}

TEST(units, instants_and_durations_are_nanoseconds) {
    EXPECT_EQ((sim_time{5} + microseconds(2)).ns, 2005U);
    EXPECT_EQ((sim_time{2005} - sim_time{5}), microseconds(2));
    EXPECT_EQ(milliseconds(4).ns, 4'000'000U);
    EXPECT_LT(sim_time{1'000'000'000'000}, never);
}

enum class light : std::uint8_t { red = 0, green = 5 };

TEST(flag_set, holds_each_enumerator_at_its_bit) {
    flag_set<light> s{light::green};
    EXPECT_TRUE(s.has(light::green));
    EXPECT_FALSE(s.has(light::red));
    EXPECT_EQ(s.word(), 32U);
    s.set(light::red);
    s.clear(light::green);
    EXPECT_EQ(s, flag_set<light>{light::red});
    EXPECT_EQ((s | light::green).word(), 33U);
    EXPECT_TRUE((s & light::green).empty());
}

TEST(dice, are_the_same_on_every_machine) {
    dice d{1};
    EXPECT_EQ(d.next(), 0x910a2dec89025cc1ULL);
    EXPECT_EQ(d.next(), 0xbeeb8da1658eec67ULL);
}

TEST(dice, stay_within_their_faces_and_show_all_of_them) {
    dice d{7};
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t n = d.between(3, 9);
        ASSERT_GE(n, 3U);
        ASSERT_LE(n, 9U);
        seen.insert(n);
    }
    EXPECT_EQ(seen.size(), 7U);
}

TEST(fnv1a, has_the_published_values) {
    fnv1a h;
    EXPECT_EQ(h.value(), 0xcbf29ce484222325ULL);
    h.text("foobar");
    EXPECT_EQ(h.value(), 0x85944171f73967e8ULL);
}

TEST(fnv1a, hashes_a_word_from_its_least_significant_byte) {
    fnv1a word;
    word.word(0x0102030405060708ULL);
    fnv1a bytes;
    for (std::uint8_t b = 8; b > 0; --b) bytes.byte(b);
    EXPECT_EQ(word.value(), bytes.value());
}

TEST(kernel_profile, linux_6_1_is_born_inactive_and_gives_a_second_chance) {
    EXPECT_EQ(linux_6_1.name, "6.1");
    EXPECT_EQ(linux_6_1.birth, new_anon_list::inactive);
    EXPECT_EQ(linux_6_1.anon_references, anon_reference_rule::second_chance);
    EXPECT_EQ(linux_6_1.anon_refaults, anon_refault::detected);
}

using assertion_death = ::testing::Test;

TEST(assertion_death, prints_what_failed_and_where) {
    EXPECT_DEATH(PAGESIM_ASSERT(1 + 1 == 3), "assertion failed: 1 \\+ 1 == 3 \\(.*base_test.cpp:");
}

} // namespace
} // namespace pagesim
