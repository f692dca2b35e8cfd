// SPDX-License-Identifier: MIT
// One reclaim request and how far it got (kernel: struct scan_control, mm/vmscan.c of 6.1): what was asked and stays as
// it is, what prepare_scan_count decides for one round, and the progress.
#pragma once

#include <pagesim/base/flags.hpp>
#include <pagesim/memory/gfp.hpp>

#include <cstdint>

namespace pagesim {

inline constexpr int def_priority = 12; // kernel: DEF_PRIORITY

enum class reclaimer : std::uint8_t { direct, kswapd };

enum class scan_permission : std::uint8_t {
    writepage,         // may_writepage: dirty pages may be written
    unmap,             // may_unmap: mapped pages may be taken
    swap,              // may_swap: anonymous pages may be taken
    ignore_references, // recently used or not makes no difference
};
using scan_permissions = flag_set<scan_permission>;

// What happened in one shrink_node round (kernel: sc->nr).
struct scan_round {
    std::uint64_t dirty = 0;
    std::uint64_t unqueued_dirty = 0;
    std::uint64_t congested = 0;
    std::uint64_t writeback = 0;
    std::uint64_t immediate = 0;
    std::uint64_t file_taken = 0;
    std::uint64_t taken = 0;
};

enum class scan_type : std::uint8_t { anon = 0, file = 1 };

struct scan_control {
    // The request.
    std::uint64_t nr_to_reclaim = 32;
    gfp_flags gfp = gfp::highuser_movable;
    zone_type reclaim_idx = zone_type::movable;
    unsigned order = 0;
    reclaimer who = reclaimer::direct;
    int priority = def_priority;
    scan_permissions may{scan_permission::writepage, scan_permission::unmap, scan_permission::swap};
    bool force_deactivate = false;

    // Decided by prepare_scan_count for one round.
    flag_set<scan_type, std::uint8_t> may_deactivate;
    bool cache_trim_mode = false;
    bool file_is_tiny = false;
    std::uint64_t anon_cost = 0;
    std::uint64_t file_cost = 0;

    // The progress.
    std::uint64_t nr_scanned = 0;
    std::uint64_t nr_reclaimed = 0;
    bool skipped_deactivate = false;
    scan_round nr;

    [[nodiscard]] bool by_kswapd() const { return who == reclaimer::kswapd; }
};

} // namespace pagesim
