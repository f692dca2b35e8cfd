// SPDX-License-Identifier: MIT
// The event queue's hold model: take the earliest event, schedule one a random time later, with 10 and 1000 pending.
// Beside it the same with a bare std::priority_queue of the same events in the same order.
#include <pagesim/base/dice.hpp>
#include <pagesim/sim/event_queue.hpp>

#include <benchmark/benchmark.h>

#include <queue>
#include <vector>

namespace {

using namespace pagesim;

constexpr std::uint64_t mean_gap = 1'000'000;

class holder final : public event_target {
public:
    explicit holder(event_queue& q) : queue_{q} {}
    void on_event(sim_time due, std::uint64_t arg) override {
        sum += due.ns + arg;
        queue_.schedule(due + nanoseconds(1 + dice_.below(2 * mean_gap)), event_phase::timer, *this, arg);
    }
    void fill(std::uint64_t n) {
        for (std::uint64_t i = 0; i < n; ++i) {
            queue_.schedule(sim_time{1 + dice_.below(2 * mean_gap)}, event_phase::timer, *this, i);
        }
    }
    std::uint64_t sum = 0;

private:
    event_queue& queue_;
    dice dice_{1};
};

void hold(benchmark::State& state) {
    event_queue q;
    holder h{q};
    h.fill(static_cast<std::uint64_t>(state.range(0)));
    for (auto _ : state) q.run_one(never);
    benchmark::DoNotOptimize(h.sum);
    state.SetItemsProcessed(state.iterations());
}

struct bare_event {
    sim_time when;
    std::uint64_t sequence;
    std::uint64_t arg;
};
struct later {
    bool operator()(const bare_event& a, const bare_event& b) const {
        return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }
};

void hold_bare_priority_queue(benchmark::State& state) {
    std::priority_queue<bare_event, std::vector<bare_event>, later> q;
    dice d{1};
    std::uint64_t sequence = 0;
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        q.push({sim_time{1 + d.below(2 * mean_gap)}, sequence++, static_cast<std::uint64_t>(i)});
    }
    for (auto _ : state) {
        const bare_event e = q.top();
        q.pop();
        sum += e.when.ns + e.arg;
        q.push({e.when + nanoseconds(1 + d.below(2 * mean_gap)), sequence++, e.arg});
    }
    benchmark::DoNotOptimize(sum);
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(hold)->Arg(10)->Arg(1000);
BENCHMARK(hold_bare_priority_queue)->Arg(10)->Arg(1000);

} // namespace
