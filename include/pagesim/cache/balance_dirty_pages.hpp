// SPDX-License-Identifier: MIT
// A task that has dirtied pages of a file may have to wait.
//
// It looks only now and then: each page counts (nr_dirtied), and when there are as many as its last look allowed
// (nr_dirtied_pause), or this CPU as a whole dirtied very many, it compares the dirty pages of the machine with the
// limits:
//
//     up to freerun      it goes on; the next look after 2^(log2(room) / 2) pages
//     above              it sleeps for as long as its pages should have taken at task_ratelimit (dirty_throttle.hpp),
//                        less the time that it took anyway; a pause too short to bother is owed to the next one
//     at the limit       it sleeps for the longest pause (up to 200 ms), and looks again
//
// Either way the flusher is started once there are more dirty pages than the background threshold.
//
//     if (cache.dirty_by_write(p)) ++task.nr_dirtied;
//     ...                                                   // p unlocked
//     while ((r = balance_dirty_pages_ratelimited(bdi, task, c)).kind != step_kind::done) ...
//
// Source: balance_dirty_pages_ratelimited, balance_dirty_pages of mm/page-writeback.c, Linux 6.1; for 5.8
// kernel_profile::balance. Left out: laptop mode, BDP_ASYNC, PF_LOCAL_THROTTLE.
#pragma once

#include <pagesim/cache/bdi_writeback.hpp>
#include <pagesim/sim/step.hpp>

#include <cstdint>

namespace pagesim {

// Of each task (kernel: in struct task_struct). Whoever dirties a clean page adds one to nr_dirtied.
struct task_dirty {
    std::uint64_t nr_dirtied = 0;
    std::uint64_t nr_dirtied_pause = 32;
    std::uint64_t dirty_paused_when = 0; // jiffies; 0: not yet
};

struct dirty_balance_cursor {
    enum class phase : std::uint8_t { begin, paused };
    phase at = phase::begin;
    std::uint64_t pages_dirtied = 0;
    std::uint64_t paused_when = 0; // what dirty_paused_when becomes after the pause
    std::uint64_t nr_dirtied_pause = 0;
    bool exceeded = false;
    bool stopped = false; // nothing may be dirtied at all: look again after the pause
    std::uint64_t nr_dirty = 0;
    std::uint64_t bg_thresh = 0;
};

step_result balance_dirty_pages_ratelimited(bdi_writeback& wb, task_dirty& task, dirty_balance_cursor& c);

// The task is gone; what it dirtied since its last pause others wait for (kernel: do_exit()).
void dirty_pages_of_exiting(bdi_writeback& wb, const task_dirty& task);

} // namespace pagesim
