// SPDX-License-Identifier: MIT
// What the kernel writes to its log when the OOM killer was at work: kept as data, and as text in the kernel's layout.
//
//     [    0.123456] a invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
//     [    0.123456] Mem-Info: ...                  the node, each zone, its free blocks, swap
//     [    0.123456] Tasks state (memory values in pages): ...
//     [    0.123456] oom-kill:constraint=CONSTRAINT_NONE,...,task=b,pid=1002,uid=0
//     [    0.123456] Out of memory: Killed process 1002 (b) total-vm:4096kB, ...
//     [    2.128000] oom_reaper: reaped process 1002 (b), now anon-rss:0kB, ...
//
// The layout is that of the machine's kernel profile. What is not modelled is 0; left out are the kernel's registers
// and call trace. In gfp_mask stand the bits that the simulator knows.
//
// Source: dump_header, dump_tasks, dump_oom_summary, __oom_kill_process, oom_reap_task_mm (mm/oom_kill.c),
// show_free_areas (mm/page_alloc.c), show_mem (lib/show_mem.c).
#pragma once

#include <pagesim/machine/oom_killer.hpp>
#include <pagesim/machine/parts.hpp>

#include <array>
#include <vector>

namespace pagesim {

struct zone_report {
    zone_type type = zone_type::dma;
    std::uint64_t free = 0;
    std::uint64_t boost = 0;
    watermarks marks; // boost included
    std::array<std::uint64_t, 5> lists{};
    std::uint64_t write_pending = 0;
    std::uint64_t present = 0;
    std::uint64_t managed = 0;
    std::uint64_t mlocked = 0;
    std::uint64_t page_tables = 0;
    std::uint64_t free_pcp = 0;
    per_zone lowmem_reserve{};
    std::array<std::uint64_t, max_order> blocks{}; // free ones of each order
    std::array<std::string, max_order> types{};    // which migratetypes have some: "UME"
};

struct memory_report {
    vmstat_lines kernel = vmstat_lines::of_6_1;
    vmstat stat;
    bool all_unreclaimable = false;
    std::vector<zone_report> zones;
    std::uint64_t swap_free = 0;
    std::uint64_t swap_total = 0;
    std::uint64_t ram = 0;
    std::uint64_t reserved = 0;
};
[[nodiscard]] memory_report report_memory(const machine_parts& m);

// What became of the OOM reaper's visit.
struct reaper_report {
    sim_time time{};
    bool reaped = false;
    std::uint64_t anon_rss = 0; // what is left, pages
    std::uint64_t file_rss = 0;
    std::uint64_t shmem_rss = 0;
};

struct oom_report {
    sim_time time{};
    std::string invoker;
    int invoker_adj = 0;
    oom_request request;
    memory_report memory;
    std::vector<oom_candidate> tasks;      // those with an address space are listed
    std::optional<oom_candidate> victim{}; // none: nobody could be killed
    std::int64_t points = 0;               // of the victim
    std::optional<reaper_report> reaper{};
};

// Lines with the kernel's time stamps; ends with a newline.
[[nodiscard]] std::string format_oom_report(const oom_report& r);

} // namespace pagesim
