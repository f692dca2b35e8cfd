// SPDX-License-Identifier: MIT
// Random operations on the buddy allocator and on a zone, against a map of which frames are in use. What is compared:
// buddy_property.hpp, zone_property.hpp. How it runs, shrinks and prints: support/property.hpp.
#include <property/buddy_property.hpp>
#include <property/zone_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(buddy_property, blocks_never_overlap_and_memory_becomes_whole_again) {
    check_property<on_buddy::property>();
}

TEST(zone_property, no_page_is_lost_between_the_lists) { check_property<on_zone::property>(); }

} // namespace
} // namespace pagesim::testing
