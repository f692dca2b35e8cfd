// SPDX-License-Identifier: MIT
#include <pagesim/machine/proc_machine.hpp>

#include <pagesim/machine/proc_pid.hpp>

#include <fmt/format.h>

namespace pagesim {

namespace {

std::string seconds(std::uint64_t ns) {
    const std::uint64_t ticks = ns / clock_tick;
    return fmt::format("{}.{:02}", ticks / 100, ticks % 100);
}

} // namespace

std::string format_uptime(const machine& m) {
    return fmt::format("{} {}\n", seconds(m.now().ns), seconds(m.idle_time().ns));
}

std::string format_stat(const machine& m) {
    std::uint64_t user = 0;
    unsigned running = 0;
    unsigned blocked = 0;
    for (const workload_task* p : m.processes()) {
        user += p->cpu_time.ns;
        if (p->finished()) continue;
        if (!p->asleep) ++running;
        if (waits_uninterruptibly(*p)) ++blocked;
    }
    const std::string times =
        fmt::format("{} 0 {} {} 0 0 0 0 0 0", user / clock_tick,
                    (m.kswapd().cpu_time + m.other_time()).ns / clock_tick, m.idle_time().ns / clock_tick);
    return fmt::format("cpu  {}\ncpu0 {}\nintr 0\nctxt {}\nbtime 0\nprocesses {}\nprocs_running {}\n"
                       "procs_blocked {}\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
                       times, times, m.switches(), m.processes().size(), running, blocked);
}

page_count committed_pages(const machine& m) {
    page_count n;
    for (const workload_task* p : m.processes()) n += page_count{p->space().total_vm()};
    return n;
}

} // namespace pagesim
