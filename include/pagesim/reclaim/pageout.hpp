// SPDX-License-Identifier: MIT
// Starting the write of one dirty page, and taking a clean one out of the swap cache.
#pragma once

#include <pagesim/reclaim/context.hpp>

namespace pagesim {

// kernel: pageout_t.
enum class pageout_result : std::uint8_t {
    keep,    // somebody else holds a reference
    success, // the write was started; the page is unlocked
    clean,   // it was not dirty after all
};

// kernel: pageout(). The page is locked and in the swap cache.
[[nodiscard]] pageout_result pageout(const reclaim_context& rc, page& p, io_plug& plug);

enum class remove_result : std::uint8_t { removed, busy };

// kernel: __remove_mapping() with reclaimed set: freezes the two references (swap cache, isolation), leaves
// a shadow at the slot, drops the slot's mark. On success the page's count is 0.
[[nodiscard]] remove_result remove_mapping(const reclaim_context& rc, page& p);

enum class swap_slot_result : std::uint8_t { added, full };

// kernel: add_to_swap(): a slot and a place in the swap cache; the page becomes dirty.
[[nodiscard]] swap_slot_result add_to_swap(const reclaim_context& rc, page& p);

} // namespace pagesim
