// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "input.hpp"
#include "output.hpp"
#include "proc_directory.hpp"
#include "progress.hpp"
#include "usage_error.hpp"

#include <pagesim/machine/ftrace.hpp>
#include <pagesim/machine/proc_files.hpp>
#include <pagesim/machine/proc_machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace pagesim::program {

namespace {

constexpr page_count least_memory{512}; // 2 MiB

struct memory_choice {
    page_count pages;
    std::string note; // how it was chosen, if it was not given
};

memory_choice choose_memory(const run_options& o, std::uint64_t touched) {
    if (!o.memory.empty()) return {.pages = parse_size("--memory", o.memory), .note = {}};
    const page_count half{std::max(touched / 2, least_memory.value)};
    const std::string_view rule = touched / 2 < least_memory.value
                                      ? "the least, as half of the footprint would be less"
                                      : "half of the footprint";
    return {.pages = half,
            .note = fmt::format("memory: {} ({}; --memory chooses another size)\n",
                                format_bytes(half.bytes()), rule)};
}

template <typename T>
T choose(std::string_view option, const std::string& value,
         std::initializer_list<std::pair<std::string_view, T>> known) {
    std::string names;
    for (const auto& [name, result] : known) {
        if (name == value) return result;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    throw usage_error{fmt::format("{}: '{}' is not known; known are: {}", option, value, names)};
}

void configure_swap(machine_config& c, const run_options& o) {
    const auto device = choose<swap_device>(
        "--swap-device", o.swap_device,
        {{"flash", swap_device::flash}, {"zram", swap_device::zram}, {"none", swap_device::none}});
    c.swap.device = swap_device::none;
    for (const std::string& text : o.swap) {
        const std::optional<swap_config> area = parse_swap(text, device);
        if (!area) continue;
        if (c.swap.device == swap_device::none) {
            c.swap = *area;
        } else {
            c.more_swap.push_back(*area);
        }
    }
}

machine_config configure(const run_options& o, page_count memory) {
    machine_config c = machine_with(memory);
    c.profile = choose<kernel_profile>("--kernel", o.kernel,
                                       {{"6.1", linux_6_1}, {"5.10", linux_5_10}, {"5.8", linux_5_8}});
    if (c.profile.name == linux_5_10.name) c.cost = costs_of_linux_5_10;
    c.cpu = choose<cpu_model>("--cpu", o.cpu, {{"cortex-a72", cortex_a72}, {"neoverse-n1", neoverse_n1}});
    configure_swap(c, o);
    c.reclaim.swappiness = o.swappiness;
    c.reclaim.page_cluster = o.page_cluster;
    c.files.device = choose<file_device>("--file-device", o.file_device,
                                         {{"pmem", file_device::pmem}, {"flash", file_device::flash}});
    c.dirty = {.ratio = o.dirty_ratio,
               .background_ratio = o.dirty_background_ratio,
               .bytes = o.dirty_bytes,
               .background_bytes = o.dirty_background_bytes,
               .expire_centisecs = o.dirty_expire_centisecs,
               .writeback_centisecs = o.dirty_writeback_centisecs};
    c.memory.min_free_kbytes = o.min_free_kbytes;
    if (o.khugepaged) c.memory.khugepaged = khugepaged_reserve::present;
    if (const auto wrong = find_fault_in(c)) throw usage_error{*wrong};
    return c;
}

void write_outputs(const run_options& o, const machine& m, std::span<const input_identity> inputs,
                   double host_seconds) {
    const machine_parts& parts = m.parts();
    if (!o.vmstat_file.empty())
        write_file(o.vmstat_file, format_vmstat(parts.snapshot(), parts.config.profile.vmstat));
    if (!o.zoneinfo_file.empty()) write_file(o.zoneinfo_file, format_zoneinfo(parts));
    if (!o.meminfo_file.empty()) write_file(o.meminfo_file, format_meminfo(parts, committed_pages(m)));
    if (!o.swaps_file.empty()) write_file(o.swaps_file, format_swaps(parts));
    if (!o.buddyinfo_file.empty()) write_file(o.buddyinfo_file, format_buddyinfo(parts.home));
    if (!o.json_file.empty()) write_file(o.json_file, run_as_json(m, inputs, host_seconds).dump(1) + "\n");
}

std::vector<opened_input> open_inputs(const run_options& o) {
    std::vector<opened_input> out;
    for (const std::string& path : o.inputs) {
        out.push_back(open_input(path, o.format));
        if (!o.quiet) print_account(out.back());
    }
    if (o.oom_score_adj.size() > out.size())
        throw usage_error{
            fmt::format("--oom-score-adj: {} values for {} inputs", o.oom_score_adj.size(), out.size())};
    return out;
}

// A process alone is "the workload"; several are called as their inputs are.
process_options options_of(const run_options& o, const std::vector<opened_input>& inputs, std::size_t n) {
    process_options p;
    if (inputs.size() > 1) p.name = inputs[n].identity.name;
    if (n < o.oom_score_adj.size()) p.oom_score_adj = o.oom_score_adj[n];
    return p;
}

void start_processes(const run_options& o, machine& m, const std::vector<opened_input>& inputs) {
    m.start(*inputs.front().stream, inputs.front().ranges, options_of(o, inputs, 0));
    for (std::size_t n = 1; n < inputs.size(); ++n) {
        m.add_process(*inputs[n].stream, options_of(o, inputs, n), inputs[n].ranges);
    }
}

std::uint64_t sum_over(const std::vector<opened_input>& inputs, std::uint64_t (*what)(const opened_input&)) {
    std::uint64_t n = 0;
    for (const opened_input& i : inputs) n += what(i);
    return n;
}

std::uint64_t records_so_far(const opened_input& i) { return i.stream->counts().records; }

// Runs the machine to its end.
void drive(machine& m, const std::vector<opened_input>& inputs, proc_directory& proc, bool quiet) {
    const std::uint64_t all = sum_over(inputs, [](const opened_input& i) { return i.identity.records; });
    progress_bar bar{quiet ? 0 : all};
    if (inputs.size() == 1) {
        const access_stream& stream = *inputs.front().stream;
        while (m.step()) {
            bar.show(stream.counts().records);
            proc.see(m);
        }
        return;
    }
    while (m.step()) {
        bar.show(sum_over(inputs, records_so_far));
        proc.see(m);
    }
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

// --ftrace.
struct ftrace_file {
    explicit ftrace_file(const run_options& o)
        : writer{dialect_of(o), [this](std::string_view text) { file.write(text); }}, file{"--ftrace",
                                                                                           o.ftrace_file} {}
    void finish() {
        writer.finish();
        file.close();
    }
    ftrace_writer writer;
    growing_file file;
};

// Configuration and inputs, in one line.
std::string about(const machine& m, const std::vector<opened_input>& inputs) {
    std::string out = fmt::format("configuration {:016x}", config_hash(m.parts().config));
    for (const opened_input& i : inputs) {
        out += fmt::format("  {} ({}, fnv1a {:016x})", i.identity.name, i.identity.format, i.identity.hash);
    }
    return out;
}

} // namespace

int run_command(const run_options& o) {
    check_writable("--vmstat", o.vmstat_file);
    check_writable("--zoneinfo", o.zoneinfo_file);
    check_writable("--meminfo", o.meminfo_file);
    check_writable("--buddyinfo", o.buddyinfo_file);
    check_writable("--swaps", o.swaps_file);
    check_writable("--json", o.json_file);
    const std::vector<opened_input> inputs = open_inputs(o);
    const memory_choice memory =
        choose_memory(o, sum_over(inputs, [](const opened_input& i) { return i.identity.touched_pages; }));
    const auto began = std::chrono::steady_clock::now();
    std::optional<ftrace_file> trace;
    if (!o.ftrace_file.empty()) trace.emplace(o);
    machine m{configure(o, memory.pages), trace ? &trace->writer : nullptr};
    proc_directory proc{o.proc_dir,
                        o.proc_every.empty() ? sim_duration{} : parse_duration("--proc-every", o.proc_every)};
    start_processes(o, m, inputs);
    if (trace) trace->writer.begin(m, about(m, inputs));
    drive(m, inputs, proc, o.quiet);
    if (trace) trace->finish();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::vector<input_identity> identities;
    for (const opened_input& i : inputs) {
        identities.push_back(i.identity);
        identities.back().records = i.stream->counts().records;
        identities.back().skipped = i.stream->counts().skipped;
    }
    if (!o.quiet) print_summary(m, memory.note, identities, took.count());
    write_outputs(o, m, identities, took.count());
    proc.finish(m);
    if (const input_error* error = first_error(m)) throw usage_error{to_string(*error)};
    return ended;
}

} // namespace pagesim::program
