// SPDX-License-Identifier: MIT
// kswapd: reclaim in the background.
//
//                        wakeup_kswapd (an allocation found a zone below low)
//                                  │
//      sleeping ── full sleep ─────┤
//         ^                        v
//         │                  balance_pgdat: priority 12, 11, ... 1 until one zone is above high
//         │                        │
//         └── balanced and still so after 100 ms ── short sleep (100 ms, a wake ends it early)
//
// The sleep has two stages. kswapd first sleeps at most 100 ms; only if nobody woke it and the node is
// still balanced does it sleep for good. Otherwise it starts over, and counts why:
// kswapd_low_wmark_hit_quickly (woken early) or kswapd_high_wmark_hit_quickly (no longer balanced).
//
// balance_pgdat lowers the priority when a round reclaimed nothing, or scanned less than it was to reclaim.
// It never reaches 0. While it runs only to take back a watermark boost it neither writes nor swaps, and
// stops at priority 10. After 16 runs in a row that freed nothing it is left asleep.
//
// kswapd is a task: its CPU time is time that the workload does not get. kswapd_step does one atom.
//
// Source: kswapd, kswapd_try_to_sleep, balance_pgdat, kswapd_shrink_node, wakeup_kswapd of mm/vmscan.c,
// Linux 6.1. When a boost was reclaimed for, and when kswapd naps after a request for a block of pages, it asks
// kcompactd (compaction/kcompactd.hpp) to make one.
#pragma once

#include <pagesim/reclaim/shrink_node.hpp>

#include <array>

namespace pagesim {

inline constexpr unsigned max_reclaim_retries = 16; // kernel: MAX_RECLAIM_RETRIES

// kernel: wakeup_kswapd(). Notes the request, and wakes kswapd unless it runs, gave up, or the node is
// balanced.
void wakeup_kswapd(const reclaim_context& rc, unsigned order, zone_type highest_zoneidx, gfp_flags gfp);

// kernel: pgdat_balanced(): some zone up to `highest` passes its high watermark.
[[nodiscard]] bool pgdat_balanced(const reclaim_context& rc, unsigned order, zone_type highest);

// kernel: wakeup_kcompactd(). Notes the request, and wakes kcompactd if it sleeps and some zone is suitable.
void wakeup_kcompactd(const reclaim_context& rc, unsigned order, zone_type highest_zoneidx);

// Where balance_pgdat is.
struct balance_cursor {
    enum class phase : std::uint8_t { begin, round, shrinking };
    phase at = phase::begin;
    scan_control sc;
    std::array<std::uint64_t, max_nr_zones> zone_boosts{};
    std::uint64_t nr_boost_reclaim = 0;
    bool boosted = false;
    bool raise_priority = true;
    std::uint64_t reclaimed_before = 0;
    shrink_node_cursor node;
};

// Where the daemon's loop is.
struct kswapd_cursor {
    enum class phase : std::uint8_t { try_to_sleep, short_sleep, long_sleep, balance };
    phase at = phase::try_to_sleep;
    unsigned alloc_order = 0;
    zone_type highest_zoneidx = zone_type::movable;
    sim_time nap_ends{};
    balance_cursor balance;
};

step_result balance_pgdat(const reclaim_context& rc, balance_cursor& c, unsigned order, zone_type highest);
// Never done: sleeps when there is nothing to do.
step_result kswapd_step(const reclaim_context& rc, kswapd_cursor& c);

} // namespace pagesim
