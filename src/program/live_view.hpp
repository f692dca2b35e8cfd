// SPDX-License-Identifier: MIT
// A run on the terminal while it goes on: rates, lists, free memory and watermarks (run --watch).
#pragma once

#include <pagesim/machine/machine.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace pagesim::program {

// A moment of a run, as far as the view needs it.
struct live_moment {
    sim_time time;
    vmstat stat;
    std::uint64_t accesses = 0;
    std::chrono::duration<double> host{}; // since the run began
};

[[nodiscard]] live_moment moment_of(const machine& m, std::chrono::duration<double> host);

// Lines that tell how the machine stands and what happened between two moments, by simulated second. `done`: of the
// records, or less than 0 if nobody knows.
[[nodiscard]] std::string live_text(const machine& m, const live_moment& before, const live_moment& now,
                                    double done);

class live_view {
public:
    // Shows nothing unless it is wanted and standard error is a terminal.
    explicit live_view(bool wanted);

    // After each step; draws some five times a second.
    template <typename Done>
    void show(const machine& m, Done done) {
        constexpr unsigned steps_a_look = 4096;
        if (!visible_ || ++steps_ % steps_a_look != 0) return;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        draw(m, done());
    }
    // The last state stays on the screen.
    void finish(const machine& m);

private:
    void draw(const machine& m, double done);

    bool visible_;
    unsigned steps_ = 0;
    unsigned lines_ = 0; // that the last view took
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_{};
    live_moment before_{};
};

} // namespace pagesim::program
