// SPDX-License-Identifier: MIT
// A run as curves: every so often of simulated time, what the counters were.
//
// How long the run will be is not known, so the interval follows: samples are taken every millisecond at first, and
// whenever there are most_samples of them the interval doubles, as often as it takes, until half of them remain. What is
// kept is exact, since counters are sums: a rate between two samples is the difference by the time that passed. The first
// sample is the beginning and the last one the end.
//
//     time_series series;
//     machine m{config, &series};
//     m.start(...);
//     series.begin(m);
//     while (m.step()) series.look();
//     series.finish();
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/memory_pressure.hpp>
#include <pagesim/reclaim/reason.hpp>
#include <pagesim/stat/trace_event.hpp>

#include <string>
#include <vector>

namespace pagesim {

class time_series final : public trace_sink {
public:
    static constexpr std::size_t most_samples = 2048;

    // Of one zone, in pages; the watermarks with what boosts them.
    struct zone_sample {
        std::uint64_t free = 0;
        std::uint64_t min = 0;
        std::uint64_t low = 0;
        std::uint64_t high = 0;
    };
    struct sample {
        sim_time time;
        vmstat stat;
        reason_counts reasons;
        sim_duration some; // memory_pressure.hpp
        sim_duration full;
        std::vector<zone_sample> zones; // as the node has them
    };

    // After machine::start() and before the first step. `m` outlives the series.
    void begin(const machine& m);
    // After each step.
    void look() {
        pressure_.look();
        if (machine_->now() >= due_) take_due_sample();
    }
    void finish();

    void on(const trace_event& e) override { pressure_.on(e); }
    void on(sim_time time, const tracepoint& t) override { pressure_.on(time, t); }

    [[nodiscard]] const std::vector<sample>& samples() const { return samples_; }
    // At least this much lies between two samples, but for the last one.
    [[nodiscard]] sim_duration interval() const { return interval_; }

private:
    void take();
    void take_due_sample();
    void thin_out();

    const machine* machine_ = nullptr;
    memory_pressure pressure_;
    std::vector<sample> samples_;
    sim_duration interval_ = milliseconds(1);
    sim_time due_{};
};

} // namespace pagesim
