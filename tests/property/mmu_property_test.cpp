// SPDX-License-Identifier: MIT
// Random operations on page tables, TLBs and memo of two CPUs, against maps and plain vectors. What is compared:
// mmu_property.hpp. How it runs, shrinks and prints: support/property.hpp.
#include <property/mmu_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(mmu_property, under_a_careful_kernel_every_entry_is_backed_by_its_descriptor) {
    check_property<on_mmu::property<on_mmu::manners::careful>>();
}

TEST(mmu_property, under_a_careless_kernel_entries_are_as_stale_as_a_tlb_makes_them) {
    check_property<on_mmu::property<on_mmu::manners::careless>>();
}

} // namespace
} // namespace pagesim::testing
