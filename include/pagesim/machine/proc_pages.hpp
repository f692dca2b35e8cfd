// SPDX-License-Identifier: MIT
// What the kernel tells of each frame: /proc/kpageflags and /proc/kpagecount, a number of 64 bits a frame, from frame 0
// on.
//
//     kpageflags   bit 5 lru, 6 active, 10 buddy, 11 mmap, 12 anon, 13 swapcache, ...   (enum class kpf below)
//     kpagecount   how many descriptors map it; 0 for a table of descriptors
//
// The bits are those of the kernel's interface, not those of struct page. Most are copied from a flag; some are read
// off the frame: a frame anywhere in a free block is "buddy", one that a descriptor maps is "mmap". Two flags mean two
// things, and so have two bits each: a page in the swap cache is also owner_private, and a page of 6.1 that is its
// process's alone shows as mappedtodisk.
//
// Left out, and always 0: slab, compound and huge pages, KSM, poisoned, offline and idle pages. A frame on a per-CPU
// list shows nothing, as in the kernel. A frame of a zram pool shows nothing either, where the kernel marks the first
// of each group as private and, as its map count holds another number, prints some count for it.
//
// Source: stable_page_flags, kpagecount_read (fs/proc/page.c), Linux 5.10 and 6.1; the bits are in
// Documentation/admin-guide/mm/pagemap.rst.
#pragma once

#include <pagesim/machine/parts.hpp>

#include <cstdint>
#include <span>

namespace pagesim {

// kernel: KPF_*, the bits of /proc/kpageflags.
enum class kpf : std::uint8_t {
    locked = 0,
    error = 1,
    referenced = 2,
    uptodate = 3,
    dirty = 4,
    lru = 5,
    active = 6,
    writeback = 8,
    reclaim = 9,
    buddy = 10,
    mmap = 11,
    anon = 12,
    swapcache = 13,
    swapbacked = 14,
    unevictable = 18,
    zero_page = 24,
    pgtable = 26,
    reserved = 32,
    mlocked = 33,
    mappedtodisk = 34,
    private_ = 35,
    owner_private = 37,
};

[[nodiscard]] constexpr std::uint64_t bit_of(kpf f) { return 1ULL << static_cast<unsigned>(f); }

// The frame's word in /proc/kpageflags.
[[nodiscard]] std::uint64_t stable_page_flags(const machine_parts& m, pfn n);
// The frame's word in /proc/kpagecount.
[[nodiscard]] std::uint64_t kpagecount(const machine_parts& m, pfn n);

// The same of the frames from `first` on, all of which must exist.
void read_kpageflags(const machine_parts& m, pfn first, std::span<std::uint64_t> out);
void read_kpagecount(const machine_parts& m, pfn first, std::span<std::uint64_t> out);

} // namespace pagesim
