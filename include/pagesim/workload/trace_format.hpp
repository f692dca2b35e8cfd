// SPDX-License-Identifier: MIT
// Which of the formats a file is in.
#pragma once

#include <pagesim/workload/input_error.hpp>

#include <cstdint>
#include <string>
#include <variant>

namespace pagesim {

enum class trace_format : std::uint8_t { lackey, ops, binary };

// A binary trace by its first bytes; else by the first line that is not empty: a lackey record or banner, or a
// comment or word of the ops language.
[[nodiscard]] std::variant<trace_format, input_error> detect_format(const std::string& path);

} // namespace pagesim
