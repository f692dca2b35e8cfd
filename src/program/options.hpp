// SPDX-License-Identifier: MIT
// The options of the command line, as they were given.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/machine/machine_config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::program {

struct run_options {
    std::vector<std::string> inputs; // one process each
    std::vector<int> oom_score_adj;  // of the processes in turn; 0 where none is given
    std::string format = "auto";
    std::string memory; // empty: half of the footprint
    std::vector<std::string> swap{"256MiB"};
    std::string swap_device = "flash";
    std::string kernel = "6.1";
    std::string cpu = "cortex-a72";
    unsigned swappiness = 60;
    unsigned page_cluster = 3;
    unsigned compaction_proactiveness = 20;
    std::string file_device = "pmem";
    unsigned dirty_ratio = 20;
    unsigned dirty_background_ratio = 10;
    std::uint64_t dirty_bytes = 0;
    std::uint64_t dirty_background_bytes = 0;
    unsigned dirty_expire_centisecs = 3000;
    unsigned dirty_writeback_centisecs = 500;
    std::optional<std::uint64_t> min_free_kbytes;
    bool khugepaged = false;
    std::string vmstat_file;
    std::string ftrace_file;
    std::string ftrace_dialect = "6.1";
    std::string zoneinfo_file;
    std::string meminfo_file;
    std::string buddyinfo_file;
    std::string swaps_file;
    std::string json_file;
    std::string proc_dir;
    std::string proc_every; // of simulated time; empty: at the end only
    std::string html_file;
    bool series = false; // curves go into the JSON
    bool watch = false;
    bool quiet = false;
};

struct explain_options {
    run_options run;
    std::string page;            // VADDR[@PID] or NAME:PAGE
    std::string frame;           // PFN
    std::size_t why_evicted = 0; // how many; 0: not asked for
    std::string json_file;
};

struct convert_options {
    std::string input;
    std::string format = "auto";
    std::string output;
    std::uint64_t window = 0; // pages; 0: lossless
    int level = 9;            // of zstd
    bool quiet = false;
};

struct record_options {
    std::string output;
    std::uint64_t window = 0; // pages; 0: lossless
    int level = 9;            // of zstd
    bool quiet = false;
    std::vector<std::string> command; // the program and its arguments
};

struct vmscan_report_options {
    std::string log;
    std::string json_file;
    bool quiet = false;
};

struct compare_options {
    std::vector<std::string> runs; // what --json wrote
    std::string html_file;
    bool all = false; // what is equal too
};

struct conform_options {
    std::string ops_dir;
    std::string json_file;
    std::string known_outside_file;
    std::string write_outside_file;
    std::string ftrace_file;
    bool strict = false;
    bool quiet = false;
    bool series = false;
    std::string explain; // a counter, or "first": the one that leaves the bar first; empty: not asked for
    std::vector<std::string> results;
};

// What --swap describes: [zram:|flash:]SIZE[:prio=N][:rotational]; without a device's name it is `device`.
// Nothing for a size of 0. Throws usage_error.
[[nodiscard]] std::optional<swap_config> parse_swap(std::string_view text, swap_device device);

// "24MiB", "512KiB", "1GiB", "4096" (bytes): whole pages. Throws usage_error that names the option.
[[nodiscard]] page_count parse_size(std::string_view option, std::string_view text);

// "1s", "250ms", "40us", "500ns": more than nothing, at most 11 days. Throws usage_error that names the option.
[[nodiscard]] sim_duration parse_duration(std::string_view option, std::string_view text);

} // namespace pagesim::program
