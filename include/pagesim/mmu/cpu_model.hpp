// SPDX-License-Identifier: MIT
// What sets one core's translation apart from another's: the size of its TLB, and what its walker updates.
#pragma once

#include <pagesim/mmu/tlb.hpp>
#include <pagesim/mmu/walker.hpp>

#include <string_view>

namespace pagesim {

// TLBI by address range (FEAT_TLBIRANGE, Armv8.4).
enum class tlb_range_ops : std::uint8_t { absent, present };

struct cpu_model {
    std::string_view name;
    tlb_geometry tlb;
    hafdbs hardware_update = hafdbs::none;
    tlb_range_ops range_ops = tlb_range_ops::absent;

    [[nodiscard]] constexpr bool has_hw_af() const { return hardware_update != hafdbs::none; }
    [[nodiscard]] constexpr bool has_hw_dbm() const {
        return hardware_update == hafdbs::access_flag_and_dirty;
    }
};

// Armv8.0: the kernel is told of a first use by an access flag fault.
inline constexpr cpu_model cortex_a72{
    .name = "cortex-a72",
    .tlb = {.l1_entries = 32, .l1_ways = 0, .l2_entries = 1024, .l2_ways = 4},
    .hardware_update = hafdbs::none,
};
// Armv8.2 with HAFDBS: the walker sets access flags and dirty state.
inline constexpr cpu_model neoverse_n1{
    .name = "neoverse-n1",
    .tlb = {.l1_entries = 48, .l1_ways = 0, .l2_entries = 1280, .l2_ways = 5},
    .hardware_update = hafdbs::access_flag_and_dirty,
};

} // namespace pagesim
