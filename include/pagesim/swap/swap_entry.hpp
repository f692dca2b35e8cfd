// SPDX-License-Identifier: MIT
// The name of a swap slot: which area, and which slot of it (kernel: swp_entry_t). Slot 0 is the header of
// the area, so an entry with offset 0 names nothing.
//
// The same name is written in several ways:
//
//     in page::private_data()   32 bits: 27 of offset (512 GiB an area), 5 of type
//     in a descriptor           the machine's own encoding, by kernel profile (mmu/descriptor.hpp):
//
//                                   arm64, 5.8 and 5.10   offset 57:8   type 7:2
//                                   arm64, 6.1            offset 57:8   type 7:3   exclusive 2
//
//     generic (swp_entry_t)     64 bits, the same on every architecture: type 62:58, offset 57:0
//     x86-64                    type 63:59, offset inverted in 58:9 (so that a speculative walk finds no memory behind
//                               it), 6.1: exclusive 3
//     documented (i386, 2.4)    32 bits: offset 31:8, type 7:1, bit 0 (present) zero
//
// The machine uses the first two. The others are for reading what older documents and other machines print.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/mmu/descriptor.hpp>

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

// kernel: pte_to_swp_entry(). Precondition: d.is_swap().
[[nodiscard]] constexpr swap_entry entry_in(descriptor d, swap_pte_layout layout) {
    const swap_bits bits = d.swap_entry(layout);
    return {.offset = bits.offset, .type = bits.type};
}

// The documented form: at most 24 bits of offset and 7 of type.
[[nodiscard]] constexpr std::uint32_t documented_swap_entry(swap_entry e) {
    PAGESIM_ASSERT(e.offset < (1U << 24U) && e.type < (1U << 7U));
    return static_cast<std::uint32_t>(e.offset << 8U) | static_cast<std::uint32_t>(e.type << 1U);
}
[[nodiscard]] constexpr swap_entry from_documented_swap_entry(std::uint32_t word) {
    PAGESIM_ASSERT((word & 1U) == 0);
    return {.offset = word >> 8U, .type = static_cast<std::uint8_t>((word >> 1U) & 0x7fU)};
}

// The generic form; generic_swap_entry() of mmu/descriptor.hpp is its other half.
[[nodiscard]] constexpr swap_entry from_generic_swap_entry(std::uint64_t word) {
    return {.offset = word & ((1ULL << 58U) - 1), .type = static_cast<std::uint8_t>((word >> 58U) & 31U)};
}

// The descriptor of x86-64.
[[nodiscard]] constexpr std::uint64_t x86_64_swap_descriptor(swap_bits s) {
    PAGESIM_ASSERT(s.offset < (1ULL << 50U) && s.type < 32);
    const std::uint64_t inverted = ~s.offset & ((1ULL << 50U) - 1);
    return (std::uint64_t{s.type} << 59U) | (inverted << 9U) | (s.exclusive ? 8ULL : 0ULL);
}
[[nodiscard]] constexpr swap_bits from_x86_64_swap_descriptor(std::uint64_t word) {
    return {.offset = ~(word >> 9U) & ((1ULL << 50U) - 1),
            .type = static_cast<std::uint8_t>(word >> 59U),
            .exclusive = (word & 8U) != 0};
}

} // namespace pagesim
