// SPDX-License-Identifier: MIT
#include "temp_file.hpp"

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/ops.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::temp_file;

TEST(ops_footprints, count_different_pages_and_need_no_ranges) {
    const std::string content = "# c\nanon a 10\nw a 0 6\nr a 4 4\nanon b 1\nr b 0\n";
    const temp_file file{content};
    const auto result = scan_ops(file.path());
    const auto& f = std::get<footprint>(result);
    EXPECT_EQ(f.touched, page_count{9});
    EXPECT_TRUE(f.ranges.empty());
    EXPECT_EQ(f.counts, (stream_counts{.records = 5, .skipped = 1, .accesses = 11}));
    fnv1a hash;
    hash.text(content);
    EXPECT_EQ(f.hash, hash.value());
    EXPECT_FALSE(f.stopped_by);
}

TEST(ops_footprints, count_what_mlock_brings) {
    const temp_file file{"anon a 10\nw a 0 2\nmlock a 1 4\nmunlock a 0 10\n"};
    EXPECT_EQ(std::get<footprint>(scan_ops(file.path())).touched, page_count{5});
}

TEST(ops_footprints, reach_to_the_first_bad_line) {
    const temp_file file{"anon a 10\nw a 0 6\nmadvise\nw a 8\n"};
    const auto result = scan_ops(file.path());
    const auto& f = std::get<footprint>(result);
    EXPECT_EQ(f.touched, page_count{6});
    ASSERT_TRUE(f.stopped_by);
    EXPECT_EQ(to_string(*f.stopped_by), file.path() + ":3: expected: madvise NAME PAGE COUNT ADVICE");
    const temp_file at_once{"madvise\n"};
    EXPECT_TRUE(std::holds_alternative<input_error>(scan_ops(at_once.path())));
}

} // namespace
} // namespace pagesim
