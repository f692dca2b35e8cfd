// SPDX-License-Identifier: MIT
// Watermarks: how much memory a zone keeps back, and from whom.
//
//     managed |##########################################|
//             |                                          |   allocations succeed, nobody reclaims
//        high |------------------------------------------|   kswapd goes to sleep again
//             |                                          |   kswapd reclaims in the background
//         low |------------------------------------------|   the fast path fails below: kswapd is woken
//             |                                          |   the slow path still gets pages
//         min |------------------------------------------|   below: direct reclaim, or (with leave) the reserve
//             |                                          |
//           0 +------------------------------------------+   reclaim itself may go down to here
//
// The rule has two steps. First the machine: min_free_kbytes = sqrt(16 x kilobytes of memory), because the
// pages in flight grow with the traffic, and that grows slower than memory does. Then the zone gets its
// share by size, and the two steps to low and high are a quarter of min or watermark_scale_factor/10000 of
// the zone, whichever is more: on large machines it is the second that leaves kswapd time to work.
//
// A test compares free pages with mark + lowmem_reserve, and *equal fails*. Two things move the line:
//   - lowmem_reserve[j]: what a low zone keeps from requests that could also have been served from zone j, so that
//     user pages do not eat the memory that only this zone can give;
//   - the boost: after a request had to break into a pageblock of another migratetype, the zone raises all its
//     marks for a while (zone.hpp), so that kswapd frees more than usual and the next request finds a whole block.
//
// A kernel with transparent huge pages raises min_free_kbytes at boot, on machines of 512 MiB and more: khugepaged shall
// find pageblocks to empty. Here that raise is a setting (memory_config::khugepaged); huge pages are not modelled.
//
// Left out: high memory, the HighAtomic reserve and
// CMA, the promotion watermark of tiered memory, and the lag of per-CPU counters (our free count is exact).
//
// Source: __setup_per_zone_wmarks, setup_per_zone_lowmem_reserve, calculate_totalreserve_pages,
// __zone_watermark_ok (mm/page_alloc.c, Linux 6.1).
#pragma once

#include <pagesim/base/flags.hpp>
#include <pagesim/base/units.hpp>
#include <pagesim/memory/gfp.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace pagesim {

// Pages. What the three lines are before a boost is added.
struct watermarks {
    std::uint64_t min = 0;
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    friend constexpr bool operator==(const watermarks&, const watermarks&) = default;
};

enum class wmark_level : std::uint8_t { min, low, high };

// One number for each zone type, indexed by it.
using per_zone = std::array<std::uint64_t, max_nr_zones>;

// Whether khugepaged has raised min_free_kbytes (kernel: set_recommended_min_free_kbytes).
enum class khugepaged_reserve : std::uint8_t { absent, present };

// The vm.* settings that the allocator reads.
struct memory_config {
    std::optional<std::uint64_t> min_free_kbytes{};             // unset: from the size of the machine
    khugepaged_reserve khugepaged = khugepaged_reserve::absent; // if min_free_kbytes is unset
    std::uint64_t watermark_scale_factor = 10;                  // ten-thousandths of a zone between two marks
    std::uint64_t watermark_boost_factor = 15000;   // ten-thousandths of the high mark; 0: never boost
    per_zone lowmem_reserve_ratio{256, 256, 32, 0}; // 0: no reserve
};

// floor(sqrt(n)) (kernel: int_sqrt).
[[nodiscard]] constexpr std::uint64_t integer_sqrt(std::uint64_t n) {
    std::uint64_t root = 0;
    for (std::uint64_t bit = 1ULL << 31U; bit != 0; bit >>= 1U) {
        if ((root + bit) * (root + bit) <= n) root += bit;
    }
    return root;
}

// x * part / whole without overflow, rounded as the kernel rounds (kernel: mult_frac).
[[nodiscard]] constexpr std::uint64_t mult_frac(std::uint64_t x, std::uint64_t part, std::uint64_t whole) {
    return (x / whole) * part + (x % whole) * part / whole;
}

// Kilobytes; `managed` is the memory of all zones: the root of 16 times its kilobytes, 4 a page
// (kernel: init_per_zone_wmark_min).
[[nodiscard]] constexpr std::uint64_t min_free_kbytes_for(page_count managed) {
    constexpr std::uint64_t smallest = 128;
    constexpr std::uint64_t largest = 262144;
    return std::clamp(integer_sqrt(64 * managed.value), smallest, largest);
}

// What khugepaged asks for, kilobytes: two pageblocks and nine more, each 512 pages, for every zone up to Normal, but at
// most a twentieth of what lies above the high marks; 0 for a machine of less than 512 MiB
// (kernel: hugepage_init, set_recommended_min_free_kbytes).
[[nodiscard]] constexpr std::uint64_t recommended_min_free_kbytes(page_count managed, std::uint64_t zones,
                                                                  std::uint64_t above_high) {
    constexpr std::uint64_t least_managed = 512ULL << (20U - page_shift);
    constexpr std::uint64_t pages_a_zone = 512 * (2 + 9);
    if (managed.value < least_managed) return 0;
    return std::min(pages_a_zone * zones, above_high / 20) << (page_shift - 10);
}

// The marks of one zone. `total_managed` > 0 (kernel: __setup_per_zone_wmarks).
[[nodiscard]] constexpr watermarks compute_watermarks(page_count managed, page_count total_managed,
                                                      std::uint64_t min_free_kbytes,
                                                      std::uint64_t watermark_scale_factor) {
    const std::uint64_t min = (min_free_kbytes >> (page_shift - 10)) * managed.value / total_managed.value;
    const std::uint64_t step = std::max(min >> 2U, mult_frac(managed.value, watermark_scale_factor, 10000));
    return {.min = min, .low = min + step, .high = min + 2 * step};
}

// Pages that zone `of` keeps from requests whose highest zone is j, for each j
// (kernel: setup_per_zone_lowmem_reserve, 6.1).
[[nodiscard]] constexpr per_zone compute_lowmem_reserve(zone_type of, const per_zone& managed,
                                                        const per_zone& ratio) {
    per_zone reserve{};
    const auto self = static_cast<unsigned>(of);
    std::uint64_t above = 0;
    for (unsigned j = self + 1; j < max_nr_zones; ++j) {
        above += managed[j];
        if (ratio[self] != 0 && managed[self] != 0) reserve[j] = above / ratio[self];
    }
    return reserve;
}

// A zone's part of the pages that user space cannot have (kernel: calculate_totalreserve_pages).
[[nodiscard]] constexpr std::uint64_t zone_totalreserve(page_count managed, const per_zone& lowmem_reserve,
                                                        std::uint64_t high_wmark) {
    const std::uint64_t largest = *std::max_element(lowmem_reserve.begin(), lowmem_reserve.end());
    return std::min(managed.value, largest + high_wmark);
}

// How far the per-CPU counters of a zone may lag in a kernel with `cpus` CPUs. Ours do not; /proc/zoneinfo
// prints it (kernel: calculate_normal_threshold).
[[nodiscard]] constexpr unsigned stat_threshold(page_count managed, unsigned cpus) {
    const auto fls = [](std::uint64_t n) {
        unsigned bits = 0;
        for (; n != 0; n >>= 1U) ++bits;
        return bits;
    };
    return std::min(125U, 2 * fls(cpus) * (1 + fls(managed.value >> (27U - page_shift))));
}

// Who may go below the min mark (kernel: ALLOC_MIN_RESERVE, ALLOC_NON_BLOCK, ALLOC_OOM).
enum class alloc_reserve : std::uint8_t { min_reserve, non_block, oom };
using alloc_reserves = flag_set<alloc_reserve>;

// The mark for a request with those rights. non_block counts only together with min_reserve.
[[nodiscard]] constexpr std::uint64_t lowered_mark(std::uint64_t mark, alloc_reserves rights) {
    if (rights.has(alloc_reserve::min_reserve)) {
        mark -= mark / 2;
        if (rights.has(alloc_reserve::non_block)) mark -= mark / 4;
    }
    if (rights.has(alloc_reserve::oom)) mark -= mark / 2;
    return mark;
}

} // namespace pagesim
