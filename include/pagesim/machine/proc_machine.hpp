// SPDX-License-Identifier: MIT
// /proc's texts about the machine as a whole: uptime and stat, which say how much time passed and who used it.
//
//     uptime   seconds since the machine was built, and those of them in which nobody ran
//     stat     the same in hundredths of a second, as the counters of one CPU: processes as user, the kernel's threads
//              as system. A process's faults are not told from its own work. Context switches, processes that were
//              made, that are runnable and that wait uninterruptibly.
//
// Other counters of stat are 0: nice, iowait, interrupts, softirqs, guests. btime is 0 too: simulated time begins with
// the machine.
//
// Source: fs/proc/uptime.c and fs/proc/stat.c, Linux 6.1.
#pragma once

#include <pagesim/machine/machine.hpp>

#include <string>

namespace pagesim {

[[nodiscard]] std::string format_uptime(const machine& m);
[[nodiscard]] std::string format_stat(const machine& m);

// What format_meminfo() shows as Committed_AS: the pages of all processes' ranges.
[[nodiscard]] page_count committed_pages(const machine& m);

} // namespace pagesim
