// SPDX-License-Identifier: MIT
// How much of memory may be dirty: the two thresholds.
//
//     dirtyable = free pages beyond the zones' reserves + both file lists + 1
//
//     0 ───────────── bg_thresh ──────── freerun ──────── setpoint ──────── thresh ─────> dirty pages
//       the flusher     the flusher        (bg + thresh)    writers are       writers stop
//       waits for age   writes             / 2: writers     paced around
//                                          begin to wait    here
//
// Both are shares of what is dirtyable now, so they move while memory fills: anonymous memory takes from them, file
// pages do not. A share in percent becomes 4096ths, truncated: 20 % is 819 of them, 19.995 %. A setting in bytes takes
// the place of its share.
//
// Source: global_dirtyable_memory, domain_dirty_limits, node_dirty_ok of mm/page-writeback.c, Linux 5.8 to 6.1. Left
// out: the bonus of real-time tasks, memory cgroups, highmem.
#pragma once

#include <pagesim/lru/lruvec.hpp>

#include <cstdint>

namespace pagesim {

// vm.dirty_*. Of a ratio and its bytes the bytes count unless they are 0.
struct dirty_config {
    unsigned ratio = 20;            // percent of what is dirtyable: writers stop
    unsigned background_ratio = 10; // the flusher writes
    std::uint64_t bytes = 0;
    std::uint64_t background_bytes = 0;
    unsigned expire_centisecs = 3000;   // how old dirty data must be for the periodic flush
    unsigned writeback_centisecs = 500; // the period; 0: none

    friend bool operator==(const dirty_config&, const dirty_config&) = default;
};

struct dirty_limits {
    std::uint64_t thresh = 0;
    std::uint64_t bg_thresh = 0;

    // kernel: dirty_freerun_ceiling().
    [[nodiscard]] std::uint64_t freerun() const { return (thresh + bg_thresh) / 2; }
};

// kernel: global_dirtyable_memory().
[[nodiscard]] std::uint64_t global_dirtyable_memory(const lruvec& lru);
// kernel: domain_dirty_limits().
[[nodiscard]] dirty_limits domain_dirty_limits(const dirty_config& config, std::uint64_t dirtyable);
// kernel: global_dirty_limits().
[[nodiscard]] inline dirty_limits global_dirty_limits(const dirty_config& config, const lruvec& lru) {
    return domain_dirty_limits(config, global_dirtyable_memory(lru));
}
// Whether the node may take another page that will be dirtied (kernel: node_dirty_ok()).
[[nodiscard]] bool node_dirty_ok(const dirty_config& config, const lruvec& lru);

} // namespace pagesim
