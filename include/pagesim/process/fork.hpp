// SPDX-License-Identifier: MIT
// fork: a child with the same memory, of which nothing is copied until somebody writes.
//
//     for each range of the parent      1. the child gets its like, not locked, and an anon_vma of its own below the
//                                          parent's (rmap/anon_vma.hpp)
//                                       2. if the range ever had a page of its own, its descriptors are copied:
//
//     descriptor of the parent          parent's afterwards        child's                  counts
//     ────────────────────────          ───────────────────        ───────────────────      ─────────────────────────
//     page, private                     no store without a fault   the same, old            reference and map count +1,
//                                       (dirty state is kept)                               no longer exclusive (6.1)
//     page, shared mapping              as it was                  the same, old, clean     reference and map count +1
//     zero page                         as it was                  the same, old            none
//     swap entry                        no longer exclusive (6.1)  the same                 the slot's count +1
//
// A range that never had a page of its own is left to the child's faults. The child's tables are new frames; nothing else
// is allocated, and nr_anon_pages stays, since it counts pages and not mappings. The parent's TLB entries go: it will not
// run before fork is over, so they go at the beginning, and the kernel's one flush at the end comes to the same.
//
// What fork takes besides new tables was not measured, and takes no time.
//
// Source: dup_mmap (kernel/fork.c), copy_page_range, copy_present_pte (mm/memory.c), Linux 5.8 to 6.1. One call copies what
// one table covers (2 MiB). Left out: MADV_DONTFORK and WIPEONFORK, pages pinned by get_user_pages.
#pragma once

#include <pagesim/process/address_space.hpp>

namespace pagesim {

struct fork_cursor {
    enum class phase : std::uint8_t { begin, root, next_range, copying };
    phase at = phase::begin;
    vpn from{0}; // the next range is the first above it
    vpn next{0}; // of the range being copied
    vpn end{0};
    alloc_cursor alloc;
    fault_outcome outcome =
        fault_outcome::resolved; // out_of_memory: there is no child, exit_mmap clears the rest up
};

// Makes `child`, new and without even a root table, like `parent`. Call until done.
step_result fork_mm(const fault_context& fc, mm& parent, mm& child, fork_cursor& c);

} // namespace pagesim
