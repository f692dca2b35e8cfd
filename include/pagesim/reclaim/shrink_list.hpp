// SPDX-License-Identifier: MIT
// One list, at most 32 pages of it: deactivate (active) or reclaim (inactive).
//
// Source: shrink_list, shrink_active_list, shrink_inactive_list of mm/vmscan.c, Linux 6.1.
#pragma once

#include <pagesim/reclaim/shrink_page_list.hpp>

namespace pagesim {

// kernel: shrink_active_list(). Takes up to n pages off the tail of the active list and puts them at the
// head of the inactive one, used lately or not: whoever uses them again is moved back from there. Only a file page that
// an executable range used goes around the active list once more.
void shrink_active_list(const reclaim_context& rc, scan_control& sc, unsigned n, lru_type type);

// Isolate, judge, put back the rest. If all were dirty and waiting for the flusher, it is woken.
struct shrink_inactive_cursor {
    enum class phase : std::uint8_t { begin, judging };
    phase at = phase::begin;
    bool waited_for_isolated = false;
    std::uint64_t nr_taken = 0;
    std::uint64_t nr_scanned = 0; // to take these
    shrink_page_list_cursor pages;
    std::uint64_t nr_reclaimed = 0; // the result
};

step_result shrink_inactive_list(const reclaim_context& rc, scan_control& sc, shrink_inactive_cursor& c,
                                 unsigned n, lru_type type, io_plug& plug);

struct shrink_list_cursor {
    lru_list list = lru_list::inactive_anon;
    unsigned n = 0;
    shrink_inactive_cursor inactive;
};

// kernel: shrink_list(). Reclaimed pages end in c.inactive.nr_reclaimed.
step_result shrink_list(const reclaim_context& rc, scan_control& sc, shrink_list_cursor& c, io_plug& plug);

// kernel: too_many_isolated(): a direct reclaimer waits while others hold more than their share.
[[nodiscard]] bool too_many_isolated(const reclaim_context& rc, const scan_control& sc, lru_type type);

} // namespace pagesim
