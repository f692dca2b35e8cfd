// SPDX-License-Identifier: MIT
#include <pagesim/machine/memory_pressure.hpp>

#include <variant>

namespace pagesim {

void memory_pressure::count_until(sim_time time) {
    const sim_duration passed = time - seen_;
    seen_ = time;
    if (now_ != state::none) some_ += passed;
    if (now_ == state::full) full_ += passed;
}

// Still to be read, and once of the working set.
bool memory_pressure::refaulted(pfn frame) const {
    const page& p = machine_->parts().frames[frame];
    return p.test(page_flag::workingset) && !p.test(page_flag::uptodate);
}

bool memory_pressure::waits_for_memory(const task& t) const {
    switch (t.waits_for.reason) {
    case wait_reason::throttle_noprogress:
    case wait_reason::throttle_writeback:
    case wait_reason::throttle_congested:
    case wait_reason::throttle_isolated:
    case wait_reason::congestion:
    case wait_reason::pfmemalloc: return true;
    case wait_reason::page_unlocked: return refaulted(pfn{t.waits_for.key});
    case wait_reason::none:
    case wait_reason::kswapd_work:
    case wait_reason::rcu_work:
    case wait_reason::page_written:
    case wait_reason::flusher_work:
    case wait_reason::dirty_pause:
    case wait_reason::oom_reaper_work:
    case wait_reason::kworker_work:
    case wait_reason::kcompactd_work:
    case wait_reason::write_throttled:
    case wait_reason::bio_freed:
    case wait_reason::pcp_drained: return false;
    }
    return false;
}

void memory_pressure::judge() {
    bool stalled = false;
    bool others = false; // could run, or do
    for (std::uint32_t id = 0; id < machine_->nr_tasks(); ++id) {
        const task& t = machine_->task_of(id);
        if (machine_->has_ended(t)) continue;
        const bool in_reclaim = id < reclaims_.size() && reclaims_[id];
        const bool balances = &t == &machine_->kswapd() && !t.asleep;
        const bool reads = reads_ && id == current_;
        if (in_reclaim || balances || reads || (t.asleep && waits_for_memory(t))) {
            stalled = true;
        } else if (!t.asleep) {
            others = true;
        }
    }
    now_ = !stalled ? state::none : others ? state::some : state::full;
}

void memory_pressure::look() {
    count_until(machine_->now());
    reads_ = false;
    judge();
}

void memory_pressure::on(const trace_event& e) {
    if (machine_ == nullptr || e.kind != trace_kind::swap_in || !refaulted(pfn{e.a})) return;
    count_until(e.time);
    reads_ = true;
    judge();
}

void memory_pressure::on(sim_time time, const tracepoint& t) {
    if (machine_ == nullptr) return; // the machine is being made
    const auto reclaims = [&](bool does) {
        if (current_ == tracepoints::sched_switch::idle) return;
        count_until(time);
        if (reclaims_.size() <= current_) reclaims_.resize(current_ + 1);
        reclaims_[current_] = does;
        judge();
    };
    if (const auto* s = std::get_if<tracepoints::sched_switch>(&t)) {
        count_until(time);
        current_ = s->next;
        reads_ = false;
        judge();
    } else if (std::holds_alternative<tracepoints::direct_reclaim_begin>(t)) {
        reclaims(true);
    } else if (std::holds_alternative<tracepoints::direct_reclaim_end>(t)) {
        reclaims(false);
    }
}

} // namespace pagesim
