// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_entry.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

constexpr swap_bits bits{.offset = 0x123456, .type = 3};
constexpr swap_entry entry{.offset = 0x123456, .type = 3};

TEST(swap_entry, has_the_documented_form) {
    EXPECT_EQ(documented_swap_entry(entry), 0x12345606U);
    EXPECT_EQ(from_documented_swap_entry(0x12345606U), entry);
    EXPECT_EQ(documented_swap_entry({.offset = 0x1234, .type = 2}), 0x00123404U);
    constexpr swap_entry largest{.offset = 0xffffff, .type = 127};
    EXPECT_EQ(documented_swap_entry(largest), 0xfffffffeU);
    EXPECT_EQ(from_documented_swap_entry(0xfffffffeU), largest);
    EXPECT_DEATH(static_cast<void>(documented_swap_entry({.offset = 1U << 24U})), "assertion failed");
    EXPECT_DEATH(static_cast<void>(from_documented_swap_entry(0x00123405U)), "assertion failed");
}

TEST(swap_entry, has_the_generic_form) {
    EXPECT_EQ(generic_swap_entry(bits), 0x0c00'0000'0012'3456U);
    EXPECT_EQ(from_generic_swap_entry(0x0c00'0000'0012'3456U), entry);
}

TEST(swap_entry, has_the_descriptor_of_each_arm64_kernel) {
    EXPECT_EQ(descriptor::swap(bits, linux_5_8.swap_pte).word(), 0x1234560cU);
    EXPECT_EQ(descriptor::swap(bits, linux_5_10.swap_pte).word(), 0x1234560cU);
    EXPECT_EQ(descriptor::swap(bits, linux_6_1.swap_pte).word(), 0x12345618U);
    constexpr swap_bits exclusive{.offset = 0x123456, .type = 3, .exclusive = true};
    EXPECT_EQ(descriptor::swap(exclusive, linux_6_1.swap_pte).word(), 0x1234561cU);
    for (const kernel_profile* p : {&linux_5_8, &linux_5_10, &linux_6_1})
        EXPECT_EQ(entry_in(descriptor::swap(bits, p->swap_pte), p->swap_pte), entry) << p->name;
    EXPECT_EQ(descriptor{0x1234561cU}.swap_entry(linux_6_1.swap_pte), exclusive);
}

TEST(swap_entry, has_the_descriptor_of_x86_64_with_the_offset_inverted) {
    constexpr std::uint64_t all_offset_bits = ((1ULL << 50U) - 1) << 9U;
    EXPECT_EQ(x86_64_swap_descriptor(bits), 0x1800'0000'0000'0000U | (all_offset_bits ^ (0x123456ULL << 9U)));
    EXPECT_EQ(x86_64_swap_descriptor(bits), 0x1fff'ffff'db97'5200U);
    EXPECT_EQ(x86_64_swap_descriptor({.offset = 0x123456, .type = 3, .exclusive = true}),
              0x1fff'ffff'db97'5208U);
    for (const swap_bits s : {bits, swap_bits{.offset = 1, .type = 31, .exclusive = true}})
        EXPECT_EQ(from_x86_64_swap_descriptor(x86_64_swap_descriptor(s)), s);
    EXPECT_EQ(x86_64_swap_descriptor(bits) & 0x101U, 0U) << "neither present nor PROT_NONE";
}

TEST(swap_entry, fits_into_the_page) {
    constexpr swap_entry largest{.offset = max_swap_slots - 1, .type = 31};
    EXPECT_EQ(swap_entry::from_packed(largest.packed()), largest);
}

} // namespace
} // namespace pagesim
