// SPDX-License-Identifier: MIT
// mlock, munlock, mlockall: pages that reclaim may not take.
//
//     mlock    1. the ranges get VM_LOCKED, split where the call begins and ends
//              2. pages that are there get PG_mlocked and move to the unevictable list
//              3. the missing ones are faulted in, by a store where that is allowed (kernel: populate), and never leave
//     munlock  1. the ranges lose VM_LOCKED
//              2. their pages lose PG_mlocked and come back to the inactive list, used or not
//
//     mlockall    MCL_CURRENT: mlock of every range, but what can't be is passed over. MCL_FUTURE: ranges that
//                 come by mmap, brk and growth are locked and filled (mm::def_flags). A child of fork has neither.
//     munlockall  munlock of every range, and an end to MCL_FUTURE
//
// What is locked already is left alone. One call works through what one table of descriptors covers (2 MiB), or one
// fault.
//
// Source: do_mlock, mlock_fixup, mlock_pte_range, populate_vma_page_range, apply_mlockall_flags (mm/mlock.c,
// mm/gup.c), Linux 6.1; mlock_vma_page and munlock_vma_pages_range of 5.8 and 5.10 by kernel_profile::mlocks. Left
// out: RLIMIT_MEMLOCK (the process has CAP_IPC_LOCK), MLOCK_ONFAULT, MCL_ONFAULT.
#pragma once

#include <pagesim/fault/handle_mm_fault.hpp>
#include <pagesim/process/mm_error.hpp>

namespace pagesim {

enum class lock_action : std::uint8_t { mlock, munlock };

struct lock_cursor {
    enum class phase : std::uint8_t { begin, marking, populating };
    phase at = phase::begin;
    vpn next{0};
    vpn part_end{0}; // of what is being marked
    bool faulting = false;
    fault_cursor fault;
    mm_error error = mm_error::none;                 // enomem: a page in no range, or too many ranges
    fault_outcome outcome = fault_outcome::resolved; // out_of_memory: the task must die
};

// Pages [first, end). Stops at the first that is in no range. Call until done.
step_result change_lock(const fault_context& fc, mm& owner, lock_action what, vpn first, vpn end,
                        lock_cursor& c);
// The third step alone, from c.next on (kernel: mm_populate()). Call until done.
step_result populate(const fault_context& fc, mm& owner, vpn end, lock_cursor& c);

// kernel: MCL_*.
enum class mcl : std::uint8_t { current, future };
using mcl_flags = flag_set<mcl, std::uint8_t>;

struct mlockall_cursor {
    enum class phase : std::uint8_t { begin, marking, populating };
    phase at = phase::begin;
    vpn end{0}; // of the range at hand; the next is the first above it
    lock_cursor range;

    // out_of_memory: the task must die.
    [[nodiscard]] fault_outcome outcome() const { return range.outcome; }
};
// mlockall(flags); without flags munlockall(). Call until done.
step_result mlockall(const fault_context& fc, mm& owner, mcl_flags flags, mlockall_cursor& c);

} // namespace pagesim
