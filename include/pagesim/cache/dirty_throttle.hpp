// SPDX-License-Identifier: MIT
// How fast a writer may dirty pages: the arithmetic of throttling.
//
// A task that dirties pages faster than the device writes them must wait, but not in bursts. So the kernel keeps an
// estimate of the rate at which each writer may dirty (dirty_ratelimit), and bends it by where the number of dirty
// pages stands:
//
//     task_ratelimit = dirty_ratelimit * pos_ratio          pause = pages dirtied / task_ratelimit
//
//     pos_ratio
//       2.0 ********
//                   ****             a cubic curve: 1 at the setpoint, flat there,
//       1.0             ********     0 at the limit; then a straight line in the device's
//                               ***  own dirty pages is multiplied in
//       0.0                        *
//           freerun   setpoint   limit   dirty pages
//
// The rate itself follows what was seen in the last 200 ms: rate * (what the device wrote) / (what was dirtied), in
// small steps, and only where position and rate agree on the direction. The device's write bandwidth is an average
// over some seconds, smoothed once more. All is integer arithmetic in pages a second; ratios have 10 bits after the
// point. Time is in jiffies.
//
// Source: wb_position_ratio, wb_update_write_bandwidth, wb_update_dirty_ratelimit, wb_max_pause, wb_min_pause of
// mm/page-writeback.c, Linux 5.8 to 6.1 (alike in all). Left out: strictlimit, memory cgroups, min_ratio and max_ratio
// of a device.
#pragma once

#include <pagesim/cache/dirty_limits.hpp>

#include <cstdint>

namespace pagesim {

inline constexpr unsigned ratelimit_calc_shift = 10;      // 1024: a ratio of 1
inline constexpr std::uint64_t bandwidth_interval = 50;   // jiffies: 200 ms
inline constexpr std::uint64_t initial_bandwidth = 25600; // pages a second: 100 MiB/s

// Where dirty pages stand (kernel: struct dirty_throttle_control).
struct dirty_position {
    dirty_limits limits;
    std::uint64_t dirty = 0;     // dirty and under writeback, everywhere
    std::uint64_t limit = 0;     // thresh, or what it was before it fell (hard_dirty_limit())
    std::uint64_t wb_thresh = 0; // this device's share of thresh
    std::uint64_t wb_dirty = 0;  // its own dirty pages and those under writeback

    [[nodiscard]] std::uint64_t setpoint() const { return (limits.freerun() + limit) / 2; }
};

// kernel: wb_position_ratio(). 0: nobody may dirty anything now.
[[nodiscard]] std::uint64_t wb_position_ratio(const dirty_position& at, std::uint64_t write_bandwidth);

// What is known about a device and its writers.
struct bandwidth_estimate {
    std::uint64_t write_bandwidth = initial_bandwidth;
    std::uint64_t avg_write_bandwidth = initial_bandwidth;
    std::uint64_t dirty_ratelimit = initial_bandwidth;
    std::uint64_t balanced_dirty_ratelimit = initial_bandwidth;
    std::uint64_t dirty_limit = 0; // follows thresh up at once, and down slowly
    std::uint64_t dirty_limit_stamp = 0;
    // When it was last brought up to date, and what the counters said then.
    std::uint64_t stamp = 0;
    std::uint64_t dirtied_stamp = 0;
    std::uint64_t written_stamp = 0;

    [[nodiscard]] std::uint64_t hard_limit(std::uint64_t thresh) const {
        return thresh > dirty_limit ? thresh : dirty_limit;
    }
    // `written`, `dirtied`: pages of the device so far.
    void update_bandwidth(std::uint64_t now, std::uint64_t dirtied, std::uint64_t written);
    // The same, and the rate limit with it.
    void update_ratelimit(const dirty_position& at, std::uint64_t pos_ratio, std::uint64_t now,
                          std::uint64_t dirtied, std::uint64_t written);
    // Begins to measure anew.
    void restart(std::uint64_t now, std::uint64_t dirtied, std::uint64_t written);

private:
    void follow_limit(const dirty_position& at, std::uint64_t now);
    void estimate_writes(std::uint64_t elapsed, std::uint64_t written);
    void estimate_rate(const dirty_position& at, std::uint64_t pos_ratio, std::uint64_t elapsed,
                       std::uint64_t dirtied);
};

// How long a writer waits, in jiffies.
struct pause_lengths {
    std::int64_t min = 0; // a shorter pause is not made, but kept in mind
    std::int64_t max = 0;
    std::uint64_t nr_dirtied_pause = 0; // pages until the next pause
};

// kernel: wb_max_pause() and wb_min_pause().
[[nodiscard]] pause_lengths pauses_for(const bandwidth_estimate& wb, std::uint64_t wb_dirty,
                                       std::uint64_t task_ratelimit);

// kernel: dirty_poll_interval(): pages that a task may dirty before it looks again.
[[nodiscard]] std::uint64_t dirty_poll_interval(std::uint64_t dirty, std::uint64_t thresh);

} // namespace pagesim
