// SPDX-License-Identifier: MIT
// Reclaim, keep or activate: what a reference to a page on the inactive list means.
//
//     young ranges   PG_referenced before    6.1 (anonymous like file)
//     0              no                      reclaim
//     0              yes                     reclaim; a file page only if it is clean: read(2) used it
//     1              no                      keep, and set PG_referenced: the second chance
//     1              yes                     activate
//     1              no, on the file lists   activate if one of the ranges is executable: code is spared the wait
//     2 or more      any                     activate
//     a locked range                         activate (and the page is mlocked)
//
// A kernel before 5.9 activates a swap-backed page at its first reference (kernel_profile::anon_references), and
// lets a page of a locked range pass: try_to_unmap will find the lock (kernel_profile::locked_ranges).
//
// "File" is who is not swap-backed here: a page of MADV_FREE is judged as one.
//
// Source: folio_check_references, mm/vmscan.c of Linux 6.1; page_check_references of 5.8 and 5.10.
#pragma once

#include <pagesim/reclaim/context.hpp>

namespace pagesim {

enum class page_references : std::uint8_t {
    reclaim,
    reclaim_clean, // but if it is dirty, keep
    keep,
    activate
};

struct reference_check {
    page_references outcome = page_references::reclaim;
    why reason = why::reclaimed;
};

// Clears the access flags and PG_referenced on the way.
[[nodiscard]] reference_check page_check_references(const reclaim_context& rc, page& p);

} // namespace pagesim
