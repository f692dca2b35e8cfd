// SPDX-License-Identifier: MIT
// A page, whatever it takes.
//
//     fast path      every zone in turn at its low watermark
//     slow path      wake kswapd; again at min; then in a loop:
//                    wake kswapd, try at min, reclaim directly, try again (the second time after emptying the per-CPU
//                    lists: before 6.0 a kernel worker does that), until a page is had or 17 rounds in a row freed nothing
//                    (5.8: a round that freed nothing while most of what could be freed is being written
//                    waits 100 ms before the next)
//     may_oom        one last try at the high watermark, then somebody must die (oom_handler), and the loop goes on
//                    until the memory is there. The victim itself may dip into half of the reserve below min, and
//                    gives up if that fails: only to it is out_of_memory an answer
//
// Reclaim itself allocates (zram's pool) with no watermark at all, and never reclaims for it.
//
// Source: __alloc_pages, __alloc_pages_slowpath, should_reclaim_retry of mm/page_alloc.c, Linux 6.1.
// Left out: orders above 0 (no compaction), mempolicies, cpusets.
#pragma once

#include <pagesim/memory/page_alloc.hpp>
#include <pagesim/reclaim/direct_reclaim.hpp>
#include <pagesim/reclaim/kswapd.hpp>

namespace pagesim {

// What became of the allocation.
enum class alloc_outcome : std::uint8_t { page, out_of_memory };

struct alloc_cursor {
    enum class phase : std::uint8_t { idle, retry, reclaiming, draining };
    phase at = phase::idle;
    gfp_flags gfp;
    alloc_mark mark = alloc_mark::min; // of this round
    unsigned no_progress_loops = 0;
    direct_reclaim_cursor reclaim;
    // The answer, once the step is done.
    alloc_outcome outcome = alloc_outcome::page;
    page* result = nullptr;
};

// kernel: __alloc_pages(gfp, 0). Call until done; the cursor is then idle again.
step_result alloc_page_step(const reclaim_context& rc, alloc_cursor& c, gfp_flags gfp);

// An allocation from within reclaim (PF_MEMALLOC): wakes kswapd if need be, takes what there is, never waits.
[[nodiscard]] page* alloc_page_memalloc(const reclaim_context& rc, gfp_flags gfp);

enum class slab_reserves : std::uint8_t { allowed, forbidden };

// A block for a slab, without waiting (GFP_NOWAIT): wakes kswapd if need be. Where that is allowed it may come out of the
// reserves, of any order, as for a task that reclaims (PF_MEMALLOC without __GFP_NOMEMALLOC).
[[nodiscard]] page* alloc_slab_pages(const reclaim_context& rc, page_order order, migratetype type,
                                     slab_reserves reserves = slab_reserves::allowed);

} // namespace pagesim
