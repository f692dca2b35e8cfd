// SPDX-License-Identifier: MIT
#include <pagesim/machine/oom_reaper.hpp>

namespace pagesim {

namespace {

constexpr std::uint64_t tenth_of_a_second = 25; // jiffies

} // namespace

void oom_reaper_task::queue(mm& space, std::optional<std::size_t> report) {
    if (space.flags.has(mm_flag::oom_reap_queued)) return;
    space.flags.set(mm_flag::oom_reap_queued);
    const victim v{&space, report};
    if (parts_.config.profile.oom_reaper == reaper_start::at_once) {
        come_for(v);
        return;
    }
    delayed_.push_back(v);
    const sim_time due = timeout_in_jiffies(parts_.clock.now(), oom_reaper_delay);
    parts_.events.schedule(due, event_phase::timer, *this, delayed_.size() - 1);
}

void oom_reaper_task::on_event(sim_time /*due*/, std::uint64_t arg) {
    const victim v = delayed_[arg];
    if (!v.space->flags.has(mm_flag::oom_skip)) come_for(v); // otherwise it has died by itself
}

void oom_reaper_task::come_for(const victim& v) {
    waiting_.push_back(v);
    parts_.cpu.wakes.wake_all({.reason = wait_reason::oom_reaper_work});
}

void oom_reaper_task::tell(bool reaped) {
    if (!current_->report) return;
    const mm& space = *current_->space;
    reports_[*current_->report].reaper = reaper_report{.time = parts_.clock.now(),
                                                       .reaped = reaped,
                                                       .anon_rss = space.anon_pages,
                                                       .file_rss = space.file_pages,
                                                       .shmem_rss = space.shmem_pages};
}

step_result oom_reaper_task::step() {
    if (!current_) {
        if (waiting_.empty()) return sleep_on({.reason = wait_reason::oom_reaper_work});
        current_ = waiting_.back();
        waiting_.pop_back();
        attempts_ = 0;
    }
    if (attempts_ < max_oom_reap_retries) {
        const step_result r = oom_reap_mm(parts_.fc, *current_->space, cursor_);
        if (!r.done()) return r;
        if (cursor_.result == reap_result::no_entry) {
            ++attempts_;
            return sleep_until(timeout_in_jiffies(parts_.clock.now(), tenth_of_a_second));
        }
        if (cursor_.result == reap_result::reaped) tell(true);
    } else if (!current_->space->flags.has(mm_flag::oom_skip)) {
        tell(false);
    }
    current_->space->flags.set(mm_flag::oom_skip);
    current_.reset();
    return step_again;
}

} // namespace pagesim
