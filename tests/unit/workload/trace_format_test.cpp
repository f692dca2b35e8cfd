// SPDX-License-Identifier: MIT
#include "temp_file.hpp"

#include <pagesim/workload/trace_format.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::temp_file;

std::string format_of(std::string_view content) {
    const temp_file file{content};
    const auto f = detect_format(file.path());
    if (const auto* error = std::get_if<input_error>(&f)) {
        EXPECT_EQ(error->file, file.path());
        return std::to_string(error->line) + ": " + error->reason;
    }
    return std::get<trace_format>(f) == trace_format::lackey ? "lackey" : "ops";
}

TEST(trace_formats, are_told_by_the_first_line_that_is_not_empty) {
    EXPECT_EQ(format_of("I  0401ab70,3\n"), "lackey");
    EXPECT_EQ(format_of(" L 0401ab70,3\n"), "lackey");
    EXPECT_EQ(format_of("\r\n S 0401ab70,3\n"), "lackey");
    EXPECT_EQ(format_of(" M 0401ab70,3"), "lackey");
    EXPECT_EQ(format_of("==12== Lackey\n"), "lackey");
    EXPECT_EQ(format_of("--12-- warning\n"), "lackey");
    EXPECT_EQ(format_of("# comment\n"), "ops");
    EXPECT_EQ(format_of("\n \t\n  anon a 3\n"), "ops");
    EXPECT_EQ(format_of("file f 3\n"), "ops");
    EXPECT_EQ(format_of("mark x"), "ops");
}

TEST(trace_formats, that_are_neither_are_an_error) {
    EXPECT_EQ(format_of("\nhello\n"),
              "2: 'hello' begins neither a lackey trace nor an ops file, nor is the file a binary trace");
    EXPECT_EQ(format_of(""), "0: is empty");
    EXPECT_EQ(format_of("\n\n"), "0: is empty");
    const auto f = detect_format("/nowhere");
    EXPECT_EQ(to_string(std::get<input_error>(f)), "/nowhere: can't be opened: No such file or directory");
}

} // namespace
} // namespace pagesim
