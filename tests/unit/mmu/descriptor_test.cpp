// SPDX-License-Identifier: MIT
#include <pagesim/mmu/descriptor.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

constexpr pfn frame{0x41234};

// Linux 5.8 differs in the memory attribute index only: bit 4.
constexpr std::uint64_t attr_5_8 = 0x10;

TEST(descriptor, life_of_an_anonymous_page_has_the_kernels_values) {
    const descriptor written = descriptor::page(frame, page_prot::readonly).mkdirty().mkwrite();
    EXPECT_EQ(written.word(), 0x00e8'0000'4123'4f43U);
    EXPECT_EQ(written.mkold().word(), 0x00e8'0000'4123'4b43U);
    EXPECT_EQ(written.wrprotect().word(), 0x00e0'0000'4123'4fc3U);
    EXPECT_EQ(written.wrprotect().mkold().word(), 0x00e0'0000'4123'4bc3U);
}

TEST(descriptor, same_life_under_5_8_differs_in_the_attribute_index) {
    const descriptor written = descriptor::page(frame, prot_5_8::readonly).mkdirty().mkwrite();
    EXPECT_EQ(written.word(), 0x00e8'0000'4123'4f53U);
    EXPECT_EQ(written.mkold().word(), 0x00e8'0000'4123'4b53U);
    EXPECT_EQ(written.wrprotect().word(), 0x00e0'0000'4123'4fd3U);
    EXPECT_EQ(written.wrprotect().mkold().word(), 0x00e0'0000'4123'4bd3U);
}

TEST(descriptor, shared_page_is_born_clean_and_gets_dirty_by_hardware_or_software) {
    const descriptor clean = descriptor::page(frame, page_prot::shared);
    EXPECT_EQ(clean.word(), 0x0068'0000'4123'4fc3U);
    EXPECT_FALSE(clean.dirty());
    EXPECT_EQ(clean.hw_mkdirty().word(), 0x0068'0000'4123'4f43U);
    EXPECT_TRUE(clean.hw_mkdirty().hw_dirty());
    EXPECT_FALSE(clean.hw_mkdirty().sw_dirty());
    EXPECT_EQ(clean.mkdirty().word(), 0x00e8'0000'4123'4f43U);
}

TEST(descriptor, zero_page_is_special_and_read_only) {
    const descriptor zero = descriptor::zero_page(frame, page_prot::readonly);
    EXPECT_EQ(zero.word(), 0x0160'0000'4123'4fc3U);
    EXPECT_TRUE(zero.special());
    EXPECT_TRUE(zero.read_only());
    EXPECT_FALSE(zero.writable());
    EXPECT_EQ(descriptor::zero_page(frame, prot_5_8::readonly).word(), 0x0160'0000'4123'4fd3U);
}

TEST(descriptor, user_table_sets_pxn_table) {
    EXPECT_EQ(descriptor::table(pfn{0x41235}).word(), 0x0800'0000'4123'5003U);
    EXPECT_EQ(descriptor::table(pfn{0x41235}).frame(), pfn{0x41235});
}

TEST(descriptor, protections_of_5_8_are_those_of_6_1_with_another_attribute_index) {
    const auto word = [](page_prot p) { return static_cast<std::uint64_t>(p); };
    EXPECT_EQ(word(prot_5_8::readonly), word(page_prot::readonly) | attr_5_8);
    EXPECT_EQ(word(prot_5_8::readonly_exec), word(page_prot::readonly_exec) | attr_5_8);
    EXPECT_EQ(word(prot_5_8::shared), word(page_prot::shared) | attr_5_8);
    EXPECT_EQ(word(prot_5_8::shared_exec), word(page_prot::shared_exec) | attr_5_8);
    EXPECT_EQ(word(prot_5_8::none), word(page_prot::none) | attr_5_8);
}

TEST(descriptor, swap_entries_have_the_values_of_both_versions) {
    const swap_bits s{.offset = 0x1234, .type = 1};
    EXPECT_EQ(descriptor::swap(s).word(), 0x123408U);
    EXPECT_EQ(descriptor::swap({.offset = 0x1234, .type = 1, .exclusive = true}).word(), 0x12340cU);
    EXPECT_EQ(descriptor::swap_5_8(s).word(), 0x123404U);
    EXPECT_EQ(generic_swap_entry(s), 0x0400'0000'0000'1234U);
    EXPECT_EQ(descriptor::swap({.offset = 5, .type = 0, .exclusive = true}).word(), 0x504U);
    EXPECT_EQ(descriptor::swap({.offset = 5}).word(), 0x500U);
    EXPECT_EQ(descriptor::swap_5_8({.offset = 5}).word(), 0x500U);
}

TEST(descriptor, migration_entries_are_swap_entries_of_reserved_types) {
    constexpr std::uint64_t young = 1ULL << 36U;
    constexpr std::uint64_t dirty = 1ULL << 37U;
    EXPECT_EQ(descriptor::swap({.offset = 0x41234 | young | dirty, .type = 30}).word(), 0x3000'0412'34f0U);
    EXPECT_EQ(descriptor::swap({.offset = 0x41234 | young, .type = 29}).word(), 0x1000'0412'34e8U);
    EXPECT_EQ(descriptor::swap({.offset = 0x41234, .type = 28}).word(), 0x412'34e0U);
}

TEST(descriptor, swap_entry_comes_back_as_it_went_in) {
    for (const swap_bits s :
         {swap_bits{.offset = 1}, swap_bits{.offset = (1ULL << 50U) - 1, .type = 31, .exclusive = true},
          swap_bits{.offset = 0, .type = 1}, swap_bits{.offset = 77, .type = 26}}) {
        const descriptor d = descriptor::swap(s);
        EXPECT_TRUE(d.is_swap());
        EXPECT_FALSE(d.valid());
        EXPECT_FALSE(d.present());
        EXPECT_FALSE(d.leaf_or_table());
        EXPECT_EQ(d.swap_entry(), s);
    }
    const swap_bits old{.offset = 99, .type = 63};
    EXPECT_EQ(descriptor::swap_5_8(old).swap_entry_5_8(), old);
}

TEST(descriptor, first_slot_of_the_first_area_is_refused) {
    EXPECT_DEATH(static_cast<void>(descriptor::swap({.offset = 0, .type = 0})), "assertion failed");
}

TEST(descriptor, none_swap_present_and_protnone_exclude_one_another) {
    const descriptor none;
    EXPECT_TRUE(none.none());
    EXPECT_FALSE(none.is_swap());
    EXPECT_FALSE(none.present());

    const descriptor hidden = descriptor::page(frame, page_prot::none);
    EXPECT_TRUE(hidden.protnone());
    EXPECT_TRUE(hidden.present());
    EXPECT_FALSE(hidden.valid());
    EXPECT_FALSE(hidden.is_swap());
    EXPECT_EQ(hidden.frame(), frame);

    const descriptor mapped = descriptor::page(frame, page_prot::readonly);
    EXPECT_TRUE(mapped.present());
    EXPECT_FALSE(mapped.protnone());
    EXPECT_FALSE(mapped.is_swap());
}

TEST(descriptor, clean_entry_that_becomes_writable_stays_read_only) {
    const descriptor clean = descriptor::page(frame, page_prot::readonly).mkwrite();
    EXPECT_TRUE(clean.writable());
    EXPECT_TRUE(clean.read_only());
    EXPECT_FALSE(clean.dirty());
}

TEST(descriptor, cleaning_takes_both_kinds_of_dirty_away) {
    const descriptor clean = descriptor::page(frame, page_prot::readonly).mkdirty().mkwrite().mkclean();
    EXPECT_FALSE(clean.dirty());
    EXPECT_TRUE(clean.writable());
    EXPECT_TRUE(clean.read_only());
}

TEST(descriptor, write_protection_keeps_what_hardware_knew_about_dirt) {
    const descriptor d = descriptor::page(frame, page_prot::shared).hw_mkdirty().wrprotect();
    EXPECT_TRUE(d.sw_dirty());
    EXPECT_FALSE(d.hw_dirty());
    EXPECT_FALSE(d.writable());
    EXPECT_TRUE(d.read_only());
}

TEST(descriptor, mprotect_keeps_frame_age_dirt_and_special) {
    const descriptor before = descriptor::page(frame, page_prot::shared).hw_mkdirty().mkold().mkspecial();
    const descriptor after = before.modify(page_prot::readonly);
    EXPECT_EQ(after.frame(), frame);
    EXPECT_FALSE(after.young());
    EXPECT_TRUE(after.special());
    EXPECT_TRUE(after.sw_dirty());
    EXPECT_FALSE(after.writable());
    EXPECT_TRUE(after.read_only());
    // Back to writable: dirty already, so nobody needs to notice the next store.
    EXPECT_FALSE(after.modify(page_prot::shared).read_only());
}

TEST(descriptor, mprotect_to_none_and_back_hides_and_shows_the_page) {
    const descriptor before = descriptor::page(frame, page_prot::readonly).mkdirty().mkwrite();
    const descriptor hidden = before.modify(page_prot::none);
    EXPECT_TRUE(hidden.protnone());
    EXPECT_EQ(hidden.modify(page_prot::shared).word(), before.word());
}

} // namespace
} // namespace pagesim
