// SPDX-License-Identifier: MIT
#include <pagesim/mmu/asid_allocator.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

TEST(asid_allocator, uses_a_number_again_only_after_all_others_and_a_flush) {
    tlb_domain tlbs;
    asid_allocator numbers{8};
    EXPECT_EQ(raw(numbers.take(tlbs)), 1U);
    const asid second = numbers.take(tlbs);
    numbers.give(second);
    for (unsigned n = 3; n < 256; ++n) {
        const asid a = numbers.take(tlbs);
        EXPECT_EQ(raw(a), n) << "2 is free, but TLBs may still know it";
        if (n % 2 == 0) numbers.give(a);
    }
    EXPECT_EQ(tlbs.stats().all_flushes, 0U);
    EXPECT_EQ(numbers.take(tlbs), second);
    EXPECT_EQ(tlbs.stats().all_flushes, 1U);
    EXPECT_EQ(raw(numbers.take(tlbs)), 4U) << "3 is still in use";
}

} // namespace
} // namespace pagesim
