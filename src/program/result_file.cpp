// SPDX-License-Identifier: MIT
#include "result_file.hpp"

#include "boots.hpp"

#include "usage_error.hpp"

#include <pagesim/workload/region_map.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace pagesim::program {

namespace {

using unordered_json = nlohmann::json;

constexpr std::array<std::string_view, 4> zone_names{"DMA", "DMA32", "Normal", "Movable"};
constexpr std::string_view after_prefix = "after.";

std::uint64_t sysctl(const unordered_json& result, const char* name) {
    return std::stoull(result.at("sysctl").at(name).get<std::string>());
}

zone_config zone_from(zone_type type, const unordered_json& z) {
    zone_config c{.type = type,
                  .present = page_count{z.at("present").get<std::uint64_t>()},
                  .managed = page_count{z.at("managed").get<std::uint64_t>()}};
    c.wmarks = watermarks{.min = z.at("min"), .low = z.at("low"), .high = z.at("high")};
    const unordered_json& pcp = z.at("pcp").at(0);
    c.pcp = pcp_size{.high = pcp.at("high"), .batch = pcp.at("batch")};
    return c;
}

// Bytes that one page of the workload compresses to under lz4. Up to 8 bytes are one word somewhere in a page of
// zeros: about 40. More are words in pairs, of which the second repeats the first: 11 bytes for each 16 (a token, the
// first word, an offset), and for the zeros behind them one byte for each 255 and 9.
std::uint32_t compressed_bytes(std::uint64_t fill) {
    constexpr std::uint64_t word = 8;
    if (fill <= word) return 40;
    return static_cast<std::uint32_t>(fill * 11 / 16 + (page_size - std::min(fill, page_size)) / 255 + 9);
}

// A program's first mappings (vvar, vdso) take three pages below the least gap for the stack, 128 MiB.
constexpr vpn program_top{(((1ULL << 48U) - (128ULL << 20U)) >> page_shift) - 3};

} // namespace

result_file::result_file(std::string path) : path_{std::move(path)} {
    std::ifstream in{path_, std::ios::binary};
    if (!in) throw usage_error{fmt::format("{}: can't be read", path_)};
    json_ = unordered_json::parse(in, nullptr, false);
    if (json_.is_discarded()) throw usage_error{fmt::format("{}: is not JSON", path_)};
    try {
        static_cast<void>(run().at("delta"));
        static_cast<void>(run().at("gauges_after"));
        static_cast<void>(ops());
        static_cast<void>(kernel());
        static_cast<void>(swap());
    } catch (const unordered_json::exception& e) {
        throw usage_error{fmt::format("{}: is not a result: {}", path_, e.what())};
    }
}

std::string result_file::id() const {
    const std::filesystem::path whole = std::filesystem::absolute(path_).lexically_normal();
    return (whole.parent_path().filename() / whole.stem()).string();
}

std::string result_file::ops() const { return json_.at("ops").get<std::string>(); }

std::string result_file::case_name() const {
    const std::string name = ops();
    return name.substr(0, name.find('.'));
}

std::string result_file::kernel() const {
    const auto text = json_.at("kernel").get<std::string>();
    return text.substr(0, text.find('.', text.find('.') + 1));
}

std::string result_file::policy() const { return json_.value("lrugen", 0) != 0 ? "mglru" : "classic"; }

std::string result_file::swap() const { return json_.at("swap").get<std::string>(); }

std::string result_file::missing() const {
    if (kernel() != "6.1" && kernel() != "5.10")
        return fmt::format("kernel {} is not simulated; 6.1 and 5.10 are", kernel());
    if (policy() != "classic") return "the multi-generational LRU is not simulated";
    if (swap() != "zram" && swap() != "nullb") return fmt::format("swap on '{}' is not simulated", swap());
    unsigned populated = 0;
    for (const auto& [name, z] : run().at("zoneinfo_before").items())
        populated += z.at("managed") > 0 ? 1 : 0;
    if (populated != 1) return "more than one zone is not simulated";
    return {};
}

machine_config result_file::machine() const {
    machine_config c;
    if (kernel() == "5.10") {
        c.profile = linux_5_10;
        c.cost = costs_of_linux_5_10;
    }
    try {
        page_count free;
        page_count pcp;
        for (unsigned i = 0; i < zone_names.size(); ++i) {
            const unordered_json& z = run().at("zoneinfo_before").at(fmt::format("node0/{}", zone_names[i]));
            if (z.at("managed") == 0) continue;
            c.zones.push_back(zone_from(static_cast<zone_type>(i), z));
            free += page_count{z.at("free").get<std::uint64_t>()};
            pcp += page_count{z.at("pcp").at(0).at("count").get<std::uint64_t>()};
        }
        c.memory.watermark_boost_factor = sysctl(json_, "vm/watermark_boost_factor");
        c.memory.watermark_scale_factor = sysctl(json_, "vm/watermark_scale_factor");
        c.reclaim.swappiness = static_cast<unsigned>(sysctl(json_, "vm/swappiness"));
        c.reclaim.page_cluster = static_cast<unsigned>(sysctl(json_, "vm/page-cluster"));
        c.dirty.ratio = static_cast<unsigned>(sysctl(json_, "vm/dirty_ratio"));
        c.dirty.background_ratio = static_cast<unsigned>(sysctl(json_, "vm/dirty_background_ratio"));
        c.dirty.expire_centisecs = static_cast<unsigned>(sysctl(json_, "vm/dirty_expire_centisecs"));
        c.dirty.writeback_centisecs = static_cast<unsigned>(sysctl(json_, "vm/dirty_writeback_centisecs"));
        c.start.free_pages = free;
        c.start.pcp_pages = pcp;
        const bool files = !json_.value("files", unordered_json::object()).empty();
        if (const boot* b = boot_of(kernel(), swap(), files); b != nullptr) {
            // Of a machine of another size the small blocks alone are taken over.
            memory_map map = map_of(*b);
            if (c.zones.size() == 1 && c.zones.front().present.value == frames_of(map)) {
                c.start.map = std::move(map);
            } else {
                c.start.free_blocks = free_blocks_of(run().value("buddyinfo_before", std::string{}), *b);
            }
            c.start.kcompactd_due = milliseconds(b->kcompactd_ms);
            c.start.slabs = b->slabs;
        }
        c.start.unevictable = page_count{run().at("gauges_before").at("nr_unevictable").get<std::uint64_t>()};
        if (files) c.start.metadata = metadata();
        c.start.since_tick = since_tick();
        c.start.tables_at = {program_top - 1};
        c.swap.pages = page_count{json_.at("swap_pages").get<std::uint64_t>() - 1}; // less the header
        if (swap() == "zram") {
            c.swap.device = swap_device::zram;
            c.swap.zram.compressed_bytes = compressed_bytes(json_.at("fill").get<std::uint64_t>());
        } else {
            c.swap.device = swap_device::flash;
            c.swap.flash.latency = nanoseconds(json_.at("nullb_ns").get<std::uint64_t>());
            // 5.10 has mq-deadline built in, which doubles the requests; in 6.1 it is a module that is not loaded.
            if (kernel() == "5.10") c.swap.nr_requests = 2 * c.swap.flash.queue_depth;
        }
        if (json_.at("cpu").get<std::string>().rfind("max", 0) == 0) {
            c.cpu = neoverse_n1; // hardware access flag and dirty state
        }
    } catch (const unordered_json::exception& e) {
        throw usage_error{fmt::format("{}: describes no machine: {}", path_, e.what())};
    }
    return c;
}

// Superblock and group descriptors (one page for 64 groups) belong to the mount. The first file that is opened brings one
// page more: here it is there from the start on.
metadata_pages result_file::metadata() const {
    constexpr std::uint64_t by_mount = 2;
    const unordered_json meminfo = run().value("meminfo_before", unordered_json::object());
    const std::uint64_t n = meminfo.value("Buffers", std::uint64_t{0}) * 1024 / page_size;
    if (n < by_mount) return {};
    return {.by_mount = page_count{by_mount}, .by_bh_lru = page_count{n - by_mount + 1}};
}

// Ticks come at whole jiffies of the monotonic clock.
sim_duration result_file::since_tick() const {
    return nanoseconds(run().value("start_ns", std::uint64_t{0}) % jiffy.ns);
}

vpn result_file::regions_end(std::size_t names) const {
    if (const auto it = json_.find("regions_end"); it != json_.end() && it->is_number_unsigned()) {
        const vpn end{it->get<std::uint64_t>() >> page_shift};
        if (end > region_map::bottom && end <= program_top) return end;
    }
    // Results that do not tell are of a program that maps, after its ops, 32 MiB for its snapshots.
    constexpr std::uint64_t header_bytes = 64;
    constexpr std::uint64_t name_bytes = 64;
    constexpr std::uint64_t op_bytes = 16;
    constexpr std::uint64_t snapshot_pages = 8192;
    const std::uint64_t ops_bytes = header_bytes + name_bytes * names + op_bytes * ops_count();
    return program_top - (snapshot_pages + (ops_bytes + page_size - 1) / page_size);
}

std::uint64_t result_file::further_stores() const {
    constexpr std::uint64_t word = 8; // 7.5 instructions each
    const std::uint64_t fill = std::clamp(json_.value("fill", word), word, page_size);
    return (fill - word) * 15 / 16;
}

sim_duration result_file::snapshot_time() const {
    return nanoseconds(kernel() == "6.1" ? 152500 : 80800); // measured: marks one after the other
}

std::vector<std::uint64_t> result_file::looks() const {
    constexpr std::uint64_t wanted = 10;
    const std::uint64_t all = ops_count();
    const std::uint64_t step = all / wanted;
    std::vector<std::uint64_t> out;
    if (step == 0) return out;
    for (std::uint64_t at = step; at < all; at += step) {
        out.push_back(at);
        if (at + step + step / 2 > all) break;
    }
    return out;
}

std::vector<std::string> summands(std::string_view counter) {
    std::vector<std::string> names;
    if (counter == "pgscan" || counter == "pgsteal") {
        for (const char* who : {"kswapd", "direct"}) names.push_back(fmt::format("{}_{}", counter, who));
    } else if (counter == "pgalloc" || counter == "allocstall") {
        for (const char* z : {"dma", "dma32", "normal", "movable"})
            names.push_back(fmt::format("{}_{}", counter, z));
    } else {
        names.emplace_back(counter);
    }
    return names;
}

namespace {

// A counter of two tables, deltas and gauges.
double value_in(const unordered_json& deltas, const unordered_json& gauges, std::string_view counter) {
    if (counter.substr(0, after_prefix.size()) == after_prefix) {
        return gauges.value(std::string{counter.substr(after_prefix.size())}, 0.0);
    }
    double sum = 0;
    for (const std::string& name : summands(counter)) sum += deltas.value(name, 0.0);
    return sum;
}

double value_at(const unordered_json& mark, std::string_view counter) {
    return value_in(mark.at("delta"), mark.at("gauges"), counter);
}

} // namespace

double result_file::real(std::string_view counter) const {
    return value_in(run().at("delta"), run().at("gauges_after"), counter);
}

band result_file::band_of(std::string_view counter) const {
    const double r = real(counter);
    if (!json_.contains("band")) return {.low = r, .high = r};
    const auto it = json_.at("band").find(std::string{counter});
    if (it == json_.at("band").end()) return {.low = r, .high = r};
    return {.low = it->at(0).get<double>(), .high = it->at(1).get<double>()};
}

std::uint64_t result_file::ops_count() const { return json_.value("ops_count", std::uint64_t{0}); }

double result_file::end_ms() const {
    constexpr double ns_per_ms = 1e6;
    if (!run().contains("info")) return 0;
    const std::string ns = run().at("info").value("workload_ns", std::string{});
    return static_cast<double>(std::strtoull(ns.c_str(), nullptr, 10)) / ns_per_ms;
}

std::vector<real_mark> result_file::marks() const {
    const auto it = run().find("series");
    if (it == run().end() || !it->is_array() || it->empty())
        throw usage_error{fmt::format("{}: holds no series, the counters at the marks of the run", path_)};
    std::vector<real_mark> out;
    try {
        for (const unordered_json& m : *it) {
            out.push_back({.label = m.at("label"), .op = m.at("op"), .ms = m.at("t_ms")});
            static_cast<void>(value_at(m, "pgscan") + value_at(m, "after.nr_free_pages"));
            if (out.size() > 1 && out.back().op < out[out.size() - 2].op)
                throw usage_error{fmt::format("{}: its series is not in the order of ops", path_)};
        }
    } catch (const unordered_json::exception& e) {
        throw usage_error{fmt::format("{}: its series is none: {}", path_, e.what())};
    }
    return out;
}

double result_file::real_at(std::string_view counter, std::size_t mark) const {
    return value_at(run().at("series").at(mark), counter);
}

band result_file::band_at(std::string_view counter, std::size_t mark) const {
    const double r = real_at(counter, mark);
    const unordered_json& ours = run().at("series").at(mark);
    band b{.low = r, .high = r};
    bool alone = true;
    for (const unordered_json& other : json_.at("runs")) {
        if (&other == &run() || !other.contains("series") || other.at("series").size() <= mark) continue;
        const unordered_json& there = other.at("series").at(mark);
        if (there.at("label") != ours.at("label") || there.at("op") != ours.at("op")) continue;
        alone = false;
        const double value = value_at(there, counter);
        b.low = std::min(b.low, value);
        b.high = std::max(b.high, value);
    }
    return alone ? band_in_proportion(r, real(counter), band_of(counter)) : b;
}

const std::vector<std::string_view>& headline_counters() {
    static const std::vector<std::string_view> names{"pgscan",
                                                     "pgsteal",
                                                     "pgalloc",
                                                     "allocstall",
                                                     "pgscan_anon",
                                                     "pgscan_file",
                                                     "pgsteal_anon",
                                                     "pgsteal_file",
                                                     "pgscan_kswapd",
                                                     "pgscan_direct",
                                                     "pgsteal_kswapd",
                                                     "pgsteal_direct",
                                                     "pgactivate",
                                                     "pgdeactivate",
                                                     "pgrefill",
                                                     "pgrotated",
                                                     "pswpin",
                                                     "pswpout",
                                                     "pgfault",
                                                     "pgmajfault",
                                                     "pgfree",
                                                     "pgreuse",
                                                     "workingset_refault_anon",
                                                     "workingset_refault_file",
                                                     "workingset_activate_anon",
                                                     "workingset_activate_file",
                                                     "workingset_restore_anon",
                                                     "workingset_restore_file",
                                                     "nr_vmscan_write",
                                                     "nr_vmscan_immediate_reclaim",
                                                     "nr_dirtied",
                                                     "nr_written",
                                                     "pageoutrun",
                                                     "swap_ra",
                                                     "swap_ra_hit",
                                                     "pglazyfreed",
                                                     "unevictable_pgs_culled",
                                                     "unevictable_pgs_rescued",
                                                     "unevictable_pgs_mlocked",
                                                     "after.nr_inactive_anon",
                                                     "after.nr_active_anon",
                                                     "after.nr_inactive_file",
                                                     "after.nr_active_file",
                                                     "after.nr_unevictable",
                                                     "after.nr_free_pages"};
    return names;
}

} // namespace pagesim::program
