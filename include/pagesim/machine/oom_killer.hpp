// SPDX-License-Identifier: MIT
// The OOM killer: nothing more can be freed, so which process has to die?
//
//     badness = resident pages + swap entries + page tables + oom_score_adj x (memory and swap / 1000)
//
// The worst one dies, of equal ones the later. Kernel threads have no memory of their own and are never in question,
// nor is who has oom_score_adj -1000, who has nothing left to give (mm_flag::oom_skip), or who has left its address
// space. While a victim is still dying nobody else is killed: the allocation tries again until the memory is there.
//
//     allocation fails ──> out_of_memory
//                             the caller is dying itself      it may use reserves, and is not to be killed again
//                             the request may not sleep in    tries again
//                             a file system (no __GFP_FS)
//                             a victim is not yet gone        tries again
//                             worst process                   SIGKILL; it may use half of the reserve below min
//                             nobody                          panic
//
// A victim that does not get round to dying is helped by the OOM reaper (oom_reaper.hpp), at once in 5.8 and after two
// seconds since; after that it counts as gone.
//
// Choosing is a function of plain values; the machine, which knows the processes, carries it out. The lock of the
// kernel's killer is never busy here, since all this is one atom. Left out: init, vfork, memory cgroups, cpusets and
// memory policies, panic_on_oom, oom_kill_allocating_task.
//
// Source: mm/oom_kill.c, __alloc_pages_may_oom (mm/page_alloc.c), Linux 6.1 and 5.10; 5.8 by kernel_profile.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/base/units.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace pagesim {

// What the killer sees of a process. Sizes are pages.
struct oom_candidate {
    enum class state : std::uint8_t {
        alive,
        dying,       // SIGKILL is pending
        victim,      // chosen earlier
        reaped,      // it has nothing left to give
        dead_victim, // chosen earlier, and has nothing left to give
    };
    std::uint32_t pid = 0;
    std::string name;
    int oom_score_adj = 0;
    state is = state::alive;
    bool has_mm = true; // it has not left its address space
    std::uint64_t total_vm = 0;
    std::uint64_t anon_rss = 0;
    std::uint64_t file_rss = 0;
    std::uint64_t shmem_rss = 0;
    std::uint64_t swap_entries = 0;
    std::uint64_t table_pages = 0;

    [[nodiscard]] std::uint64_t rss() const { return anon_rss + file_rss + shmem_rss; }
};

// kernel: oom_badness(). None: it may not be killed.
[[nodiscard]] std::optional<std::int64_t> oom_badness(const oom_candidate& p, page_count total,
                                                      oom_score rule);

struct oom_choice {
    enum class verdict : std::uint8_t { process, wait_for_victim, nobody };
    verdict what = verdict::nobody;
    std::size_t index = 0;   // of the process
    std::int64_t points = 0; // its badness
};

// kernel: select_bad_process() over all processes, oldest first.
[[nodiscard]] oom_choice select_bad_process(std::span<const oom_candidate> processes, page_count total,
                                            oom_score rule);

} // namespace pagesim
