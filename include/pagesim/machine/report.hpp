// SPDX-License-Identifier: MIT
// What happened, for people: the figures of a run and a readable summary of them.
#pragma once

#include <pagesim/machine/machine.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace pagesim {

// What ran: enough to run it again.
struct input_identity {
    std::string name;       // as given, without folders
    std::string format;     // "lackey" or "ops"
    std::uint64_t hash = 0; // FNV-1a of the file's bytes as they lie on disk
    std::uint64_t records = 0;
    std::uint64_t skipped = 0; // banner lines, comments
    std::uint64_t touched_pages = 0;
};

// The configuration as text, one "name value" a line in a fixed order: equal text, equal machine.
[[nodiscard]] std::string describe_config(const machine_config& config);
[[nodiscard]] std::uint64_t config_hash(const machine_config& config);

[[nodiscard]] std::string_view outcome_name(run_outcome o);
// One sentence on how the run ended; names the address of a bad access.
[[nodiscard]] std::string describe_outcome(const workload_task& task);

// The summary: a few lines, ends with a newline. Nothing in it depends on the host.
[[nodiscard]] std::string format_summary(const machine& m, const input_identity& input);

// 4096 -> "4.0 KiB", 25165824 -> "24.0 MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

} // namespace pagesim
