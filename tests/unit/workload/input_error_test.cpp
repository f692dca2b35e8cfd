// SPDX-License-Identifier: MIT
#include <pagesim/workload/input_error.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using namespace std::string_view_literals;

TEST(input_errors, read_as_file_line_and_reason) {
    EXPECT_EQ(to_string(input_error{.file = "a.ops", .line = 3, .reason = "no"}), "a.ops:3: no");
}

TEST(input_errors, of_a_whole_file_name_no_line) {
    EXPECT_EQ(to_string(input_error{.file = "a.ops", .line = 0, .reason = "is a directory"}),
              "a.ops: is a directory");
}

TEST(input_errors, quote_what_can_not_be_printed_as_bytes) {
    EXPECT_EQ(in_quotes("plain text"), "'plain text'");
    EXPECT_EQ(in_quotes("\0\x1b[2J\t\xc3\xa4\x7f"sv), "'\\x00\\x1b[2J\\x09\\xc3\\xa4\\x7f'");
}

TEST(input_errors, cut_a_quotation_at_60_bytes) {
    EXPECT_EQ(in_quotes(std::string(60, 'x')), "'" + std::string(60, 'x') + "'");
    EXPECT_EQ(in_quotes(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
}

} // namespace
} // namespace pagesim
