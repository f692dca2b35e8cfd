// SPDX-License-Identifier: MIT
// Which neighbours to bring along when a page is swapped in (kernel: mm/swap_state.c, the VMA based method
// that 6.1 uses for a device that does not rotate).
//
// Each range remembers the last fault's page, the window it used and how many of the pages brought along
// were then wanted. Hits make the window grow (2 hits: 4 pages, 3 to 6: 8, ...), none make it shrink by
// half a step; it starts at 8.
//
//     first fault: hits 4 -> window 8      then, without hits, at random: 4, 2, 1, 1, ...
//     faults ascend: [fault, fault + window)   descend: [fault - window + 1, fault]   else: around it
//
// The window is clipped to the range and to the 2 MiB that one table of descriptors covers. Only
// descriptors that hold swap entries are read.
#pragma once

#include <pagesim/mm/vma.hpp>
#include <pagesim/swap/swap_space.hpp>

namespace pagesim {

inline constexpr unsigned swap_ra_order_ceiling = 5;
inline constexpr unsigned swap_ra_hits_max = 63;

struct swap_window {
    unsigned size = 1; // 1: only the faulting page, read synchronously
    vpn first{0};
    vpn end{0};
};

// kernel: __swapin_nr_pages().
[[nodiscard]] unsigned swapin_nr_pages(vpn previous, vpn fault, unsigned hits, unsigned max_pages,
                                       unsigned previous_window);

// kernel: swap_ra_info(). Notes the fault in the range and returns the window. page_cluster: vm.page-cluster.
[[nodiscard]] swap_window swap_ra_info(vma& range, vpn fault, unsigned page_cluster);

// kernel: swap_cache_get_folio(). Looks up the slot on behalf of a fault and counts a readahead hit.
[[nodiscard]] page* swap_cache_get_page(const cpu_context& cpu, const swap_space& swap, swap_entry e,
                                        vma& range, vpn fault);

} // namespace pagesim
