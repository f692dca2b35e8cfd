// SPDX-License-Identifier: MIT
// Workingset: was that page evicted too early?
//
// Think of the lists as one line of pages, oldest first out. When a page is evicted we write down the
// reading of a clock that ticks once for each page that leaves or jumps the line. The note stays where the
// page was (for an anonymous page: in the swap cache, at its slot) and is called its shadow:
//
//     evict A            clock 100   shadow(A) = 100, clock becomes 101
//     evict B, C, D      clock 104
//     A comes back       distance = 104 - 100 = 4
//
// Had memory been 4 pages larger, A would not have left at all. So if the pages that are on the *active*
// side (which could be given up for it) are at least that many, A belongs to the workingset: it starts
// active, and is counted as workingset_activate. If it also was active in its former life (PG_workingset,
// kept in the shadow's low bit) memory is really too small: workingset_restore, and the type of page pays
// in the scan balance (lru_note_cost).
//
// What the distance is compared with, for an anonymous page (6.1): active file + inactive file, and active
// anon if there is swap left. Equality activates.
//
// Order matters: 6.1 samples the clock, then lets it tick, so a page that returns at once has distance 1; 5.8
// lets it tick first (kernel_profile::shadow). 5.8 keeps shadows of file pages only.
//
// The clock ticks for: an eviction that leaves a shadow, an active page put back by reclaim, a promotion by
// mark_page_accessed, a refault that passes. It is one number per lruvec (memory cgroups are not modelled).
//
// Source: mm/workingset.c of Linux 6.1 for behaviour; the numbers are in docs/lineage.md.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/lru/lruvec.hpp>

#include <cstdint>

namespace pagesim {

// What an evicted page leaves behind: the clock's reading and whether it had been active.
class shadow {
public:
    // 1 bit workingset, 4 bits node, 16 bits memory cgroup, 1 bit for the xarray: 42 bits remain for the
    // clock.
    static constexpr unsigned timestamp_bits = 64 - (1 + 1 + 4 + 16);

    constexpr shadow() = default;
    constexpr shadow(std::uint64_t clock, bool was_workingset)
        : bits_{((clock & mask()) << 1U) | (was_workingset ? 1U : 0U)} {}
    [[nodiscard]] static constexpr shadow from_bits(std::uint64_t b) {
        shadow s;
        s.bits_ = b;
        return s;
    }
    [[nodiscard]] constexpr std::uint64_t bits() const { return bits_; }
    [[nodiscard]] constexpr std::uint64_t clock() const { return bits_ >> 1U; }
    [[nodiscard]] constexpr bool was_workingset() const { return (bits_ & 1U) != 0; }
    [[nodiscard]] static constexpr std::uint64_t mask() { return (1ULL << timestamp_bits) - 1; }

private:
    std::uint64_t bits_ = 0;
};

// kernel: workingset_eviction(). The page is leaving; returns its shadow and advances the clock.
[[nodiscard]] shadow workingset_eviction(lruvec& lru, const page& p, shadow_sample order);

// kernel: workingset_refault(). Counts the refault and decides whether the page starts active.
// `swap_available`: free swap slots are left.
enum class swap_room : std::uint8_t { none, available };
void workingset_refault(const cpu_context& cpu, lruvec& lru, page& p, shadow s, swap_room swap);

} // namespace pagesim
