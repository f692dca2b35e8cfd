// SPDX-License-Identifier: MIT
#include <pagesim/sim/write_throttle.hpp>

#include <pagesim/base/assert.hpp>
#include <pagesim/sim/jiffies.hpp>

#include <algorithm>
#include <cmath>

namespace pagesim {

namespace {

constexpr unsigned default_depth = 16;                      // kernel: RWB_DEF_DEPTH
constexpr sim_duration window = milliseconds(100);          // kernel: RWB_WINDOW_NSEC
constexpr std::uint64_t min_write_samples = 3;              // kernel: RWB_MIN_WRITE_SAMPLES
constexpr unsigned unknown_bump = 5;                        // kernel: RWB_UNKNOWN_BUMP
constexpr sim_duration reads_are_close = milliseconds(100); // kernel: close_io(), HZ / 10

std::uint64_t integer_root(std::uint64_t n) {
    auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(n)));
    while (root * root > n) --root;
    while ((root + 1) * (root + 1) <= n) ++root;
    return root;
}

} // namespace

write_throttle::write_throttle(sim_duration target, unsigned queue_depth)
    : target_{target}, queue_depth_{queue_depth} {
    set_depth();
}

// kernel: rq_depth_calc_max_depth().
void write_throttle::set_depth() {
    scaled_max_ = false;
    if (queue_depth_ == 1) {
        max_depth_ = step_ > 0 ? 1 : 2;
        scaled_max_ = step_ <= 0;
        return;
    }
    const unsigned depth = std::min(default_depth, queue_depth_);
    if (step_ >= 0) {
        max_depth_ = 1 + ((depth - 1) >> std::min(step_, 31));
        return;
    }
    const unsigned most = 3 * queue_depth_ / 4;
    max_depth_ = std::min(1 + ((depth - 1) << -step_), most);
    scaled_max_ = 1 + ((depth - 1) << -step_) > most;
}

void write_throttle::scale_up() {
    if (scaled_max_) return;
    --step_;
    set_depth();
    unknown_ = 0;
}

void write_throttle::scale_down(bool hard) {
    if (max_depth_ == 1) return;
    step_ = step_ < 0 && hard ? 0 : step_ + 1;
    set_depth();
    scaled_max_ = false;
    unknown_ = 0;
}

// kernel: rwb_arm_timer().
void write_throttle::arm(sim_time now) {
    sim_duration length = window;
    if (step_ > 0)
        length.ns = (window.ns << 4U) / integer_root((static_cast<std::uint64_t>(step_) + 1) << 8U);
    window_ends_ = timeout_in_jiffies(now, length.ns / jiffy.ns);
    reads_ = writes_ = 0;
}

// kernel: latency_exceeded().
write_throttle::latency write_throttle::judge(sim_time now) const {
    const sim_duration hangs = hanging_read_ ? now - *hanging_read_ : sim_duration{};
    if (hangs > window || (hangs > target_ && reads_ == 0)) return latency::exceeded;
    if (reads_ == 0 || writes_ < min_write_samples)
        return writes_ > 0 || in_flight() > 0 ? latency::unknown_writes : latency::unknown;
    return fastest_read_ > target_ ? latency::exceeded : latency::ok;
}

// kernel: wb_timer_fn().
void write_throttle::end_window(sim_time now) {
    switch (judge(now)) {
    case latency::exceeded: scale_down(true); break;
    case latency::ok:
    case latency::unknown_writes: scale_up(); break;
    case latency::unknown:
        if (++unknown_ < unknown_bump) break;
        if (step_ > 0) {
            scale_up();
        } else if (step_ < 0) {
            scale_down(false);
        }
        break;
    }
    window_ends_.reset();
    if (step_ != 0 || in_flight() > 0) arm(now);
}

// The windows that are over by now.
void write_throttle::catch_up(sim_time now) {
    while (window_ends_ && *window_ends_ <= now) end_window(*window_ends_);
}

// kernel: get_limit().
unsigned write_throttle::limit(write_class c, sim_time now) const {
    if (c == write_class::kswapd) return max_depth_;
    return last_read_ && now < *last_read_ + reads_are_close ? background() : normal();
}

bool write_throttle::may_begin(write_class c, sim_time now) {
    if (target_.ns == 0) return true;
    catch_up(now);
    return in_flight_[index(c)] < limit(c, now);
}

bool write_throttle::begin_write(write_class c, sim_time now) {
    const bool may = may_begin(c, now);
    if (may) ++in_flight_[index(c)];
    if (target_.ns != 0 && !window_ends_) arm(now);
    return may;
}

bool write_throttle::end_write(write_class c, sim_time now) {
    PAGESIM_ASSERT(in_flight_[index(c)] > 0);
    if (target_.ns != 0) catch_up(now);
    ++writes_;
    const unsigned left = --in_flight_[index(c)];
    if (left == 0) return true;
    return left < normal() && normal() - left >= background() / 2;
}

void write_throttle::begin_read(sim_time now) {
    catch_up(now);
    last_read_ = now;
    if (!hanging_read_) hanging_read_ = now;
}

void write_throttle::end_read(sim_time begun, sim_time now) {
    catch_up(now);
    const sim_duration took = now - begun;
    fastest_read_ = reads_ == 0 ? took : std::min(fastest_read_, took);
    ++reads_;
    last_read_ = now;
    if (hanging_read_ && *hanging_read_ == begun) hanging_read_.reset();
}

} // namespace pagesim
