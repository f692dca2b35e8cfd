// SPDX-License-Identifier: MIT
// What logs call a task: comm and pid. Processes have the pids that they were given, kernel threads 40 and up.
#pragma once

#include <pagesim/machine/machine.hpp>

#include <cstdint>
#include <string_view>

namespace pagesim {

struct task_name {
    std::string_view comm;
    std::uint32_t pid;
};

// `task` is the number that events have: an entity of the scheduler, or tracepoints::sched_switch::idle.
[[nodiscard]] task_name name_of_task(const machine& m, std::uint32_t task);

} // namespace pagesim
