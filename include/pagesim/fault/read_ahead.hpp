// SPDX-License-Identifier: MIT
// Carrying out a readahead window: frames for the pages that are not cached, locked and in the cache, then the device.
//
//     window  [28 29 30 31 32 33]      cached: 30
//     frames   a  b     c  d  e        read a b, then c d e: neighbours travel together
//
// An allocation may reclaim, but not enter the file system (the pages locked so far would be met again) and not try
// hard: a window that finds no memory ends early.
//
// Source: page_cache_ra_unbounded, force_page_cache_ra of mm/readahead.c, Linux 6.1.
#pragma once

#include <pagesim/cache/readahead.hpp>
#include <pagesim/reclaim/alloc_slowpath.hpp>

#include <vector>

namespace pagesim {

struct read_ahead_cursor {
    mapping* file = nullptr; // null: nothing under way
    readahead_window window;
    std::uint64_t next = 0;   // pages of the window that are settled
    std::vector<page*> batch; // locked, not yet submitted
    alloc_cursor alloc;

    [[nodiscard]] bool active() const { return file != nullptr; }
};

// Begins a window, cut off at the end of the file.
void begin_read_ahead(read_ahead_cursor& c, mapping& file, readahead_window w);
// Call until done.
step_result read_ahead_step(const reclaim_context& rc, read_ahead_cursor& c);

// One page that is not cached: a frame, locked, in the cache, its read under way. `c` is the allocation's place. done:
// c.result is the page, with a reference for the caller; null if there was no memory or somebody else was faster.
step_result read_single_page(const reclaim_context& rc, mapping& file, std::uint64_t index, alloc_cursor& c);

// The channel on which those who want the page's lock wait.
[[nodiscard]] inline wait_channel lock_channel(const reclaim_context& rc, const page& p) {
    return {wait_reason::page_unlocked, raw(rc.home.frames().pfn_of(p))};
}

} // namespace pagesim
