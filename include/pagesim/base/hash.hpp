// SPDX-License-Identifier: MIT
// FNV-1a, 64 bits (Fowler, Noll, Vo): the hash behind fingerprints and input identities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pagesim {

class fnv1a {
public:
    constexpr void byte(std::uint8_t b) { value_ = (value_ ^ b) * 0x100000001b3ULL; }

    // A 64-bit number, least significant byte first whatever the host's order.
    constexpr void word(std::uint64_t w) {
        for (unsigned i = 0; i < 8; ++i) byte(static_cast<std::uint8_t>(w >> (8 * i)));
    }
    constexpr void text(std::string_view s) {
        for (char c : s) byte(static_cast<std::uint8_t>(c));
    }
    [[nodiscard]] constexpr std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

} // namespace pagesim
