// SPDX-License-Identifier: MIT
// Starting the write of one dirty page, and taking a clean one out of the swap cache or the page cache.
//
//     in the swap cache     to its slot
//     a regular file's      to its place in the file
//     a shmem file's        gets a slot now: out of the page cache, into the swap cache (the file keeps the swap entry
//                           where the page was), then as above
//     nobody's              cannot be written; buffers that it still has are dropped
#pragma once

#include <pagesim/reclaim/context.hpp>

namespace pagesim {

// Whether a cache holds the page (kernel: folio_mapping() is not null).
[[nodiscard]] inline bool has_mapping(const page& p) { return p.test(page_flag::swapcache) || p.in_file(); }

// kernel: pageout_t.
enum class pageout_result : std::uint8_t {
    keep,     // somebody else holds a reference
    activate, // swap is full: the page is dirty again, and still locked
    success,  // the write was started; the page is unlocked
    clean,    // it was not dirty after all
};

// kernel: pageout(). The page is locked and not mapped.
[[nodiscard]] pageout_result pageout(const reclaim_context& rc, page& p, io_plug& plug);

enum class remove_result : std::uint8_t { removed, busy };

// kernel: __remove_mapping() with reclaimed set: freezes the two references (cache, isolation) and leaves a shadow in the
// page's place: at its slot, whose mark goes, or in its file (not in a shmem file). On success the page's count is 0.
[[nodiscard]] remove_result remove_mapping(const reclaim_context& rc, page& p);

enum class swap_slot_result : std::uint8_t { added, full };

// kernel: add_to_swap(): a slot and a place in the swap cache; the page becomes dirty.
[[nodiscard]] swap_slot_result add_to_swap(const reclaim_context& rc, page& p);

} // namespace pagesim
