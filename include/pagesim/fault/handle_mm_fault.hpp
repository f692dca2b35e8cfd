// SPDX-License-Identifier: MIT
// A process touches memory and the MMU says no: which kind of fault is it?
//
//     no descriptor, anonymous range    do_anonymous_page   the zero page for a read, a new frame for a write
//     no descriptor, range of a file    do_fault            the page cache's page, or a copy of it
//     a swap entry                      do_swap_page        back from swap
//     present, write to read-only       do_wp_page          ours alone: reuse; shared or zero page: copy
//     present otherwise                 access flag or dirty state kept by software: set it
//
// Missing page tables are allocated first. Every call counts pgfault, so a fault that had to wait for a
// page in flight and runs a second time counts twice, as in the kernel.
//
//                         do_swap_page (6.1)
//     in the swap cache? ── yes ─────────────────────────────> locked? ── no ──> map
//            │ no                                                 │ yes: a read in flight
//            ├─ device answers at once, one user: a frame,        └─> wait, then the whole fault again
//            │  read, no swap cache ──────────────────────────> map
//            └─ else readahead: window of 1: read, wait, map;  larger: read all, then as above
//
// A page read through the swap cache stays in it, clean, with its slot, until it is written (then the slot
// is given back at once if nobody else holds the page) or swap is more than half full.
//
// 5.8 differs (kernel_profile): a write to a page of one user takes it out of the swap cache whatever else
// (reuse_swap_page), a page from swap is activated when it is mapped, provided that it is on a list by then,
// and each one that is read raises the cost of anonymous pages.
//
// handle_mm_fault is called until it is done; the answer is in the cursor.
//
// Source: mm/memory.c of Linux 6.1 and 5.8. Left out: files, sharing by fork, huge pages, userfaultfd.
#pragma once

#include <pagesim/fault/fault_context.hpp>

namespace pagesim {

step_result handle_mm_fault(const fault_context& fc, mm& owner, fault_cursor& f);

// The parts, one file each.
step_result do_anonymous_page(const fault_context& fc, mm& owner, fault_cursor& f);
step_result do_swap_page(const fault_context& fc, mm& owner, fault_cursor& f);
step_result do_wp_page(const fault_context& fc, mm& owner, fault_cursor& f);
step_result do_fault(const fault_context& fc, mm& owner, fault_cursor& f);
// A store to a page of a shared file mapping that is present and read-only.
step_result wp_page_shared(const fault_context& fc, mm& owner, fault_cursor& f);

// A frame nobody has seen: maps it, writable, young and dirty, and lets it join the lists.
void map_new_page(const fault_context& fc, mm& owner, const fault_cursor& f, page& p);

// kernel 5.8: reuse_swap_page(): whether descriptors and swap entries that name the page are at most one. If
// so the page leaves the swap cache, unless it is being written.
[[nodiscard]] bool reuse_swap_page(const fault_context& fc, page& p);

// Allocates one frame for the fault: done with f.alloc.result, or f.outcome says out of memory.
step_result fault_alloc(const fault_context& fc, fault_cursor& f, gfp_flags gfp);

} // namespace pagesim
