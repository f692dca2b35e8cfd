// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/csv.hpp>

namespace pagesim {
namespace {

csv_columns columns(std::string_view text) {
    const auto parsed = parse_csv_columns(text);
    EXPECT_TRUE(std::holds_alternative<csv_columns>(parsed)) << text;
    return std::get<csv_columns>(parsed);
}
std::string complaint(std::string_view text) { return std::get<std::string>(parse_csv_columns(text)); }
testing::replayed replay(const std::string& content, std::string_view said = "",
                         object_placement p = object_placement::by_number) {
    return testing::replay_of<csv_stream>(content, columns(said), p);
}
std::string items_of(const std::string& content, std::string_view said = "") {
    const testing::replayed r = replay(content, said);
    EXPECT_EQ(r.error, "");
    return r.items;
}

TEST(csv_columns_text, is_what_libcachesim_takes) {
    const csv_columns c =
        columns("time-col=2,obj-id-col=5,obj-size-col=4,op-col=64,delimiter=;,has-header=true");
    EXPECT_EQ(c.time, 2U);
    EXPECT_EQ(c.object, 5U);
    EXPECT_EQ(c.size, 4U);
    EXPECT_EQ(c.op, 64U);
    EXPECT_EQ(c.delimiter, ';');
    EXPECT_EQ(c.header, csv_header::present);
    EXPECT_EQ(columns("delimiter=,,has-header=false").header, csv_header::absent);
    EXPECT_EQ(columns("delimiter=,").delimiter, ',');
}

TEST(csv_columns_text, that_is_wrong_is_told) {
    EXPECT_EQ(complaint("time-col=0"), "time-col is a number from 1 to 64");
    EXPECT_EQ(complaint("time-col=65"), "time-col is a number from 1 to 64");
    EXPECT_EQ(complaint("time-col"), "'time-col' has no value");
    EXPECT_EQ(complaint("delimiter=ab"), "delimiter is one character");
    EXPECT_EQ(complaint("has-header=maybe"), "has-header is true or false");
    EXPECT_EQ(complaint("colour=3"),
              "'colour' is not known; known are: time-col, obj-id-col, obj-size-col, op-col, "
              "delimiter, has-header");
}

TEST(csv_requests, find_their_columns_in_the_header) {
    EXPECT_EQ(items_of("size,op,obj_id,time\n4096,read,7,0\n4096,WRITE,8,0\n"), "7:100+1 8f:100+1");
    EXPECT_EQ(items_of("version,time,op,size,lbn\n1,5,2a,512,9\n"), "9:100+1");
    EXPECT_EQ(items_of("SIZE,OP,OBJ_ID\n0,ADD,6\n4096,ADD,7\n"), "7f:100+1") << "in capitals";
    EXPECT_EQ(items_of("obj_id,page\n7,9\n"), "7:100+1") << "the first that names it";
}

TEST(csv_requests, have_time_object_and_size_without_a_header) {
    EXPECT_EQ(items_of("0,7,4096\n0,8,100\n"), "7:100+1 8:100+1");
    EXPECT_EQ(items_of("0 ; 7 ; 4096\n"), "7:100+1") << "the delimiter is guessed";
    EXPECT_EQ(items_of("0\t7\n0\t9\n"), "7:100+1 9:100+1") << "two columns: time and object";
    EXPECT_EQ(items_of("7\n9\n"), "7:100+1 9:100+1") << "one column: the object";
    EXPECT_EQ(items_of("4096,7,key\n", "obj-size-col=1"), "7:100+1") << "numbers are no header";
}

TEST(csv_requests, take_the_columns_that_were_said) {
    EXPECT_EQ(items_of("7,x,3\n8,x,4\n", "obj-id-col=3"), "3:100+1 4:100+1");
    EXPECT_EQ(items_of("ver,ts,n,z\n1,5,9,512\n", "time-col=2,obj-id-col=3,obj-size-col=4"), "9:100+1")
        << "text in a column of numbers is a header";
    EXPECT_EQ(items_of("1|7\n", "delimiter=|,obj-id-col=2,has-header=false"), "7:100+1");
    EXPECT_EQ(items_of("1,2\n0,7\n", "has-header=true"), "7:100+1");
}

TEST(csv_requests, keep_their_time_to_a_millisecond) {
    EXPECT_EQ(items_of("0.0001,7,1\n0.0002,8,1\n1.5,9,1\n"), "7:100+1 8:100+1 sleep(1499) 9:100+1");
}

TEST(csv_requests, may_name_objects_by_text) {
    const testing::replayed r = replay("0,abc,1\n0,def,5000\n0,abc,1\n", "", object_placement::in_order);
    EXPECT_EQ(r.items, "10000:100+1 10001:100+1 10002:100+1 10000:100+1");
}

TEST(csv_requests, say_what_is_wrong_with_a_line) {
    EXPECT_EQ(replay("0,7,1\nx,8,1\n").error, "2: 'x' is not a time in seconds");
    EXPECT_EQ(replay("0,7,1\n1.x,8,1\n").error, "2: '1.x' is not a time in seconds");
    EXPECT_EQ(replay("0,7,1\n5000000000,8,1\n").error, "2: '5000000000' is not a time in seconds");
    EXPECT_EQ(replay("0,7,1\n1,8\n").error, "2: '1,8' has 2 columns, not 3");
    EXPECT_EQ(replay("0,7,1\n1,,1\n").error, "2: the object's column is empty");
    EXPECT_EQ(replay("0,7,1\n1,8,4294967296\n").error, "2: '4294967296' is not a size below 4 GiB");
    EXPECT_EQ(replay("0,7,1\n1,8,-1\n").error, "2: '-1' is not a size below 4 GiB");
    EXPECT_EQ(replay("0,7,1\n1,8,4097\n").error, "2: object '8' of 4097 bytes is not a page");
    EXPECT_EQ(replay("time,obj_id\n").error, "0: no accesses");
}

TEST(csv_requests, of_size_0_are_skipped) {
    const testing::replayed r = replay("# comment\n0,7,0\n0,8,1\n");
    EXPECT_EQ(r.items, "8:100+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 2, .skipped = 2, .accesses = 1}));
}

TEST(csv_files, are_told_by_a_header_or_by_numbers_in_columns) {
    EXPECT_TRUE(looks_like_csv("time,obj_id,size"));
    EXPECT_TRUE(looks_like_csv("1.5|abc|100"));
    EXPECT_FALSE(looks_like_csv("a, 5"));
    EXPECT_FALSE(looks_like_csv("5,6"));
    EXPECT_FALSE(looks_like_csv("id"));
    EXPECT_FALSE(looks_like_csv("hello"));
    EXPECT_FALSE(looks_like_csv("5 w"));
}

} // namespace
} // namespace pagesim
