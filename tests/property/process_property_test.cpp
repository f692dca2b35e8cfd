// SPDX-License-Identifier: MIT
// Processes under random system calls, accesses and reclaim. What is compared: process_property.hpp. How it runs, shrinks
// and prints: support/property.hpp.
#include <property/process_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(process_property, address_spaces_agree_with_a_map_of_pages) { check_property<on_processes::property>(); }

} // namespace
} // namespace pagesim::testing
