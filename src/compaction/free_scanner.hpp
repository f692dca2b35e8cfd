// SPDX-License-Identifier: MIT
// The free scanner of compaction, and what both scanners count in.
#pragma once

#include <pagesim/compaction/compaction.hpp>

#include <algorithm>

namespace pagesim {

[[nodiscard]] constexpr std::uint64_t pageblock_of(std::uint64_t n) { return n / pageblock_nr_pages; }
[[nodiscard]] constexpr std::uint64_t pageblock_start(std::uint64_t n) {
    return n & ~(pageblock_nr_pages - 1);
}
// The first page of the next one.
[[nodiscard]] constexpr std::uint64_t pageblock_end(std::uint64_t n) {
    return pageblock_start(n) + pageblock_nr_pages;
}

[[nodiscard]] inline std::uint64_t number_of(const reclaim_context& rc, const page& p) {
    return raw(rc.home.frames().pfn_of(p));
}

// How many entries of the free lists a search looks at: fewer after each that found nothing.
[[nodiscard]] inline unsigned freelist_scan_limit(const compact_control& cc) {
    constexpr unsigned longest_shift = 31;
    return (compact_cluster_max >> std::min(longest_shift, cc.fast_search_fail)) + 1;
}

// kernel: isolate_freepages(): fills cc.freepages, if it can, with at least as many pages as are to be moved.
void isolate_freepages(const reclaim_context& rc, compact_control& cc);

} // namespace pagesim
