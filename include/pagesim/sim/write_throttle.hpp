// SPDX-License-Identifier: MIT
// How many writes a device may have at once, so that reads do not wait behind them (kernel: writeback throttling, blk-wbt,
// on by default for every multi-queue device).
//
//     depth          kswapd's writes      half of it   everybody else's      a quarter    everybody else's, while
//     max_depth                           wb_normal                          wb_background    somebody reads (100 ms)
//
// Who has reached its limit sleeps until enough of its writes are complete. A window of 100 ms after the other decides
// about the depth: 16 at first; if the fastest read took longer than the target, or one hangs, 8, 4, 2, 1; if reads were
// fast enough, or there were writes only, 31 and then three quarters of the queue depth.
//
// Source: block/blk-wbt.c, rq_depth_* of block/blk-rq-qos.c, Linux 6.1; 5.10 is the same. Left out: dirty throttling's say
// (wb_recent_wait), devices with a write cache.
#pragma once

#include <pagesim/base/units.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace pagesim {

enum class write_class : std::uint8_t { kswapd, others };

class write_throttle {
public:
    // `target`: what a read may take (wbt_lat_usec); 0: no throttling.
    write_throttle(sim_duration target, unsigned queue_depth);

    // Whether one more write of that class may begin; if so it has begun.
    [[nodiscard]] bool begin_write(write_class c, sim_time now);
    // A write that was refused begins after all, as its owner is woken.
    void begin_waiting_write(write_class c) { ++in_flight_[index(c)]; }
    // A write is complete. True if those of its class that sleep are to be woken, as far as may_begin() allows.
    [[nodiscard]] bool end_write(write_class c, sim_time now);
    [[nodiscard]] bool may_begin(write_class c, sim_time now);
    void begin_read(sim_time now);
    void end_read(sim_time begun, sim_time now);

    [[nodiscard]] unsigned max_depth() const { return max_depth_; }
    [[nodiscard]] int scale_step() const { return step_; }

private:
    enum class latency : std::uint8_t { ok, unknown, unknown_writes, exceeded };

    [[nodiscard]] static std::size_t index(write_class c) { return static_cast<std::size_t>(c); }
    [[nodiscard]] unsigned limit(write_class c, sim_time now) const;
    [[nodiscard]] unsigned normal() const { return max_depth_ <= 2 ? max_depth_ : (max_depth_ + 1) / 2; }
    [[nodiscard]] unsigned background() const { return max_depth_ <= 2 ? 1 : (max_depth_ + 3) / 4; }
    [[nodiscard]] unsigned in_flight() const { return in_flight_[0] + in_flight_[1]; }
    [[nodiscard]] latency judge(sim_time now) const;
    void catch_up(sim_time now);
    void end_window(sim_time now);
    void arm(sim_time now);
    void scale_up();
    void scale_down(bool hard);
    void set_depth();

    sim_duration target_;
    unsigned queue_depth_;
    unsigned max_depth_ = 0;
    int step_ = 0; // below 0: deeper than at first
    bool scaled_max_ = false;
    unsigned unknown_ = 0;
    std::array<unsigned, 2> in_flight_{};
    std::optional<sim_time> window_ends_;
    // In this window.
    std::uint64_t reads_ = 0;
    std::uint64_t writes_ = 0;
    sim_duration fastest_read_{};
    // Reads.
    std::optional<sim_time> last_read_; // begun or complete
    std::optional<sim_time> hanging_read_;
};

} // namespace pagesim
