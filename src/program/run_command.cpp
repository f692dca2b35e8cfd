// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "ftrace_file.hpp"
#include "html_report.hpp"
#include "input.hpp"
#include "live_view.hpp"
#include "output.hpp"
#include "proc_directory.hpp"
#include "progress.hpp"
#include "run_setup.hpp"
#include "usage_error.hpp"

#include <pagesim/machine/proc_files.hpp>
#include <pagesim/machine/proc_machine.hpp>
#include <pagesim/machine/time_series.hpp>
#include <pagesim/stat/sink_list.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace pagesim::program {

namespace {

std::string title_of(std::span<const input_identity> inputs) {
    std::string out = "pagesim:";
    for (const input_identity& i : inputs) out += " " + i.name;
    return out;
}

void write_outputs(const run_options& o, const machine& m, std::span<const input_identity> inputs,
                   double host_seconds, const time_series* series) {
    const machine_parts& parts = m.parts();
    if (!o.vmstat_file.empty())
        write_file(o.vmstat_file, format_vmstat(parts.snapshot(), parts.config.profile.vmstat));
    if (!o.zoneinfo_file.empty()) write_file(o.zoneinfo_file, format_zoneinfo(parts));
    if (!o.meminfo_file.empty()) write_file(o.meminfo_file, format_meminfo(parts, committed_pages(m)));
    if (!o.swaps_file.empty()) write_file(o.swaps_file, format_swaps(parts));
    if (!o.buddyinfo_file.empty()) write_file(o.buddyinfo_file, format_buddyinfo(parts.home));
    if (!o.json_file.empty()) {
        const time_series* const curves = o.series ? series : nullptr;
        write_file(o.json_file, run_as_json(m, inputs, host_seconds, curves).dump(1) + "\n");
    }
    if (!o.html_file.empty())
        write_file(o.html_file,
                   html_report(title_of(inputs), {run_as_json(m, inputs, host_seconds, series)}));
}

std::uint64_t sum_over(const std::vector<opened_input>& inputs, std::uint64_t (*what)(const opened_input&)) {
    std::uint64_t n = 0;
    for (const opened_input& i : inputs) n += what(i);
    return n;
}

std::uint64_t records_so_far(const opened_input& i) { return i.stream->counts().records; }

// Who looks on between two steps.
struct onlookers {
    proc_directory& proc;
    time_series* series; // or null
    live_view view;
    progress_bar bar;
};

// Runs the machine to its end.
void drive(machine& m, const std::vector<opened_input>& inputs, std::uint64_t all, onlookers& look) {
    const access_stream* const alone = inputs.size() == 1 ? inputs.front().stream.get() : nullptr;
    const auto records = [&] {
        return alone != nullptr ? alone->counts().records : sum_over(inputs, records_so_far);
    };
    const auto done = [&] {
        return all == 0 ? -1 : static_cast<double>(records()) / static_cast<double>(all);
    };
    while (m.step()) {
        look.bar.show(records());
        look.view.show(m, done);
        look.proc.see(m);
        if (look.series != nullptr) look.series->look();
    }
    if (look.series != nullptr) look.series->finish();
    look.view.finish(m);
}

void print_summary(const machine& m, const std::string& note, std::span<const input_identity> inputs,
                   double host_seconds) {
    for (const oom_report& r : m.oom_reports()) fmt::print(stderr, "{}", format_oom_report(r));
    write_file("-", note + format_summary(m, inputs));
    const double rate = static_cast<double>(totals_of(m).accesses) / std::max(host_seconds, 1e-9) / 1e6;
    write_file(
        "-", fmt::format("{:<12}{:.3f} s ({:.1f} million accesses a second)\n", "host", host_seconds, rate));
}

ftrace_dialect dialect_of(const run_options& o) {
    return choose<ftrace_dialect>("--ftrace-dialect", o.ftrace_dialect,
                                  {{"5.8", ftrace_dialect::of_5_8},
                                   {"6.1", ftrace_dialect::of_6_1},
                                   {"postprocess", ftrace_dialect::postprocess}});
}

} // namespace

int run_command(const run_options& o) {
    check_writable("--vmstat", o.vmstat_file);
    check_writable("--zoneinfo", o.zoneinfo_file);
    check_writable("--meminfo", o.meminfo_file);
    check_writable("--buddyinfo", o.buddyinfo_file);
    check_writable("--swaps", o.swaps_file);
    check_writable("--json", o.json_file);
    check_writable("--html", o.html_file);
    const std::vector<opened_input> inputs = open_inputs(o);
    const memory_choice memory = choose_memory(o, inputs);
    const auto began = std::chrono::steady_clock::now();
    std::optional<ftrace_file> trace;
    if (!o.ftrace_file.empty()) trace.emplace(dialect_of(o), o.ftrace_file);
    std::optional<time_series> series;
    if (!o.html_file.empty() || o.series) series.emplace();
    sink_list sinks;
    if (trace) sinks.add(&trace->writer);
    if (series) sinks.add(&*series);
    machine m{configure(o, memory.pages), sinks.or_null()};
    proc_directory proc{o.proc_dir,
                        o.proc_every.empty() ? sim_duration{} : parse_duration("--proc-every", o.proc_every)};
    start_processes(o, m, inputs);
    if (trace) trace->writer.begin(m, about(m, inputs));
    if (series) series->begin(m);
    const std::uint64_t all = sum_over(inputs, [](const opened_input& i) { return i.identity.records; });
    onlookers look{.proc = proc,
                   .series = series ? &*series : nullptr,
                   .view = live_view{o.watch},
                   .bar = progress_bar{o.quiet || o.watch ? 0 : all}};
    drive(m, inputs, all, look);
    if (trace) trace->finish();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::vector<input_identity> identities;
    for (const opened_input& i : inputs) {
        identities.push_back(i.identity);
        identities.back().records = i.stream->counts().records;
        identities.back().skipped = i.stream->counts().skipped;
    }
    if (!o.quiet) print_summary(m, memory.note, identities, took.count());
    write_outputs(o, m, identities, took.count(), series ? &*series : nullptr);
    proc.finish(m);
    if (const input_error* error = first_error(m)) throw usage_error{to_string(*error)};
    return ended;
}

} // namespace pagesim::program
