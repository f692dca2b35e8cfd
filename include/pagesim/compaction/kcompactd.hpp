// SPDX-License-Identifier: MIT
// kcompactd: compaction in the background.
//
//     asked by kswapd (reclaim/kswapd.hpp): a boost was reclaimed for, or a block of pages was wanted
//         │ woken, if some zone is suitable; otherwise the request waits for the timer
//         v
//     each suitable zone that is not deferred is compacted until a block of the order is free
//
//     twice a second, unasked (from 5.9): if more than 90 % of the free memory (vm.compaction_proactiveness 20) is in
//     blocks smaller than a pageblock and kswapd sleeps, until it is 80 % or kswapd wakes; if that did not help,
//     not again for 64 times as long
//
// A zone that could not be helped is deferred: it is skipped once, then 3 times, 7, up to 63 times.
//
// kcompactd is a task like kswapd. Source: kcompactd, kcompactd_do_work, proactive_compact_node (mm/compaction.c), Linux
// 6.1 and 5.10.
#pragma once

#include <pagesim/compaction/compaction.hpp>

#include <vector>

namespace pagesim {

struct kcompactd_cursor {
    explicit kcompactd_cursor(const node& home);

    enum class phase : std::uint8_t { asleep, looking, working, proactive };
    phase at = phase::asleep;
    std::vector<zone_compaction> zones; // as the node's
    std::size_t next_zone = 0;
    bool compacting = false; // zone `next_zone`, with cc
    compact_control cc;
    unsigned order = 0; // of the work under way
    zone_type highest_zoneidx = zone_type::movable;
    unsigned score_before = 0;
    unsigned turns_to_skip = 0;
    std::uint64_t timeout; // jiffies
};

// Never done: sleeps when there is nothing to do.
step_result kcompactd_step(const reclaim_context& rc, movable_pages& others, kcompactd_cursor& c);

} // namespace pagesim
