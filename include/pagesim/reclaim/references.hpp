// SPDX-License-Identifier: MIT
// Reclaim, keep or activate: what a reference to a page on the inactive list means.
//
//     young ranges   PG_referenced before    6.1 (anonymous like file)
//     0              any                     reclaim
//     1              no                      keep, and set PG_referenced: the second chance
//     1              yes                     activate
//     2 or more      any                     activate
//     a locked range                         activate (and the page is mlocked)
//
// A kernel before 5.9 activates an anonymous page at its first reference (kernel_profile::anon_references), and
// lets a page of a locked range pass: try_to_unmap will find the lock (kernel_profile::locked_ranges).
//
// Source: folio_check_references, mm/vmscan.c of Linux 6.1. The rules for file pages come with file pages.
#pragma once

#include <pagesim/reclaim/context.hpp>

namespace pagesim {

enum class page_references : std::uint8_t { reclaim, keep, activate };

struct reference_check {
    page_references outcome = page_references::reclaim;
    why reason = why::reclaimed;
};

// Clears the access flags and PG_referenced on the way.
[[nodiscard]] reference_check page_check_references(const reclaim_context& rc, page& p);

} // namespace pagesim
