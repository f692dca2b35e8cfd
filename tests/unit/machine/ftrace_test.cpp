// SPDX-License-Identifier: MIT
#include <pagesim/machine/ftrace.hpp>
#include <pagesim/stat/vmscan_log.hpp>
#include <support/script.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace pagesim {
namespace {

using testing::script;

void touch_twice_what_fits(script& s) {
    s.anon("a", 0x1000, 900);
    for (std::uint64_t n = 0; n < 1800; ++n) s.write(0x1000 + n % 900);
}

// A run under pressure, as text.
struct traced_run {
    explicit traced_run(ftrace_dialect dialect, const kernel_profile& profile = linux_6_1)
        : writer{dialect, [this](std::string_view s) { text += s; }} {
        machine_config config = machine_with(page_count{512});
        config.profile = profile;
        config.swap.device = swap_device::flash;
        config.swap.flash.latency = microseconds(500);
        m = std::make_unique<machine>(config, &writer);
        touch_twice_what_fits(stream);
        m->start(stream);
        writer.begin(*m, "about the run");
        m->run();
        writer.finish();
    }
    [[nodiscard]] std::vector<std::string> lines(const std::string& event) const {
        std::vector<std::string> out;
        std::istringstream in{text};
        for (std::string line; std::getline(in, line);) {
            if (line.find(": " + event + ": ") != std::string::npos) out.push_back(line);
        }
        return out;
    }
    // Of "name=value" in all of an event's lines that hold `where`.
    [[nodiscard]] std::uint64_t sum(const std::string& event, const std::string& name,
                                    const std::string& where = "") const {
        std::uint64_t n = 0;
        for (const std::string& line : lines(event)) {
            if (line.find(where) == std::string::npos) continue;
            n += std::stoull(line.substr(line.find(" " + name + "=") + name.size() + 2));
        }
        return n;
    }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return m->stat()[i]; }

    script stream;
    std::string text;
    ftrace_writer writer;
    std::unique_ptr<machine> m;
};

TEST(ftrace, says_what_vmstat_counts) {
    const traced_run run{ftrace_dialect::of_6_1};
    ASSERT_GT(run.count(vm_item::pgscan_direct), 0U);
    EXPECT_EQ(run.sum("mm_vmscan_lru_isolate", "nr_scanned", "lru=inactive"),
              run.count(vm_item::pgscan_kswapd) + run.count(vm_item::pgscan_direct));
    EXPECT_EQ(run.sum("mm_vmscan_lru_isolate", "nr_scanned", "lru=active"), run.count(vm_item::pgrefill));
    EXPECT_EQ(run.sum("mm_vmscan_lru_shrink_inactive", "nr_scanned", "kswapd0-"),
              run.count(vm_item::pgscan_kswapd));
    EXPECT_EQ(run.sum("mm_vmscan_lru_shrink_inactive", "nr_reclaimed", "kswapd0-"),
              run.count(vm_item::pgsteal_kswapd));
    EXPECT_EQ(run.sum("mm_vmscan_direct_reclaim_end", "nr_reclaimed"), run.count(vm_item::pgsteal_direct));
    EXPECT_EQ(run.sum("mm_vmscan_lru_shrink_active", "nr_deactivated"), run.count(vm_item::pgdeactivate));
    EXPECT_EQ(run.lines("mm_vmscan_write_folio").size(), run.count(vm_item::nr_vmscan_write));
    EXPECT_EQ(run.lines("mm_vmscan_direct_reclaim_begin").size(), run.count(vm_item::allocstall_movable));
    EXPECT_EQ(run.lines("mm_page_free").size(), run.count(vm_item::pgfree));
}

// What a reader of logs makes of a run's is what the run counted.
TEST(ftrace, is_summed_up_to_what_vmstat_counts) {
    for (const ftrace_dialect dialect :
         {ftrace_dialect::of_5_8, ftrace_dialect::of_6_1, ftrace_dialect::postprocess}) {
        const traced_run run{dialect};
        vmscan_log log;
        std::istringstream in{run.text};
        for (std::string line; std::getline(in, line);) ASSERT_EQ(log.take(line), "") << line;
        for (const auto& [name, n] : log.counters()) {
            if (const auto item = vm_item_from_name(name)) {
                EXPECT_EQ(n, run.count(*item)) << name;
            }
        }
        const auto direct = log.sum(false);
        EXPECT_GT(direct.latencies.size(), 0U);
        EXPECT_EQ(direct.latencies.size(), run.count(vm_item::allocstall_movable));
    }
}

TEST(ftrace, a_line_is_laid_out_as_the_kernel_does) {
    const traced_run now{ftrace_dialect::of_6_1};
    const std::string line = now.lines("mm_vmscan_lru_isolate").front();
    EXPECT_EQ(line.substr(24, 13), " [000] d.... ") << line;
    EXPECT_EQ(line.substr(42, 1), ".") << "seconds in five, microseconds in six digits";
    const traced_run then{ftrace_dialect::of_5_8, linux_5_8};
    EXPECT_EQ(then.lines("mm_vmscan_lru_isolate").front().substr(22, 12), " [000] d... ");
    EXPECT_EQ(then.lines("mm_vmscan_write_folio").size(), 0U);
    EXPECT_NE(then.lines("mm_vmscan_writepage").front().find(" pfn="), std::string::npos);
    EXPECT_EQ(then.lines("mm_vmscan_writepage").front().find("0x"), std::string::npos);
    EXPECT_EQ(then.text.find("mm_vmscan_throttled"), std::string::npos);
}

TEST(ftrace, the_script_of_the_kernel_tree_gets_the_fields_that_it_knows) {
    const traced_run run{ftrace_dialect::postprocess};
    EXPECT_NE(run.lines("mm_vmscan_direct_reclaim_begin").front().find("order=0 may_writepage=1 gfp_flags="),
              std::string::npos);
    EXPECT_NE(run.lines("mm_vmscan_wakeup_kswapd").front().find("nid=0 zid="), std::string::npos);
    EXPECT_NE(run.lines("mm_vmscan_lru_isolate").front().find(" classzone_idx="), std::string::npos);
}

TEST(ftrace, slices_of_direct_reclaim_are_closed_and_every_switch_goes_on_where_the_last_one_ended) {
    const traced_run run{ftrace_dialect::of_6_1};
    int depth = 0;
    for (const std::string& line : run.lines("tracing_mark_write")) {
        if (line.find(": B|") != std::string::npos) ++depth;
        if (line.find(": E|") != std::string::npos) --depth;
        ASSERT_TRUE(depth == 0 || depth == 1);
    }
    EXPECT_EQ(depth, 0);
    std::string next = "<idle> ";
    for (const std::string& line : run.lines("sched_switch")) {
        const std::size_t prev = line.find("prev_comm=") + 10;
        EXPECT_EQ(line.substr(prev, next.size()), next);
        const std::size_t at = line.find("next_comm=") + 10;
        next = line.substr(at, line.find(' ', at) - at + 1);
    }
}

TEST(ftrace, a_switch_tells_how_who_leaves_waits) {
    const traced_run run{ftrace_dialect::of_6_1};
    const auto some = [&](std::string_view comm, char state) {
        const std::string prev = fmt::format("prev_comm={} ", comm);
        const std::string how = fmt::format("prev_state={} ", state);
        const std::vector<std::string> all = run.lines("sched_switch");
        return std::ranges::any_of(all, [&](const std::string& line) {
            return line.find(prev) != std::string::npos && line.find(how) != std::string::npos;
        });
    };
    EXPECT_TRUE(some("kswapd0", 'S')) << "nothing to do";
    EXPECT_TRUE(some("workload", 'D')) << "a page that is read";
    EXPECT_TRUE(some("rcu_sched", 'I'));
    EXPECT_FALSE(some("workload", 'S'));
}

TEST(ftrace, listening_changes_nothing) {
    const traced_run run{ftrace_dialect::of_6_1};
    machine_config config = run.m->parts().config;
    machine quiet{config};
    script stream;
    touch_twice_what_fits(stream);
    quiet.start(stream);
    quiet.run();
    EXPECT_EQ(quiet.fingerprint_value(), run.m->fingerprint_value());
}

TEST(gfp_names, are_the_largest_sets_and_then_single_bits) {
    EXPECT_EQ(gfp_names(gfp::highuser_movable.word()), "GFP_HIGHUSER_MOVABLE");
    EXPECT_EQ(gfp_names(gfp::kernel.word()), "GFP_KERNEL");
    EXPECT_EQ(gfp_names((gfp::noio | gfp_flags{gfp_flag::nowarn}).word()), "GFP_NOIO|__GFP_NOWARN");
    EXPECT_EQ(gfp_names(0), "none");
}

} // namespace
} // namespace pagesim
