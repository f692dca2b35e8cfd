// SPDX-License-Identifier: MIT
#include <pagesim/cache/balance_dirty_pages.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t exceeded_ratelimit = 8; // pages, 32 KiB
constexpr std::uint64_t wb_stat_error = 8; // pages; what the kernel's per-CPU counters may be off, one CPU

// Whether it is time to look.
bool check_due(bdi_writeback& wb, task_dirty& task) {
    std::uint64_t ratelimit = task.nr_dirtied_pause;
    if (wb.dirty_exceeded) ratelimit = std::min(ratelimit, exceeded_ratelimit);
    if (task.nr_dirtied >= ratelimit) {
        wb.dirtied_since_check = 0;
    } else if (wb.dirtied_since_check >= wb.ratelimit_pages()) {
        wb.dirtied_since_check = 0;
        ratelimit = 0;
    }
    if (wb.throttle_leaks > 0 && task.nr_dirtied < ratelimit) {
        const std::uint64_t n = std::min(wb.throttle_leaks, ratelimit - task.nr_dirtied);
        wb.throttle_leaks -= n;
        task.nr_dirtied += n;
    }
    return task.nr_dirtied >= ratelimit;
}

step_result end_of_5_8(bdi_writeback& wb, const dirty_balance_cursor& c) {
    if (wb.profile().balance != dirty_balance::writeback_started_last) return step_done;
    if (!c.exceeded) wb.dirty_exceeded = false;
    if (!wb.in_progress() && c.nr_dirty > c.bg_thresh) wb.start_background();
    return step_done;
}

step_result run_free(bdi_writeback& wb, task_dirty& task, const dirty_balance_cursor& c,
                     const dirty_position& at) {
    task.dirty_paused_when = wb.jiffies();
    task.nr_dirtied = 0;
    task.nr_dirtied_pause = dirty_poll_interval(at.dirty, at.limits.thresh);
    return end_of_5_8(wb, c);
}

// The pause would be too short: it is owed.
step_result owe(bdi_writeback& wb, task_dirty& task, const dirty_balance_cursor& c, std::int64_t pause,
                std::uint64_t period) {
    if (pause < -static_cast<std::int64_t>(hz)) {
        task.dirty_paused_when = wb.jiffies(); // it writes so seldom that nothing is owed
        task.nr_dirtied = 0;
    } else if (period != 0) {
        task.dirty_paused_when += period;
        task.nr_dirtied = 0;
    } else if (task.nr_dirtied_pause <= c.pages_dirtied) {
        task.nr_dirtied_pause += c.pages_dirtied;
    }
    return end_of_5_8(wb, c);
}

step_result sleep_for(const bdi_writeback& wb, dirty_balance_cursor& c, std::int64_t pause,
                      std::uint64_t now) {
    const auto jiffies = static_cast<std::uint64_t>(std::max<std::int64_t>(pause, 0));
    c.paused_when = now + jiffies;
    c.at = dirty_balance_cursor::phase::paused;
    return killable(sleep_until(wb.end_of_pause(jiffies), {.reason = wait_reason::dirty_pause}));
}

// One look at the limits.
step_result look(bdi_writeback& wb, task_dirty& task, dirty_balance_cursor& c) {
    const bool starts_first = wb.profile().balance == dirty_balance::writeback_started_first;
    const dirty_position at = wb.position();
    c.nr_dirty = wb.nr_dirty();
    c.bg_thresh = at.limits.bg_thresh;
    if (starts_first && c.nr_dirty > c.bg_thresh && !wb.in_progress()) wb.start_background();
    if (at.dirty <= at.limits.freerun()) return run_free(wb, task, c, at);
    if (!wb.in_progress()) wb.start_background();

    c.exceeded = at.wb_dirty > at.wb_thresh && at.dirty > at.limits.thresh;
    if (c.exceeded || starts_first) wb.dirty_exceeded = c.exceeded;
    const std::uint64_t ratio = wb_position_ratio(at, wb.estimate().avg_write_bandwidth);
    if (wb.estimate_due()) wb.update_ratelimit(at, ratio);

    const std::uint64_t task_ratelimit = wb.estimate().dirty_ratelimit * ratio >> ratelimit_calc_shift;
    const pause_lengths lengths = pauses_for(wb.estimate(), at.wb_dirty, task_ratelimit);
    c.nr_dirtied_pause = lengths.nr_dirtied_pause;
    c.stopped = task_ratelimit == 0 && at.wb_dirty > wb_stat_error;
    std::uint64_t now = wb.jiffies();
    if (task_ratelimit == 0) return sleep_for(wb, c, lengths.max, now);

    const std::uint64_t period = hz * c.pages_dirtied / task_ratelimit;
    auto pause = static_cast<std::int64_t>(period);
    if (task.dirty_paused_when != 0) pause -= static_cast<std::int64_t>(now - task.dirty_paused_when);
    if (pause < lengths.min) return owe(wb, task, c, pause, period);
    if (pause > lengths.max) {
        now += static_cast<std::uint64_t>(std::min(pause - lengths.max, lengths.max));
        pause = lengths.max;
    }
    return sleep_for(wb, c, pause, now);
}

} // namespace

step_result balance_dirty_pages_ratelimited(bdi_writeback& wb, task_dirty& task, dirty_balance_cursor& c) {
    using phase = dirty_balance_cursor::phase;
    if (c.at == phase::begin) {
        if (!check_due(wb, task)) return step_done;
        c.pages_dirtied = task.nr_dirtied;
        c.exceeded = false;
        return look(wb, task, c);
    }
    c.at = phase::begin;
    task.dirty_paused_when = c.paused_when;
    task.nr_dirtied = 0;
    task.nr_dirtied_pause = c.nr_dirtied_pause;
    if (c.stopped && !wb.fatal_signal_pending()) return look(wb, task, c);
    return end_of_5_8(wb, c);
}

void dirty_pages_of_exiting(bdi_writeback& wb, const task_dirty& task) {
    wb.throttle_leaks += task.nr_dirtied;
}

} // namespace pagesim
