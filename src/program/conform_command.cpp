// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "conform_output.hpp"
#include "ftrace_file.hpp"
#include "output.hpp"
#include "outside_list.hpp"
#include "run_setup.hpp"
#include "usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <span>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view earliest = "first";

// The counter that --explain names; empty: the one that leaves first.
std::string_view counter_to_explain(const conform_options& o) {
    if (o.explain == earliest) return {};
    const std::vector<std::string_view>& all = headline_counters();
    if (std::find(all.begin(), all.end(), o.explain) == all.end())
        throw usage_error{fmt::format("--explain: '{}' is no headline counter", o.explain)};
    return o.explain;
}

json case_as_json(const result_file& result, const simulated_case& s, const std::vector<compared>& at_end) {
    json counters = json::object();
    for (unsigned i = 0; i < static_cast<unsigned>(vm_item::count_); ++i) {
        const auto item = static_cast<vm_item>(i);
        counters[std::string{vm_item_name(item)}] = s.end.delta.raw(item);
    }
    for (const compared& c : at_end)
        counters[std::string{c.counter}] = static_cast<std::int64_t>(c.simulated);
    tally t;
    t.add({}, at_end);
    json out{{"file", result.path()}, {"kernel", result.kernel()},  {"policy", result.policy()},
             {"swap", result.swap()}, {"case", result.case_name()}, {"simulated", std::move(counters)}};
    out["verdict"] = json_of(t);
    out["compared"] = json::array();
    for (const compared& c : at_end) out["compared"].push_back(json_of(c));
    return out;
}

// Runs the case once more and listens where the counter leaves.
void explain(const conform_options& o, const result_file& result, const std::vector<real_mark>& marks,
             const series_comparison& series, json& out) {
    const std::string_view counter = counter_to_explain(o);
    const std::optional<departure> d = find_departure(series, counter);
    if (!d) {
        fmt::print("\n{}\n", counter.empty() ? "no headline counter leaves the bar at any mark"
                                             : fmt::format("{} leaves the bar at no mark", counter));
        return;
    }
    reclaim_log log{d->stretch(series)};
    static_cast<void>(run_case(result, o.ops_dir, marks, listening(log)));
    fmt::print("{}", explanation_text(series, *d, log));
    out["explanation"] = explanation_json(series, *d, log);
}

// Runs the case; --ftrace listens.
simulated_case run_and_listen(const conform_options& o, const result_file& result,
                              const std::vector<real_mark>& marks) {
    if (o.ftrace_file.empty()) return run_case(result, o.ops_dir, marks);
    const ftrace_dialect dialect =
        result.kernel() == "6.1" ? ftrace_dialect::of_6_1 : ftrace_dialect::of_5_8; // 5.10 writes as 5.8
    ftrace_file trace{dialect, o.ftrace_file};
    return run_case(result, o.ops_dir, marks,
                    {.sink = &trace.writer,
                     .begin =
                         [&trace](const machine& m, const opened_input& input) {
                             trace.writer.begin(m, about(m, std::span{&input, 1}));
                         },
                     .finish = [&trace] { trace.finish(); }});
}

// As lists of pairs name them.
std::vector<verdict> verdicts_of(const result_file& result, const std::vector<compared>& at_end) {
    std::vector<verdict> out;
    for (const compared& c : at_end) {
        out.push_back({.case_id = result.id(),
                       .counter = c.counter,
                       .simulated = c.simulated,
                       .real = c.real,
                       .low = c.real_runs.low,
                       .high = c.real_runs.high,
                       .inside = c.inside()});
    }
    return out;
}

// Whether what is outside is what the list says.
bool as_listed(const outside_list& list, const std::vector<verdict>& verdicts) {
    list.check_cases(verdicts);
    const outside_list::difference d = list.compare(verdicts);
    for (const std::string& line : d.left) fmt::print(stderr, "pagesim: {}\n", line);
    for (const std::string& line : d.came_inside) fmt::print(stderr, "pagesim: {}\n", line);
    if (!d.empty())
        fmt::print("not as listed: {} pairs outside, {} inside\n", d.left.size(), d.came_inside.size());
    return d.empty();
}

// All cases that ran; `refused` says whether one did not.
struct outcome {
    json cases = json::array();
    tally total;
    std::vector<verdict> verdicts;
    std::set<std::string> ids;
    bool refused = false;
};

void run_and_print(const conform_options& o, const std::string& path, outcome& all) {
    const result_file result{path};
    if (!all.ids.insert(result.id()).second && !o.known_outside_file.empty())
        throw usage_error{fmt::format("{}: another result is called '{}', too", path, result.id())};
    const bool series = o.series || !o.explain.empty();
    const std::vector<real_mark> marks = series ? result.marks() : std::vector<real_mark>{};
    const simulated_case s = run_and_listen(o, result, marks);
    const std::vector<compared> at_end = compare_at_end(result, s);
    all.total.add(title_of(result), at_end);
    std::vector<verdict> verdicts = verdicts_of(result, at_end);
    std::move(verdicts.begin(), verdicts.end(), std::back_inserter(all.verdicts));
    if (!o.quiet) fmt::print("{}", table_text(result, at_end));
    json& out = all.cases.emplace_back(case_as_json(result, s, at_end));
    if (!series) return;
    const series_comparison course = compare_series(result, marks, s);
    if (o.series) {
        fmt::print("{}", series_text(course));
        out["series"] = json_of(course);
    }
    if (!o.explain.empty()) explain(o, result, marks, course, out);
}

} // namespace

int conform_command(const conform_options& o) {
    check_writable("--json", o.json_file);
    check_writable("--write-outside", o.write_outside_file);
    if (!o.ftrace_file.empty() && o.results.size() != 1)
        throw usage_error{fmt::format("--ftrace takes one result, not {}", o.results.size())};
    std::optional<outside_list> known;
    if (!o.known_outside_file.empty()) known = outside_list::read(o.known_outside_file);
    if (!o.explain.empty()) static_cast<void>(counter_to_explain(o));
    outcome all;
    for (const std::string& path : o.results) {
        try {
            run_and_print(o, path, all);
        } catch (const usage_error& e) {
            fmt::print(stderr, "pagesim: {}\n", e.what());
            all.refused = true;
        }
    }
    fmt::print("{}", total_text(all.total, {.ran = all.cases.size(), .asked_for = o.results.size()}));
    if (!o.json_file.empty()) {
        const json file{{"cases", std::move(all.cases)}, {"total", json_of(all.total)}};
        write_file(o.json_file, file.dump(1) + "\n");
    }
    if (!o.write_outside_file.empty()) write_file(o.write_outside_file, outside_list_of(all.verdicts));
    if (all.refused) return bad_input_or_option;
    if (known && !as_listed(*known, all.verdicts)) return failed;
    return o.strict && all.total.inside() != all.total.all() ? failed : ended;
}

} // namespace pagesim::program
