// SPDX-License-Identifier: MIT
// How scattered the free memory of a zone is, and whether compaction is worth trying.
//
//     free_blocks  of any order          fragmentation_index    would a request of that order fail for want of memory
//     suitable     of the order or more                         (towards 0) or because what is free is scattered
//                                                               (towards 1000)? -1000: it would not fail
//
// Source: fill_contig_page_info, __fragmentation_index, extfrag_for_order (mm/vmstat.c), compaction_suitable
// (mm/compaction.c), Linux 6.1; 5.8 and 5.10 are the same.
#pragma once

#include <pagesim/memory/zone.hpp>

#include <cstdint>

namespace pagesim {

// -1000, or 0 to 1000.
[[nodiscard]] int fragmentation_index(const zone& z, page_order order);
// Percent of the free pages that lie in blocks smaller than the order.
[[nodiscard]] unsigned extfrag_for_order(const zone& z, page_order order);

// kernel: COMPACT_SUCCESS, COMPACT_SKIPPED, COMPACT_CONTINUE.
enum class compaction_suitability : std::uint8_t { not_needed, too_little_free, suitable };
// Whether a request of that order, at the min mark, would be helped by compaction now.
[[nodiscard]] compaction_suitability compaction_suitable(const zone& z, page_order order, zone_type highest);

} // namespace pagesim
