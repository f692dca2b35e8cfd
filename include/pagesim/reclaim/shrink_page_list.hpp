// SPDX-License-Identifier: MIT
// The heart: each isolated page is judged, and what can be freed is freed.
//
// judge_page is a straight line of steps in the kernel's order. Each step either lets the page pass or ends
// with a verdict: what becomes of the page, and why. The caller carries the verdict out and counts the
// reason.
//
//     step                                     lets pass when            otherwise
//     lock it                                  nobody holds the lock     keep            locked
//     evictable?                               not mlocked               activate        unevictable
//     may it be unmapped?                      may_unmap, or unmapped    keep            may_not_unmap
//     being written?                           no                        activate        writeback(_immediate)
//     used lately?                             no                        keep / activate referenced(_again, _exec),
//                                                                                        range_locked
//     anonymous: a swap slot                   it has or gets one        keep / activate no_io, no_swap
//     unmap it                                 every descriptor gone     activate        unmap_failed, lazyfree_dirty
//     dirty, of a file? leave it to the        clean; or kswapd meets    activate        dirty_file
//       flusher                                it again, all is dirty
//     dirty? write it                          clean, or written at once keep / activate dirty_referenced, no_fs,
//                                                                                        no_writepage, pinned,
//                                                                                        write_refused, written,
//                                                                                        redirtied
//     drop its buffers                         it has a file, or somebody activate      buffers_busy,
//                                              else holds it             / free          orphan_freed
//     given up by MADV_FREE?                   no                        free            lazyfreed (keep: busy)
//     take it out of its cache                 only we hold it           keep            busy, no_mapping
//     free it                                                            free            reclaimed
//
// "activate" is the kernel's activate_locked: if the page is in the swap cache and swap is more than half
// full (or the page is mlocked) its slot is given back first; an mlocked page is not activated.
//
// A page written to a device that answers later is kept (written) and freed by a later pass; one written to
// zram is clean when pageout returns and goes on to be freed in the same pass. No step asks what the device
// is called.
//
// Dirty file pages are normally not written here. They are marked PG_reclaim and activated, out of the way, and come to the
// tail of the inactive list when the flusher has written them. Only kswapd writes one, if it meets it for the second
// time while the node is marked as full of dirty pages (pgdat_state::dirty).
//
// Source: shrink_folio_list, mm/vmscan.c of Linux 6.1. Intended differences: no demotion, no THP, no DMA
// pins; global reclaim only (so a page under writeback is never waited for); buffers can always be dropped.
#pragma once

#include <pagesim/reclaim/context.hpp>
#include <pagesim/reclaim/pageout.hpp>
#include <pagesim/reclaim/references.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

enum class disposition : std::uint8_t {
    undecided, // the step lets it pass
    keep,      // put it back where its flags say
    activate,  // put it on the active list (or, mlocked, on the unevictable one)
    free,      // its count is 0: give the frame back
};

// Whether judge_page left the page locked; the caller unlocks.
enum class page_lock : std::uint8_t { not_held, held };

struct [[nodiscard]] verdict {
    disposition what = disposition::undecided;
    why reason = why::locked;
    page_lock lock = page_lock::held;

    [[nodiscard]] bool decided() const { return what != disposition::undecided; }
};

// kernel: struct reclaim_stat. Dirty and writeback are counted of pages on the file lists alone: only they are the
// flusher's.
struct reclaim_stat {
    std::uint64_t nr_dirty = 0;
    std::uint64_t nr_unqueued_dirty = 0;
    std::uint64_t nr_congested = 0;
    std::uint64_t nr_writeback = 0;
    std::uint64_t nr_immediate = 0;
    std::uint64_t nr_pageout = 0;
    std::array<std::uint64_t, 2> nr_activate{};
    std::uint64_t nr_ref_keep = 0;
    std::uint64_t nr_unmap_fail = 0;
    std::uint64_t nr_lazyfree_fail = 0;
};

// Judges one isolated page; sc.nr_scanned counts it once it is locked.
verdict judge_page(const reclaim_context& rc, scan_control& sc, page& p, reclaim_stat& stat, io_plug& plug);

// The place in the list between two pages.
struct shrink_page_list_cursor {
    page_batch input;
    unsigned at = 0;
    page_batch kept;  // in the order in which they were judged
    page_batch freed; // count 0, not yet given back
    reclaim_stat stat;

    [[nodiscard]] std::uint64_t nr_reclaimed() const { return freed.size; }
};

// Judges pages until the list is done or an interrupt is due. At the end counts pgactivate and frees the
// frames.
step_result shrink_page_list(const reclaim_context& rc, scan_control& sc, shrink_page_list_cursor& c,
                             io_plug& plug);

} // namespace pagesim
