// SPDX-License-Identifier: MIT
#include <pagesim/stat/vmscan_log.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pagesim {
namespace {

std::string line(const std::string& task, const std::string& time, const std::string& event,
                 const std::string& fields) {
    return task + " [000] ..... " + time + ": " + event + ": " + fields;
}
std::string isolate(const std::string& task, unsigned scanned, const std::string& list) {
    return line(task, "1.000000", "mm_vmscan_lru_isolate",
                "isolate_mode=0 classzone=3 order=0 nr_requested=32 nr_scanned=" + std::to_string(scanned) +
                    " nr_skipped=1 nr_taken=" + std::to_string(scanned - 1) + " lru=" + list);
}
std::string shrink(const std::string& task, unsigned reclaimed, unsigned priority, const std::string& flags) {
    return line(
        task, "1.000010", "mm_vmscan_lru_shrink_inactive",
        "nid=0 nr_scanned=32 nr_reclaimed=" + std::to_string(reclaimed) +
            " nr_dirty=9 nr_writeback=2 nr_congested=0 nr_immediate=1 nr_activate_anon=3 nr_activate_file=4"
            " nr_ref_keep=5 nr_unmap_fail=6 priority=" +
            std::to_string(priority) + " flags=" + flags);
}
vmscan_log log_of(const std::vector<std::string>& lines) {
    vmscan_log log;
    for (const std::string& l : lines) EXPECT_EQ(log.take(l), "") << l;
    return log;
}
std::uint64_t counter(const vmscan_log& log, const std::string& name) {
    for (const auto& [known, n] : log.counters()) {
        if (known == name) return n;
    }
    ADD_FAILURE() << name << " is not told";
    return 0;
}

TEST(ftrace_line, is_read_as_tracefs_trace_cmd_and_perf_print_it) {
    for (const char* text : {
             "         kswapd0-37      [000] d....     6.893560: mm_vmscan_kswapd_wake: nid=0 order=2",
             "         kswapd0-37      (     37) [000] d....     6.893560: mm_vmscan_kswapd_wake: nid=0 "
             "order=2",
             "kswapd0-37 [000]     6.893560: mm_vmscan_kswapd_wake: nid=0 order=2",
             "kswapd0    37 [000]     6.893560: vmscan:mm_vmscan_kswapd_wake: nid=0 order=2",
             "kswapd0    37/37 [000]     6.893560123: vmscan:mm_vmscan_kswapd_wake: nid=0 order=2",
         }) {
        const auto found = parse_ftrace_line(text);
        ASSERT_TRUE(found) << text;
        EXPECT_EQ(found->comm, "kswapd0") << text;
        EXPECT_EQ(found->pid, 37U) << text;
        EXPECT_EQ(found->us, 6'893'560U) << text;
        EXPECT_EQ(found->event, "mm_vmscan_kswapd_wake") << text;
        EXPECT_EQ(found->number("order"), 2U) << text;
    }
}

TEST(ftrace_line, has_a_name_with_whatever_stands_in_it) {
    for (const char* name : {"kworker/u8:1", "Web Content", "a-b-7", "x [1] y", "tmux: server"}) {
        const std::string text = std::string{name} + "-55 [001] d..1 7.5: sched_waking: comm=x";
        const auto found = parse_ftrace_line(text);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->comm, name);
        EXPECT_EQ(found->pid, 55U);
        EXPECT_EQ(found->us, 7'500'000U) << "places that are missing are zeros";
    }
}

TEST(ftrace_line, that_lacks_a_part_is_none) {
    for (const char* text :
         {"", "kswapd0-37", "kswapd0-37 [000]", "kswapd0-37 [000] 1.0",
          "kswapd0-37 [000] .... 1.0: ", "kswapd0-37 [000] .... 1.0: event",
          "kswapd0-37 [x] .... 1.0: event: a=1", "kswapd0 [000] .... 1.0: event: a=1",
          "-37 [000] .... 1.0: event: a=1", "kswapd0-37 [000] .... 1.: event: a=1",
          "kswapd0-37 [000] .... .5: event: a=1", "kswapd0-99999999999 [000] .... 1.0: event: a=1",
          "kswapd0-37 [000] .... 99999999999999999999.0: event: a=1", "kswapd0-37 [000 1.0: e: a"}) {
        EXPECT_FALSE(parse_ftrace_line(text)) << text;
    }
}

TEST(ftrace_line, a_field_is_found_by_its_whole_name) {
    const auto found = parse_ftrace_line(
        "a-1 [000] .... 1.0: e: nr_scanned=7 scanned=8 n=-3 x=12z big=99999999999999999999");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->number("scanned"), 8U);
    EXPECT_EQ(found->number("nr_scanned"), 7U);
    EXPECT_EQ(found->number("n"), 0U) << "less than nothing is nothing";
    for (const char* name : {"x", "big", "canned", "e"}) EXPECT_FALSE(found->number(name)) << name;
}

TEST(vmscan_log, scans_of_active_lists_are_refills_and_kswapds_are_not_the_others) {
    const vmscan_log log =
        log_of({isolate("kswapd0-37", 32, "inactive_anon"), isolate("kswapd0-37", 10, "active_file"),
                isolate("cat-100", 5, "inactive_file"), isolate("dog-101", 6, "inactive_file")});
    EXPECT_EQ(counter(log, "pgscan_kswapd"), 32U);
    EXPECT_EQ(counter(log, "pgscan_direct"), 11U);
    EXPECT_EQ(counter(log, "pgscan_anon"), 32U);
    EXPECT_EQ(counter(log, "pgscan_file"), 11U);
    EXPECT_EQ(counter(log, "pgrefill"), 10U);
    EXPECT_EQ(log.tasks().size(), 3U);
    EXPECT_EQ(log.sum(true).lists[0].taken, 31U);
    EXPECT_EQ(log.sum(true).lists[0].skipped, 1U);
}

TEST(vmscan_log, what_was_reclaimed_is_kept_by_kind_and_priority) {
    const vmscan_log log = log_of({shrink("kswapd0-37", 20, 12, "RECLAIM_WB_FILE|RECLAIM_WB_ASYNC"),
                                   shrink("kswapd0-37", 3, 0, "RECLAIM_WB_ANON|RECLAIM_WB_ASYNC"),
                                   shrink("cat-100", 4, 12, "RECLAIM_WB_FILE|RECLAIM_WB_ASYNC")});
    EXPECT_EQ(counter(log, "pgsteal_kswapd"), 23U);
    EXPECT_EQ(counter(log, "pgsteal_direct"), 4U);
    EXPECT_EQ(counter(log, "pgsteal_anon"), 3U);
    EXPECT_EQ(counter(log, "pgsteal_file"), 24U);
    const vmscan_log::shrunk file = log.sum(true).inactive[1][12];
    EXPECT_EQ(file.reclaimed, 20U);
    EXPECT_EQ(file.activated, 7U);
    EXPECT_EQ(file.kept, 5U);
    EXPECT_EQ(file.writeback, 2U);
    EXPECT_EQ(file.immediate, 1U);
    EXPECT_EQ(file.unmap_failed, 6U);
    EXPECT_EQ(log.sum(true).inactive[0][0].reclaimed, 3U);
}

TEST(vmscan_log, direct_reclaim_lasts_from_its_begin_to_its_end_in_the_same_task) {
    const std::string begin = "mm_vmscan_direct_reclaim_begin";
    const std::string end = "mm_vmscan_direct_reclaim_end";
    const vmscan_log log =
        log_of({line("cat-100", "0.500000", end, "nr_reclaimed=9"), // it began before the log
                line("cat-100", "1.000000", begin, "order=0 gfp_flags=GFP_KERNEL"),
                line("dog-101", "1.000100", begin, "order=0 gfp_flags=GFP_KERNEL"),
                line("cat-100", "1.000300", end, "nr_reclaimed=32"),
                line("dog-101", "2.000100", end, "nr_reclaimed=1"),
                line("dog-101", "3.000000", begin, "order=0 gfp_flags=GFP_KERNEL")});
    EXPECT_EQ(log.sum(false).latencies, (std::vector<std::uint64_t>{300, 1'000'000}));
    EXPECT_EQ(log.sum(false).begun, 3U);
    EXPECT_EQ(log.sum(false).ended, 3U);
    EXPECT_EQ(log.sum(false).direct_reclaimed, 42U);
    EXPECT_EQ(counter(log, "allocstall"), 3U);
}

TEST(vmscan_log, writes_wakes_throttles_and_slabs_are_counted_in_the_words_of_each_kernel) {
    const vmscan_log log = log_of(
        {line("kswapd0-37", "1.0", "mm_vmscan_writepage",
              "page=00000000abcdef01 pfn=5 flags=RECLAIM_WB_ANON|RECLAIM_WB_ASYNC"),
         line("kswapd0-37", "1.0", "mm_vmscan_write_folio",
              "page=0 pfn=0x5 flags=RECLAIM_WB_FILE|RECLAIM_WB_ASYNC"),
         line("kswapd0-37", "1.0", "mm_vmscan_kswapd_wake", "nid=0 order=0"),
         line("kswapd0-37", "1.0", "mm_vmscan_kswapd_sleep", "nid=0"),
         line("cat-100", "1.0", "mm_vmscan_wakeup_kswapd", "nid=0 order=0 gfp_flags=GFP_KERNEL"),
         line("cat-100", "1.0", "mm_vmscan_throttled",
              "nid=0 usec_timeout=100000 usect_delayed=4000 reason=VMSCAN_THROTTLE_WRITEBACK"),
         line("cat-100", "1.0", "mm_shrink_slab_start",
              "x 0: nid: 0 objects to shrink 0 gfp_flags GFP_KERNEL cache items 9"),
         line("cat-100", "1.0", "mm_shrink_slab_end",
              "x 0: nid: 0 unused scan count 0 new scan count 5 total_scan 9 last shrinker return val 256")});
    const vmscan_log::task kswapd = log.sum(true);
    EXPECT_EQ(kswapd.written[0], 1U);
    EXPECT_EQ(kswapd.written[1], 1U);
    EXPECT_EQ(kswapd.wakes, 1U);
    EXPECT_EQ(kswapd.sleeps, 1U);
    const vmscan_log::task cat = log.sum(false);
    EXPECT_EQ(cat.wakeups, 1U);
    EXPECT_EQ(cat.throttles.at("VMSCAN_THROTTLE_WRITEBACK").us, 4000U);
    EXPECT_EQ(cat.slab_scanned, 256U);
    EXPECT_EQ(log.events(), 8U);
}

TEST(vmscan_log, knows_what_was_lost) {
    vmscan_log log = log_of({"# tracer: nop", "# entries-in-buffer/entries-written: 100/250   #P:1", "",
                             "CPU:0 [LOST 7 EVENTS]", isolate("kswapd0-37", 2, "inactive_file")});
    EXPECT_EQ(log.lost(), 157U);
    EXPECT_EQ(log.events(), 1U);
}

TEST(vmscan_log, a_line_that_is_not_understood_is_told_and_counts_for_nothing) {
    vmscan_log log;
    EXPECT_NE(log.take("what is this"), "");
    EXPECT_NE(log.take(line("kswapd0-37", "1.0", "mm_vmscan_lru_isolate", "nr_taken=5 lru=active_anon")), "");
    EXPECT_NE(log.take(isolate("kswapd0-37", 5, "no_list")), "");
    EXPECT_NE(log.take(shrink("kswapd0-37", 5, 13, "RECLAIM_WB_ANON")), "");
    EXPECT_NE(log.take(shrink("kswapd0-37", 5, 1, "RECLAIM_WB_NONE")), "");
    EXPECT_NE(log.take("CPU:0 [LOST many EVENTS]"), "");
    EXPECT_EQ(log.bad_lines(), 6U);
    EXPECT_EQ(log.events(), 0U);
    EXPECT_EQ(counter(log, "pgscan_kswapd") + counter(log, "pgsteal_kswapd"), 0U);
    EXPECT_EQ(log.take(line("cat-1", "1.0", "sched_switch", "prev_comm=a")), "");
    EXPECT_EQ(log.other_events(), 1U);
}

TEST(percentile, is_a_value_that_so_many_do_not_exceed) {
    const std::vector<std::uint64_t> ten{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    EXPECT_EQ(percentile(ten, 0), 1U);
    EXPECT_EQ(percentile(ten, 50), 5U);
    EXPECT_EQ(percentile(ten, 51), 6U);
    EXPECT_EQ(percentile(ten, 99), 10U);
    EXPECT_EQ(percentile({7}, 50), 7U);
}

} // namespace
} // namespace pagesim
