// SPDX-License-Identifier: MIT
// How a process comes to its end.
#include <pagesim/machine/task.hpp>

namespace pagesim {

void workload_task::kill(run_outcome cause, std::optional<std::size_t> report) {
    if (signals.sigkill) return;
    signals.sigkill = true;
    cause_ = cause;
    ending_.oom = report;
}

void workload_task::exit() {
    PAGESIM_ASSERT(finished_ && !gone_);
    finished_ = false;
    exiting_ = true;
}

step_result workload_task::run_exit() {
    const step_result r = exit_mmap(parts_.fc, *mm_, exit_);
    if (!r.done()) return r;
    files_.close_all();
    exiting_ = false;
    gone_ = true;
    finished_ = true;
    return r;
}

// A task that was killed gives everything back; one that came to its end is left as it stands, unless the machine
// sends it to exit().
step_result workload_task::end(run_outcome outcome) {
    ending_.outcome = outcome;
    ending_.time = parts_.clock.now();
    if (is_death(outcome)) {
        exiting_ = true;
        return step_again;
    }
    finished_ = true;
    return step_done;
}

step_result workload_task::die_at(run_outcome outcome, vpn address) {
    ending_.address = address;
    return end(outcome);
}

} // namespace pagesim
