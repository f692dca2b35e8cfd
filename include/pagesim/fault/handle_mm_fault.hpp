// SPDX-License-Identifier: MIT
// A process touches memory and the MMU says no: which kind of fault is it?
//
//     no descriptor, anonymous range    do_anonymous_page   the zero page for a read, a new frame for a write
//     no descriptor, range of a file    do_fault            the page cache's page, or a copy of it
//     a swap entry                      do_swap_page        back from swap
//     present, write to read-only       do_wp_page          ours alone: reuse; shared or zero page: copy
//     present otherwise                 access flag or dirty state kept by software: set it
//
// Before that: is the access allowed at all? An address in no range is a map error, unless the range above may grow down
// to it (expand_stack); a range without the permission is an access error. Neither counts as a fault, and either ends
// the task. On arm64 a read is content with any permission, a store needs write, a fetch exec.
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
// A store to a page that a fork has shared makes a copy, unless nobody else is left: each kernel has a rule of its own for
// how it knows (kernel_profile::reuse). What is reused belongs to its range's own anon_vma from then on (5.8, 6.1).
//
// Source: mm/memory.c of Linux 6.1 and 5.8, arch/arm64/mm/fault.c. Left out: files, huge pages, userfaultfd.
#pragma once

#include <pagesim/fault/fault_context.hpp>

namespace pagesim {

step_result handle_mm_fault(const fault_context& fc, mm& owner, fault_cursor& f);

// kernel: expand_stack(): a range that grows downwards takes in the page, if it stays below its limit and keeps 256 pages
// from what lies below. Null if no range can.
[[nodiscard]] vma* expand_stack(const fault_context& fc, mm& owner, vpn n);

// The parts, one file each.
step_result do_anonymous_page(const fault_context& fc, mm& owner, fault_cursor& f);
step_result do_swap_page(const fault_context& fc, mm& owner, fault_cursor& f);
step_result do_wp_page(const fault_context& fc, mm& owner, fault_cursor& f);
step_result do_fault(const fault_context& fc, mm& owner, fault_cursor& f);
// A store to a page of a shared file mapping that is present and read-only.
step_result wp_page_shared(const fault_context& fc, mm& owner, fault_cursor& f);

// A frame nobody has seen: maps it, writable, young and dirty, and lets it join the lists.
void map_new_page(const fault_context& fc, mm& owner, const fault_cursor& f, page& p);

// kernel 5.8: reuse_swap_page(): how many descriptors and swap entries name the page. If it is one the page leaves the
// swap cache, unless it is being written; more than one must not write to it.
[[nodiscard]] std::int32_t reuse_swap_page(const fault_context& fc, page& p);

// The tables on the way to `n`, the root included, one after the other (kernel: pte_alloc). Call until done;
// alloc.outcome may then be out_of_memory.
step_result add_tables(const fault_context& fc, mm& owner, vpn n, alloc_cursor& alloc);

// Allocates one frame for the fault: done with f.alloc.result, or f.outcome says out of memory.
step_result fault_alloc(const fault_context& fc, fault_cursor& f, gfp_flags gfp);

} // namespace pagesim
