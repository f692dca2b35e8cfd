// SPDX-License-Identifier: MIT
// The kernel's texts about memory, as /proc shows them: meminfo, zoneinfo, buddyinfo, pagetypeinfo, swaps. (/proc/vmstat
// is in stat/vmstat.hpp, what is told of each frame in proc_pages.hpp, of each process in proc_pid.hpp.)
//
// Layout and order of lines are those of the machine's kernel profile (arm64, Debian's configuration), so whatever reads
// the real files reads these. What is not modelled is there with the value 0: files, slab, kernel stacks, huge
// pages, CMA, and on a machine of the simulator's own making the memory of other processes. Numbers are exact where
// the kernel's may lag by its per-CPU differentials.
//
// Source: fs/proc/meminfo.c, mm/vmstat.c, si_mem_available (mm/page_alloc.c), Linux 5.8 and 6.1.
#pragma once

#include <pagesim/machine/parts.hpp>

#include <cstdint>
#include <string>

namespace pagesim {

// /proc/meminfo. `committed`: the private writable pages of all processes (Committed_AS).
[[nodiscard]] std::string format_meminfo(const machine_parts& m, page_count committed);

// Pages that could be had without swapping: free ones above the reserve, and the part of the file pages and of the
// reclaimable slab that reclaim would not fight for (kernel: si_mem_available).
[[nodiscard]] page_count mem_available(const machine_parts& m);

// /proc/zoneinfo: every zone type, with memory or without. Reads every frame if several zones have memory.
[[nodiscard]] std::string format_zoneinfo(const machine_parts& m);

// One zone item of /proc/zoneinfo. Reads every frame if several zones have memory.
[[nodiscard]] std::uint64_t zone_value(const machine_parts& m, const zone& z, const vmstat_line& line);
// /proc/swaps: an area a line, by type. A device is named after its kind and the number among its kind: /dev/zram0,
// /dev/flash0, /dev/disk0 (one that rotates).
[[nodiscard]] std::string format_swaps(const machine_parts& m);

// /proc/buddyinfo: free blocks of each order, a line a zone.
[[nodiscard]] std::string format_buddyinfo(const node& home);

// /proc/pagetypeinfo: the same by migratetype, and how many pageblocks are of each.
[[nodiscard]] std::string format_pagetypeinfo(const node& home);

} // namespace pagesim
