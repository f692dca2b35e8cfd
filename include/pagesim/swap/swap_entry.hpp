// SPDX-License-Identifier: MIT
// The name of a swap slot: which area, and which slot of it (kernel: swp_entry_t). Slot 0 is the header of
// the area, so an entry with offset 0 names nothing.
//
// A page in the swap cache keeps its entry in the 32 bits of page::private_data(): 27 bits of offset (512
// GiB an area), 5 bits of type. A descriptor carries it in the arm64 encoding (mmu/descriptor.hpp).
#pragma once

#include <pagesim/base/assert.hpp>

#include <cstdint>

namespace pagesim {

inline constexpr std::uint64_t max_swap_slots = 1ULL << 27U;

struct swap_entry {
    std::uint64_t offset = 0;
    std::uint8_t type = 0;

    [[nodiscard]] constexpr bool valid() const { return offset != 0; }
    friend constexpr bool operator==(const swap_entry&, const swap_entry&) = default;

    [[nodiscard]] constexpr std::uint32_t packed() const {
        return static_cast<std::uint32_t>(offset << 5U) | type;
    }
    [[nodiscard]] static constexpr swap_entry from_packed(std::uint32_t p) {
        return {.offset = p >> 5U, .type = static_cast<std::uint8_t>(p & 31U)};
    }
};

static_assert(swap_entry::from_packed(swap_entry{.offset = 0x1234, .type = 3}.packed()) ==
              swap_entry{.offset = 0x1234, .type = 3});

} // namespace pagesim
