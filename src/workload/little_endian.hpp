// SPDX-License-Identifier: MIT
// Numbers as the binary trace stores them: least significant byte first, whatever the host's order.
#pragma once

#include <pagesim/workload/access_record.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace pagesim {

static_assert(std::is_trivially_copyable_v<access_record>);

template <typename Number>
void put_le(std::vector<char>& to, Number n) {
    for (unsigned i = 0; i < sizeof(Number); ++i) to.push_back(static_cast<char>(n >> (8 * i) & 0xffU));
}

template <typename Number>
[[nodiscard]] Number get_le(const char* from) {
    Number n = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&n, from, sizeof n); // compilers do not see that the loop is this
        return n;
    }
    for (unsigned i = 0; i < sizeof(Number); ++i) {
        const auto byte = static_cast<Number>(static_cast<unsigned char>(from[i]));
        n = static_cast<Number>(n | static_cast<Number>(byte << (8 * i)));
    }
    return n;
}

// The records' bytes, to be read into or written from in place where the host stores numbers in the same order.
inline std::span<char> bytes_of(std::span<access_record> records) {
    return {reinterpret_cast<char*>(records.data()), records.size_bytes()};
}

// After bytes were read into records in place, and before they are written from there.
inline void swap_order(std::span<access_record> records) {
    if constexpr (std::endian::native == std::endian::big) {
        for (access_record& r : records) {
            std::uint64_t w = 0;
            std::memcpy(&w, &r, sizeof w);
            r = access_record::from_word(get_le<std::uint64_t>(reinterpret_cast<const char*>(&w)));
        }
    }
}

} // namespace pagesim
