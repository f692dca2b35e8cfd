// SPDX-License-Identifier: MIT
// The table of figures: reads the JSON files that script/bench left in the folder given and prints one line a figure.
//
//     figures build/bench
//
// A figure is the median time of an item in one benchmark over that of its baseline in the same run, and the most that
// this may be; or a number of bytes and its limit.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

namespace {

using json = nlohmann::json;

struct figure {
    std::string_view title;
    std::string_view file;
    std::string_view ours;
    std::string_view baseline; // empty: `counter` of ours is the figure
    double limit;              // 0: there is none, for information
    std::string_view counter = "items_per_second";
    std::string_view baseline_file = {}; // empty: the same file
};

constexpr std::array figures{
    figure{"TLB hits of a recorded trace, Cortex-A72, 1 block", "recorded_bench",
           "recorded_machine/cortex_a72/blocks:1/manual_time", "recorded_bare/blocks:1/manual_time", 3},
    figure{"the same, Neoverse N1", "recorded_bench", "recorded_machine/neoverse_n1/blocks:1/manual_time",
           "recorded_bare/blocks:1/manual_time", 3},
    figure{"the same, Cortex-A72, 32 blocks", "recorded_bench",
           "recorded_machine/cortex_a72/blocks:32/manual_time", "recorded_bare/blocks:32/manual_time", 3},
    figure{"the same, Neoverse N1, 32 blocks", "recorded_bench",
           "recorded_machine/neoverse_n1/blocks:32/manual_time", "recorded_bare/blocks:32/manual_time", 3},
    figure{"TLB hits, synthetic, memo alone", "mmu_bench", "hit_memo", "hit_bare_direct_mapped", 3},
    figure{"walk, no TLB, 2^16 pages", "mmu_bench", "walk_walker/pages:65536", "walk_bare/pages:65536", 0},
    figure{"TLB miss, walk, fill, 2^16 pages", "mmu_bench", "walk_translate/pages:65536",
           "walk_bare/pages:65536", 0},
    figure{"TLB miss, walk, fill, 2^20 pages", "mmu_bench", "walk_translate/pages:1048576",
           "walk_bare/pages:1048576", 0},
    figure{"event, 10 pending", "event_queue_bench", "hold/10", "hold_bare_priority_queue/10", 1.6},
    figure{"event, 1000 pending", "event_queue_bench", "hold/1000", "hold_bare_priority_queue/1000", 1.6},
    figure{"Z1M, 10 % memory, flash, beside bare LRU", "machine_bench", "z1m_machine/flash/percent:10/",
           "z1m_bare_lru/percent:10/", 0},
    figure{"Z1M, 50 % memory, flash", "machine_bench", "z1m_machine/flash/percent:50/",
           "z1m_bare_lru/percent:50/", 0},
    figure{"Z1M, 90 % memory, flash", "machine_bench", "z1m_machine/flash/percent:90/",
           "z1m_bare_lru/percent:90/", 0},
    figure{"Z1M, 50 % memory, zram", "machine_bench", "z1m_machine/zram/percent:50/",
           "z1m_bare_lru/percent:50/", 0},
    figure{"Z1M, 90 % memory, zram", "machine_bench", "z1m_machine/zram/percent:90/",
           "z1m_bare_lru/percent:90/", 0},
    figure{"Zipf over 1.5 x 64 MiB, flash: accesses/s", "machine_bench", "zipf_machine/flash/", "", 0},
    figure{"the same: faults/s", "machine_bench", "zipf_machine/flash/", "", 0, "faults_per_second"},
    figure{"Zipf over 1.5 x 64 MiB, zram: accesses/s", "machine_bench", "zipf_machine/zram/", "", 0},
    figure{"the same: faults/s", "machine_bench", "zipf_machine/zram/", "", 0, "faults_per_second"},
    figure{"whole machine, nobody listens, beside no tracepoints", "trace_bench",
           "nobody_listens/manual_time", "nobody_listens/manual_time", 1.02, "items_per_second",
           "trace_off_bench"},
    figure{"ftrace text: lines/s", "trace_bench", "ftrace_lines/manual_time", "", 0},
    figure{"bytes a frame, built, 1 GiB", "memory_bench", "built/GiB:1/", "", 80, "resident_bytes"},
    figure{"bytes a frame, built, 16 GiB", "memory_bench", "built/GiB:16/", "", 80, "resident_bytes"},
    figure{"bytes a frame, built, 256 GiB", "memory_bench", "built/GiB:256/", "", 80, "resident_bytes"},
    figure{"address space a frame, 256 GiB", "memory_bench", "built/GiB:256/", "", 0, "reserved_bytes"},
    figure{"bytes a resident page, 1 GiB full, 0.5 GiB in swap", "memory_bench", "filled/", "", 0,
           "resident_bytes"},
};

// Files, and memory that processes share, at two sizes each.
struct sized_figure {
    std::string_view title;
    std::string_view file;
    std::string_view ours;
    std::string_view baseline;
};
constexpr std::array sized_figures{
    sized_figure{"read hit", "file_bench", "read_hit", "bare_read_hit"},
    sized_figure{"read miss, readahead, flash", "file_bench", "read_miss/flash", "bare_read_miss"},
    sized_figure{"write, fsync, flash", "file_bench", "write/flash", "bare_write"},
    sized_figure{"fork", "sharing_bench", "fork", "bare_fork"},
    sized_figure{"copy on write after fork", "sharing_bench", "copy", "bare_copy"},
};
constexpr std::array walk_figures{
    std::pair{"anon_used", "walk, anonymous, used"},
    std::pair{"anon_unused", "walk, anonymous, unused"},
    std::pair{"file_used", "walk, file, used"},
    std::pair{"file_unused", "walk, file, unused"},
};

// One part of the reclaim figures, for both layouts of struct page.
struct reclaim_figure {
    std::string_view title;
    std::string_view what;
    std::string_view order;
    double limit;
};
constexpr std::array reclaim_figures{
    reclaim_figure{"reclaim clean, sequential", "clean_sequential", "sequential", 3},
    reclaim_figure{"reclaim clean, random", "clean_random", "random", 2},
    reclaim_figure{"reclaim to swap, sequential", "swap_sequential", "sequential", 10},
    reclaim_figure{"reclaim to swap, random", "swap_random", "random", 4},
    reclaim_figure{"reclaim file, sequential", "file_sequential", "sequential", 3},
    reclaim_figure{"reclaim file, random", "file_random", "random", 2},
    reclaim_figure{"reclaim mapped file, sequential", "mapped_sequential", "sequential", 5},
    reclaim_figure{"reclaim mapped file, random", "mapped_random", "random", 3},
};

class results {
public:
    explicit results(std::string folder) : folder_{std::move(folder)} {}

    // The median of a counter of the first benchmark whose name begins so.
    [[nodiscard]] std::optional<double> median(std::string_view file, std::string_view name,
                                               std::string_view counter) {
        std::optional<double> single;
        for (const json& b : benchmarks(file)) {
            const auto run = b.value("run_name", std::string{});
            if (!run.starts_with(name) || !b.contains(counter) || !b.at(std::string{counter}).is_number())
                continue;
            if (name.back() != '/' && run != name) continue;
            if (b.value("aggregate_name", std::string{}) == "median")
                return b.at(std::string{counter}).get<double>();
            if (b.value("run_type", std::string{}) == "iteration")
                single = b.at(std::string{counter}).get<double>();
        }
        return single;
    }

private:
    const json& benchmarks(std::string_view file) {
        const std::string name{file};
        const auto at = files_.find(name);
        if (at != files_.end()) return at->second;
        std::ifstream in{folder_ + "/" + name + ".json"};
        // The spread of a counter that is zero is not a number, which JSON does not know.
        const std::string text{std::istreambuf_iterator<char>{in}, {}};
        const std::string clean =
            std::regex_replace(text, std::regex{": -?(nan|inf)", std::regex::icase}, ": null");
        const json all = json::parse(clean, nullptr, false);
        return files_[name] =
                   all.is_object() && all.contains("benchmarks") ? all.at("benchmarks") : json::array();
    }

    std::string folder_;
    std::map<std::string, json> files_;
};

std::string time_of(double rate) { return fmt::format("{:.2f} ns", 1e9 / rate); }

void print(std::string_view title, const std::string& ours, const std::string& baseline, double ratio,
           double limit) {
    const std::string_view inside = limit == 0 ? "" : ratio <= limit ? "inside" : "NOT INSIDE";
    fmt::print("| {:<51} | {:>10} | {:>10} | {:>7.2f} | {:>5} | {:<10} |\n", title, ours, baseline, ratio,
               limit == 0 ? "" : fmt::format("{}", limit), inside);
}

void print(results& r, const figure& f) {
    const auto ours = r.median(f.file, f.ours, f.counter);
    if (f.baseline.empty()) {
        if (!ours) return;
        const bool rate = f.counter.ends_with("per_second");
        print(f.title, rate ? fmt::format("{:.2f} M/s", *ours / 1e6) : fmt::format("{:.1f} B", *ours), "",
              rate ? *ours / 1e6 : *ours, f.limit);
        return;
    }
    const auto baseline = r.median(f.baseline_file.empty() ? f.file : f.baseline_file, f.baseline, f.counter);
    if (!ours || !baseline) return;
    print(f.title, time_of(*ours), time_of(*baseline), *baseline / *ours, f.limit);
}

void print_files_and_sharing(results& r) {
    for (const sized_figure& f : sized_figures) {
        for (const unsigned log2_pages : {12U, 18U}) {
            const std::string title = fmt::format("{}, 2^{} pages", f.title, log2_pages);
            const std::string ours = fmt::format("{}/pages:{}/", f.ours, 1U << log2_pages);
            const std::string baseline = fmt::format("{}/pages:{}/", f.baseline, 1U << log2_pages);
            print(r, {title, f.file, ours, baseline, 0});
        }
    }
    for (const auto& [name, what] : walk_figures) {
        for (const unsigned mappers : {1U, 10U, 1000U}) {
            const std::string title = fmt::format("{}, {} mapper{}", what, mappers, mappers == 1 ? "" : "s");
            const std::string ours = fmt::format("rmap_walk/{}/mappers:{}/", name, mappers);
            const std::string baseline = fmt::format("bare_walk/{}/mappers:{}/", name, mappers);
            print(r, {title, "sharing_bench", ours, baseline, 0});
        }
    }
}

void print_reclaim(results& r) {
    for (const auto& [file, bytes] : {std::pair{"reclaim_bench", 32}, std::pair{"reclaim_wide_bench", 64}}) {
        for (const unsigned pages : {10'000U, 1'000'000U}) {
            for (const reclaim_figure& f : reclaim_figures) {
                const std::string title = fmt::format("{}, {} pages, {} B", f.title, pages, bytes);
                const std::string ours = fmt::format("reclaim/{}/pages:{}/", f.what, pages);
                const std::string baseline = fmt::format("bare/{}/pages:{}/", f.order, pages);
                print(r,
                      {title, file, ours, baseline, pages == 10'000U && f.order == "random" ? 0 : f.limit});
            }
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: figures FOLDER\n");
        return 2;
    }
    results r{argv[1]};
    fmt::print("| {:<51} | {:>10} | {:>10} | {:>7} | {:>5} | {:<10} |\n", "figure", "ours", "baseline",
               "ratio", "limit", "");
    fmt::print("|{:-<53}|{:->12}|{:->12}|{:->9}|{:->7}|{:-<12}|\n", "", ":", ":", ":", ":", "");
    for (const figure& f : figures) print(r, f);
    print_files_and_sharing(r);
    print_reclaim(r);
    return 0;
}
