// SPDX-License-Identifier: MIT
// Who runs: the completely fair scheduler of one CPU, for tasks of equal weight.
//
// Each task has a virtual runtime v, the CPU time it has had. The task with the smallest v runs next, so
// all get the same in the long run. What makes the short run interesting:
//
//     wake-up    a task that slept comes back with v = max(its old v, min_vruntime - 3 ms): a long sleep is worth 3 ms,
//                a short one nothing. It preempts the current task only if it is more than 1 ms behind it.
//     tick       every 4 ms: a task that has run longer than its slice (6 ms / runnable, not below 0.75 ms) is to give
//                way; likewise one that has run 0.75 ms and is a slice ahead of the task furthest behind.
//     giving way happens at the next point where kernel code may lose the CPU (need_resched), not at once. And it is no
//                more than a new choice: whoever still has the smallest v goes on.
//
//     workload  ████████████████░░░░░░░░████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░████████
//     kswapd    ░░░░░░░░░░░░░░░░████████░░░░░░░░░░░░░░░░░░░░░░░░████████████████████████░░░░░░░░
//                               ^ woken, 3 ms credit: at once   ^ woken, 0.5 ms behind: waits for the tick
//
// So kswapd, woken after a long sleep, preempts the workload at once; woken again within a millisecond or
// two it must wait until a tick, and meanwhile the workload allocates below the low watermark and may have
// to reclaim by itself.
//
// min_vruntime follows the smallest v of all that run or wait, and never goes back. The task that has just
// won a wake-up preemption is the "next buddy": chosen although its v is up to 1 ms above the smallest.
//
// Source: kernel/sched/fair.c of Linux 6.1 (place_entity, check_preempt_wakeup, check_preempt_tick,
// pick_next_entity), one CPU: scaling factor 1. Left out: weights, groups, the "last" buddy, yields.
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

struct cfs_config {
    sim_duration latency = milliseconds(6);            // sched_latency
    sim_duration min_granularity = microseconds(750);  // sched_min_granularity
    sim_duration wakeup_granularity = milliseconds(1); // sched_wakeup_granularity
    bool rcu_sched = true; // grace periods begin and end, and wake the thread of that name
};

class sched_entity {
public:
    explicit sched_entity(std::uint32_t id) : id_{id} {}
    sched_entity(const sched_entity&) = delete;
    sched_entity& operator=(const sched_entity&) = delete;

    // Ties are broken by it: the smaller first.
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] std::int64_t vruntime() const { return vruntime_; }

private:
    friend class cfs_run_queue;

    std::uint32_t id_;
    std::int64_t vruntime_ = 0; // nanoseconds
};

class cfs_run_queue {
public:
    explicit cfs_run_queue(const cfs_config& config = {}) : config_{config} {}
    cfs_run_queue(const cfs_run_queue&) = delete;
    cfs_run_queue& operator=(const cfs_run_queue&) = delete;

    // A task enters for the first time.
    void start(sched_entity& e);
    // A task that slept is runnable again. The current one may have to give way.
    void wake(sched_entity& e);
    // The current task has run that long; without one the CPU was idle.
    void charge(sim_duration ran);
    // The 250 Hz tick.
    void tick();

    // Null: idle.
    [[nodiscard]] sched_entity* current() const { return current_; }
    [[nodiscard]] bool need_resched() const { return need_resched_; }
    // Chooses who runs now, the current task included. Null: nobody is runnable.
    sched_entity* pick_next();
    // The current task sleeps, or is gone.
    void sleep_current();
    void exit_current() { sleep_current(); }

    // Running and waiting.
    [[nodiscard]] unsigned nr_running() const {
        return static_cast<unsigned>(waiting_.size()) + (current_ != nullptr ? 1U : 0U);
    }
    [[nodiscard]] std::int64_t min_vruntime() const { return min_vruntime_; }

private:
    [[nodiscard]] std::int64_t slice() const;
    [[nodiscard]] std::int64_t smallest_waiting() const;
    void update_min_vruntime();

    cfs_config config_;
    std::vector<sched_entity*> waiting_;
    sched_entity* current_ = nullptr;
    sched_entity* next_buddy_ = nullptr;
    std::int64_t min_vruntime_ = 0;
    std::int64_t ran_ = 0; // by the current task since it was switched in
    bool need_resched_ = false;
};

} // namespace pagesim
