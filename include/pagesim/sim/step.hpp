// SPDX-License-Identifier: MIT
// How a piece of work that may be preempted or sleep tells what comes next.
//
// Kernel code that can lose the CPU in the middle keeps its place in a small plain struct, a cursor, and is
// called again and again: each call does one atom and answers with a step_result. Nothing is kept on a
// stack.
//
//     done    the work is complete
//     again   more to do; the CPU may be given to somebody else first (a cond_resched)
//     sleep   not runnable before `until` or before somebody wakes `channel`; then call again. A killable sleep also
//             ends when the task is killed: whoever sleeps so looks at cpu_context::fatal_signal_pending when it
//             is called again (kernel: TASK_KILLABLE beside TASK_UNINTERRUPTIBLE)
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/sim/cpu_context.hpp>

namespace pagesim {

enum class step_kind : std::uint8_t { done, again, sleep };
enum class sleep_state : std::uint8_t { uninterruptible, killable };

struct [[nodiscard]] step_result {
    step_kind kind = step_kind::done;
    sim_time until = never;
    wait_channel channel{};
    sleep_state state = sleep_state::uninterruptible;

    [[nodiscard]] bool done() const { return kind == step_kind::done; }
};

inline constexpr step_result step_done{};
inline constexpr step_result step_again{.kind = step_kind::again};

[[nodiscard]] constexpr step_result sleep_until(sim_time t, wait_channel channel = {}) {
    return {.kind = step_kind::sleep, .until = t, .channel = channel};
}
[[nodiscard]] constexpr step_result sleep_on(wait_channel channel) {
    return {.kind = step_kind::sleep, .until = never, .channel = channel};
}
// The same sleep, but SIGKILL ends it.
[[nodiscard]] constexpr step_result killable(step_result r) {
    r.state = sleep_state::killable;
    return r;
}

} // namespace pagesim
