// SPDX-License-Identifier: MIT
// /proc/PID/pagemap, status, stat and statm (kernel: fs/proc/task_mmu.c, fs/proc/array.c).
#include <pagesim/machine/proc_pid.hpp>

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace pagesim {

// ---- pagemap

std::uint64_t pagemap_entry(const machine_parts& m, descriptor d) {
    namespace bit = pagemap_bit;
    if (d.none()) return 0;
    if (d.is_swap()) {
        const swap_entry e = entry_in(d, m.config.profile.swap_pte);
        return bit::swap | ((e.offset << bit::swap_type_bits | e.type) & bit::frame_mask);
    }
    const std::uint64_t entry = bit::present | (raw(d.frame()) & bit::frame_mask);
    if (d.special()) return entry; // the zero page
    const page& p = m.frames[d.frame()];
    return entry | (p.anon() ? 0 : bit::file) | (p.mapcount() == 1 ? bit::mmap_exclusive : 0);
}

void for_each_pagemap_entry(const machine_parts& m, const mm& space,
                            const std::function<void(vpn, std::uint64_t)>& visit) {
    for (const vma& v : space.vmas()) {
        space.table().for_each_leaf(v.first, v.end, [&](vpn n, std::uint64_t word) {
            if (const std::uint64_t entry = pagemap_entry(m, descriptor{word}); entry != 0) visit(n, entry);
        });
    }
}

vpn pagemap_end(const mm& space) {
    vpn end{0};
    for (const vma& v : space.vmas()) end = v.end;
    return end;
}

// ---- status, stat, statm

namespace {

// By what may be done with them, pages (kernel: vm_stat_account()).
struct range_sizes {
    std::uint64_t locked = 0;
    std::uint64_t data = 0;
    std::uint64_t stack = 0;
    std::uint64_t exec = 0;
};

range_sizes sizes_of(const mm& space) {
    range_sizes s;
    for (const vma& v : space.vmas()) {
        const bool stack = v.flags.has(vm_flag::growsdown);
        const bool write = v.flags.has(vm_flag::write);
        if (v.flags.has(vm_flag::locked)) s.locked += v.pages();
        if (stack) {
            s.stack += v.pages();
        } else if (v.flags.has(vm_flag::exec) && !write) {
            s.exec += v.pages();
        } else if (write && !v.flags.has(vm_flag::shared)) {
            s.data += v.pages();
        }
    }
    return s;
}

// kernel: get_task_state().
std::string_view task_state(const workload_task& p) {
    if (!p.asleep) return "R (running)";
    return waits_uninterruptibly(p) ? "D (disk sleep)" : "S (sleeping)";
}

void put_sizes(std::string& out, const mm& space) {
    const auto line = [&out](std::string_view label, std::uint64_t pages) {
        fmt::format_to(std::back_inserter(out), "{}:\t{:>8} kB\n", label, pages << (page_shift - 10));
    };
    const range_sizes s = sizes_of(space);
    line("VmSize", space.total_vm());
    line("VmLck", s.locked);
    line("VmPin", 0);
    line("VmRSS", space.rss());
    line("RssAnon", space.anon_pages);
    line("RssFile", space.file_pages);
    line("RssShmem", space.shmem_pages);
    line("VmData", s.data);
    line("VmStk", s.stack);
    line("VmExe", 0);
    line("VmLib", s.exec);
    line("VmPTE", space.table_pages());
    line("VmSwap", space.swap_entries);
    line("HugetlbPages", 0);
}

} // namespace

bool waits_uninterruptibly(const workload_task& p) { return state_letter(p) == 'D'; }

std::string format_pid_status(const workload_task& p) {
    std::string out =
        fmt::format("Name:\t{}\nUmask:\t0022\nState:\t{}\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t1\n"
                    "TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t \n",
                    p.name(), task_state(p), p.pid(), p.pid());
    for (const std::string_view label : {"NStgid", "NSpid", "NSpgid", "NSsid"})
        fmt::format_to(std::back_inserter(out), "{}:\t{}\n", label, p.pid());
    if (const mm* const space = proc_mm(p)) put_sizes(out, *space);
    return out + "Threads:\t1\n";
}

std::string format_pid_stat(const workload_task& p) {
    const mm* const space = proc_mm(p);
    const std::uint64_t vsize = space == nullptr ? 0 : space->total_vm() << page_shift;
    const std::uint64_t brk = space == nullptr ? 0 : raw(space->start_brk);
    std::string out = fmt::format("{} ({}) {} 1 {} {} 0 -1 0 0 0 0 0", p.pid(), p.name(), task_state(p)[0],
                                  p.pid(), p.pid());
    // utime to itrealvalue; starttime, vsize, rss, rsslim.
    fmt::format_to(std::back_inserter(out), " {} 0 0 0 20 0 1 0", p.cpu_time.ns / clock_tick);
    fmt::format_to(std::back_inserter(out), " 0 {} {} {}", vsize, space == nullptr ? 0 : space->rss(),
                   ~std::uint64_t{0});
    // startcode to guest times; start_data, end_data, start_brk, and the rest.
    out += " 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0";
    fmt::format_to(std::back_inserter(out), " 0 0 {} 0 0 0 0 0\n", brk);
    return out;
}

std::string format_pid_statm(const workload_task& p) {
    const mm* const space = proc_mm(p);
    if (space == nullptr) return "0 0 0 0 0 0 0\n";
    const range_sizes s = sizes_of(*space);
    return fmt::format("{} {} {} 0 0 {} 0\n", space->total_vm(), space->rss(),
                       space->file_pages + space->shmem_pages, s.data + s.stack);
}

} // namespace pagesim
