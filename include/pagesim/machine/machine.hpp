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
// Any number of processes share the CPU, the memory and the swap device; each has its own address space and its own end.
// The run is over when all have ended, or when the kernel panics. The last one to come to its end is left as it
// stands, to be looked at; the others exit and give everything back.
//
//     m.add_process(other, {.name = "other", .oom_score_adj = 500});
//
// Two machines in one process share nothing. The same configuration and input give the same fingerprint.
#pragma once

#include <pagesim/machine/oom_reaper.hpp>
#include <pagesim/machine/oom_report.hpp>
#include <pagesim/machine/parts.hpp>
#include <pagesim/machine/task.hpp>
#include <pagesim/stat/fingerprint.hpp>
#include <pagesim/workload/page_set.hpp>

#include <memory>
#include <span>
#include <vector>

namespace pagesim {

class machine final : private waker, private event_target, private oom_handler {
public:
    // Throws std::invalid_argument with find_fault_in()'s sentence. `sink` may be null.
    explicit machine(const machine_config& config, trace_sink* sink = nullptr);
    ~machine() override;

    // The first process, before the first step. `ranges`: mapped from the start, every first touch a private
    // frame. Throws std::invalid_argument for options that cannot be.
    void start(access_stream& stream, std::span<const page_range> ranges = {},
               const process_options& options = {});
    // Another one, any time after that. `stream` must outlive the run.
    const workload_task& add_process(access_stream& stream, const process_options& options,
                                     std::span<const page_range> ranges = {});
    // SIGKILL. Nothing happens to who has ended.
    void kill(const workload_task& process);
    // One turn of the loop; false when all processes have ended.
    bool step();
    void run() {
        while (step()) {}
    }

    [[nodiscard]] const vmstat& stat() const { return parts_->stat; }
    [[nodiscard]] sim_time now() const { return parts_->clock.now(); }
    // The first process, and all in the order in which they came.
    [[nodiscard]] const workload_task& workload() const { return *processes_.front(); }
    [[nodiscard]] std::vector<const workload_task*> processes() const {
        return {processes_.begin(), processes_.end()};
    }
    // Out of memory, and nobody could be killed.
    [[nodiscard]] bool panicked() const { return panicked_; }
    // What the OOM killer did, in the order of time.
    [[nodiscard]] const std::vector<oom_report>& oom_reports() const { return oom_reports_; }
    [[nodiscard]] const task& kswapd() const { return *kswapd_; }
    // By the number that events name it with.
    [[nodiscard]] const task& task_of(std::uint32_t id) const { return *tasks_[id]; }
    [[nodiscard]] std::uint32_t nr_tasks() const { return static_cast<std::uint32_t>(tasks_.size()); }
    // A process that came to its end.
    [[nodiscard]] bool has_ended(const task& t) const;
    [[nodiscard]] machine_parts& parts() { return *parts_; }
    [[nodiscard]] const machine_parts& parts() const { return *parts_; }
    // CPU time of kernel threads other than kswapd.
    [[nodiscard]] sim_duration other_time() const {
        const sim_duration flushed = flusher_ == nullptr ? sim_duration{} : flusher_->cpu_time;
        const sim_duration reaped = reaper_ == nullptr ? sim_duration{} : reaper_->cpu_time;
        const sim_duration worked = kworker_ == nullptr ? sim_duration{} : kworker_->cpu_time;
        const sim_duration compacted = kcompactd_ == nullptr ? sim_duration{} : kcompactd_->cpu_time;
        return compacted + (rcu_ == nullptr ? sim_duration{} : rcu_->cpu_time) + flushed + reaped + worked;
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
    [[nodiscard]] bool need_resched() const override { return queue_.need_resched(); }
    void on_event(sim_time due, std::uint64_t arg) override;
    oom_progress out_of_memory(const oom_request& request) override;

    workload_task& add(access_stream& stream, std::span<const page_range> ranges, process_options options,
                       std::unique_ptr<mm> space);
    void start_kcompactd();
    [[nodiscard]] bool ended() const;
    [[nodiscard]] bool others_go_on(const workload_task& process) const;
    void on_done(task& t);
    [[nodiscard]] workload_task* process_of(const task& t) const;
    void send_sigkill(workload_task& p, run_outcome cause, std::optional<std::size_t> report);
    void mark_oom_victim(workload_task& p, std::optional<std::size_t> report);
    void oom_kill_process(workload_task& p, oom_report report);
    void panic(oom_report report);

    void account();
    void wake(task& t);
    void wait_for_io(task& t, wait_channel channel);
    void put_to_sleep(task& t, const step_result& r);
    void switch_tasks();
    void trace_switch(std::uint32_t next);
    void stop_tick();
    void leave_idle();
    void idle();
    void on_tick(sim_time due);
    [[nodiscard]] task* current_task() const;

    std::unique_ptr<class counting_sink> sink_;
    std::unique_ptr<machine_parts> parts_;
    std::vector<std::unique_ptr<task>> tasks_; // index = id of the entity
    std::vector<workload_task*> processes_;    // oldest first
    std::vector<oom_report> oom_reports_;
    task* kswapd_ = nullptr;
    task* rcu_ = nullptr;
    task* flusher_ = nullptr;
    task* kworker_ = nullptr;
    task* kcompactd_ = nullptr;
    oom_reaper_task* reaper_ = nullptr;
    bool panicked_ = false;
    bool tick_stopped_ = false; // of an idle CPU
    bool got_tick_ = false;     // while it was idle
    cfs_run_queue queue_;
    std::uint32_t traced_ = tracepoints::sched_switch::idle; // who runs, as the tracer knows
    sim_time accounted_until_{};
    sim_duration idle_{};
    std::uint64_t switches_ = 0;
};

} // namespace pagesim
