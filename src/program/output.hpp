// SPDX-License-Identifier: MIT
// Writing what a run produced: JSON, /proc/vmstat's text.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>

#include <nlohmann/json.hpp>

#include <span>
#include <string>

namespace pagesim::program {

// Everything of the run; what depends on the host is under "host".
[[nodiscard]] nlohmann::ordered_json run_as_json(const machine& m, std::span<const input_identity> inputs,
                                                 double host_seconds);

// The first line of input that was bad, or null.
[[nodiscard]] const input_error* first_error(const machine& m);

// "-" is standard output. Throws program_error if the file can't be written in full.
void write_file(const std::string& path, const std::string& text);

// Throws usage_error if the file can't be created; leaves it as it is.
void check_writable(const std::string& option, const std::string& path);

} // namespace pagesim::program
