// SPDX-License-Identifier: MIT
// What is wrong with an input, and where.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pagesim {

struct input_error {
    std::string file;
    std::uint64_t line = 0; // 1 is the first; 0: the file as a whole
    std::string reason;

    friend bool operator==(const input_error&, const input_error&) = default;
};

// One line of text: "FILE:LINE: reason", or "FILE: reason" where no line is meant.
[[nodiscard]] std::string to_string(const input_error& e);

// A piece of input in quotes, fit for one line of a message: what is not printable ASCII becomes \xNN, and
// what is longer than 60 bytes is cut (three dots stand for the rest).
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace pagesim
