// SPDX-License-Identifier: MIT
// Random operations on dirty files. What is compared: writeback_property.hpp. How it runs, shrinks and prints:
// support/property.hpp.
#include <property/writeback_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(writeback_property, nothing_dirty_is_lost_and_everybody_gets_through) {
    check_property<on_writeback::property>();
}

} // namespace
} // namespace pagesim::testing
