// SPDX-License-Identifier: MIT
// How much to scan of each list.
//
// A pass at priority p looks at 1/2^p of each list. How that share is split between anonymous and file
// pages is decided once a pass, by the first of these that holds:
//
//     no swap to be had (or this pass may not swap)     only file
//     priority 0, and swappiness is not 0               both, in full
//     hardly any file pages, and anon is plentiful      only anon      (file_is_tiny)
//     plenty of inactive file pages, workingset stable  only file      (cache_trim_mode)
//     otherwise                                         in proportion to swappiness and to what each type cost lately
//
// The proportion: with costs A and F, t = A + F, a = t + A, f = t + F, T = a + f,
//     anon share = s (T + 1) / (a + 1)     file share = (200 - s) (T + 1) / (f + 1)
// so all the cost on one side moves the balance by at most a factor of two.
//
// Lists shorter than 2^priority get nothing, fractions truncate: small machines must lower the priority to
// find work.
//
// Source: get_scan_count, prepare_scan_count, inactive_is_low of mm/vmscan.c, Linux 6.1.
#pragma once

#include <pagesim/reclaim/context.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

// Pages to scan, by lru_list (the four evictable ones).
using scan_targets = std::array<std::uint64_t, nr_evictable_lists>;

// kernel: inactive_is_low(): inactive * ratio < active, ratio 1 below 1 GiB, then int_sqrt(10 * GiB).
[[nodiscard]] bool inactive_is_low(const lruvec& lru, lru_type type);

// kernel: prepare_scan_count(): may_deactivate, costs, cache_trim_mode, file_is_tiny of this round.
void prepare_scan_count(const reclaim_context& rc, scan_control& sc);

// kernel: get_scan_count().
[[nodiscard]] scan_targets get_scan_count(const reclaim_context& rc, const scan_control& sc);

// The proportional split: (anon share, file share, their sum).
struct scan_fraction {
    std::uint64_t anon = 0;
    std::uint64_t file = 0;
    [[nodiscard]] std::uint64_t denominator() const { return anon + file; }
};
[[nodiscard]] scan_fraction fraction_of(unsigned swappiness, std::uint64_t anon_cost,
                                        std::uint64_t file_cost);

} // namespace pagesim
