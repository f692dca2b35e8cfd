// SPDX-License-Identifier: MIT
#include <pagesim/machine/task_name.hpp>

namespace pagesim {

task_name name_of_task(const machine& m, std::uint32_t task) {
    constexpr std::uint32_t first_kernel_pid = 40;
    if (task == tracepoints::sched_switch::idle) return {.comm = "<idle>", .pid = 0};
    for (const workload_task* p : m.processes()) {
        if (p->entity.id() == task) return {.comm = p->name(), .pid = p->pid()};
    }
    return {.comm = m.task_of(task).name(), .pid = first_kernel_pid + task};
}

const workload_task* process_with_pid(const machine& m, std::uint32_t pid) {
    for (const workload_task* p : m.processes()) {
        if (p->pid() == pid) return p->gone() ? nullptr : p;
    }
    return nullptr;
}

} // namespace pagesim
