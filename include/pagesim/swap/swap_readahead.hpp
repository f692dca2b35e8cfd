// SPDX-License-Identifier: MIT
// Which neighbours to bring along when a page is swapped in (kernel: mm/swap_state.c). There are two methods.
//
// VMA based, if no area rotates: neighbours in the address space. Each range remembers the last fault's page, the
// window it used and how many of the pages brought along were then wanted. Hits make the window grow (2 hits: 4
// pages, 3 to 6: 8, ...), none make it shrink by half a step; it starts at 8.
//
//     first fault: hits 4 -> window 8      then, without hits, at random: 4, 2, 1, 1, ...
//     faults ascend: [fault, fault + window)   descend: [fault - window + 1, fault]   else: around it
//
// The window is clipped to the range and to the 2 MiB that one table of descriptors covers. Only
// descriptors that hold swap entries are read.
//
// Cluster based, as soon as one area rotates (or vma_ra_enabled is off): neighbours on the device, whoever they belong
// to. One memory of hits for the whole machine; the window is the aligned block of slots around the wanted one, without
// the header and what lies behind the end. Slots that nobody names are skipped.
//
//     slots   | 0 1 2 3 | 4 5 [6] 7 | 8 ...      window 4, slot 6: 4 to 7 are read in one go
#pragma once

#include <pagesim/mm/vma.hpp>
#include <pagesim/swap/swap_space.hpp>

namespace pagesim {

inline constexpr unsigned swap_ra_order_ceiling = 5;
inline constexpr unsigned swap_ra_hits_max = 63;

enum class vma_readahead : std::uint8_t { disabled, enabled };
enum class swap_ra_method : std::uint8_t { vma, cluster };

// kernel: swap_use_vma_readahead().
[[nodiscard]] swap_ra_method readahead_method(const swap_space& swap, vma_readahead setting);

struct swap_window {
    unsigned size = 1; // 1: only the faulting page, read synchronously
    vpn first{0};
    vpn end{0};
};

// kernel: __swapin_nr_pages(). Positions are pages of a range or slots.
[[nodiscard]] unsigned swapin_nr_pages(std::uint64_t previous, std::uint64_t current, unsigned hits,
                                       unsigned max_pages, unsigned previous_window);

// kernel: swap_ra_info(). Notes the fault in the range and returns the window. page_cluster: vm.page-cluster.
[[nodiscard]] swap_window swap_ra_info(vma& range, vpn fault, unsigned page_cluster);

struct swap_cluster_window {
    unsigned size = 1;
    std::uint64_t first = 0; // slots
    std::uint64_t end = 0;
};

// kernel: swapin_nr_pages() and the limits of swap_cluster_readahead(). Notes the use of the slot.
[[nodiscard]] swap_cluster_window swap_cluster_info(swap_space& swap, swap_entry e, unsigned page_cluster);

// kernel: swap_cache_get_folio(). Looks up the slot on behalf of a fault and counts a readahead hit, to the range or,
// with the cluster method or without a range, to all.
[[nodiscard]] page* swap_cache_get_page(const cpu_context& cpu, swap_space& swap, swap_entry e, vma* range,
                                        vpn fault, swap_ra_method method);

} // namespace pagesim
