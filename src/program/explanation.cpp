// SPDX-License-Identifier: MIT
// `pagesim conform --explain`: the stretch of the run in which a counter leaves the bar.
#include "conform_output.hpp"

#include <pagesim/machine/task_name.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;
using balance = tracepoints::scan_count::balance;
using cause = tracepoints::scan_count::cause;

constexpr std::size_t passes_at_each_end = 12;
constexpr std::array<std::string_view, 2> type_names{"anon", "file"};
constexpr std::array<std::string_view, 4> throttle_names{"writeback", "isolated", "noprogress", "congested"};

std::string range_text(const sample& s) {
    return fmt::format("{}, {}, {}", s.least(), s.middle(), s.greatest());
}
json json_of(const sample& s) { return {s.least(), s.middle(), s.greatest()}; }

std::uint64_t anon_percent(const tracepoints::scan_count& c) {
    const std::uint64_t whole = c.anon_share + c.file_share;
    return whole == 0 ? 0 : 100 * c.anon_share / whole;
}

// Passes of one reclaimer at one priority.
struct row {
    std::uint64_t passes = 0;
    std::map<std::pair<balance, cause>, std::uint64_t> balances;
    sample anon_share; // percent, of SCAN_FRACT
    sample free;
    std::array<std::uint64_t, 2> scanned{};
    std::array<std::uint64_t, 2> reclaimed{};
    std::array<std::uint64_t, 2> deactivated{};
};
using rows = std::map<std::pair<bool, int>, row>; // by kswapd or not, and -priority

rows rows_of(const reclaim_log& log) {
    rows out;
    for (const reclaim_log::pass& p : log.passes()) {
        row& r = out[{!p.chosen.kswapd, -p.chosen.priority}];
        ++r.passes;
        ++r.balances[{p.chosen.how, p.chosen.why}];
        if (p.chosen.how == balance::fract) r.anon_share.add(anon_percent(p.chosen));
        r.free.add(p.free);
        for (std::size_t t = 0; t < 2; ++t) {
            r.scanned[t] += p.scanned[t];
            r.reclaimed[t] += p.reclaimed[t];
            r.deactivated[t] += p.deactivated[t];
        }
    }
    return out;
}

std::string_view reclaimer_name(bool direct) { return direct ? "direct" : "kswapd"; }

std::string rows_text(const rows& all) {
    std::string out = fmt::format("{:<7} {:>8} {:>6} {:>17} {:>17} {:>17} {:>17} {:>15}  {}\n", "passes",
                                  "priority", "", "scanned anon/file", "freed anon/file", "deact. anon/file",
                                  "free pages", "anon share %", "balances");
    for (const auto& [key, r] : all) {
        const auto two = [](const std::array<std::uint64_t, 2>& a) {
            return fmt::format("{}/{}", a[0], a[1]);
        };
        std::string balances;
        for (const auto& [how, n] : r.balances) {
            balances += fmt::format("{}{} {} ({})", balances.empty() ? "" : ", ", n, balance_name(how.first),
                                    balance_cause_name(how.second));
        }
        out += fmt::format("{:<7} {:>8} {:>6} {:>17} {:>17} {:>17} {:>17} {:>15}  {}\n",
                           reclaimer_name(key.first), -key.second, r.passes, two(r.scanned), two(r.reclaimed),
                           two(r.deactivated), range_text(r.free),
                           r.anon_share.count() == 0 ? "" : range_text(r.anon_share), balances);
    }
    return out;
}

json json_of(const rows& all) {
    json out = json::array();
    for (const auto& [key, r] : all) {
        json one{{"by", reclaimer_name(key.first)},
                 {"priority", -key.second},
                 {"passes", r.passes},
                 {"scanned", r.scanned},
                 {"freed", r.reclaimed},
                 {"deactivated", r.deactivated},
                 {"free_pages", json_of(r.free)}};
        if (r.anon_share.count() > 0) one["anon_share_percent"] = json_of(r.anon_share);
        for (const auto& [how, n] : r.balances) {
            one["balances"].push_back({{"balance", balance_name(how.first)},
                                       {"why", balance_cause_name(how.second)},
                                       {"passes", n}});
        }
        out.push_back(std::move(one));
    }
    return out;
}

std::string standing_text(const reclaim_log& log) {
    const reclaim_log::standing& a = log.first();
    const reclaim_log::standing& b = log.last();
    std::string out = fmt::format("{:<28} {:>12} {:>12}\n", "ours stood so", "then", "after");
    const auto line = [&out](std::string_view what, std::uint64_t then, std::uint64_t after) {
        out += fmt::format("{:<28} {:>12} {:>12}\n", what, then, after);
    };
    line("free pages", a.free, b.free);
    line("watermark min, boosted", a.min, b.min);
    line("watermark low, boosted", a.low, b.low);
    line("watermark high, boosted", a.high, b.high);
    line("boost", a.boost, b.boost);
    for (unsigned l = 0; l < nr_lru_lists; ++l)
        line(lru_list_name(static_cast<lru_list>(l)), a.lists[l], b.lists[l]);
    line("anon_cost", a.anon_cost, b.anon_cost);
    line("file_cost", a.file_cost, b.file_cost);
    line("nonresident_age", a.nonresident_age, b.nonresident_age);
    line("free swap", a.free_swap, b.free_swap);
    line("under writeback", a.stat[vm_item::nr_writeback], b.stat[vm_item::nr_writeback]);
    line("dirty", a.stat[vm_item::nr_dirty], b.stat[vm_item::nr_dirty]);
    return out;
}

json json_of(const reclaim_log::standing& s) {
    json lists = json::object();
    for (unsigned l = 0; l < nr_lru_lists; ++l)
        lists[std::string{lru_list_name(static_cast<lru_list>(l))}] = s.lists[l];
    return {{"ns", s.time.ns},
            {"lists", std::move(lists)},
            {"free", s.free},
            {"watermarks", {{"min", s.min}, {"low", s.low}, {"high", s.high}, {"boost", s.boost}}},
            {"anon_cost", s.anon_cost},
            {"file_cost", s.file_cost},
            {"nonresident_age", s.nonresident_age},
            {"free_swap", s.free_swap},
            {"nr_writeback", s.stat[vm_item::nr_writeback]},
            {"nr_dirty", s.stat[vm_item::nr_dirty]}};
}

// What was counted in the stretch by both, where either counted anything.
struct counted {
    std::string_view counter;
    double real = 0;
    double simulated = 0;
};

std::vector<counted> counted_in(const series_comparison& s, const departure& d) {
    std::vector<counted> out;
    for (const course& c : s.courses) {
        if (c.counter.starts_with("after.")) continue;
        counted one{.counter = c.counter, .real = c.at[d.to].real, .simulated = c.at[d.to].simulated};
        if (d.from) {
            one.real -= c.at[*d.from].real;
            one.simulated -= c.at[*d.from].simulated;
        }
        if (one.real != 0 || one.simulated != 0) out.push_back(one);
    }
    return out;
}

std::string counted_text(const series_comparison& s, const departure& d) {
    std::string out = fmt::format("{:<28} {:>12} {:>12}\n", "counted in it", "real", "simulated");
    for (const counted& c : counted_in(s, d))
        out += fmt::format("{:<28} {:>12.0f} {:>12.0f}\n", c.counter, c.real, c.simulated);
    for (const course& c : s.courses) {
        if (!c.counter.starts_with("after.")) continue;
        out += fmt::format("{:<28} {:>12.0f} {:>12.0f}\n", c.counter, c.at[d.to].real, c.at[d.to].simulated);
    }
    return out;
}

std::string refaults_text(const reclaim_log& log) {
    std::string out;
    for (const lru_type t : {lru_type::anon, lru_type::file}) {
        const reclaim_log::refaults& r = log.refaulted(t);
        if (r.distance.count() == 0) continue;
        out += fmt::format("refaults {}: {}, {} activated, {} of them restored; distance {} against a "
                           "workingset of {}\n",
                           type_names[static_cast<std::size_t>(t)], r.distance.count(), r.activated,
                           r.restored, range_text(r.distance), range_text(r.size));
    }
    return out;
}

std::string events_text(const reclaim_log& log) {
    std::string out = refaults_text(log);
    for (const lru_type t : {lru_type::anon, lru_type::file}) {
        const reclaim_log::batches& b = log.batched(t);
        if (b.scanned.count() == 0) continue;
        out += fmt::format("batches {}: {}, scanned {} ({} a batch), freed {} ({} a batch)\n",
                           type_names[static_cast<std::size_t>(t)], b.scanned.count(), b.all_scanned,
                           range_text(b.scanned), b.all_reclaimed, range_text(b.reclaimed));
    }
    const reclaim_log::counts& n = log.counted();
    std::string verdicts;
    for (std::size_t w = 0; w < nr_reasons; ++w) {
        if (n.verdicts[w] == 0) continue;
        verdicts += fmt::format("{}{} {}", verdicts.empty() ? "" : ", ", reason_name(static_cast<why>(w)),
                                n.verdicts[w]);
    }
    if (!verdicts.empty()) out += "verdicts: " + verdicts + "\n";
    out += fmt::format("kswapd woken {}, asleep {} times; {} direct reclaims", n.kswapd_wakes,
                       n.kswapd_sleeps, n.direct_reclaims);
    for (std::size_t t = 0; t < throttle_names.size(); ++t) {
        if (n.throttled[t] > 0) out += fmt::format("; throttled ({}) {}", throttle_names[t], n.throttled[t]);
    }
    return out + "\n";
}

std::string pass_text(const reclaim_log::pass& p) {
    const tracepoints::scan_count& c = p.chosen;
    std::string how = fmt::format("{} ({})", balance_name(c.how), balance_cause_name(c.why));
    if (c.how == balance::fract) how += fmt::format(" {}:{}", anon_percent(c), 100 - anon_percent(c));
    std::string targets;
    for (std::size_t l = 0; l < c.target.size(); ++l)
        targets += fmt::format("{}{}/{}", l == 0 ? "" : " ", c.target[l], c.size[l]);
    return fmt::format("{:>12.6f} {:<15} {:>2} {:>5} {:<34} {:>4} {:>4}  {:<42} {}+{} {}+{} {}+{}\n",
                       static_cast<double>(p.time.ns) / 1e9, fmt::format("{}-{}", p.comm, p.pid), c.priority,
                       p.free, how, c.anon_cost, c.file_cost, targets, p.scanned[0], p.scanned[1],
                       p.reclaimed[0], p.reclaimed[1], p.deactivated[0], p.deactivated[1]);
}

json json_of(const reclaim_log::pass& p) {
    const tracepoints::scan_count& c = p.chosen;
    return {{"ns", p.time.ns},
            {"comm", p.comm},
            {"pid", p.pid},
            {"priority", c.priority},
            {"free", p.free},
            {"balance", balance_name(c.how)},
            {"why", balance_cause_name(c.why)},
            {"anon_share", c.anon_share},
            {"file_share", c.file_share},
            {"anon_cost", c.anon_cost},
            {"file_cost", c.file_cost},
            {"may_deactivate", {c.deactivates_anon, c.deactivates_file}},
            {"sizes", c.size},
            {"targets", c.target},
            {"scanned", p.scanned},
            {"freed", p.reclaimed},
            {"deactivated", p.deactivated}};
}

// The first and the last passes, by index.
std::vector<std::size_t> passes_told(const reclaim_log& log) {
    std::vector<std::size_t> out;
    const std::size_t n = log.passes().size();
    for (std::size_t i = 0; i < n; ++i) {
        if (i < passes_at_each_end || i + passes_at_each_end >= n) out.push_back(i);
    }
    return out;
}

std::string passes_text(const reclaim_log& log) {
    const std::vector<std::size_t> told = passes_told(log);
    if (told.empty()) return {};
    std::string out =
        fmt::format("{:>12} {:<15} {:>2} {:>5} {:<34} {:>4} {:>4}  {:<42} {}\n", "seconds", "by", "p", "free",
                    "balance, shares anon:file", "anon", "file", "targets/sizes of ia, aa, if, af",
                    "scanned, freed, deactivated, each anon+file");
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (i > 0 && told[i] != told[i - 1] + 1)
            out += fmt::format("{:>12} {} passes more\n", "...", told[i] - told[i - 1] - 1);
        out += pass_text(log.passes()[told[i]]);
    }
    return out;
}

std::string moment_text(const series_comparison& s, std::optional<std::size_t> i) {
    if (!i) return "the start";
    return fmt::format("mark {} ({}, op {})", *i + 1, s.moments[*i].label, s.moments[*i].op);
}

} // namespace

std::string explanation_text(const series_comparison& s, const departure& d, const reclaim_log& log) {
    const compared& there = d.of->at[d.to];
    std::string out =
        fmt::format("\n{} leaves the bar between {} and {}: real {:.0f} ({:.0f}..{:.0f}), simulated {:.0f}\n",
                    d.of->counter, moment_text(s, d.from), moment_text(s, d.to), there.real,
                    there.real_runs.low, there.real_runs.high, there.simulated);
    out += counted_text(s, d) + standing_text(log);
    out += "what ours did (of three numbers: least, middle, greatest)\n";
    if (!log.passes().empty()) out += rows_text(rows_of(log));
    return out + events_text(log) + passes_text(log);
}

json explanation_json(const series_comparison& s, const departure& d, const reclaim_log& log) {
    json out{{"counter", d.of->counter},
             {"from", d.from ? json(*d.from) : json(nullptr)},
             {"to", d.to},
             {"counted", json::object()},
             {"first", json_of(log.first())},
             {"last", json_of(log.last())},
             {"by_priority", json_of(rows_of(log))},
             {"refaults", json::object()},
             {"batches", json::object()},
             {"verdicts", json::object()}};
    for (const counted& c : counted_in(s, d))
        out["counted"][std::string{c.counter}] = {{"real", c.real}, {"simulated", c.simulated}};
    for (const lru_type t : {lru_type::anon, lru_type::file}) {
        const std::string type{type_names[static_cast<std::size_t>(t)]};
        const reclaim_log::refaults& r = log.refaulted(t);
        out["refaults"][type] = {{"count", r.distance.count()},
                                 {"activated", r.activated},
                                 {"restored", r.restored},
                                 {"distance", json_of(r.distance)},
                                 {"workingset_size", json_of(r.size)}};
        const reclaim_log::batches& b = log.batched(t);
        out["batches"][type] = {{"count", b.scanned.count()},
                                {"scanned", b.all_scanned},
                                {"freed", b.all_reclaimed},
                                {"scanned_each", json_of(b.scanned)},
                                {"freed_each", json_of(b.reclaimed)}};
    }
    const reclaim_log::counts& n = log.counted();
    for (std::size_t w = 0; w < nr_reasons; ++w) {
        if (n.verdicts[w] > 0) out["verdicts"][std::string{reason_name(static_cast<why>(w))}] = n.verdicts[w];
    }
    out["kswapd_wakes"] = n.kswapd_wakes;
    out["kswapd_sleeps"] = n.kswapd_sleeps;
    out["direct_reclaims"] = n.direct_reclaims;
    for (std::size_t t = 0; t < throttle_names.size(); ++t)
        out["throttled"][std::string{throttle_names[t]}] = n.throttled[t];
    out["all_passes"] = log.passes().size();
    out["passes"] = json::array();
    for (const std::size_t i : passes_told(log)) out["passes"].push_back(json_of(log.passes()[i]));
    return out;
}

} // namespace pagesim::program
