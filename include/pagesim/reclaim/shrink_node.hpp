// SPDX-License-Identifier: MIT
// One pass over the node.
//
// shrink_lruvec works the four lists in turn, 32 pages at a time, until the targets of get_scan_count are
// used up. Once enough was reclaimed it does not stop dead: it finds the type with less left to scan, drops
// that one, and cuts the other's target by the same percentage, so that the lists keep the proportion that
// was asked for. 6.1 looks again after each round, so at most one more round follows; 5.8 adjusts once and
// scans the rest to its end (kernel_profile::stop). A direct reclaimer's first pass (priority 12) never
// stops early.
//
//     targets 64 0 640 640, reclaim 32:   round 1 takes 32 of each; 64 reclaimed >= 32: file has more left, anon is
//     dropped at 49 % to go, file cut to 51 % of 640 = 326, 32 of them done; 6.1 does one more round, then stops
//
// shrink_node repeats nothing for order 0; after the lists the kernel's own objects have their turn (shrink_slab.hpp),
// then it notes what the pass met (pages still being
// written, dirty ones) and may make kswapd or the direct reclaimer wait for writeback.
//
// Source: shrink_node, shrink_lruvec, reclaim_throttle, consider_reclaim_throttle of mm/vmscan.c, Linux 6.1;
// mm/backing-dev.c of 5.8; mm/vmpressure.c of 5.10.
#pragma once

#include <pagesim/reclaim/scan_balance.hpp>
#include <pagesim/reclaim/shrink_list.hpp>

namespace pagesim {

struct shrink_lruvec_cursor {
    enum class phase : std::uint8_t { begin, next_list, in_list };
    phase at = phase::begin;
    scan_targets nr{};
    scan_targets targets{};
    bool proportional = false; // runs to the end
    bool adjusted = false;
    std::uint64_t nr_reclaimed = 0;
    unsigned list = 0;
    shrink_list_cursor current;
    io_plug plug;
};

step_result shrink_lruvec(const reclaim_context& rc, scan_control& sc, shrink_lruvec_cursor& c);

struct shrink_node_cursor {
    enum class phase : std::uint8_t { begin, lruvec, throttled };
    phase at = phase::begin;
    std::uint64_t reclaimed_before = 0;
    std::uint64_t scanned_before = 0;
    shrink_lruvec_cursor lruvec;
};

step_result shrink_node(const reclaim_context& rc, scan_control& sc, shrink_node_cursor& c);

// kernel: reclaim_throttle(); 5.8: congestion_wait(), wait_iff_congested(), msleep(), by the reason. done: not to
// be throttled (just a chance to reschedule). `reason` is one of throttle_*.
//
//                   6.1                                                5.8
//     writeback     100 ms, or until enough was written                100 ms
//     isolated      20 ms, or until no longer too many                 100 ms
//     congested     one jiffy, if much of the memory is being written  never: no device says it is congested
//     noprogress    the same                                           unknown
step_result reclaim_throttle(const reclaim_context& rc, wait_reason reason);
// To be called when a sleep that reclaim_throttle(writeback) asked for is over.
void finish_writeback_throttle(const reclaim_context& rc);

// kernel: vmpressure() of the whole tree: once 512 pages were scanned since the worker last looked, it is woken. What it
// works out nobody hears; but it takes the CPU from whoever reclaims, and after it another task may run.
void vmpressure(const reclaim_context& rc, gfp_flags gfp, std::uint64_t scanned);
inline constexpr std::uint64_t vmpressure_window = 512; // kernel: vmpressure_win

// kernel: snapshot_refaults(): what workingset_activate_* had reached when reclaim ended.
void snapshot_refaults(const reclaim_context& rc);

// kernel: zone_reclaimable_pages(): what could be reclaimed, by the lists alone.
[[nodiscard]] std::uint64_t zone_reclaimable_pages(const reclaim_context& rc, const zone& z);

} // namespace pagesim
