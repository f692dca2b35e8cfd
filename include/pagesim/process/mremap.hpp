// SPDX-License-Identifier: MIT
// mremap: a mapping gets another size, or another place.
//
//     smaller                          the tail is unmapped
//     larger, and there is room        the range grows, and joins what it then touches
//     larger, and there is none        it moves, if it may: a range of the new size elsewhere with the same page numbers,
//                                      every descriptor carried over, the old pages unmapped (they are empty)
//
// A page does not notice that it moved: it keeps its number, so the reverse mapping finds it in whichever of the two
// ranges its descriptor is, and nothing is copied but descriptors. A range without pages of its own gets the number that
// belongs to its new place, so that it may join the neighbours there.
//
// Source: sys_mremap, move_vma, copy_vma, move_page_tables (mm/mremap.c, mm/mmap.c), Linux 6.1. One call moves what one
// table covers (2 MiB). Left out: MREMAP_FIXED, MREMAP_DONTUNMAP, old length 0.
#pragma once

#include <pagesim/process/mmap.hpp>

namespace pagesim {

enum class moving : std::uint8_t { forbidden, allowed };

struct mremap_request {
    vpn first{0};
    page_count old_pages;
    page_count new_pages;
    moving may_move = moving::allowed;
};

struct mremap_cursor {
    enum class phase : std::uint8_t { begin, shrinking, tables, unmapping, populating };
    phase at = phase::begin;
    vpn first{0};           // where the mapping is: the answer
    std::uint64_t done = 0; // pages moved
    alloc_cursor alloc;
    munmap_cursor tail;
    lock_cursor fill;
    mm_error error = mm_error::none;
    fault_outcome outcome = fault_outcome::resolved; // out_of_memory: the task must die
};

// Call until done; then c.error and c.first.
step_result mremap(const fault_context& fc, mm& owner, const mremap_request& q, mremap_cursor& c);

} // namespace pagesim
