// SPDX-License-Identifier: MIT
// Random operations on swap slots: the plain area, and swap_space with its slot cache and swap cache. What is compared:
// swap_area_property.hpp, swap_space_property.hpp. How it runs, shrinks and prints: support/property.hpp.
#include <property/swap_area_property.hpp>
#include <property/swap_space_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(swap_area_property, slots_agree_with_a_map) { check_property<on_swap_area::property>(); }

TEST(swap_space_property, slots_caches_and_shadows_agree_with_a_map) {
    check_property<on_swap_space::property>();
}

} // namespace
} // namespace pagesim::testing
