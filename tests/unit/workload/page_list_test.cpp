// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/page_list.hpp>

namespace pagesim {
namespace {

std::string error_of(const std::string& content) { return testing::error_of<page_list_stream>(content); }
std::string items_of(const std::string& content) { return testing::items_of<page_list_stream>(content); }

TEST(page_lists, are_loads_and_stores_of_pages) {
    EXPECT_EQ(items_of("17\n0x2a w\n3 r\n0 W\n\t5\tR \n"), "11:100+1 2af:100+1 3:100+1 0f:100+1 5:100+1");
    EXPECT_EQ(items_of("68719476735"), "fffffffff:100+1");
}

TEST(page_lists, fold_references_to_one_page_in_a_row) {
    EXPECT_EQ(items_of("1\n1\n1 w\n2\n1\n"), "1l:300+3 2:100+1 1:100+1");
}

TEST(page_lists, skip_comments_and_empty_lines_and_count_them) {
    const testing::replayed r = testing::replay_of<page_list_stream>("# pages\n\n7\n  \n#8\n");
    EXPECT_EQ(r.items, "7:100+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 1, .skipped = 4, .accesses = 1}));
}

TEST(page_lists, say_what_is_wrong_with_a_line) {
    EXPECT_EQ(error_of("1\nx\n"), "2: 'x' is not a page number");
    EXPECT_EQ(error_of("-1\n"), "1: '-1' is not a page number");
    EXPECT_EQ(error_of("0x\n"), "1: '0x' is not a page number");
    EXPECT_EQ(error_of("99999999999999999999\n"), "1: '99999999999999999999' is not a page number");
    EXPECT_EQ(error_of("68719476736\n"), "1: page 68719476736 is not below 2^36");
    EXPECT_EQ(error_of("1 x\n"), "1: 'x' behind the page is neither r nor w");
    EXPECT_EQ(error_of("1 w 2\n"), "1: '1 w 2' is more than a page and r or w");
    EXPECT_EQ(error_of("# none\n"), "0: no accesses");
    EXPECT_EQ(error_of(""), "0: no accesses");
}

TEST(page_lists, deliver_what_precedes_a_bad_line) {
    const testing::replayed r = testing::replay_of<page_list_stream>("1\n2\nbad\n3\n");
    EXPECT_EQ(r.items, "1:100+1 2:100+1");
    EXPECT_EQ(r.error, "3: 'bad' is not a page number");
}

} // namespace
} // namespace pagesim
