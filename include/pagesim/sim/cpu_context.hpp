// SPDX-License-Identifier: MIT
// What every piece of simulated kernel code may do while it runs: take time, count, tell the trace, wake
// somebody.
#pragma once

#include <pagesim/sim/clock.hpp>
#include <pagesim/sim/cost_table.hpp>
#include <pagesim/sim/event_queue.hpp>
#include <pagesim/sim/rcu.hpp>
#include <pagesim/stat/trace_event.hpp>
#include <pagesim/stat/vmstat.hpp>

#include <cstdint>

namespace pagesim {

// What a sleeping task waits for. A page is named by its frame.
enum class wait_reason : std::uint8_t {
    none,
    page_unlocked,
    kswapd_work,
    throttle_noprogress,
    throttle_writeback,
    throttle_congested,
    throttle_isolated,
    pfmemalloc,
    rcu_work,
    congestion,   // 5.8: congestion_wait, msleep; nobody wakes it early
    page_written, // a page under writeback
    flusher_work,
    dirty_pause, // balance_dirty_pages
    oom_reaper_work,
    kworker_work,
    kcompactd_work,
    write_throttled, // by the device
    bio_freed,       // what describes a page's I/O: swap/bio_pool.hpp
    pcp_drained      // by the kernel worker
};

struct wait_channel {
    wait_reason reason = wait_reason::none;
    std::uint64_t key = 0;

    friend constexpr bool operator==(const wait_channel&, const wait_channel&) = default;
};

// Wakes every task that sleeps on a channel. Implemented by the machine's scheduler.
class waker {
public:
    waker() = default;
    waker(const waker&) = delete;
    waker& operator=(const waker&) = delete;
    virtual ~waker() = default;
    // Returns how many were woken.
    virtual unsigned wake_all(wait_channel channel) = 0;
    [[nodiscard]] virtual bool anyone_waits(wait_reason reason) const = 0;
    // Whether the scheduler wants another task to run.
    [[nodiscard]] virtual bool need_resched() const { return false; }
};

// What kernel code asks and tells of the task that runs it (kernel: current).
struct task_signals {
    bool sigkill =
        false; // pending: the task dies at its next return to user mode (kernel: fatal_signal_pending)
    bool oom_victim =
        false;              // the OOM killer chose it: it may use reserves to die (kernel: tsk_is_oom_victim)
    bool kswapd = false;    // kernel: current_is_kswapd()
    wait_channel io_wait{}; // what its next I/O needs: it sleeps there before it goes on
};

struct cpu_context {
    sim_clock& clock;
    const cost_table& cost;
    vmstat& stat;
    event_queue& events;
    waker& wakes;
    trace_sink* trace = nullptr;
    trace_sink* tracer = nullptr;    // who wants tracepoints
    task_signals* current = nullptr; // null: nobody, or a kernel thread, which no signal kills
    rcu_callbacks* rcu = nullptr;    // null: effects come at once

    void charge(sim_duration d) const { clock.charge(d); }
    void count(vm_item item, std::int64_t n = 1) const { stat.add(item, n); }
    void emit(trace_kind kind, std::uint64_t a = 0, std::uint64_t b = 0) const {
        if (trace != nullptr) trace->on({clock.now(), kind, a, b});
    }
    // One of namespace tracepoints. Put together for a listener only.
    template <typename Point>
    void emit([[maybe_unused]] const Point& point) const {
#ifndef PAGESIM_NO_TRACEPOINTS
        if (tracer != nullptr) [[unlikely]]
            tracer->on(clock.now(), tracepoint{point});
#endif
    }
    void call_rcu() const {
        if (rcu != nullptr) rcu->call();
    }
    template <typename Effect>
    void call_rcu(Effect effect) const {
        if (rcu != nullptr) {
            rcu->call(std::move(effect));
        } else {
            effect();
        }
    }
    [[nodiscard]] bool fatal_signal_pending() const { return current != nullptr && current->sigkill; }
    [[nodiscard]] bool oom_victim() const { return current != nullptr && current->oom_victim; }
    [[nodiscard]] bool is_kswapd() const { return current != nullptr && current->kswapd; }
    // The current task is to sleep there as soon as its step is over.
    void wait_for_io(wait_channel channel) const {
        if (current != nullptr) current->io_wait = channel;
    }
    [[nodiscard]] bool waits_for_io() const {
        return current != nullptr && current->io_wait.reason != wait_reason::none;
    }
    // Whether an interrupt is due, somebody else is to run, or I/O is to be waited for: kernel code that may be preempted
    // returns to the event loop (kernel: cond_resched(); each allocation that may reclaim is such a point, too).
    [[nodiscard]] bool should_yield() const {
        return events.next_time() <= clock.now() || wakes.need_resched() || waits_for_io();
    }
};

} // namespace pagesim
