// SPDX-License-Identifier: MIT
#include "conform_run.hpp"

#include "usage_error.hpp"

#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/text_input.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <set>
#include <sstream>

namespace pagesim::program {

namespace {

constexpr std::string_view after_prefix = "after.";

double ms_between(sim_time a, sim_time b) { return static_cast<double>((b - a).ns) / 1e6; }

// How many regions, files and marks an ops file names.
std::size_t names_in(const std::string& path) {
    std::set<std::string, std::less<>> names;
    text_input in{path};
    while (const auto line = in.next()) {
        std::istringstream words{std::string{*line}};
        std::string word;
        std::string name;
        words >> word >> name;
        if (is_ops_word(word) && word != "sleep" && word != "drop") names.insert(name);
    }
    return names.size();
}

std::vector<ops_stream::observation> observations_at(const std::vector<real_mark>& marks) {
    std::vector<ops_stream::observation> out;
    for (const real_mark& m : marks) out.push_back({.before_op = m.op, .label = m.label});
    return out;
}

} // namespace

case_listener listening(reclaim_log& log) {
    return {.sink = &log,
            .begin = [&log](const machine& m, const opened_input& /*input*/) { log.begin(m); },
            .finish = [&log] { log.finish(); }};
}

simulated_case run_case(const result_file& result, const std::string& ops_dir,
                        const std::vector<real_mark>& marks, const case_listener& listener) {
    const std::string missing = result.missing();
    if (!missing.empty()) throw usage_error{fmt::format("{}: {}", result.path(), missing)};
    const machine_config config = result.machine();
    if (const auto wrong = find_fault_in(config)) {
        throw usage_error{fmt::format("{}: {}", result.path(), *wrong)};
    }
    const std::filesystem::path ops = std::filesystem::path{ops_dir} / result.ops();
    const opened_input input = open_input(ops.string(), "ops");
    if (auto* const stream = dynamic_cast<ops_stream*>(input.stream.get()); stream != nullptr) {
        stream->observe(observations_at(marks));
        stream->performed_by({.end = result.regions_end(names_in(ops.string())),
                              .file_alignment = file_mapping_alignment(config.profile),
                              .further_stores = result.further_stores(),
                              .snapshot = result.snapshot_time(),
                              .looks = result.looks()});
    }
    machine m{config, listener.sink};
    m.start(*input.stream, input.ranges);
    if (listener.begin) listener.begin(m, input);
    const vmstat before = m.stat();
    const sim_time start = m.now();
    m.run();
    if (listener.finish) listener.finish();
    if (const auto& error = m.workload().error()) {
        throw usage_error{fmt::format("{}: {}", result.path(), to_string(*error))};
    }
    const std::vector<marked>& observed = m.workload().observed();
    if (observed.size() != marks.size()) {
        throw usage_error{fmt::format(
            "{}: its series has a mark '{}' before op {}, which {} does not come to", result.path(),
            marks[observed.size()].label, marks[observed.size()].op, result.ops())};
    }
    simulated_case out;
    out.end = {.ms = ms_between(start, m.now()), .delta = m.stat() - before, .now = m.stat()};
    for (const marked& o : observed)
        out.marks.push_back({.ms = ms_between(start, o.time), .delta = o.stat - before, .now = o.stat});
    return out;
}

double simulated_value(const simulated_mark& m, std::string_view counter) {
    const bool gauge = counter.substr(0, after_prefix.size()) == after_prefix;
    double sum = 0;
    for (const std::string& name : summands(gauge ? counter.substr(after_prefix.size()) : counter)) {
        const auto item = vm_item_from_name(name);
        if (item) sum += static_cast<double>((gauge ? m.now : m.delta).raw(*item));
    }
    return sum;
}

std::vector<compared> compare_at_end(const result_file& result, const simulated_case& s) {
    std::vector<compared> out;
    for (const std::string_view counter : headline_counters()) {
        out.push_back({.counter = counter,
                       .real = result.real(counter),
                       .real_runs = result.band_of(counter),
                       .simulated = simulated_value(s.end, counter)});
    }
    return out;
}

series_comparison compare_series(const result_file& result, const std::vector<real_mark>& marks,
                                 const simulated_case& s) {
    series_comparison out;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        out.moments.push_back({.label = marks[i].label,
                               .op = marks[i].op,
                               .real_ms = marks[i].ms,
                               .simulated_ms = s.marks[i].ms});
    }
    out.moments.push_back(
        {.label = "(end)", .op = result.ops_count(), .real_ms = result.end_ms(), .simulated_ms = s.end.ms});
    const std::vector<compared> at_end = compare_at_end(result, s);
    for (const compared& last : at_end) {
        course c{.counter = last.counter, .at = {}};
        for (std::size_t i = 0; i < marks.size(); ++i) {
            c.at.push_back({.counter = last.counter,
                            .real = result.real_at(last.counter, i),
                            .real_runs = result.band_at(last.counter, i),
                            .simulated = simulated_value(s.marks[i], last.counter)});
        }
        c.at.push_back(last);
        out.courses.push_back(std::move(c));
    }
    return out;
}

std::optional<departure> find_departure(const series_comparison& s, std::string_view counter) {
    departure d;
    if (counter.empty()) {
        const std::vector<const course*> all = s.departures();
        if (all.empty()) return std::nullopt;
        d.of = all.front();
    } else {
        d.of = s.find(counter);
    }
    if (d.of == nullptr || !d.of->first_outside()) return std::nullopt;
    d.to = *d.of->first_outside();
    if (d.to > 0) d.from = d.to - 1;
    return d;
}

reclaim_log::stretch departure::stretch(const series_comparison& s) const {
    reclaim_log::stretch out;
    if (from) out.from = *from;
    if (to + 1 < s.moments.size()) out.to = to;
    return out;
}

} // namespace pagesim::program
