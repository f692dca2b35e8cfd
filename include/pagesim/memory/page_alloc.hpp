// SPDX-License-Identifier: MIT
// The allocator's fast path: the first zone that can spare a page gives it.
//
// It looks at watermarks and never reclaims; what to do when no zone passes is the business of
// alloc_slowpath in the chapter reclaim. The mark says how far down this look may go:
//
//     low    everybody's first try. With a Normal zone in front, this try avoids mixing migratetypes if it can
//     min    the slow path. Here gfp::high may use half of the reserve below min, and a request that has it and can
//            neither reclaim nor is barred from reserves (nomemalloc) may use 5/8 of it
//     oom    a task that is being killed: as min, and half of what is then left
//     high   the last look before the OOM killer
//     none   reclaim itself (PF_MEMALLOC): no mark at all
//
// Source: get_page_from_freelist, alloc_flags_nofragment, gfp_to_alloc_flags (mm/page_alloc.c, Linux 6.1).
// Left out: the dirty limits of __GFP_WRITE, node_reclaim, cpusets, __GFP_ATOMIC's second test without the
// boost.
#pragma once

#include <pagesim/memory/node.hpp>

#include <cstdint>
#include <optional>

namespace pagesim {

enum class alloc_mark : std::uint8_t { min, low, high, none, oom };

struct freelist_result {
    page* frame = nullptr;              // head of the block, reference count 1; null if no zone passed
    bool refilled = false;              // a per-CPU list was filled from the buddy lists
    std::optional<zone_type> boosted{}; // kswapd is to be woken for that zone, order 0
};

// What a request may do below the min mark.
[[nodiscard]] alloc_reserves reserves_of(gfp_flags gfp, alloc_mark mark);

// Counts pgalloc_<zone>, numa_hit and numa_local.
[[nodiscard]] freelist_result get_page_from_freelist(node& home, gfp_flags gfp, page_order order,
                                                     alloc_mark mark);

} // namespace pagesim
