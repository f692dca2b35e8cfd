// SPDX-License-Identifier: MIT
// What is to be freed once all who may still see it are done (kernel: call_rcu()), on one CPU:
//
//     queued ── a tick: a grace period begins ── the next: it ends ── the next: freed
//
// What is queued during a grace period waits for the following one, which begins at the tick that ends the first.
// Without ticks (a machine's parts alone, cfs_config::rcu_sched off) effects come at once.
//
// Source: rcu_core(), rcu_gp_init(), rcu_gp_cleanup(), rcu_do_batch() of kernel/rcu/tree.c, Linux 6.1; at which
// ticks, from ftrace of 6.1. Left out: ksoftirqd, which does what is beyond ten callbacks; rcu_barrier.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace pagesim {

class rcu_callbacks {
public:
    // Frees nothing that counts here.
    void call() { ++queued_; }
    void call(std::function<void()> effect) {
        ++queued_;
        if (deferring_) {
            next_.push_back(std::move(effect));
        } else {
            effect();
        }
    }
    // From now on effects wait: there are ticks.
    void defer() { deferring_ = true; }
    // kernel: rcu_needs_cpu().
    [[nodiscard]] bool pending() const { return grace_period_ || queued_ != seen_ || !ready_.empty(); }
    // A tick. True if a grace period begins or ends, for which rcu_sched has work to do.
    bool tick() {
        const std::vector<std::function<void()>> due = std::exchange(ready_, {});
        const bool ends = grace_period_;
        if (ends) ready_ = std::exchange(waiting_, {});
        grace_period_ = queued_ != seen_;
        seen_ = queued_;
        if (grace_period_) waiting_ = std::exchange(next_, {});
        for (const auto& effect : due) effect();
        return ends || grace_period_;
    }

private:
    std::uint64_t queued_ = 1; // what came before the run began
    std::uint64_t seen_ = 0;   // that a grace period waits or waited for
    bool grace_period_ = false;
    bool deferring_ = false;
    std::vector<std::function<void()>> next_;
    std::vector<std::function<void()>> waiting_;
    std::vector<std::function<void()>> ready_;
};

} // namespace pagesim
