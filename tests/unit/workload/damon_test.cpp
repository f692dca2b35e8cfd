// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/damon.hpp>

namespace pagesim {
namespace {

std::string event(const std::string& payload, const std::string& time = "57.104325") {
    return "kdamond.0  1234 [002] " + time + ": damon:damon_aggregated: " + payload + "\n";
}
std::string items_of(const std::string& content) { return testing::items_of<damon_stream>(content); }
std::string error_of(const std::string& content) { return testing::error_of<damon_stream>(content); }

TEST(damon_regions, are_loaded_page_by_page_with_as_many_references) {
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=2 20480-28672: 14 3")), "5:1400+14 6:1400+14");
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=2 20480-20481: 1 3")), "5:100+1");
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=2 20480-24576: 1")), "5:100+1") << "5.15 tells no age";
    EXPECT_EQ(items_of("damon_aggregated: target_id=0 nr_regions=2 20480-24576: 99999 0\n"), "5:8191+4095")
        << "no more than a record holds";
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=1 281474976706560-281474976710656: 1 1")),
              "fffffffff:100+1");
}

TEST(damon_regions, that_were_not_accessed_cost_nothing) {
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=2 0-281474976710656: 0 3") +
                       event("target_id=0 nr_regions=2 20480-24576: 1 3")),
              "5:100+1");
    EXPECT_EQ(error_of(event("target_id=0 nr_regions=2 20480-24576: 0 3")), "0: no accesses");
}

TEST(damon_regions, come_at_their_time) {
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=1 20480-28672: 1 3", "57.100000") +
                       event("target_id=0 nr_regions=1 20480-24576: 1 3", "57.200000")),
              "5:100+1 6:100+1 sleep(100) 5:100+1");
    EXPECT_EQ(items_of(event("target_id=0 nr_regions=1 20480-24576: 1 3", "57.100000") +
                       event("target_id=0 nr_regions=1 20480-24576: 1 3", "57.200000: more")),
              "5:100+1 sleep(100) 5:100+1")
        << "words behind the time";
    EXPECT_EQ(
        items_of("my_aggregated: 7 57.100000: damon_aggregated: target_id=0 nr_regions=1 20480-24576: 1\n"),
        "5:100+1");
}

TEST(damon_regions, of_other_targets_and_the_kernel_are_skipped) {
    const std::string first = event("target_id=3 nr_regions=1 20480-24576: 1 3");
    EXPECT_EQ(testing::skipped_of<damon_stream>(first + event("target_id=4 nr_regions=1 20480-24576: 1 3")),
              "2: a region of another target");
    EXPECT_EQ(testing::skipped_of<damon_stream>(first +
                                                event("target_id=3 nr_regions=1 20480-281474976710657: 1 3")),
              "2: a region beyond 48 bits of address");
}

TEST(damon_regions, may_stand_among_other_events) {
    const testing::replayed r =
        testing::replay_of<damon_stream>("# tracer: nop\n\nbash 7 [001] 1.000000: sched:sched_switch: x\n"
                                         "bash 7 [001] 1.000000: other_aggregated: x\n" +
                                         event("target_id=0 nr_regions=1 20480-24576: 1 3"));
    EXPECT_EQ(r.items, "5:100+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 1, .skipped = 4, .accesses = 1}));
}

TEST(damon_regions, may_have_64_GiB) {
    const testing::temp_file file{event("target_id=0 nr_regions=1 4096-68719480832: 1 1")};
    damon_stream s{file.path()};
    EXPECT_TRUE(std::holds_alternative<access_block>(s.next()));
}

TEST(damon_regions, that_are_none_are_bad) {
    for (const std::string payload :
         {"", "target_id=0", "targetxid=0 nr_regions=1 1-2: 1 1", "target_id=0 regions=1 1-2: 1 1",
          "target_id=0nr_regions=1 1-2: 1 1", "target_id=x nr_regions=1 1-2: 1 1",
          "target_id=0 nr_regions=1 1-2 1 1", "target_id=0 nr_regions=1 12: 1 1",
          "target_id=0 nr_regions=1 1-x: 1 1", "target_id=0 nr_regions=1 1-2: x 1",
          "target_id=0 nr_regions=1 1/2: 1 1", "target_id=0 nr_regions=1 1-2; 1 1",
          "target_id=0 nr_regions=1 1-2:1 1", "target_id=0 nr_regions=1 1-2: 1x 1",
          "target_id=0 nr_regions=1 1-2: 1 x", "target_id=0 nr_regions=1 1-2: 1 1x"}) {
        EXPECT_NE(error_of(event(payload)).find("not target_id=N nr_regions=N START-END: ACCESSES AGE"),
                  std::string::npos)
            << payload;
    }
    EXPECT_EQ(error_of(event("target_id=0 nr_regions=1 4096-4096: 1 1")),
              "1: the region from 4096 to 4096 is empty or turned round");
    EXPECT_EQ(error_of(event("target_id=0 nr_regions=1 4096-68719484928: 1 1")),
              "1: an accessed region of 16777217 pages, which is more than 64 GiB");
    EXPECT_EQ(error_of("hello\n"), "1: 'hello' is no event, nor a region of DAMON");
    EXPECT_EQ(error_of(""), "0: no accesses");
}

} // namespace
} // namespace pagesim
