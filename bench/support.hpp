// SPDX-License-Identifier: MIT
// What the benchmarks share: sizes, the thread's CPU time, a place for one figure after the other.
//
// Under CTest every benchmark runs at a smoke size. PAGESIM_BENCH_FULL in the environment (script/bench sets it) adds the
// sizes whose figures are reported.
#pragma once

#include <pagesim/fault/handle_mm_fault.hpp>
#include <pagesim/machine/parts.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace pagesim::bench {

[[nodiscard]] inline bool full_size() { return std::getenv("PAGESIM_BENCH_FULL") != nullptr; }

// CPU time of this thread, in seconds: what others use of the host is not in it.
[[nodiscard]] inline double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Times one piece of work of a benchmark with UseManualTime().
template <typename Work>
void timed(benchmark::State& state, Work work) {
    const double began = thread_seconds();
    work();
    state.SetIterationTime(thread_seconds() - began);
}

class nobody_to_wake final : public waker {
public:
    unsigned wake_all(wait_channel /*channel*/) override { return 0; }
    [[nodiscard]] bool anyone_waits(wait_reason /*reason*/) const override { return false; }
};

// The parts of a machine with one address space, driven by hand.
struct bare_machine {
    bare_machine(const machine_config& config, page_count range_pages)
        : parts{config, waker, nullptr}, space{parts.new_mm()} {
        space->insert_vma({.first = vpn{0}, .end = vpn{range_pages.value}});
        parts.settle(*space);
    }
    // A first store. The machine must have the memory for it.
    page& touch(vpn n) { return fault(*space, n, access_kind::write); }
    // One fault; returns the page that is mapped then.
    page& fault(mm& owner, vpn n, access_kind kind) {
        cursor.where = n;
        cursor.kind = kind;
        finish([&] { return handle_mm_fault(parts.fc, owner, cursor); });
        PAGESIM_ASSERT(cursor.outcome == fault_outcome::resolved);
        return parts.frames[descriptor{*owner.table().leaf(n)}.frame()];
    }
    // Calls step until it is done. What sleeps goes on with the next event, and looks for itself whether it can: the
    // queue never runs empty where a flusher's timer is in it.
    template <typename Step>
    void finish(Step step) {
        for (step_result r = step(); !r.done(); r = step()) {
            if (r.kind == step_kind::sleep) {
                const sim_time next = std::min(r.until, parts.events.next_time());
                PAGESIM_ASSERT(next < never);
                parts.clock.advance_to(std::max(parts.clock.now(), next));
            }
            run_due_events();
        }
    }
    void run_due_events() {
        while (parts.events.run_one(parts.clock.now())) {}
    }
    // Only while no timer rearms itself.
    void finish_io() {
        for (; !parts.events.empty(); run_due_events()) {
            parts.clock.advance_to(std::max(parts.clock.now(), parts.events.next_time()));
        }
    }

    nobody_to_wake waker;
    machine_parts parts;
    std::unique_ptr<mm> space;
    fault_cursor cursor; // 4 KiB, kept as a task keeps its own
};

} // namespace pagesim::bench
