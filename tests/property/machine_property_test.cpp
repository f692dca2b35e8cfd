// SPDX-License-Identifier: MIT
// The whole machine under random programs: random ranges, touches, unmaps and sleeps under pressure. What is checked:
// machine_property.hpp. How it runs, shrinks and prints: support/property.hpp.
#include <property/machine_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(machine_property, random_programs_leave_every_structure_consistent) {
    check_property<on_machine::property>();
}

} // namespace
} // namespace pagesim::testing
