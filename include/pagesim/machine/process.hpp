// SPDX-License-Identifier: MIT
// What a process is given when it is added to the machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pagesim {

inline constexpr int oom_score_adj_min = -1000; // kernel: OOM_SCORE_ADJ_MIN: never killed
inline constexpr int oom_score_adj_max = 1000;
inline constexpr std::uint32_t first_pid = 1001; // of processes that ask for none

struct process_options {
    std::string name{};                 // empty: "workload"
    int oom_score_adj = 0;              // what the OOM killer adds, thousandths of memory and swap
    std::optional<std::uint32_t> pid{}; // none: one more than the highest
};

} // namespace pagesim
