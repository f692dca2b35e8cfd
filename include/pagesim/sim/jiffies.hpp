// SPDX-License-Identifier: MIT
// The kernel's coarse time: jiffies of 4 ms (HZ is 250), and when a timer set in them goes off.
//
// A timer never goes off early. One that is set for n jiffies expires at the tick after the n-th from now; and the
// longer it runs the coarser it is, since the kernel keeps timers in a wheel whose levels have ever wider slots:
//
//     up to    62 jiffies    a slot is 1 jiffy
//             503                      8
//            4031                     64    (0.26 s: the flusher's 5 s are between 5.00 and 5.26 s)
//
// Source: calc_wheel_index() of kernel/time/timer.c, Linux 5.8 to 6.1. The wheel's phase is taken to be that of the
// machine's clock.
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>

namespace pagesim {

// A jiffy of the simulated kernel: HZ is 250.
inline constexpr sim_duration jiffy = milliseconds(4);
inline constexpr std::uint64_t hz = 250;

[[nodiscard]] constexpr std::uint64_t jiffies_at(sim_time t) { return t.ns / jiffy.ns; }
[[nodiscard]] constexpr std::uint64_t jiffies_of_centisecs(std::uint64_t n) {
    return n * 10 / (jiffy.ns / 1'000'000);
}

// kernel: schedule_timeout(n) of a short timeout: expires at the (n+1)-th tick from now, ticks lie on a fixed grid.
[[nodiscard]] constexpr sim_time timeout_in_jiffies(sim_time now, std::uint64_t n) {
    return sim_time{(jiffies_at(now) + 1 + n) * jiffy.ns};
}

// A timer of any length: rounded up to the next slot of its level.
[[nodiscard]] constexpr sim_time timer_expiry(sim_time now, std::uint64_t n) {
    constexpr std::uint64_t slots = 63; // of the first level; each further one reaches 8 times as far
    constexpr unsigned last_level = 8;
    std::uint64_t reach = slots;
    unsigned shift = 0;
    for (unsigned level = 0; level < last_level && n >= reach; ++level) {
        reach *= 8;
        shift += 3;
    }
    const std::uint64_t slot = ((jiffies_at(now) + n) >> shift) + 1;
    return sim_time{(slot << shift) * jiffy.ns};
}

} // namespace pagesim
