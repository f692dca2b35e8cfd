// SPDX-License-Identifier: MIT
// Compaction: making large free blocks out of small ones by moving pages.
//
//     zone   |     migrate scanner -->                    <-- free scanner        |
//            |  pages that can be moved are isolated here      and copied to here |
//
// The migrate scanner goes up from the start of the zone, pageblock by pageblock, and isolates what can be moved: 32
// pages at a time; what is left of a pageblock that it has begun to empty, all at once. The free scanner comes down from
// the end and takes the free blocks of movable pageblocks apart, to move the pages to. It is over when a block of the
// wanted order is free, when the scanners meet, or when free pages run out. Where both stand, and which pageblocks are
// not worth another look, is kept for the next time.
//
// For large orders both first look at the free lists, for a pageblock that is nearly free already, or for free pages near
// the end. (The migrate scanner marks the pageblock that it finds so as not worth another look, and then passes it over
// for that very mark; 5.10 and 6.1 do.)
//
// Everything here is for kcompactd: synchronous, but waiting for no page. Left out: direct compaction, and what belongs
// to it, the asynchronous mode, capture, and that the marks are forgotten (without it the kernel never does).
//
// Source: compact_zone and below (mm/compaction.c), Linux 6.1 and 5.10.223.
#pragma once

#include <pagesim/compaction/migrate.hpp>
#include <pagesim/sim/step.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace pagesim {

inline constexpr unsigned compact_cluster_max = 32; // kernel: COMPACT_CLUSTER_MAX
inline constexpr unsigned compact_max_defer_shift = 6;

// What is remembered of a zone (kernel: struct zone's compact_*, PB_migrate_skip).
struct zone_compaction {
    explicit zone_compaction(const zone& z);

    pfn cached_migrate_pfn;
    pfn cached_free_pfn;
    unsigned considered = 0;
    unsigned defer_shift = 0;
    unsigned order_failed = 0;
    std::vector<bool> skip; // by pageblock

    // kernel: compaction_deferred(), defer_compaction(), compaction_defer_reset() before the allocation.
    [[nodiscard]] bool deferred(unsigned order);
    void defer(unsigned order);
    void succeeded(unsigned order);
};

// kernel: enum compact_result, as far as it ends a run.
enum class compact_result : std::uint8_t { skipped, success, partial_skipped, complete, contended };

// One run over one zone, and where it is (kernel: struct compact_control).
struct compact_control {
    static constexpr unsigned any_order = 0; // kernel: -1: until free memory is less scattered

    enum class phase : std::uint8_t { begin, choosing, scanning, migrating };
    phase at = phase::begin;
    zone* where = nullptr;
    zone_compaction* memory = nullptr;
    unsigned order = any_order;
    zone_type highest_zoneidx = zone_type::movable;

    compact_result result = compact_result::skipped;
    std::uint64_t total_migrate_scanned = 0;
    std::uint64_t total_free_scanned = 0;

    [[nodiscard]] bool proactive() const { return order == any_order; } // and heeds no marks
    // kernel: ignore_skip_hint.
    [[nodiscard]] bool heeds_marks() const { return !proactive(); }

    // The scanners.
    std::uint64_t migrate_pfn = 0;
    std::uint64_t free_pfn = 0;
    bool whole_zone = false;
    bool rescan = false;
    std::optional<std::uint64_t> fast_start; // the lowest that the search of the free lists found
    bool fast_start_used = false;
    unsigned fast_search_fail = 0;
    unsigned search_order = 0;
    std::uint64_t iteration_start = 0;
    std::optional<std::uint64_t> last_migrated; // from where, as long as what that freed was not drained

    // The part of a pageblock that is being scanned.
    struct {
        std::uint64_t at = 0;
        std::uint64_t end = 0;
        std::optional<std::uint64_t> block; // seen from its first page on
        std::uint64_t scanned = 0;
        unsigned taken = 0;
        bool mark_looked_at = false;
    } scan;

    std::vector<isolated_page> migratepages; // last first
    std::vector<isolated_page> failed;       // will not move this time
    std::vector<page*> freepages;            // last first
    std::size_t next_page = 0;               // of migratepages, in this pass
    unsigned pass = 0;
    bool out_of_free_pages = false;
    std::uint64_t nr_succeeded = 0;
};

// The score of a zone, and of the node, that kcompactd watches: percent, how much of the free memory is not in blocks of
// a pageblock (kernel: fragmentation_score_zone(), fragmentation_score_node()).
[[nodiscard]] unsigned fragmentation_score_zone(const zone& z);
[[nodiscard]] unsigned fragmentation_score_node(const node& home);
// kernel: fragmentation_score_wmark() for a proactiveness (vm.compaction_proactiveness, 0 to 100).
[[nodiscard]] unsigned fragmentation_score_low(unsigned proactiveness);
[[nodiscard]] unsigned fragmentation_score_high(unsigned proactiveness);

// kernel: compact_zone(). Done with `result` set. A step is 32 pages scanned or one page moved.
step_result compact_zone(const reclaim_context& rc, movable_pages& others, compact_control& cc);

} // namespace pagesim
