// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/oracle_general.hpp>

namespace pagesim {
namespace {

struct request {
    std::uint64_t time = 0;
    std::uint64_t object = 0;
    std::uint64_t bytes = 4096;
    std::uint64_t next = ~0ULL; // -1: none
};

std::string bytes_of(std::initializer_list<request> requests) {
    testing::packed p;
    for (const request& r : requests) p.u32(r.time).u64(r.object).u32(r.bytes).u64(r.next);
    return p.bytes();
}

testing::replayed replay(std::initializer_list<request> r, object_placement p = object_placement::in_order) {
    return testing::replay_of<oracle_general_stream>(bytes_of(r), p);
}

TEST(oracle_general_traces, touch_each_page_of_an_object) {
    EXPECT_EQ(replay({{.object = 1ULL << 63U, .bytes = 8193}, {.object = 5}}).items,
              "10000:100+1 10001:100+1 10002:100+1 10003:100+1");
}

TEST(oracle_general_traces, of_pages_keep_their_numbers) {
    EXPECT_EQ(replay({{.object = 7}, {.object = 3}, {.object = 7}}, object_placement::by_number).items,
              "7:100+1 3:100+1 7:100+1");
}

TEST(oracle_general_traces, that_are_not_of_pages_say_so) {
    const testing::temp_file file{bytes_of({{.object = 7}, {.object = 8, .bytes = 4097}})};
    oracle_general_stream s{file.path(), object_placement::by_number};
    EXPECT_EQ(testing::replay(s).error, "0: at byte 24: object 8 of 4097 bytes is not a page");
    EXPECT_TRUE(s.met_no_page());
}

TEST(oracle_general_traces, keep_their_seconds) {
    EXPECT_EQ(replay({{.time = 100, .object = 7},
                      {.time = 100, .object = 8},
                      {.time = 103, .object = 7},
                      {.time = 90, .object = 8}})
                  .items,
              "10000:100+1 10001:100+1 sleep(3000) 10000:100+1 10001:100+1")
        << "a clock that goes back is not waited for";
}

TEST(oracle_general_traces, skip_objects_of_size_0) {
    const testing::replayed r = replay({{.object = 7, .bytes = 0}, {.object = 8}});
    EXPECT_EQ(r.items, "10000:100+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 2, .skipped = 1, .accesses = 1}));
}

TEST(oracle_general_traces, need_a_next_request_that_is_later) {
    EXPECT_EQ(replay({{.object = 7, .next = 2}, {.object = 7, .next = 2}}).error,
              "0: at byte 24: request 2: the next one for its object is 2, which is not later");
    EXPECT_EQ(replay({{.object = 7, .next = 0}}).error,
              "0: at byte 0: request 1: the next one for its object is 0, which is not later");
    EXPECT_EQ(replay({{.object = 7, .next = (1ULL << 63U) - 1}}).error, "") << "none, in another spelling";
}

TEST(oracle_general_traces, that_are_cut_off_say_where) {
    const std::string whole = bytes_of({{.object = 7}, {.object = 8}});
    EXPECT_EQ(testing::error_of<oracle_general_stream>(whole.substr(0, 47)),
              "0: at byte 24: the file ends within a record: 23 of 24 bytes");
    EXPECT_EQ(testing::error_of<oracle_general_stream>(""), "0: no accesses");
}

TEST(oracle_general_traces, are_told_by_times_and_next_requests) {
    EXPECT_TRUE(looks_like_oracle_general(bytes_of({{.time = 1, .next = 2}, {.time = 1}})));
    EXPECT_TRUE(looks_like_oracle_general(bytes_of({{.next = (1ULL << 63U) - 1}})));
    EXPECT_FALSE(looks_like_oracle_general(bytes_of({{.time = 2, .next = 2}, {.time = 1}})));
    EXPECT_FALSE(looks_like_oracle_general(bytes_of({{.next = 1}})));
    EXPECT_FALSE(looks_like_oracle_general(bytes_of({{.next = 1ULL << 41U}})));
    EXPECT_FALSE(looks_like_oracle_general("short"));
}

} // namespace
} // namespace pagesim
