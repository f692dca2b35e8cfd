// SPDX-License-Identifier: MIT
// The machine: parts, tasks, and the loop that lets one run after the other.
//
//     one turn of the loop
//        1. events that are due (I/O completions, timers, the tick), each charged to whoever runs
//        2. a switch, if the scheduler wants one
//        3. one step of the current task; nobody runnable: the clock jumps to the next event
//
// A step ends where the kernel could lose the CPU: between two pages of reclaim, at a fault's return, when
// an event is due. So an interrupt is never later than one page's work.
//
//     machine m{machine_with(page_count{6144})};
//     lackey_stream trace{...};
//     m.start(trace, ranges);
//     m.run();
//     fmt::print("{}", format_vmstat(m.stat()));
//
// Two machines in one process share nothing. The same configuration and input give the same fingerprint.
#pragma once

#include <pagesim/machine/parts.hpp>
#include <pagesim/machine/task.hpp>
#include <pagesim/stat/fingerprint.hpp>
#include <pagesim/workload/page_set.hpp>

#include <memory>
#include <span>
#include <vector>

namespace pagesim {

class machine final : private waker, private event_target {
public:
    // Throws std::invalid_argument with find_fault_in()'s sentence. `sink` may be null.
    explicit machine(const machine_config& config, trace_sink* sink = nullptr);
    ~machine() override;

    // The one process, before the first step. `ranges`: mapped from the start, every first touch a private
    // frame.
    void start(access_stream& stream, std::span<const page_range> ranges = {});
    // One turn of the loop; false when the process has ended.
    bool step();
    void run() {
        while (step()) {}
    }

    [[nodiscard]] const vmstat& stat() const { return parts_->stat; }
    [[nodiscard]] sim_time now() const { return parts_->clock.now(); }
    [[nodiscard]] const workload_task& workload() const { return *workload_; }
    [[nodiscard]] const task& kswapd() const { return *kswapd_; }
    [[nodiscard]] machine_parts& parts() { return *parts_; }
    [[nodiscard]] const machine_parts& parts() const { return *parts_; }
    // CPU time of kernel threads other than kswapd.
    [[nodiscard]] sim_duration other_time() const {
        const sim_duration flushed = flusher_ == nullptr ? sim_duration{} : flusher_->cpu_time;
        return rcu_ == nullptr ? flushed : flushed + rcu_->cpu_time;
    }
    // Nobody ran; the interrupts of an idle CPU count here.
    [[nodiscard]] sim_duration idle_time() const { return idle_; }
    [[nodiscard]] std::uint64_t switches() const { return switches_; }
    // Events and counters so far.
    [[nodiscard]] std::uint64_t fingerprint_value() const;

    void check_consistency() const;

private:
    unsigned wake_all(wait_channel channel) override;
    [[nodiscard]] bool anyone_waits(wait_reason reason) const override;
    void on_event(sim_time due, std::uint64_t arg) override;

    void account();
    void wake(task& t);
    void put_to_sleep(task& t, const step_result& r);
    void switch_tasks();
    void idle();
    void on_tick(sim_time due);
    [[nodiscard]] task* current_task() const;

    std::unique_ptr<class counting_sink> sink_;
    std::unique_ptr<machine_parts> parts_;
    std::vector<std::unique_ptr<task>> tasks_; // index = id of the entity
    workload_task* workload_ = nullptr;
    task* kswapd_ = nullptr;
    task* rcu_ = nullptr;
    task* flusher_ = nullptr;
    std::uint64_t busy_ticks_ = 0;
    cfs_run_queue queue_;
    sim_time accounted_until_{};
    sim_duration idle_{};
    std::uint64_t switches_ = 0;
};

} // namespace pagesim
