// SPDX-License-Identifier: MIT
// The machine's clock. Kernel code that "takes time" advances it; idle time is skipped by the event loop.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/base/units.hpp>

namespace pagesim {

class sim_clock {
public:
    [[nodiscard]] sim_time now() const { return now_; }
    // CPU time spent by whoever runs.
    void charge(sim_duration d) { now_ = now_ + d; }
    // Idle: jumps to `t`, which must not lie in the past.
    void advance_to(sim_time t) {
        PAGESIM_ASSERT(t >= now_);
        now_ = t;
    }

private:
    sim_time now_;
};

} // namespace pagesim
