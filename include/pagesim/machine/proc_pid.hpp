// SPDX-License-Identifier: MIT
// What /proc/PID tells of a process: maps, smaps, smaps_rollup, pagemap, status, stat, statm.
//
//     maps       a line a range:  start-end perms offset device inode   name
//     smaps      the same, and below each what of it is in memory and in swap, in kilobytes
//     pagemap    64 bits a virtual page, 0 where nothing is:
//
//                  63      62      61      60..57  56         55    54..................5  4.......0
//                  present swapped file or zeros   mapped     zero  frame (55 bits)
//                                  shmem           only here        slot of swap           area
//
// Who counts what. Rss is every present page but the zero page. Pss is the page's share: a page that n descriptors map
// counts 4096 / n, in 4096ths of a byte, cut off; so the Pss of all processes add up to what they have in memory. A page
// that more than one descriptor maps is "shared", whoever owns them; it is "dirty" if its descriptor or its struct page
// says so, "referenced" likewise. A page of MADV_FREE that nobody wrote to since is "LazyFree". A slot of swap is shared
// out like a page (SwapPss). Of shared memory that no descriptor maps, what lies in swap counts as Swap and has no Pss.
//
// bit 55 (soft-dirty) is always 0: arm64 has no such bit. Lines of what is not modelled (huge pages, file locks) are there
// with the value 0, and THPeligible is 0 as with transparent_hugepage=never. A range's VM_ACCOUNT is not kept: "ac" stands
// with a private range that can be written, or has pages of its own. Names: files are /NAME on device 103:00 with their
// number as inode, shared anonymous memory is "/dev/zero (deleted)" on 00:01. status leaves out the high-water marks
// VmPeak and VmHWM, signals and capabilities; stat has its 52 numbers, with no faults counted and all CPU time as utime.
//
// A process that exits has no address space any more: its files are empty, and status tells no sizes.
//
// Source: fs/proc/task_mmu.c and fs/proc/array.c, Linux 5.10 and 6.1.
#pragma once

#include <pagesim/machine/task.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace pagesim {

inline constexpr std::uint64_t clock_tick = 10'000'000; // ns; kernel: USER_HZ is 100

// kernel: struct mem_size_stats. Bytes; each pss in 4096ths of a byte.
struct mem_size_stats {
    std::uint64_t resident = 0;
    std::uint64_t shared_clean = 0;
    std::uint64_t shared_dirty = 0;
    std::uint64_t private_clean = 0;
    std::uint64_t private_dirty = 0;
    std::uint64_t referenced = 0;
    std::uint64_t anonymous = 0;
    std::uint64_t lazyfree = 0;
    std::uint64_t swap = 0;
    std::uint64_t pss = 0;
    std::uint64_t pss_anon = 0;
    std::uint64_t pss_file = 0;
    std::uint64_t pss_shmem = 0;
    std::uint64_t pss_dirty = 0;
    std::uint64_t pss_locked = 0;
    std::uint64_t swap_pss = 0;

    mem_size_stats& operator+=(const mem_size_stats& o);
};
inline constexpr unsigned pss_shift = 12; // kernel: PSS_SHIFT

// Of one range (kernel: smap_gather_stats()).
[[nodiscard]] mem_size_stats smap_gather_stats(const machine_parts& m, const vma& range);

[[nodiscard]] std::string format_maps(const machine_parts& m, const mm& space);
[[nodiscard]] std::string format_smaps(const machine_parts& m, const mm& space);
[[nodiscard]] std::string format_smaps_rollup(const machine_parts& m, const mm& space);

// ---- pagemap

namespace pagemap_bit {

inline constexpr std::uint64_t mmap_exclusive = 1ULL << 56U;
inline constexpr std::uint64_t file = 1ULL << 61U;
inline constexpr std::uint64_t swap = 1ULL << 62U;
inline constexpr std::uint64_t present = 1ULL << 63U;
inline constexpr std::uint64_t frame_mask = (1ULL << 55U) - 1;
inline constexpr unsigned swap_type_bits = 5; // kernel: MAX_SWAPFILES_SHIFT

} // namespace pagemap_bit

// What pagemap says of a page with that descriptor (kernel: pte_to_pagemap_entry()).
[[nodiscard]] std::uint64_t pagemap_entry(const machine_parts& m, descriptor d);
// Calls visit(page, entry) for every entry that is not 0, in the order of addresses.
void for_each_pagemap_entry(const machine_parts& m, const mm& space,
                            const std::function<void(vpn, std::uint64_t)>& visit);
// The end of the highest range: no entry lies there or above.
[[nodiscard]] vpn pagemap_end(const mm& space);

// ---- of the task

// Whether there is a /proc/PID: not once everything was given back.
[[nodiscard]] inline bool has_proc_entry(const workload_task& p) { return !p.gone(); }
// Its address space as /proc sees it: null for one that exits.
[[nodiscard]] inline const mm* proc_mm(const workload_task& p) {
    return p.exiting() || p.gone() ? nullptr : &p.space();
}

// State D: asleep, and not in nanosleep(), which waits for nothing but the time and which any signal ends.
[[nodiscard]] bool waits_uninterruptibly(const workload_task& p);

[[nodiscard]] std::string format_pid_status(const workload_task& p);
[[nodiscard]] std::string format_pid_stat(const workload_task& p);
[[nodiscard]] std::string format_pid_statm(const workload_task& p);

} // namespace pagesim
