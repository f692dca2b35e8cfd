// SPDX-License-Identifier: MIT
#include <pagesim/cache/dirty_throttle.hpp>

#include <pagesim/sim/jiffies.hpp>

#include <algorithm>
#include <bit>

namespace pagesim {

namespace {

constexpr std::uint64_t one = 1ULL << ratelimit_calc_shift;
constexpr std::uint64_t averaging_period = 1024; // jiffies: 3 s, as a power of two
constexpr std::uint64_t hz_as_power = 256;
constexpr std::uint64_t poll_thresh = 32;    // pages; fewer between two pauses are not worth it
constexpr std::int64_t longest_pause = 50;   // jiffies
constexpr std::uint64_t eighth_second = 32;  // jiffies, as a power of two
constexpr std::uint64_t jiffies_of_10ms = 2; // truncated

std::int64_t ilog2(std::uint64_t n) { return static_cast<std::int64_t>(std::bit_width(n)) - 1; }

// 1 + ((setpoint - dirty) / (limit - setpoint))^3, between 0 and 2.
std::uint64_t cubic(std::uint64_t setpoint, std::uint64_t dirty, std::uint64_t limit) {
    const auto distance = static_cast<std::int64_t>(setpoint) - static_cast<std::int64_t>(dirty);
    const auto scale = static_cast<std::int64_t>((limit - setpoint) | 1U);
    const std::int64_t x = distance * static_cast<std::int64_t>(one) / scale;
    std::int64_t r = x;
    for (int power = 2; power <= 3; ++power) r = r * x >> ratelimit_calc_shift;
    r += static_cast<std::int64_t>(one);
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(r, 0, 2 * static_cast<std::int64_t>(one)));
}

} // namespace

std::uint64_t wb_position_ratio(const dirty_position& at, std::uint64_t write_bandwidth) {
    if (at.dirty >= at.limit) return 0;
    const std::uint64_t setpoint = at.setpoint();
    std::uint64_t ratio = cubic(setpoint, at.dirty, at.limit);

    // A device that wrote nothing for long has hardly a share: let it have some.
    const std::uint64_t thresh = at.limits.thresh;
    const std::uint64_t wb_thresh = std::max(std::min(at.wb_thresh, thresh), (at.limit - at.dirty) / 8);
    const std::uint64_t share = (wb_thresh << 16U) / (thresh | 1U); // 16 bits after the point
    const std::uint64_t wb_setpoint = setpoint * share >> 16U;
    const std::uint64_t span = (thresh - wb_thresh + 8 * write_bandwidth) * share >> 16U;
    const std::uint64_t intercept = wb_setpoint + span; // where the device's line reaches 0
    if (at.wb_dirty < intercept - span / 4) {
        ratio = ratio * (intercept - at.wb_dirty) / ((intercept - wb_setpoint) | 1U);
    } else {
        ratio /= 4;
    }
    // The device is about to run dry.
    const std::uint64_t reserve = wb_thresh / 2;
    if (at.wb_dirty >= reserve) return ratio;
    return at.wb_dirty > reserve / 8 ? ratio * reserve / at.wb_dirty : ratio * 8;
}

void bandwidth_estimate::restart(std::uint64_t now, std::uint64_t dirtied, std::uint64_t written) {
    stamp = now;
    dirtied_stamp = dirtied;
    written_stamp = written;
}

void bandwidth_estimate::update_bandwidth(std::uint64_t now, std::uint64_t dirtied, std::uint64_t written) {
    estimate_writes(std::max<std::uint64_t>(now - stamp, 1), written);
    restart(now, dirtied, written);
}

void bandwidth_estimate::update_ratelimit(const dirty_position& at, std::uint64_t pos_ratio,
                                          std::uint64_t now, std::uint64_t dirtied, std::uint64_t written) {
    follow_limit(at, now);
    estimate_rate(at, pos_ratio, std::max<std::uint64_t>(now - stamp, 1), dirtied);
    update_bandwidth(now, dirtied, written);
}

// The average of about 4 s, and `avg` a little behind it: a single spike does not show.
void bandwidth_estimate::estimate_writes(std::uint64_t elapsed, std::uint64_t written) {
    const std::uint64_t old = write_bandwidth;
    std::uint64_t avg = avg_write_bandwidth;
    std::uint64_t bw = (written - std::min(written, written_stamp)) * hz;
    if (elapsed > averaging_period) {
        bw /= elapsed;
        avg = bw;
    } else {
        bw = (bw + old * (averaging_period - elapsed)) / averaging_period;
        if (avg > old && old >= bw) avg -= (avg - old) / 8;
        if (avg < old && old <= bw) avg += (old - avg) / 8;
    }
    write_bandwidth = bw;
    avg_write_bandwidth = std::max<std::uint64_t>(avg, 1);
}

void bandwidth_estimate::follow_limit(const dirty_position& at, std::uint64_t now) {
    if (now < dirty_limit_stamp + bandwidth_interval) return;
    dirty_limit_stamp = now;
    const std::uint64_t thresh = at.limits.thresh;
    if (dirty_limit < thresh) {
        dirty_limit = thresh;
        return;
    }
    // Never below what is dirty: thresh can fall under it at once, the pages cannot.
    const std::uint64_t target = std::max(thresh, at.dirty);
    if (dirty_limit > target) dirty_limit -= (dirty_limit - target) / 32;
}

void bandwidth_estimate::estimate_rate(const dirty_position& at, std::uint64_t pos_ratio,
                                       std::uint64_t elapsed, std::uint64_t dirtied) {
    const std::uint64_t dirty_rate = (dirtied - dirtied_stamp) * hz / elapsed;
    const std::uint64_t task_rate = (dirty_ratelimit * pos_ratio >> ratelimit_calc_shift) + 1;
    const std::uint64_t balanced =
        std::min(task_rate * avg_write_bandwidth / (dirty_rate | 1U), avg_write_bandwidth);

    // Up only if all three are above, down only if all three are below: then as far as the nearest.
    std::uint64_t step = 0;
    const std::uint64_t setpoint = (at.limits.freerun() + hard_limit(at.limits.thresh)) / 2;
    if (at.dirty < setpoint) {
        const std::uint64_t least = std::min({balanced_dirty_ratelimit, balanced, task_rate});
        if (dirty_ratelimit < least) step = least - dirty_ratelimit;
    } else {
        const std::uint64_t most = std::max({balanced_dirty_ratelimit, balanced, task_rate});
        if (dirty_ratelimit > most) step = dirty_ratelimit - most;
    }
    // A small step shrinks to nothing, so that the rate does not wander in steady state.
    const std::uint64_t shift = dirty_ratelimit / (2 * step + 1);
    step = shift < 64 ? ((step >> shift) + 7) / 8 : 0;

    const std::uint64_t rate = dirty_ratelimit < balanced ? dirty_ratelimit + step : dirty_ratelimit - step;
    dirty_ratelimit = std::max<std::uint64_t>(rate, 1);
    balanced_dirty_ratelimit = balanced;
}

pause_lengths pauses_for(const bandwidth_estimate& wb, std::uint64_t wb_dirty, std::uint64_t task_ratelimit) {
    pause_lengths p;
    // No longer than the device takes for what is there: it must not run dry while the writer sleeps.
    const std::uint64_t to_write = wb_dirty / (1 + wb.avg_write_bandwidth / eighth_second);
    p.max = std::min(static_cast<std::int64_t>(to_write) + 1, longest_pause);

    // 10 ms for one writer, 10 ms more for each doubling of their number.
    auto t = static_cast<std::int64_t>(jiffies_of_10ms);
    const std::int64_t doublings = ilog2(wb.avg_write_bandwidth) - ilog2(wb.dirty_ratelimit);
    if (doublings > 0) t += doublings * static_cast<std::int64_t>(10 * hz) / 1024;
    t = std::min(t, 1 + p.max / 2);
    const auto pages_in = [](std::uint64_t rate, std::int64_t jiffies) {
        return rate * static_cast<std::uint64_t>(jiffies) / hz_as_power;
    };
    std::uint64_t pages = pages_in(wb.dirty_ratelimit, t);
    if (pages < poll_thresh) {
        t = p.max;
        pages = pages_in(wb.dirty_ratelimit, t);
        if (pages > poll_thresh) {
            pages = poll_thresh;
            t = static_cast<std::int64_t>(hz * poll_thresh / wb.dirty_ratelimit);
        }
    }
    if (static_cast<std::int64_t>(hz * pages / (task_ratelimit + 1)) > p.max) {
        t = p.max;
        pages = pages_in(task_ratelimit, t);
    }
    p.nr_dirtied_pause = pages;
    p.min = pages >= poll_thresh ? 1 + t / 2 : t;
    return p;
}

std::uint64_t dirty_poll_interval(std::uint64_t dirty, std::uint64_t thresh) {
    if (thresh <= dirty) return 1;
    const int log2 = static_cast<int>(std::bit_width(thresh - dirty)) - 1;
    return 1ULL << (log2 / 2);
}

} // namespace pagesim
