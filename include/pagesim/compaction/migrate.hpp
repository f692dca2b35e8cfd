// SPDX-License-Identifier: MIT
// Moving one page to another frame.
//
//     isolated, on nobody's list       r = isolation + mappings + swap cache or page cache + buffers, or somebody holds it
//         │  try_to_migrate: unmapped                                                          and it stays where it is
//         v
//     the other frame takes over: flags, place in the file or in swap, buffers, the copied content
//         │  6.1: on its list at once, then mapped again      5.8, 5.10: mapped again, then by way of the batch
//         v
//     the old frame is free
//
// Whoever used the page goes on with the same virtual addresses. The page is at the head of its list afterwards, active
// if it was; in 5.8 and 5.10 its descriptors are old. A page of a zram pool moves, too.
//
// Intended difference: nobody runs between unmapping and mapping again, so nobody waits for a page that is under way; and
// a page that somebody holds is left alone before it is unmapped, not after.
//
// Source: migrate_pages, unmap_and_move, folio_migrate_mapping, folio_migrate_flags (mm/migrate.c), Linux 6.1 and 5.10.
#pragma once

#include <pagesim/reclaim/context.hpp>

#include <cstdint>

namespace pagesim {

// Pages that are on no LRU list but can be moved (kernel: struct movable_operations).
class movable_pages {
public:
    movable_pages() = default;
    movable_pages(const movable_pages&) = delete;
    movable_pages& operator=(const movable_pages&) = delete;
    virtual ~movable_pages() = default;
    // `to` takes the place of `from`, whose owner's reference is then the caller's to drop.
    virtual void replace_page(page& from, page& to) = 0;
};

// kernel: MIGRATEPAGE_SUCCESS, -EAGAIN, -EBUSY.
enum class migrate_result : std::uint8_t { moved, try_again, busy };

// A page taken off its list to be moved, with a reference.
struct isolated_page {
    page* frame;
    bool was_on_list; // and counts as isolated; otherwise its owner knows where it is
};
// kernel: the end of isolate_migratepages_block().
[[nodiscard]] isolated_page isolate_movable(const reclaim_context& rc, page& p);
// Who isolated it gives it back (kernel: putback_movable_pages()). If nobody else holds it any more it is freed.
void putback_movable(const reclaim_context& rc, const isolated_page& p);
// kernel: unmap_and_move(). `from` is isolated, and somebody else holds it; `to` has one reference and nothing else. Once
// moved, `from` is free and nothing holds `to` but its users.
[[nodiscard]] migrate_result migrate_page(const reclaim_context& rc, movable_pages& others, page& from,
                                          page& to);

// Whether a page is one of the program's own that the start of a described machine knows of: locked, mapped by somebody
// who is not simulated.
[[nodiscard]] inline bool mapped_from_outside(const page& p) {
    return p.mapping() == 0 && p.test(page_flag::mlocked);
}

} // namespace pagesim
