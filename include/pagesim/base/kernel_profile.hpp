// SPDX-License-Identifier: MIT
// What differs between kernels, as data.
//
// The code asks a profile by the name of the behaviour ("is a new anonymous page born active?"), never by a
// version number. Each field names the kernel function in which the difference sits. `linux_6_1` is Debian
// 12's 6.1 with the classic two-list LRU.
#pragma once

#include <cstdint>
#include <string_view>

namespace pagesim {

// Where a new anonymous page starts (lru_cache_add_{active,inactive}_or_unevictable).
enum class new_anon_list : std::uint8_t { active, inactive };
// What one young mapping does to an anonymous page on the inactive list (page_check_references).
enum class anon_reference_rule : std::uint8_t { activate_at_once, second_chance };
// Whether swap-cache eviction leaves a shadow that a later swap-in is judged by (workingset_eviction,
// mm/workingset.c).
enum class anon_refault : std::uint8_t { ignored, detected };
// Whether shrink_lruvec, once adjusted, scans the larger type to its end or stops after one more round.
enum class proportional_stop : std::uint8_t { scans_remainder, re_evaluates };
// pcp->high: a multiple of the batch, or a share of the low watermark (zone_set_pageset_high_and_batch).
enum class pcp_high_rule : std::uint8_t { six_batches, low_watermark };

struct kernel_profile {
    std::string_view name;
    new_anon_list birth;
    anon_reference_rule anon_references;
    anon_refault anon_refaults;
    proportional_stop stop;
    pcp_high_rule pcp_high;
};

inline constexpr kernel_profile linux_6_1{
    .name = "6.1",
    .birth = new_anon_list::inactive,
    .anon_references = anon_reference_rule::second_chance,
    .anon_refaults = anon_refault::detected,
    .stop = proportional_stop::re_evaluates,
    .pcp_high = pcp_high_rule::low_watermark,
};

} // namespace pagesim
