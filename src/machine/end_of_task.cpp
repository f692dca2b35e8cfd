// SPDX-License-Identifier: MIT
#include <pagesim/machine/end_of_task.hpp>

#include <fmt/format.h>

namespace pagesim {

std::string_view outcome_name(run_outcome o) {
    switch (o) {
    case run_outcome::running: return "running";
    case run_outcome::finished: return "finished";
    case run_outcome::oom_killed: return "oom_killed";
    case run_outcome::killed: return "killed";
    case run_outcome::segv_map_error: return "segv_map_error";
    case run_outcome::segv_access_error: return "segv_access_error";
    case run_outcome::bus_error: return "bus_error";
    case run_outcome::panicked: return "panicked";
    case run_outcome::bad_input: return "bad_input";
    }
    return "";
}

std::string task_label::in_a_sentence() const {
    return name.empty() ? std::string{"the workload"} : fmt::format("{} (pid {})", name, pid);
}

std::string describe_end(const task_label& who, const end_of_task& end) {
    const std::string subject = who.in_a_sentence();
    const std::string page = end.address ? fmt::format("page {:#x}", raw(*end.address)) : "an unknown page";
    switch (end.outcome) {
    case run_outcome::running: return fmt::format("{} is running", subject);
    case run_outcome::finished: return fmt::format("{} ran to its end", subject);
    case run_outcome::oom_killed:
        return fmt::format("out of memory: {} was killed after {:.6f} s", subject,
                           static_cast<double>(end.time.ns) / 1e9);
    case run_outcome::killed: return fmt::format("{} was killed", subject);
    case run_outcome::segv_map_error:
        return fmt::format("segmentation fault: {} accessed {}, which is in no range", subject, page);
    case run_outcome::segv_access_error:
        return fmt::format("segmentation fault: {} accessed {}, which forbids it", subject, page);
    case run_outcome::bus_error:
        return fmt::format("bus error: {} accessed {}, which its file does not have", subject, page);
    case run_outcome::panicked:
        return fmt::format("panic: out of memory and no killable processes while {} ran", subject);
    case run_outcome::bad_input: return "incomplete: the input is bad";
    }
    return "";
}

} // namespace pagesim
