// SPDX-License-Identifier: MIT
// Random operations on the LRU lists against five deques. What is compared: lruvec_property.hpp. How it runs, shrinks
// and prints: support/property.hpp.
#include <property/lruvec_property.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {
namespace {

TEST(lruvec_property, lists_batches_and_counters_agree_with_five_deques) {
    check_property<on_lruvec::property>();
}

} // namespace
} // namespace pagesim::testing
