// SPDX-License-Identifier: MIT
#include "run_setup.hpp"

#include <pagesim/workload/ops.hpp>

#include <algorithm>

namespace pagesim::program {

namespace {

constexpr page_count least_memory{512}; // 2 MiB

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

// A process alone is "the workload"; several are called as their inputs are.
process_options options_of(const run_options& o, const std::vector<opened_input>& inputs, std::size_t n) {
    process_options p;
    if (inputs.size() > 1) p.name = inputs[n].identity.name;
    if (n < o.oom_score_adj.size()) p.oom_score_adj = o.oom_score_adj[n];
    return p;
}

} // namespace

memory_choice choose_memory(const run_options& o, const std::vector<opened_input>& inputs) {
    if (!o.memory.empty()) return {.pages = parse_size("--memory", o.memory), .note = {}};
    std::uint64_t touched = 0;
    for (const opened_input& i : inputs) touched += i.identity.touched_pages;
    const page_count half{std::max(touched / 2, least_memory.value)};
    const std::string_view rule = touched / 2 < least_memory.value
                                      ? "the least, as half of the footprint would be less"
                                      : "half of the footprint";
    return {.pages = half,
            .note = fmt::format("memory: {} ({}; --memory chooses another size)\n",
                                format_bytes(half.bytes()), rule)};
}

kernel_profile kernel_of(const run_options& o) {
    return choose<kernel_profile>("--kernel", o.kernel,
                                  {{"6.1", linux_6_1}, {"5.10", linux_5_10}, {"5.8", linux_5_8}});
}

machine_config configure(const run_options& o, page_count memory) {
    machine_config c = machine_with(memory);
    c.profile = kernel_of(o);
    if (c.profile.name == linux_5_10.name) c.cost = costs_of_linux_5_10;
    c.cpu = choose<cpu_model>("--cpu", o.cpu, {{"cortex-a72", cortex_a72}, {"neoverse-n1", neoverse_n1}});
    configure_swap(c, o);
    c.reclaim.swappiness = o.swappiness;
    c.reclaim.page_cluster = o.page_cluster;
    c.reclaim.compaction_proactiveness = o.compaction_proactiveness;
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

std::vector<opened_input> open_inputs(const run_options& o) {
    std::vector<opened_input> out;
    for (const std::string& path : o.inputs) {
        out.push_back(open_input(path, o.format));
        if (auto* const ops = dynamic_cast<ops_stream*>(out.back().stream.get()); ops != nullptr)
            ops->performed_by({.file_alignment = file_mapping_alignment(kernel_of(o))});
        if (!o.quiet) print_account(out.back());
    }
    if (o.oom_score_adj.size() > out.size())
        throw usage_error{
            fmt::format("--oom-score-adj: {} values for {} inputs", o.oom_score_adj.size(), out.size())};
    return out;
}

void start_processes(const run_options& o, machine& m, const std::vector<opened_input>& inputs) {
    m.start(*inputs.front().stream, inputs.front().ranges, options_of(o, inputs, 0));
    for (std::size_t n = 1; n < inputs.size(); ++n) {
        m.add_process(*inputs[n].stream, options_of(o, inputs, n), inputs[n].ranges);
    }
}

std::string about(const machine& m, std::span<const opened_input> inputs) {
    std::string out = fmt::format("configuration {:016x}", config_hash(m.parts().config));
    for (const opened_input& i : inputs) {
        out += fmt::format("  {} ({}, fnv1a {:016x})", i.identity.name, i.identity.format, i.identity.hash);
    }
    return out;
}

} // namespace pagesim::program
