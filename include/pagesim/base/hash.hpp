// SPDX-License-Identifier: MIT
// FNV-1a, 64 bits (Fowler, Noll, Vo): the hash behind fingerprints and input identities.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pagesim {

class fnv1a {
    static constexpr std::uint64_t prime = 0x100000001b3ULL;

public:
    constexpr void byte(std::uint8_t b) { value_ = (value_ ^ b) * prime; }

    // A 64-bit number, least significant byte first whatever the host's order. A byte of zeros only multiplies, so
    // those at the top are one multiplication.
    constexpr void word(std::uint64_t w) {
        std::size_t left = 8;
        for (; w != 0; w >>= 8U, --left) byte(static_cast<std::uint8_t>(w));
        value_ *= zeros[left];
    }
    constexpr void text(std::string_view s) {
        for (char c : s) byte(static_cast<std::uint8_t>(c));
    }
    [[nodiscard]] constexpr std::uint64_t value() const { return value_; }

private:
    // What that many bytes of zeros multiply by.
    static constexpr std::array<std::uint64_t, 9> zeros = [] {
        std::array<std::uint64_t, 9> powers{1};
        for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * prime;
        return powers;
    }();

    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

} // namespace pagesim
