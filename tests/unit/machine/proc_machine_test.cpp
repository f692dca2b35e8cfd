// SPDX-License-Identifier: MIT
// What /proc tells of tasks and of the machine, and that looking changes nothing.
#include <pagesim/machine/proc_files.hpp>
#include <pagesim/machine/proc_machine.hpp>
#include <pagesim/machine/proc_pages.hpp>
#include <pagesim/machine/proc_pid.hpp>

#include <support/many_processes.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace pagesim {
namespace {

using testing::script;
using testing::with_swap;
using testing::writes;

// Everything that a snapshot reads.
std::string all_of_proc(const machine& m) {
    const machine_parts& parts = m.parts();
    std::string out = format_vmstat(parts.snapshot(), parts.config.profile.vmstat) +
                      format_meminfo(parts, committed_pages(m)) + format_zoneinfo(parts) +
                      format_buddyinfo(parts.home) + format_pagetypeinfo(parts.home) + format_swaps(parts) +
                      format_uptime(m) + format_stat(m);
    std::vector<std::uint64_t> words(parts.frames.size().value);
    read_kpageflags(parts, pfn{0}, words);
    read_kpagecount(parts, pfn{0}, words);
    for (const workload_task* p : m.processes()) {
        out += format_pid_status(*p) + format_pid_stat(*p) + format_pid_statm(*p);
        const mm* const space = proc_mm(*p);
        if (space == nullptr) continue;
        out += format_maps(parts, *space) + format_smaps(parts, *space) + format_smaps_rollup(parts, *space);
        for_each_pagemap_entry(parts, *space, [&](vpn /*n*/, std::uint64_t e) { words[0] ^= e; });
    }
    return out;
}

std::uint64_t fingerprint_of_a_run(const std::function<void(const machine&)>& between_steps) {
    script first;
    first.file("f", 300).map("f", 0x80000, 300).write(0x80010).pread("f", 0, 64);
    writes(first, 1500, 2);
    script second;
    writes(second, 700);
    machine m{with_swap(4096)};
    m.start(first);
    m.add_process(second, {.name = "second"});
    while (m.step()) between_steps(m);
    m.check_consistency();
    return m.fingerprint_value();
}

TEST(proc, looking_after_every_step_changes_nothing) {
    std::uint64_t steps = 0;
    std::uint64_t read = 0;
    const std::uint64_t looked_at = fingerprint_of_a_run([&](const machine& m) {
        if (++steps % 50 == 0) read += all_of_proc(m).size();
    });
    EXPECT_EQ(looked_at, fingerprint_of_a_run([](const machine&) {}));
    EXPECT_GT(steps, 1000U);
    EXPECT_GT(read, 100'000U);
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in{text};
    std::vector<std::string> out;
    for (std::string w; in >> w;) out.push_back(w);
    return out;
}

std::string line_of(const std::string& text, const std::string& label) {
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(label)) return line;
    }
    return {};
}

TEST(proc, status_stat_and_statm_tell_the_sizes) {
    script s;
    s.anon("a", testing::base, 100).access(testing::stores(40)).mlock("a", testing::base, 10);
    machine m{with_swap(4096)};
    m.start(s, {}, {.name = "a table"});
    m.run();
    const workload_task& p = m.workload();
    const std::string status = format_pid_status(p);
    EXPECT_EQ(line_of(status, "Name:"), "Name:\ta table");
    EXPECT_EQ(line_of(status, "Pid:"), "Pid:\t1001");
    EXPECT_EQ(line_of(status, "VmSize:"), "VmSize:\t     400 kB");
    EXPECT_EQ(line_of(status, "VmRSS:"), "VmRSS:\t     160 kB");
    EXPECT_EQ(line_of(status, "VmLck:"), "VmLck:\t      40 kB");
    EXPECT_EQ(line_of(status, "VmData:"), "VmData:\t     400 kB");
    EXPECT_EQ(line_of(status, "VmPTE:"), "VmPTE:\t      12 kB");
    EXPECT_EQ(format_pid_statm(p), "100 40 0 0 0 100 0\n");
    const std::string stat = format_pid_stat(p);
    EXPECT_TRUE(stat.starts_with("1001 (a table) R 1 1001 1001 ")) << stat;
    const std::vector<std::string> fields = words_of(stat.substr(stat.find(')') + 1));
    ASSERT_EQ(fields.size(), 50U) << "52 with the number and the name";
    EXPECT_EQ(fields[20], "409600") << "vsize";
    EXPECT_EQ(fields[21], "40") << "rss";
    EXPECT_EQ(fields[44], std::to_string(raw(p.space().start_brk)));
}

TEST(proc, a_task_runs_sleeps_or_waits_for_the_disk) {
    script s;
    writes(s, 2000, 2);
    s.sleep(milliseconds(100));
    machine m{with_swap(4096)};
    m.start(s);
    std::string states;
    while (m.step()) {
        const std::string state = line_of(format_pid_status(m.workload()), "State:").substr(7);
        if (states.find(state) == std::string::npos) states += state;
        const bool waits = line_of(format_stat(m), "procs_blocked") == "procs_blocked 1";
        EXPECT_EQ(waits, state == "D (disk sleep)");
    }
    EXPECT_NE(states.find("R (running)"), std::string::npos);
    EXPECT_NE(states.find("S (sleeping)"), std::string::npos);
    EXPECT_NE(states.find("D (disk sleep)"), std::string::npos);
}

TEST(proc, a_process_that_exits_has_no_memory_any_more_and_then_no_entry) {
    script brief;
    writes(brief, 200);
    script lasting;
    writes(lasting, 500);
    lasting.sleep(milliseconds(50));
    machine m{with_swap(4096)};
    m.start(brief, {}, {.name = "brief"});
    m.add_process(lasting, {.name = "lasting"});
    bool exiting = false;
    while (m.step()) {
        const workload_task& p = m.workload();
        EXPECT_EQ(has_proc_entry(p), !p.gone());
        if (!p.exiting()) continue;
        exiting = true;
        EXPECT_EQ(proc_mm(p), nullptr);
        EXPECT_EQ(line_of(format_pid_status(p), "VmRSS:"), "");
        EXPECT_EQ(format_pid_statm(p), "0 0 0 0 0 0 0\n");
    }
    EXPECT_TRUE(exiting);
    EXPECT_FALSE(has_proc_entry(m.workload()));
    EXPECT_TRUE(has_proc_entry(*m.processes()[1])) << "the last one is left as it stands";
    EXPECT_NE(proc_mm(*m.processes()[1]), nullptr);
}

TEST(proc, time_is_told_in_hundredths_of_seconds) {
    script s;
    writes(s, 100);
    s.sleep(milliseconds(1230));
    machine m{with_swap(4096)};
    m.start(s);
    m.run();
    EXPECT_EQ(words_of(format_uptime(m)).at(0), "1.23");
    EXPECT_EQ(words_of(format_uptime(m)).at(1).substr(0, 3), "1.2");
    const std::vector<std::string> cpu = words_of(line_of(format_stat(m), "cpu "));
    ASSERT_EQ(cpu.size(), 11U);
    EXPECT_EQ(cpu[4].substr(0, 2), "12") << "idle";
    EXPECT_EQ(line_of(format_stat(m), "ctxt"), "ctxt " + std::to_string(m.switches()));
}

} // namespace
} // namespace pagesim
