// SPDX-License-Identifier: MIT
// Time lost to a shortage of memory, as pressure stall information counts it.
//
//     some    at least one task is stalled
//     full    the same, and no task that is not stalled could run
//
// A task is stalled in direct reclaim with all that it waits for there, and while a page is read back that reclaim had
// taken from the working set: by itself, or while it waits for the device. kswapd is stalled while it balances. A task that
// sleeps for another reason neither stalls nor runs.
//
// The state is looked at between two steps of the machine and at the ends of direct reclaim; a wake-up in between
// counts from there on. Averages over 10, 60 and 300 s are not kept: the totals of two moments give any average.
//
// Source: kernel/sched/psi.c test_state() (one CPU), and the callers of psi_memstall_enter() in mm/page_alloc.c,
// mm/vmscan.c, mm/filemap.c and mm/page_io.c, Linux 6.1.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/stat/trace_event.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

class memory_pressure final : public trace_sink {
public:
    // Before the first step. `m` outlives the last event.
    void begin(const machine& m) {
        machine_ = &m;
        seen_ = m.now();
    }
    // After each step.
    void look();

    void on(const trace_event& e) override;
    void on(sim_time time, const tracepoint& t) override;

    [[nodiscard]] sim_duration some() const { return some_; }
    [[nodiscard]] sim_duration full() const { return full_; }

private:
    enum class state : std::uint8_t { none, some, full };

    void count_until(sim_time time);
    void judge();
    [[nodiscard]] bool waits_for_memory(const task& t) const;
    [[nodiscard]] bool refaulted(pfn frame) const;

    const machine* machine_ = nullptr;
    std::uint32_t current_ = tracepoints::sched_switch::idle;
    std::vector<bool> reclaims_; // by task: between begin and end of direct reclaim
    bool reads_ = false;         // the current task reads a page back, until the step is over
    state now_ = state::none;
    sim_time seen_{};
    sim_duration some_{};
    sim_duration full_{};
};

} // namespace pagesim
