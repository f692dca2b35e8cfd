// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "output.hpp"
#include "usage_error.hpp"

#include <pagesim/stat/vmscan_log.hpp>
#include <pagesim/version.hpp>
#include <pagesim/workload/text_input.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::string_view, vmscan_log::nr_kinds> kind_names{"anon", "file"};

struct file_of_events {
    std::string path;
    std::uint64_t hash = 0;
    std::string first_bad; // line and reason
    vmscan_log log;
};

file_of_events read_log(const std::string& path) {
    file_of_events f{.path = path, .first_bad = {}, .log = {}};
    text_input in{path, content_hash::fnv1a};
    while (const auto line = in.next()) {
        const std::string wrong = f.log.take(*line);
        if (!wrong.empty() && f.first_bad.empty()) f.first_bad = to_string(in.error_here(wrong));
    }
    if (in.error()) throw usage_error{to_string(*in.error())};
    f.hash = in.hash();
    if (f.log.events() > 0) return f;
    if (!f.first_bad.empty()) throw usage_error{f.first_bad};
    throw usage_error{fmt::format("{}:{}: no event of vmscan is in this log", path, in.line())};
}

double seconds(std::uint64_t us) { return static_cast<double>(us) / 1e6; }

std::string percent(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return "-";
    return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string name_of(const vmscan_log::name& n) { return fmt::format("{}-{}", n.comm, n.pid); }

std::string format_head(const file_of_events& f) {
    const auto [first, last] = f.log.time();
    std::string out = fmt::format("{:<12}{}\n", "pagesim", version);
    out += fmt::format("{:<12}{} (fnv1a {:016x})\n", "log", f.path, f.hash);
    out += fmt::format("{:<12}{} of vmscan from {:.6f} s to {:.6f} s, {} others\n", "events", f.log.events(),
                       seconds(first), seconds(last), f.log.other_events());
    if (f.log.lost() > 0) {
        out += fmt::format("{:<12}{} events are lost: the sums below are those of a part\n", "incomplete",
                           f.log.lost());
    }
    if (f.log.bad_lines() > 0) {
        out += fmt::format("{:<12}{} lines, the first: {}\n", "not read", f.log.bad_lines(), f.first_bad);
    }
    return out;
}

std::string format_tasks(const vmscan_log& log) {
    std::string out = fmt::format("\n{:<24} {:>10} {:>10} {:>10} {:>10} {:>11} {:>9} {:>7} {:>7} {:>7}\n",
                                  "task", "scanned", "reclaimed", "efficiency", "refilled", "deactivated",
                                  "written", "wakeups", "wakes", "sleeps");
    for (const auto& [who, t] : log.tasks()) {
        out +=
            fmt::format("{:<24} {:>10} {:>10} {:>10} {:>10} {:>11} {:>9} {:>7} {:>7} {:>7}\n", name_of(who),
                        t.scanned(), t.reclaimed(), percent(t.reclaimed(), t.scanned()), t.refilled(),
                        t.deactivated(), t.written[0] + t.written[1], t.wakeups, t.wakes, t.sleeps);
    }
    return out;
}

std::string format_latencies(const std::string& who, const vmscan_log::task& t) {
    std::vector<std::uint64_t> sorted = t.latencies;
    std::sort(sorted.begin(), sorted.end());
    std::string out = fmt::format("{:<24} {:>7} {:>10}", who, t.begun, t.direct_reclaimed);
    if (sorted.empty()) return out + fmt::format(" {:>8}\n", "-");
    std::uint64_t all = 0;
    for (const std::uint64_t us : sorted) all += us;
    for (const unsigned p : {50U, 90U, 99U, 100U}) out += fmt::format(" {:>8}", percentile(sorted, p));
    return out + fmt::format(" {:>12.3f}\n", static_cast<double>(all) / 1e3);
}

std::string format_direct(const vmscan_log& log) {
    const vmscan_log::task all = log.sum(false);
    if (all.begun + all.ended == 0) return "\nno direct reclaim\n";
    std::string out =
        fmt::format("\n{:<24} {:>7} {:>10} {:>8} {:>8} {:>8} {:>8} {:>12}\n", "direct reclaim", "begun",
                    "reclaimed", "p50 us", "p90 us", "p99 us", "max us", "together ms");
    std::size_t tasks = 0;
    for (const auto& [who, t] : log.tasks()) {
        if (t.begun + t.ended == 0) continue;
        out += format_latencies(name_of(who), t);
        ++tasks;
    }
    return tasks > 1 ? out + format_latencies("all", all) : out;
}

std::string format_throttles(const vmscan_log& log) {
    std::string out;
    for (const auto& [who, t] : log.tasks()) {
        for (const auto& [reason, sum] : t.throttles) {
            out += fmt::format("{:<24} {:<32} {:>8} {:>12.3f}\n", name_of(who), reason, sum.times,
                               static_cast<double>(sum.us) / 1e3);
        }
    }
    if (out.empty()) return out;
    return fmt::format("\n{:<24} {:<32} {:>8} {:>12}\n", "throttled", "reason", "times", "ms") + out;
}

std::string format_lists(const char* title, const vmscan_log::task& t) {
    std::string out = fmt::format("\n{:<24} {:>10} {:>10} {:>10} {:>10}\n", title, "isolations", "scanned",
                                  "skipped", "taken");
    for (std::size_t i = 0; i < vmscan_log::nr_lists; ++i) {
        const vmscan_log::isolated& l = t.lists[i];
        if (l.calls == 0) continue;
        out += fmt::format("{:<24} {:>10} {:>10} {:>10} {:>10}\n", vmscan_log::list_name(i), l.calls,
                           l.scanned, l.skipped, l.taken);
    }
    return out;
}

// At each priority: inactive pages scanned and reclaimed, active pages taken and deactivated.
std::string format_priorities(const char* title, const vmscan_log::task& t) {
    std::string out =
        fmt::format("\n{:<24} {:>4} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11}\n", title, "kind",
                    "scanned", "reclaimed", "activated", "kept", "writeback", "taken", "deactivated");
    for (std::size_t p = vmscan_log::nr_priorities; p-- > 0;) {
        for (std::size_t k = 0; k < vmscan_log::nr_kinds; ++k) {
            const vmscan_log::shrunk& s = t.inactive[k][p];
            const vmscan_log::aged& a = t.active[k][p];
            if (s.calls + a.taken == 0) continue;
            out += fmt::format("{:<24} {:>4} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11}\n",
                               fmt::format("priority {}", p), kind_names[k], s.scanned, s.reclaimed,
                               s.activated, s.kept, s.writeback, a.taken, a.deactivated);
        }
    }
    return out;
}

std::string format_report(const file_of_events& f) {
    const vmscan_log::task kswapd = f.log.sum(true);
    const vmscan_log::task direct = f.log.sum(false);
    std::string out = format_head(f) + format_tasks(f.log) + format_direct(f.log) + format_throttles(f.log);
    out += format_lists("kswapd, by list", kswapd) + format_priorities("kswapd, by priority", kswapd);
    if (direct.scanned() + direct.refilled() > 0) {
        out += format_lists("others, by list", direct) + format_priorities("others, by priority", direct);
    }
    out += "\nwhat vmstat counted meanwhile, by these events\n";
    for (const auto& [name, n] : f.log.counters()) out += fmt::format("{:<28} {:>12}\n", name, n);
    return out;
}

json json_of(const vmscan_log::task& t) {
    json out{{"scanned", t.scanned()},         {"reclaimed", t.reclaimed()},   {"refilled", t.refilled()},
             {"deactivated", t.deactivated()}, {"written_anon", t.written[0]}, {"written_file", t.written[1]},
             {"wakeups", t.wakeups},           {"kswapd_wakes", t.wakes},      {"kswapd_sleeps", t.sleeps},
             {"slab_scanned", t.slab_scanned}};
    std::vector<std::uint64_t> sorted = t.latencies;
    std::sort(sorted.begin(), sorted.end());
    json& direct =
        out["direct_reclaim"] = {{"begun", t.begun}, {"ended", t.ended}, {"reclaimed", t.direct_reclaimed}};
    if (!sorted.empty()) {
        for (const unsigned p : {50U, 90U, 99U, 100U})
            direct["latency_us"][fmt::format("p{}", p)] = percentile(sorted, p);
    }
    for (const auto& [reason, sum] : t.throttles)
        out["throttled"][reason] = {{"times", sum.times}, {"us", sum.us}};
    for (std::size_t i = 0; i < vmscan_log::nr_lists; ++i) {
        const vmscan_log::isolated& l = t.lists[i];
        if (l.calls == 0) continue;
        out["lists"][std::string{vmscan_log::list_name(i)}] = {
            {"isolations", l.calls}, {"scanned", l.scanned}, {"skipped", l.skipped}, {"taken", l.taken}};
    }
    for (std::size_t p = vmscan_log::nr_priorities; p-- > 0;) {
        for (std::size_t k = 0; k < vmscan_log::nr_kinds; ++k) {
            const vmscan_log::shrunk& s = t.inactive[k][p];
            const vmscan_log::aged& a = t.active[k][p];
            if (s.calls + a.taken == 0) continue;
            out["priorities"][std::to_string(p)][std::string{kind_names[k]}] = {
                {"scanned", s.scanned},           {"reclaimed", s.reclaimed},
                {"activated", s.activated},       {"kept", s.kept},
                {"writeback", s.writeback},       {"immediate", s.immediate},
                {"unmap_failed", s.unmap_failed}, {"taken", a.taken},
                {"stayed_active", a.kept},        {"deactivated", a.deactivated}};
        }
    }
    return out;
}

json json_of(const file_of_events& f) {
    json out{{"pagesim", version},
             {"log", f.path},
             {"fnv1a", fmt::format("{:016x}", f.hash)},
             {"events", f.log.events()},
             {"other_events", f.log.other_events()},
             {"lost_events", f.log.lost()},
             {"bad_lines", f.log.bad_lines()},
             {"from_us", f.log.time().first},
             {"to_us", f.log.time().second}};
    for (const auto& [name, n] : f.log.counters()) out["counters"][name] = n;
    for (const auto& [who, t] : f.log.tasks()) out["tasks"][name_of(who)] = json_of(t);
    return out;
}

} // namespace

int vmscan_report_command(const vmscan_report_options& o) {
    check_writable("--json", o.json_file);
    const file_of_events f = read_log(o.log);
    if (!o.quiet) write_file("-", format_report(f));
    if (!o.json_file.empty()) write_file(o.json_file, json_of(f).dump(2) + "\n");
    return ended;
}

} // namespace pagesim::program
