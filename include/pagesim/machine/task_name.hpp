// SPDX-License-Identifier: MIT
// What logs call a task (comm and pid) and a list. Processes have the pids that they were given, kernel threads 40 and up.
#pragma once

#include <pagesim/machine/machine.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace pagesim {

struct task_name {
    std::string_view comm;
    std::uint32_t pid;
};

// `task` is the number that events have: an entity of the scheduler, or tracepoints::sched_switch::idle.
[[nodiscard]] task_name name_of_task(const machine& m, std::uint32_t task);

// Null: no process has it, or nothing is left of its address space.
[[nodiscard]] const workload_task* process_with_pid(const machine& m, std::uint32_t pid);

[[nodiscard]] constexpr std::string_view lru_list_name(lru_list l) {
    constexpr std::array<std::string_view, nr_lru_lists> names{"inactive_anon", "active_anon",
                                                               "inactive_file", "active_file", "unevictable"};
    return names[index_of(l)];
}

} // namespace pagesim
