// SPDX-License-Identifier: MIT
// How processes end. A process that dies is an outcome of the run, never an error of the program.
//
//     the stream ends        finished            exits, unless it is the last one: that is looked at as it stands
//     SIGKILL                oom_killed, killed  at the next return to user mode, or where the kernel gives up early
//     an impossible access   segv_*, bus_error   at once
//     the kernel panics      panicked            nobody runs any more
//     a bad line of input    bad_input           the run is incomplete
//
// Who was killed or shot itself gives everything back: ranges, frames, slots, page tables.
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pagesim {

enum class run_outcome : std::uint8_t {
    running,
    finished,
    oom_killed,        // chosen by the OOM killer
    killed,            // SIGKILL from elsewhere
    segv_map_error,    // SIGSEGV, SEGV_MAPERR: no range holds the address
    segv_access_error, // SIGSEGV, SEGV_ACCERR: the range forbids it
    bus_error,         // SIGBUS: the page cannot be had
    panicked,          // out of memory, and nobody may be killed
    bad_input,
};

struct end_of_task {
    run_outcome outcome = run_outcome::running;
    sim_time time{};                  // when it was decided
    std::optional<vpn> address{};     // of the access that ended it
    std::optional<std::size_t> oom{}; // which of the machine's OOM reports tells of it
};

[[nodiscard]] std::string_view outcome_name(run_outcome o);

// Whether the process gives everything back, even if nobody else is left.
[[nodiscard]] constexpr bool is_death(run_outcome o) {
    return o != run_outcome::running && o != run_outcome::finished && o != run_outcome::panicked &&
           o != run_outcome::bad_input;
}

// What a process is called in sentences: "the workload", or its name and pid if it was given one.
struct task_label {
    std::string name;
    std::uint32_t pid = 0;

    [[nodiscard]] std::string in_a_sentence() const;
};

// One sentence on how the process ended; names the address of a bad access.
[[nodiscard]] std::string describe_end(const task_label& who, const end_of_task& end);

} // namespace pagesim
