// SPDX-License-Identifier: MIT
// What a process may tell the kernel about its memory, by the kernel's numbers (MADV_*).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pagesim {

enum class advice : std::uint8_t {
    normal = 0,
    random = 1,     // no readahead
    sequential = 2, // read ahead a lot; what was used is soon not needed
    willneed = 3,   // read it now
    dontneed = 4,   // forget it
    free = 8,       // it may be forgotten, until something is stored to it
    cold = 20,      // deactivate it
    pageout = 21    // reclaim it now
};

struct advice_word {
    std::string_view word;
    advice what;
};
inline constexpr std::array<advice_word, 8> advice_words{{
    {"normal", advice::normal},
    {"random", advice::random},
    {"sequential", advice::sequential},
    {"willneed", advice::willneed},
    {"dontneed", advice::dontneed},
    {"free", advice::free},
    {"cold", advice::cold},
    {"pageout", advice::pageout},
}};

[[nodiscard]] constexpr std::optional<advice> advice_from_word(std::string_view word) {
    for (const advice_word& w : advice_words) {
        if (w.word == word) return w.what;
    }
    return std::nullopt;
}

// By the kernel's number.
[[nodiscard]] constexpr std::optional<advice> advice_from_number(std::uint64_t n) {
    for (const advice_word& w : advice_words) {
        if (static_cast<std::uint64_t>(w.what) == n) return w.what;
    }
    return std::nullopt;
}

} // namespace pagesim
