// SPDX-License-Identifier: MIT
// What happened, for people: the figures of a run and a readable summary of them.
#pragma once

#include <pagesim/machine/machine.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pagesim {

// What ran: enough to run it again.
struct input_identity {
    std::string name;       // as given, without folders
    std::string format;     // "lackey", "ops" and so on (trace_format.hpp), or "synthetic"
    std::uint64_t hash = 0; // FNV-1a of the file's bytes as they lie on disk
    std::uint64_t records = 0;
    std::uint64_t skipped = 0; // banner lines, comments
    std::uint64_t touched_pages = 0;
};

// The configuration as text, one "name value" a line in a fixed order: equal text, equal machine.
[[nodiscard]] std::string describe_config(const machine_config& config);
[[nodiscard]] std::uint64_t config_hash(const machine_config& config);

// One sentence on how the process ended.
[[nodiscard]] std::string describe_outcome(const workload_task& task);
// Of the run: the first process that did not come to its end, if there is one.
[[nodiscard]] run_outcome outcome_of(const machine& m);

// Of all processes together.
struct process_totals {
    std::uint64_t accesses = 0;
    sim_duration cpu_time{};
    sim_duration stalled{};
};
[[nodiscard]] process_totals totals_of(const machine& m);

// The summary: a few lines, ends with a newline. One input for each process. Nothing in it depends on the
// host.
[[nodiscard]] std::string format_summary(const machine& m, std::span<const input_identity> inputs);
[[nodiscard]] inline std::string format_summary(const machine& m, const input_identity& input) {
    return format_summary(m, std::span{&input, 1});
}

// 4096 -> "4.0 KiB", 25165824 -> "24.0 MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

} // namespace pagesim
