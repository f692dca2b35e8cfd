// SPDX-License-Identifier: MIT
// Our own dice: a seeded generator with integer faces, equal on every machine and compiler. The generator is
// splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
#pragma once

#include <cstdint>

namespace pagesim {

class dice {
public:
    explicit constexpr dice(std::uint64_t seed) : state_{seed} {}

    // The next 64 bits.
    constexpr std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31U);
    }

    // A number in [0, bound); bound > 0. The modulo bias is below bound / 2^64.
    constexpr std::uint64_t below(std::uint64_t bound) { return next() % bound; }

    // A number in [low, high].
    constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }

    // True in `hits` of `of` throws.
    constexpr bool ratio(std::uint64_t hits, std::uint64_t of) { return below(of) < hits; }

private:
    std::uint64_t state_;
};

} // namespace pagesim
