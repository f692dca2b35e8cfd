// SPDX-License-Identifier: MIT
// The flusher: the kernel thread that writes dirty files back (kernel: wb_workfn()).
//
// It is woken (bdi_writeback.hpp says when) and then does, in this order:
//
//     1. what was queued for sync(2)
//     2. everything, if reclaim or sync asked for it
//     3. every 5 s, files whose oldest dirty page is older than 30 s
//     4. as long as there are more dirty pages than the background threshold: files in order of dirtying
//
// Each of these goes file by file, a slice of at least 1024 pages of each, so that a huge file does not keep the others
// waiting; after 100 ms it looks again whether it is still to go on. Then it sleeps, for 5 s if files are dirty.
//
// It does not wait for the device, except for pages that somebody holds locked. So a slow device makes the pages under
// writeback pile up, and writers wait in balance_dirty_pages.
//
// Source: wb_workfn, wb_do_writeback, wb_writeback, writeback_sb_inodes of fs/fs-writeback.c, Linux 5.8 to 6.1.
#pragma once

#include <pagesim/cache/writepages.hpp>

namespace pagesim {

struct flusher_cursor {
    enum class phase : std::uint8_t { asleep, choosing, round, file, writing };
    // Which of the four it is at.
    enum class stage : std::uint8_t { queued, start_all, periodic, background, none };
    phase at = phase::asleep;
    stage doing = stage::queued;
    wb_work work{};
    std::uint64_t work_began = 0;    // jiffies
    std::int64_t dirtied_before = 0; // jiffies; the machine may be younger than what is old
    std::uint64_t round_began = 0;   // jiffies
    std::int64_t wrote = 0;          // pages and files, in this round
    mapping* file = nullptr;
    std::int64_t chunk = 0;
    writepages_cursor pages;
};

// Never done: sleeps when there is nothing to do.
step_result flusher_step(const writeback_context& wb, flusher_cursor& c);

} // namespace pagesim
