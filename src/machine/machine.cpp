// SPDX-License-Identifier: MIT
#include <pagesim/machine/machine.hpp>

#include <pagesim/machine/flusher_task.hpp>
#include <pagesim/machine/kcompactd_task.hpp>

#include <stdexcept>
#include <utility>

namespace pagesim {

namespace {

// What an event of the machine itself means: the tick, or the end of a task's sleep.
constexpr std::uint64_t tick_event = 0;
constexpr unsigned sleep_bits = 40;

std::uint64_t timer_event(const task& t) {
    return (std::uint64_t{t.entity.id()} + 1) << sleep_bits | (t.sleeps & ((1ULL << sleep_bits) - 1));
}

} // namespace

// Hashes every event, and passes it on.
class counting_sink final : public trace_sink {
public:
    using trace_sink::on;
    explicit counting_sink(trace_sink* next) : next_{next} {}
    void on(const trace_event& e) override {
        hash_.on(e);
        if (next_ != nullptr) next_->on(e);
    }
    [[nodiscard]] const fingerprint& hash() const { return hash_; }

private:
    fingerprint hash_;
    trace_sink* next_;
};

machine::machine(const machine_config& config, trace_sink* sink) : queue_{config.sched} {
    if (const auto wrong = find_fault_in(config)) throw std::invalid_argument{*wrong};
    sink_ = std::make_unique<counting_sink>(sink);
    parts_ = std::make_unique<machine_parts>(config, static_cast<waker&>(*this), sink_.get());
    parts_->cpu.tracer = sink;
}

machine::~machine() = default;

void machine::start(access_stream& stream, std::span<const page_range> ranges,
                    const process_options& options) {
    PAGESIM_ASSERT(processes_.empty());
    workload_task& first = add(stream, ranges, options, parts_->new_mm());
    parts_->settle(first.space());
    accounted_until_ = parts_->clock.now();
    auto daemon = std::make_unique<kswapd_task>(1, *parts_);
    kswapd_ = daemon.get();
    kswapd_->signals.kswapd = true;
    tasks_.push_back(std::move(daemon));
    if (parts_->config.sched.rcu_sched) {
        tasks_.push_back(std::make_unique<rcu_task>(2, *parts_));
        rcu_ = tasks_.back().get();
        parts_->rcu.defer();
        rcu_->asleep = true;
        rcu_->waits_for = {.reason = wait_reason::rcu_work};
    }
    auto flusher = std::make_unique<flusher_task>(static_cast<std::uint32_t>(tasks_.size()), *parts_);
    flusher_ = flusher.get();
    flusher_->asleep = true;
    flusher_->waits_for = bdi_writeback::flusher_channel;
    tasks_.push_back(std::move(flusher));
    auto reaper =
        std::make_unique<oom_reaper_task>(static_cast<std::uint32_t>(tasks_.size()), *parts_, oom_reports_);
    reaper_ = reaper.get();
    tasks_.push_back(std::move(reaper));
    if (parts_->config.profile.vmpressure == vmpressure_rule::tells_a_worker ||
        parts_->config.profile.drain == pcp_drain::by_a_worker) {
        tasks_.push_back(std::make_unique<kworker_task>(static_cast<std::uint32_t>(tasks_.size()), *parts_));
        kworker_ = tasks_.back().get();
    }
    start_kcompactd();
    parts_->rc.oom = this;
    // kswapd has gone to sleep long before the run begins.
    kswapd_->asleep = true;
    kswapd_->waits_for = {.reason = wait_reason::kswapd_work};
    parts_->events.schedule(sim_time{jiffy.ns}, event_phase::tick, *this, tick_event);
}

// It has slept since boot.
void machine::start_kcompactd() {
    tasks_.push_back(std::make_unique<kcompactd_task>(static_cast<std::uint32_t>(tasks_.size()), *parts_));
    kcompactd_ = tasks_.back().get();
    kcompactd_->asleep = true;
    kcompactd_->waits_for = {.reason = wait_reason::kcompactd_work};
    if (parts_->config.profile.proactive == proactive_compaction::absent) return;
    parts_->events.schedule(sim_time{parts_->config.start.kcompactd_due.ns}, event_phase::timer, *this,
                            timer_event(*kcompactd_));
}

task* machine::current_task() const {
    const sched_entity* e = queue_.current();
    return e == nullptr ? nullptr : tasks_[e->id()].get();
}

// Brings the current task's CPU time up to now.
void machine::account() {
    const sim_duration ran = parts_->clock.now() - accounted_until_;
    accounted_until_ = parts_->clock.now();
    task* t = current_task();
    if (t == nullptr) {
        idle_ += ran; // interrupts that find the CPU idle
        return;
    }
    t->cpu_time += ran;
    queue_.charge(ran);
}

void machine::wake(task& t) {
    account();
    t.asleep = false;
    t.sleep_ends = sleep_state::uninterruptible;
    t.waits_for = {};
    queue_.wake(t.entity);
}

unsigned machine::wake_all(wait_channel channel) {
    unsigned n = 0;
    for (const auto& t : tasks_) {
        if (!t->asleep || t->waits_for != channel) continue;
        wake(*t);
        ++n;
    }
    return n;
}

bool machine::anyone_waits(wait_reason reason) const {
    for (const auto& t : tasks_) {
        if (t->asleep && t->waits_for.reason == reason) return true;
    }
    return false;
}

void machine::put_to_sleep(task& t, const step_result& r) {
    t.asleep = true;
    t.sleep_ends = r.state;
    t.waits_for = r.channel;
    ++t.sleeps;
    if (r.until != never) parts_->events.schedule(r.until, event_phase::timer, *this, timer_event(t));
    parts_->clock.charge(parts_->config.cost.switch_sleep);
    account();
    queue_.sleep_current();
}

// kernel: rq_qos_wait(), mempool_alloc(). What stands behind the sleeper's plug is submitted by a kernel worker.
void machine::wait_for_io(task& t, wait_channel channel) {
    parts_->clock.charge(parts_->config.cost.throttled_write);
    account();
    put_to_sleep(t, sleep_on(channel));
}

void machine::on_tick(sim_time due) {
    parts_->events.schedule(due + jiffy, event_phase::tick, *this, tick_event);
    if (tick_stopped_) return;
    got_tick_ = queue_.current() == nullptr;
    parts_->clock.charge(parts_->config.cost.tick);
    account();
    queue_.tick();
    if (rcu_ != nullptr && parts_->rcu.tick())
        wake_all({.reason = wait_reason::rcu_work}); // from the tick's softirq
}

void machine::on_event(sim_time due, std::uint64_t arg) {
    if (arg == tick_event) {
        on_tick(due);
        return;
    }
    task& t = *tasks_[(arg >> sleep_bits) - 1];
    if (t.asleep && timer_event(t) == arg) wake(t);
}

void machine::switch_tasks() {
    const sched_entity* before = queue_.current();
    account();
    const sched_entity* next = queue_.pick_next();
    if (next == before || next == nullptr) return;
    if (before == nullptr) leave_idle();
    ++switches_;
    if (before != nullptr) {
        parts_->clock.charge(parts_->config.cost.switch_preempted);
        account();
    }
    parts_->cpu.emit(trace_kind::task_switch, next->id());
    trace_switch(next->id());
}

void machine::trace_switch(std::uint32_t next) {
    if (next == traced_ || parts_->cpu.tracer == nullptr) return;
    constexpr std::uint32_t none = tracepoints::sched_switch::idle;
    char state = 'R';
    if (traced_ != none) {
        const workload_task* p = process_of(*tasks_[traced_]);
        state = p != nullptr && p->finished() ? 'X' : state_letter(*tasks_[traced_]);
    }
    parts_->cpu.emit(tracepoints::sched_switch{.prev = traced_, .next = next, .prev_state = state});
    traced_ = next;
}

// kernel: tick_nohz_stop_tick(), quiet_vmstat(). Callbacks that wait for a grace period need the tick.
void machine::stop_tick() {
    if (tick_stopped_) return;
    if (parts_->config.profile.idling == idle_tick::stops_after_one && !got_tick_) return;
    if (rcu_ != nullptr && parts_->rcu.pending()) return;
    tick_stopped_ = true;
    parts_->lru.refresh_stat();
}

void machine::leave_idle() {
    tick_stopped_ = false;
    got_tick_ = false;
}

void machine::idle() {
    stop_tick();
    event_queue& events = parts_->events;
    // Only the tick and kcompactd's timer are left, and they wake nobody else: the run could never end.
    const bool timer_runs = kcompactd_ != nullptr && kcompactd_->asleep &&
                            parts_->config.profile.proactive != proactive_compaction::absent;
    PAGESIM_ASSERT(events.size() > (timer_runs ? 2U : 1U));
    const sim_time next = events.next_time();
    trace_switch(tracepoints::sched_switch::idle);
    if (next > parts_->clock.now()) {
        idle_ += next - parts_->clock.now();
        parts_->clock.advance_to(next);
        accounted_until_ = next;
    }
}

bool machine::step() {
    PAGESIM_ASSERT(!processes_.empty());
    if (ended()) return false;
    while (parts_->events.run_one(parts_->clock.now())) account();
    if (queue_.current() == nullptr || queue_.need_resched()) switch_tasks();
    task* t = current_task();
    if (t == nullptr) {
        idle();
        return true;
    }
    parts_->cpu.current = &t->signals;
    const step_result r = t->step();
    account();
    const wait_channel io_wait = std::exchange(t->signals.io_wait, wait_channel{});
    switch (r.kind) {
    case step_kind::again:
        if (io_wait.reason != wait_reason::none) wait_for_io(*t, io_wait);
        break;
    case step_kind::sleep:
        // Who is to die does not fall asleep where a signal would wake it.
        if (r.state == sleep_state::killable && t->signals.sigkill) break;
        put_to_sleep(*t, r);
        break;
    case step_kind::done: on_done(*t); break;
    }
    return !ended();
}

std::uint64_t machine::fingerprint_value() const {
    fingerprint h = sink_->hash();
    h.counters(parts_->stat);
    return h.value();
}

void machine::check_consistency() const {
    std::vector<const mm*> spaces;
    std::uint64_t descriptors = 0;
    for (const workload_task* p : processes_) {
        if (!p->gone()) spaces.push_back(&p->space());
        descriptors += p->files().descriptors();
    }
    parts_->check_consistency(spaces);
    // An open file has no users but descriptors and ranges.
    for (const auto& f : parts_->cache.open_files()) descriptors -= f == nullptr ? 0 : f->users;
    for (const auto& f : parts_->cache.files()) descriptors += f == nullptr ? 0 : f->i_mmap.size();
    PAGESIM_ASSERT(descriptors == 0);
}

} // namespace pagesim
