// SPDX-License-Identifier: MIT
#include "conform_output.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t worst_told = 5;
constexpr double percent = 100;

std::string band_text(const band& b) { return fmt::format("{:.0f}..{:.0f}", b.low, b.high); }

// "+12%", at most six characters.
std::string deviation_text(const compared& c) {
    const double by = c.simulated < c.real ? -c.error() : c.error();
    if (by * percent >= 99999.5) return ">1000x";
    return fmt::format("{:+.0f}%", by * percent);
}

} // namespace

std::string title_of(const result_file& result) {
    return fmt::format("{} {} {} {}", result.case_name(), result.kernel(), result.policy(), result.swap());
}

std::string table_text(const result_file& result, const std::vector<compared>& at_end) {
    std::string out =
        fmt::format("\n{:<28} {:>12} {:>25} {:>12}\n", title_of(result), "real", "band", "simulated");
    for (const compared& c : at_end) {
        out += fmt::format("{:<28} {:>12.0f} {:>25} {:>12.0f} {}\n", c.counter, c.real,
                           band_text(c.real_runs), c.simulated, c.inside() ? "inside" : "OUTSIDE");
    }
    tally t;
    t.add({}, at_end);
    out += fmt::format("{} of {} headline counters inside, median error {:.1f} %\n", t.inside(), t.all(),
                       t.median_error() * percent);
    return out;
}

std::string total_text(const tally& t, const cases_run& cases) {
    std::string out =
        fmt::format("\n{} of {} pairs inside, {} of {} cases ran, median error {:.1f} %\n", t.inside(),
                    t.all(), cases.ran, cases.asked_for, t.median_error() * percent);
    const std::vector<tally::pair> worst = t.worst(worst_told);
    if (!worst.empty()) out += "furthest outside:\n";
    for (const tally::pair& p : worst) {
        out += fmt::format("  {:<28} {:<28} real {:>9.0f} simulated {:>9.0f} {:>6}\n", p.where,
                           p.what.counter, p.what.real, p.what.simulated, deviation_text(p.what));
    }
    return out;
}

json json_of(const compared& c) {
    return {{"counter", c.counter},
            {"real", c.real},
            {"band", {c.real_runs.low, c.real_runs.high}},
            {"simulated", c.simulated},
            {"inside", c.inside()}};
}

json json_of(const tally& t) {
    json out{{"inside", t.inside()}, {"pairs", t.all()}, {"median_error", t.median_error()}};
    out["worst"] = json::array();
    for (const tally::pair& p : t.worst(worst_told)) {
        json one = json_of(p.what);
        if (!p.where.empty()) one["case"] = p.where;
        out["worst"].push_back(std::move(one));
    }
    return out;
}

namespace {

std::string moments_text(const series_comparison& s) {
    std::string out =
        fmt::format("{:>4} {:<16} {:>9} {:>12} {:>12}\n", "mark", "label", "op", "real ms", "simulated ms");
    for (std::size_t i = 0; i < s.moments.size(); ++i) {
        const moment& m = s.moments[i];
        out += fmt::format("{:>4} {:<16} {:>9} {:>12.3f} {:>12.3f}\n", i + 1, m.label, m.op, m.real_ms,
                           m.simulated_ms);
    }
    return out;
}

} // namespace

std::string series_text(const series_comparison& s) {
    std::string out = "\nfrom mark to mark\n" + moments_text(s);
    const std::vector<const course*> left = s.departures();
    if (left.empty()) return out + "no headline counter leaves the bar at any mark\n";

    out += fmt::format("{:<28} {:>5} {:<16} {:>12} {:>25} {:>12}  {}\n", "leaves the bar", "mark", "label",
                       "real", "band", "simulated", "at the end");
    for (const course* c : left) {
        const std::size_t first = *c->first_outside();
        const compared& there = c->at[first];
        out += fmt::format("{:<28} {:>5} {:<16} {:>12.0f} {:>25} {:>12.0f}  {}\n", c->counter, first + 1,
                           s.moments[first].label, there.real, band_text(there.real_runs), there.simulated,
                           c->at.back().inside() ? "inside" : "OUTSIDE");
    }
    out += fmt::format("{:<28}", "off by, where outside");
    for (std::size_t i = 0; i < s.moments.size(); ++i) out += fmt::format(" {:>6}", i + 1);
    out += '\n';
    for (const course* c : left) {
        out += fmt::format("{:<28}", c->counter);
        for (const compared& at : c->at) out += fmt::format(" {:>6}", at.inside() ? "." : deviation_text(at));
        out += '\n';
    }
    return out;
}

json json_of(const series_comparison& s) {
    json out{{"marks", json::array()}, {"departures", json::array()}, {"counters", json::object()}};
    for (const moment& m : s.moments) {
        out["marks"].push_back(
            {{"label", m.label}, {"op", m.op}, {"real_ms", m.real_ms}, {"simulated_ms", m.simulated_ms}});
    }
    for (const course* c : s.departures()) {
        const std::size_t first = *c->first_outside();
        json one = json_of(c->at[first]);
        one["mark"] = first;
        one["label"] = s.moments[first].label;
        one["inside_at_end"] = c->at.back().inside();
        out["departures"].push_back(std::move(one));
    }
    for (const course& c : s.courses) {
        json& one = out["counters"][std::string{c.counter}];
        for (const compared& at : c.at) {
            one["real"].push_back(at.real);
            one["low"].push_back(at.real_runs.low);
            one["high"].push_back(at.real_runs.high);
            one["simulated"].push_back(at.simulated);
            one["inside"].push_back(at.inside());
        }
    }
    return out;
}

} // namespace pagesim::program
