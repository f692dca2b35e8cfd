// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/perf_script.hpp>

namespace pagesim {
namespace {

std::string items_of(const std::string& content) { return testing::items_of<perf_script_stream>(content); }
std::string skipped_of(const std::string& line) {
    return testing::skipped_of<perf_script_stream>("sort 7 1.000000: 5000\n" + line + "\n");
}

TEST(perf_samples, need_a_time_and_an_address) {
    EXPECT_EQ(items_of("  t   671/671    1390.662709: page-faults:     55cf1d49f018\n"), "55cf1d49f:100+1");
    EXPECT_EQ(items_of(" 671 1390.662709:     55cf1d49f018\n"), "55cf1d49f:100+1") << "tid, time, addr";
    EXPECT_EQ(items_of("1390.662709000: 0x5000\n"), "5:100+1") << "nanoseconds";
    EXPECT_EQ(items_of("my prog  671 [001]  1.000000:   1 page-faults:u:  5000\n"), "5:100+1")
        << "period, CPU";
    EXPECT_EQ(items_of("t 7 1.000000: e: addr=0x5008\n"), "5:100+1");
}

TEST(perf_samples, tell_a_store_in_three_ways) {
    EXPECT_EQ(items_of("t 7 1.000000: 1 cpu/mem-stores/P: 5000\n"), "5f:100+1");
    EXPECT_EQ(items_of("t 7 1.000000: 5000 OP STORE\n"), "5f:100+1") << "no event";
    EXPECT_EQ(items_of("t 7 1.000000: mem: 5000 68100142 |OP STORE|LVL L1 hit\n"), "5f:100+1");
    EXPECT_EQ(items_of("t 7 1.000000: exceptions:page_fault_user: address=0x5008 ip=0x40 error_code=0x6\n"),
              "5f:100+1");
    EXPECT_EQ(items_of("t 7 1.000000: exceptions:page_fault_user: address=0x5008 ip=0x40 error_code=0x4\n"),
              "5:100+1");
    EXPECT_EQ(items_of("t 7 1.000000: cpu/mem-loads,ldlat=30/P: 5000 68100142 |OP LOAD|LVL\n"), "5:100+1");
}

TEST(perf_samples, keep_their_time_to_a_millisecond) {
    EXPECT_EQ(items_of("t 7 1.000000: 5000\nt 7 1.000900: 6000\nt 7 1.002000: 7000\n"),
              "5:100+1 6:100+1 sleep(2) 7:100+1");
}

TEST(perf_samples, of_another_process_are_skipped) {
    EXPECT_EQ(skipped_of("cron 8 1.000000: 6000"), "2: a sample of another process");
    EXPECT_EQ(skipped_of("cron 8/7 1.000000: 6000"), "2: a sample of another process");
    EXPECT_EQ(skipped_of("sort 7/9 1.000000: 6000"), "") << "another thread";
    EXPECT_EQ(skipped_of("sort-7 [003] ..... 1.000000: e: 6000"), "") << "as ftrace has it";
    EXPECT_EQ(skipped_of("kworker/0:1-7 [003] ..... 1.000000: e: 6000"), "") << "a name with a slash";
    EXPECT_EQ(skipped_of("7 a b c 1.000000: 6000"), "2: a sample of another process") << "no process's place";
}

TEST(perf_samples, of_the_kernel_and_of_nothing_are_skipped) {
    EXPECT_EQ(skipped_of("sort 7 1.000000: page-faults: ffffffff81775b9a"), "2: an address beyond 48 bits");
    EXPECT_EQ(skipped_of("sort 7 1.000000: 1000000000000"), "2: an address beyond 48 bits");
    EXPECT_EQ(skipped_of("sort 7 1.000000: cycles: 0"), "2: a sample without an address");
    EXPECT_EQ(skipped_of("sort 7 1.000000: sched:sched_switch: prev_comm=x"),
              "2: a sample without an address");
    EXPECT_EQ(skipped_of("sort 7 1.000000:"), "2: a sample without an address");
}

TEST(perf_samples, do_not_take_an_instruction_for_an_address) {
    EXPECT_EQ(skipped_of("sort 7 1.000000: 1 page-faults: 7f1234 main+0x28a (/bin/sort)"),
              "2: a sample without an address");
    EXPECT_EQ(skipped_of("sort 7 1.000000: 7f1234 main+0x28a"), "2: a sample without an address");
    EXPECT_EQ(skipped_of("sort 7 1.000000: 7f1234 (/bin/sort)"), "2: a sample without an address");
    EXPECT_EQ(skipped_of("sort 7 1.000000: 1 page-faults: 7f1234 [unknown] (/bin/sort)"),
              "2: a sample without an address");
}

TEST(perf_samples, may_be_followed_by_call_chains) {
    const testing::replayed r = testing::replay_of<perf_script_stream>(
        "# header\nsort 7 1.000000: page-faults: 5000\n\tffffffff81775b9a elf_load ([kernel.kallsyms])\n\n");
    EXPECT_EQ(r.items, "5:100+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 1, .skipped = 3, .accesses = 1}));
}

TEST(perf_samples, without_a_time_are_bad) {
    const auto error = [](const std::string& line) {
        return testing::error_of<perf_script_stream>("t 7 1.000000: 5000\n" + line + "\n");
    };
    EXPECT_EQ(error("sort 7 page-faults: 5000"),
              "2: 'sort 7 page-faults: 5000' has no time such as 12.345678: in it");
    EXPECT_NE(error("sort 7 1.00000: 5000"), "") << "five places";
    EXPECT_NE(error("sort 7 1.000000 5000"), "") << "no colon";
    EXPECT_NE(error("sort 7 1.000000 : 5000"), "") << "a colon that stands alone";
    EXPECT_NE(error(": 5000"), "");
    EXPECT_NE(error("sort 7 1.000000:5000"), "") << "no end of the word";
    EXPECT_EQ(testing::error_of<perf_script_stream>(""), "0: no accesses");
    EXPECT_EQ(testing::error_of<perf_script_stream>("t 7 1.000000: cycles: 0\n"),
              "1: a sample without an address, and no other of the 1 records could be performed");
}

} // namespace
} // namespace pagesim
