// SPDX-License-Identifier: MIT
// Reclaim by whoever needs the page, priority by priority.
//
// do_try_to_free_pages makes one pass over the node at each priority from 12 down to 0 and stops as soon as
// 32 pages are free. Each such round counts allocstall. If nothing was freed, and a list was spared only
// because its inactive side looked long enough, the whole is repeated with deactivation forced.
//
// throttle_direct_reclaim protects the emergency reserve: while less than half of the min watermarks is
// free, and kswapd has not given up, the task waits for kswapd instead of reclaiming. A task that dies does not
// wait; one that is killed while it does pretends to have freed a page, and goes.
//
// Source: try_to_free_pages, do_try_to_free_pages, shrink_zones, throttle_direct_reclaim of mm/vmscan.c,
// Linux 6.1.
#pragma once

#include <pagesim/reclaim/shrink_node.hpp>

namespace pagesim {

struct direct_reclaim_cursor {
    enum class phase : std::uint8_t { begin, round, priority, shrinking, throttled };
    phase at = phase::begin;
    scan_control sc;
    shrink_node_cursor node;
    std::uint64_t result = 0; // pages reclaimed
};

// kernel: try_to_free_pages(). The request is in c.sc.gfp; the answer in c.result.
step_result try_to_free_pages(const reclaim_context& rc, direct_reclaim_cursor& c);

// kernel: allow_direct_reclaim(): more than half of the min watermarks is free.
[[nodiscard]] bool allow_direct_reclaim(const reclaim_context& rc);

} // namespace pagesim
