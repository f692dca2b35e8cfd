// SPDX-License-Identifier: MIT
// A result as the laboratory writes it, of a machine of 8 MiB, and an ops file for it.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace pagesim::testing {

// 3000 pages are written and read again: more than fit. Four ops.
inline constexpr const char* made_ops = "# ops v1\nanon a 3000\nw a 0 3000\nmark filled\nr a 0 3000\n";

inline nlohmann::json empty_zone() {
    return {{"present", 0}, {"managed", 0}, {"free", 0},  {"min", 0},
            {"low", 0},     {"high", 0},    {"boost", 0}, {"pcp", nlohmann::json::array()}};
}

// The series: the mark of the ops file, and one behind half of the ops.
inline nlohmann::json made_result() {
    using nlohmann::json;
    json zones;
    for (const char* name : {"DMA32", "Normal", "Movable"})
        zones[std::string{"node0/"} + name] = empty_zone();
    zones["node0/DMA"] = {
        {"present", 2200}, {"managed", 2048},
        {"free", 1900},    {"min", 64},
        {"low", 80},       {"high", 96},
        {"boost", 0},      {"pcp", json::array({{{"count", 20}, {"high", 40}, {"batch", 7}}})}};
    json run{{"delta", {{"pgscan_kswapd", 1000}, {"pgscan_direct", 500}, {"pgfault", 6000}}},
             {"gauges_after", {{"nr_free_pages", 100}, {"nr_inactive_anon", 1500}}},
             {"gauges_before", {{"nr_unevictable", 10}}},
             {"zoneinfo_before", zones},
             {"info", {{"workload_ns", "12500000"}}}};
    run["series"] = json::array();
    run["series"].push_back({{"label", "auto1"},
                             {"op", 2},
                             {"t_ms", 6.5},
                             {"delta", {{"pgscan_kswapd", 400}, {"pgscan_direct", 100}}},
                             {"gauges", {{"nr_free_pages", 50}, {"nr_inactive_anon", 1000}}}});
    run["series"].push_back({{"label", "filled"},
                             {"op", 2},
                             {"t_ms", 7},
                             {"delta", {{"pgscan_kswapd", 500}, {"pgscan_direct", 100}}},
                             {"gauges", {{"nr_free_pages", 60}, {"nr_inactive_anon", 1000}}}});
    json out{{"ops", "made.ops"}, {"kernel", "6.1.0-50-arm64"}, {"swap", "zram"},     {"lrugen", 0},
             {"ops_count", 4},    {"swap_pages", 4096},         {"fill", 8},          {"cpu", "cortex-a72"},
             {"runs", {run}},     {"band", json::object()},     {"nullb_ns", nullptr}};
    for (const auto& [name, value] : {std::pair{"watermark_boost_factor", "15000"},
                                      {"watermark_scale_factor", "10"},
                                      {"swappiness", "60"},
                                      {"page-cluster", "3"},
                                      {"dirty_ratio", "20"},
                                      {"dirty_background_ratio", "10"},
                                      {"dirty_expire_centisecs", "3000"},
                                      {"dirty_writeback_centisecs", "500"}})
        out["sysctl"][std::string{"vm/"} + name] = value;
    return out;
}

// A folder with made.ops and results; it goes with the test.
class result_folder {
public:
    result_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "pagesim_results_XXXXXX").string();
        path_ = ::mkdtemp(name.data());
        std::ofstream{path_ / "made.ops"} << made_ops;
    }
    result_folder(const result_folder&) = delete;
    result_folder& operator=(const result_folder&) = delete;
    ~result_folder() { std::filesystem::remove_all(path_); }

    // The result as a file; its path.
    [[nodiscard]] std::string with(const nlohmann::json& result) const {
        const std::string file = (path_ / "result.json").string();
        std::ofstream{file} << result.dump();
        return file;
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

} // namespace pagesim::testing
