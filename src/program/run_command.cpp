// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "input.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "usage_error.hpp"

#include <pagesim/machine/proc_files.hpp>

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

machine_config configure(const run_options& o, page_count memory) {
    machine_config c = machine_with(memory);
    c.profile = choose<kernel_profile>("--kernel", o.kernel,
                                       {{"6.1", linux_6_1}, {"5.10", linux_5_10}, {"5.8", linux_5_8}});
    if (c.profile.name == linux_5_10.name) c.cost = costs_of_linux_5_10;
    c.cpu = choose<cpu_model>("--cpu", o.cpu, {{"cortex-a72", cortex_a72}, {"neoverse-n1", neoverse_n1}});
    c.swap.device = choose<swap_device>(
        "--swap-device", o.swap_device,
        {{"flash", swap_device::flash}, {"zram", swap_device::zram}, {"none", swap_device::none}});
    c.swap.pages = parse_size("--swap", o.swap);
    if (c.swap.pages.value == 0) c.swap.device = swap_device::none;
    c.reclaim.swappiness = o.swappiness;
    c.reclaim.page_cluster = o.page_cluster;
    c.memory.min_free_kbytes = o.min_free_kbytes;
    if (o.khugepaged) c.memory.khugepaged = khugepaged_reserve::present;
    if (const auto wrong = find_fault_in(c)) throw usage_error{*wrong};
    return c;
}

page_count committed_by(const mm& space) {
    page_count n;
    for (const vma& range : space.vmas()) n += page_count{range.pages()};
    return n;
}

void write_outputs(const run_options& o, const machine& m, const input_identity& input, double host_seconds) {
    const machine_parts& parts = m.parts();
    if (!o.vmstat_file.empty())
        write_file(o.vmstat_file, format_vmstat(parts.snapshot(), parts.config.profile.vmstat));
    if (!o.zoneinfo_file.empty()) write_file(o.zoneinfo_file, format_zoneinfo(parts));
    if (!o.meminfo_file.empty())
        write_file(o.meminfo_file, format_meminfo(parts, committed_by(m.workload().space())));
    if (!o.buddyinfo_file.empty()) write_file(o.buddyinfo_file, format_buddyinfo(parts.home));
    if (!o.json_file.empty()) write_file(o.json_file, run_as_json(m, input, host_seconds).dump(1) + "\n");
}

} // namespace

int run_command(const run_options& o) {
    check_writable("--vmstat", o.vmstat_file);
    check_writable("--zoneinfo", o.zoneinfo_file);
    check_writable("--meminfo", o.meminfo_file);
    check_writable("--buddyinfo", o.buddyinfo_file);
    check_writable("--json", o.json_file);
    opened_input input = open_input(o.input, o.format);
    const memory_choice memory = choose_memory(o, input.identity.touched_pages);
    const auto began = std::chrono::steady_clock::now();
    machine m{configure(o, memory.pages)};
    m.start(*input.stream, input.ranges);
    {
        progress_bar bar{o.quiet ? 0 : input.identity.records};
        while (m.step()) bar.show(input.stream->counts().records);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const double host_seconds = took.count();
    input.identity.records = input.stream->counts().records;
    input.identity.skipped = input.stream->counts().skipped;

    if (!o.quiet) {
        write_file("-", memory.note + format_summary(m, input.identity));
        const double rate = static_cast<double>(m.workload().accesses()) / std::max(host_seconds, 1e-9) / 1e6;
        write_file("-", fmt::format("{:<12}{:.3f} s ({:.1f} million accesses a second)\n", "host",
                                    host_seconds, rate));
    }
    write_outputs(o, m, input.identity, host_seconds);
    if (const auto& error = m.workload().error()) throw usage_error{to_string(*error)};
    return ended;
}

} // namespace pagesim::program
