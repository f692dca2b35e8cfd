// SPDX-License-Identifier: MIT
// A task: something that uses CPU time, one atom at a time. The workload's process is one, kswapd is
// another, and the scheduler makes no difference between them.
#pragma once

#include <pagesim/machine/end_of_task.hpp>
#include <pagesim/machine/file_calls.hpp>
#include <pagesim/machine/parts.hpp>
#include <pagesim/machine/process.hpp>
#include <pagesim/process/madvise.hpp>
#include <pagesim/process/mmap.hpp>
#include <pagesim/sched/cfs.hpp>
#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/page_set.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pagesim {

class task {
public:
    explicit task(std::uint32_t id) : entity{id} {}
    task(const task&) = delete;
    task& operator=(const task&) = delete;
    virtual ~task() = default;

    // Runs until the next point where another task may take over. Time passes on the machine's clock.
    virtual step_result step() = 0;
    [[nodiscard]] virtual std::string_view name() const = 0;

    sched_entity entity;
    sim_duration cpu_time{};  // used so far
    wait_channel waits_for{}; // while asleep
    bool asleep = false;
    sleep_state sleep_ends{}; // while asleep: by SIGKILL, or not
    task_signals signals{};
    std::uint64_t sleeps = 0; // distinguishes a timer of this sleep from one of an earlier sleep
};

// As sched_switch and ps tell it: R runs or could, D sleeps uninterruptibly, S otherwise, I is an idle kernel worker.
// kernel: __task_state_index(); who waits with TASK_IDLE is TASK_REPORT_IDLE.
[[nodiscard]] char state_letter(const task& t);

class kswapd_task final : public task {
public:
    // It went to sleep long before the run begins.
    kswapd_task(std::uint32_t id, machine_parts& parts) : task{id}, parts_{parts} {
        cursor_.at = kswapd_cursor::phase::long_sleep;
    }
    step_result step() override { return kswapd_step(parts_.rc, cursor_); }
    [[nodiscard]] std::string_view name() const override { return "kswapd0"; }

private:
    machine_parts& parts_;
    kswapd_cursor cursor_;
};

// rcu_sched: runs for some microseconds at the tick at which a grace period begins or ends. What it does does not matter
// here, but its wake-up always wins, and when it sleeps again the scheduler chooses anew: without it tasks and ticks lock
// in step.
class rcu_task final : public task {
public:
    rcu_task(std::uint32_t id, machine_parts& parts) : task{id}, parts_{parts} {}
    step_result step() override {
        if (!std::exchange(ran_, true)) {
            parts_.cpu.charge(parts_.config.cost.rcu_sched);
            return step_again;
        }
        ran_ = false;
        return sleep_on({.reason = wait_reason::rcu_work});
    }
    [[nodiscard]] std::string_view name() const override { return "rcu_sched"; }

private:
    machine_parts& parts_;
    bool ran_ = false;
};

// The kernel worker: vmpressure() wakes it (kernel: vmpressure_work_fn), and before 6.0 a task whose direct reclaim was not
// enough, to empty the per-CPU lists (drain_local_pages_wq). Like that of rcu_sched its wake-up nearly always wins, and
// when it sleeps again the scheduler chooses anew: a long reclaim is cut at the ends of its passes, and a task that has to
// reclaim for every few pages gives kswapd a chance each time.
class kworker_task final : public task {
public:
    kworker_task(std::uint32_t id, machine_parts& parts) : task{id}, parts_{parts} {
        asleep = true;
        waits_for = {.reason = wait_reason::kworker_work};
    }
    step_result step() override;
    [[nodiscard]] std::string_view name() const override { return "kworker/0:1"; }

private:
    machine_parts& parts_;
    bool ran_ = false;
};

// A snapshot that the workload or an observer asked for.
struct marked {
    std::string label;
    sim_time time;
    vmstat stat;
};

// The process that the access stream drives.
class workload_task final : public task {
public:
    // `options` with a pid.
    workload_task(std::uint32_t id, machine_parts& parts, access_stream& stream, std::unique_ptr<mm> space,
                  process_options options)
        : task{id}, parts_{parts}, stream_{stream}, mm_{std::move(space)}, options_{std::move(options)},
          files_{parts} {}

    // Ranges that exist from the start (recorded traces).
    void add_range(vpn first, vpn end, first_read on_read);

    step_result step() override;
    // kernel: comm.
    [[nodiscard]] std::string_view name() const override {
        constexpr std::size_t longest = 15;
        return options_.name.empty() ? "workload" : std::string_view{options_.name}.substr(0, longest);
    }
    [[nodiscard]] std::uint32_t pid() const { return *options_.pid; }
    [[nodiscard]] int oom_score_adj() const { return options_.oom_score_adj; }
    [[nodiscard]] task_label label() const { return {.name = options_.name, .pid = pid()}; }

    // SIGKILL is pending from now on; the task dies of it where it next can. The first cause counts.
    void kill(run_outcome cause, std::optional<std::size_t> report = std::nullopt);
    // It came to its end while others go on: gives everything back, as a process that exits.
    void exit();
    // The machine stands still.
    void panic() { ending_ = {.outcome = run_outcome::panicked, .time = parts_.clock.now()}; }

    [[nodiscard]] mm& space() { return *mm_; }
    [[nodiscard]] const mm& space() const { return *mm_; }
    [[nodiscard]] const file_calls& files() const { return files_; }
    [[nodiscard]] bool finished() const { return finished_; }
    [[nodiscard]] bool exiting() const { return exiting_; }
    // Finished, and nothing is left of its address space.
    [[nodiscard]] bool gone() const { return gone_; }
    [[nodiscard]] run_outcome outcome() const { return ending_.outcome; }
    [[nodiscard]] const end_of_task& ending() const { return ending_; }
    [[nodiscard]] const std::optional<input_error>& error() const { return error_; }
    [[nodiscard]] vpn fault_address() const { return fault_.where; }
    [[nodiscard]] fault_outcome fault_reason() const { return fault_.outcome; }
    [[nodiscard]] const std::vector<marked>& marks() const { return marks_; }
    [[nodiscard]] const std::vector<marked>& observed() const { return observed_; }
    [[nodiscard]] std::uint64_t accesses() const { return accesses_; }
    [[nodiscard]] sim_duration stalled() const { return stalled_; }

private:
    step_result run_records();
    void take_record() {
        if (at_ < block_.records.size()) record_ = block_.records[at_];
    }
    // One access of the current record: done if it translated, otherwise a fault was begun.
    [[nodiscard]] bool access(vpn at, access_kind kind);
    step_result run_fault();
    step_result run_unmap();
    step_result run_lock();
    step_result run_file_call();
    step_result run_advise();
    step_result next_item();
    step_result run_exit();
    step_result end(run_outcome outcome);
    step_result die_at(run_outcome outcome, vpn address);

    step_result perform(const access_block& block);
    step_result perform(const op_anon& op);
    step_result perform(const op_unmap& op);
    step_result perform(const op_lock& op);
    step_result perform(const op_advise& op);
    step_result perform(const op_sleep& op);
    step_result perform(const op_mark& op);
    step_result perform(const op_file& op);
    step_result perform(const op_map& op);
    step_result perform(const op_transfer& op);
    step_result perform(const op_descriptor& op);
    step_result perform(const op_drop& op);
    step_result perform(const end_of_stream& op);
    step_result perform(const input_error& error);

    machine_parts& parts_;
    access_stream& stream_;
    std::unique_ptr<mm> mm_;
    process_options options_;
    access_block block_{};
    std::size_t at_ = 0;
    access_record record_{};         // the one at at_, or what an event left of it
    bool first_access_done_ = false; // of a record that is written later
    fault_cursor fault_;
    bool faulting_ = false;
    sim_time fault_began_{};
    bool unmapping_ = false;
    page_range part_{}; // of the unmap, lock or advice under way
    munmap_cursor unmap_;
    bool locking_ = false;
    lock_action lock_what_ = lock_action::mlock;
    lock_cursor lock_;
    file_calls files_;
    bool advising_ = false;
    advice advice_ = advice::normal;
    advise_cursor advise_;
    exit_cursor exit_;
    bool exiting_ = false;
    bool finished_ = false;
    bool gone_ = false;
    end_of_task ending_;
    run_outcome cause_ = run_outcome::killed; // of the SIGKILL
    std::optional<input_error> error_;
    std::vector<marked> marks_;    // the workload's
    std::vector<marked> observed_; // an observer's
    std::uint64_t accesses_ = 0;
    sim_duration stalled_{};
};

} // namespace pagesim
