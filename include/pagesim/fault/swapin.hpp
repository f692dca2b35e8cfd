// SPDX-License-Identifier: MIT
// A slot's page into the swap cache, with its neighbours (kernel: swapin_readahead, mm/swap_state.c).
//
//     begin_swapin    how large is the window, and where (swap/swap_readahead.hpp)?
//     window          each neighbour: a frame, the slot's mark, the read queued behind the plug; then all submitted
//     one             the wanted page: read with the window, or read now
//
// Between a page's entry into the cache and its read whoever is to run gets the CPU, as where the kernel allocates the
// bio: kswapd, woken by the frame's allocation, runs before the read is under way.
//
// A window of one page skips the second line. When it is done the page is in the swap cache, most often still locked,
// for its read is under way; the caller has a reference to it and waits.
//
// Faults use it, and swapoff.
#pragma once

#include <pagesim/mm/mm.hpp>
#include <pagesim/reclaim/alloc_slowpath.hpp>
#include <pagesim/swap/swap_readahead.hpp>

namespace pagesim {

enum class swapin_outcome : std::uint8_t {
    in_cache,      // `result` is the page
    changed,       // somebody else has the slot, or nobody any more: look again
    out_of_memory, // no frame for the wanted page
};

struct swapin_cursor {
    enum class phase : std::uint8_t { window, one };
    phase at = phase::window;
    swap_entry entry;
    mm* owner = nullptr;
    vma* range = nullptr; // null: nobody's range (the cluster method then)
    vpn where{0};
    swap_ra_method method = swap_ra_method::vma;
    unsigned size = 1;
    std::uint64_t next = 0; // page numbers (VMA) or slots (cluster)
    std::uint64_t end = 0;
    io_plug plug;
    alloc_cursor alloc;
    page* prepared = nullptr; // in the cache, to be read

    page* result = nullptr;
    swapin_outcome outcome = swapin_outcome::in_cache;
};

// Decides on the window. `range` may be null, `owner` then too.
void begin_swapin(const reclaim_context& rc, swapin_cursor& c, swap_entry e, mm* owner, vma* range,
                  vpn where);
// Call until done.
step_result swapin_readahead(const reclaim_context& rc, swapin_cursor& c);

// kernel: __read_swap_cache_async() after its allocation and mark: a new page, locked, enters the swap cache. It is to be
// read (swap_io::read_page).
void prepare_in_cache(const reclaim_context& rc, page& p, swap_entry e);

// A page that comes from swap joins the lists; its shadow decides on which side.
void add_swapped_in_page(const reclaim_context& rc, page& p, std::optional<shadow> old);

} // namespace pagesim
