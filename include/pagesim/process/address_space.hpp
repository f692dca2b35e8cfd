// SPDX-License-Identifier: MIT
// Ranges are cut and joined: a system call that changes a part of a range (mprotect or mlock of a part, munmap) works
// on whole ranges, so it cuts what it needs, and what has become like its neighbour joins it.
//
//     |------- a -------|      mlock of the middle      |- a -|# locked #|- a -|
//
// All parts keep the range's anon_vmas, and a page its number, whichever part it is in.
//
// When do [first, end) and a neighbour become one? If the neighbour has the flags and the file that [first, end) shall
// have, its page numbers go on where [first, end) ends or begins, and
//
//     neither has an anon_vma, or both the same, or only one has, and the neighbour's chain is a single link
//
// The last clause keeps ranges that came by fork apart: joined with fresh memory, they would make every fresh page look
// as if grandparents might map it. It also keeps a neighbour without an anon_vma from taking in a part that has one. If
// both neighbours fit, the three become one, unless the neighbours have different anon_vmas: then only the lower joins.
//
//     lower | [first, end) |  upper         what is in [first, end) already (one range, or the end of one) is cut
//     ======|==============|  . . .         lower takes it in
//     . . . |==============|=======         upper takes it in
//     ======|==============|=======         lower takes both in
//
// A process may have 65530 ranges (vm.max_map_count); a cut that would add one more is refused.
//
// Source: split_vma, vma_merge, __vma_adjust (mm/mmap.c), Linux 5.8 to 6.1.
#pragma once

#include <pagesim/fault/fault_context.hpp>
#include <pagesim/process/mm_error.hpp>

namespace pagesim {

// What the pages of a stretch of addresses are, or shall be.
struct vma_traits {
    vm_flags flags;
    first_read on_read = first_read::zero_page;
    std::uint32_t anon_vma = 0;
    std::uint32_t file = 0;
    std::uint64_t pgoff = 0; // of its first page
};
// Those of `v` from `at` on.
[[nodiscard]] vma_traits traits_at(const vma& v, vpn at);

// Splits the range at `at`, within it; returns the upper part. Never refused (kernel: __split_vma).
vma& split_vma(const fault_context& fc, mm& owner, vma& v, vpn at);
// Splits the range that holds `at`, unless one begins there or none holds it. enomem: there are too many ranges.
[[nodiscard]] mm_error split_at(const fault_context& fc, mm& owner, vpn at);

// Gives [first, end) to a neighbour that is alike, or joins it with both; returns the range that then holds it, or null
// if it cannot be (kernel: vma_merge). What holds [first, end) so far, if anything does, is one range, and [first, end)
// is the whole of it or one of its ends.
vma* vma_merge(const fault_context& fc, mm& owner, vpn first, vpn end, const vma_traits& t);

// A new range, joined with its neighbours where they are alike. [first, end) is free.
vma& add_range(const fault_context& fc, mm& owner, vpn first, vpn end, const vma_traits& t);

// The pages [first, end) of `v` get other flags: joined with neighbours or cut out. The range that holds them, or null
// if there are too many.
vma* change_flags(const fault_context& fc, mm& owner, vma& v, vpn first, vpn end, vm_flags flags);

// Adds a copy of `v`; a file learns of its range (kernel: vma_link()).
vma& insert_range(const fault_context& fc, mm& owner, const vma& v);
// The range shrinks or grows to that; pages outside must be gone, or another range's.
void set_bounds(const fault_context& fc, vma& v, vpn first, vpn end);
// Forgets a range that has no pages, or whose pages another range has taken over.
void erase_range(const fault_context& fc, mm& owner, vma& v);

} // namespace pagesim
