// SPDX-License-Identifier: MIT
// Pages leave the page cache without having been written: invalidation drops what is clean and unused, truncation what
// lies beyond the new end of the file.
//
//     invalidation   a locked page        left alone
//                    under writeback      left alone (5.8: deactivated)
//                    dirty, mapped, held  deactivated: reclaim will come to it soon
//                    else                 gone: no shadow, no pgsteal
//     truncation     under writeback      waited for, the page locked
//                    dirty                its content is of no use: not dirty any more, and gone
//                    mapped               its mappings go first (the caller's part)
//
// Shadows in the range go with either. shmem's swap entries stay with an invalidation.
//
// Source: invalidate_mapping_pagevec, mapping_evict_folio, truncate_inode_pages_range of mm/truncate.c, Linux 6.1; for
// 5.8 kernel_profile::invalidate. Left out: parts of pages.
#pragma once

#include <pagesim/cache/writepages.hpp>

#include <cstdint>

namespace pagesim {

// kernel: mapping_evict_folio(). The page is in a file and locked; on success it is gone.
enum class evicted : std::uint8_t { no, yes };
[[nodiscard]] evicted evict_page(const writeback_context& wb, page& p);

// kernel: invalidate_mapping_pagevec(). 15 entries of the file a step.
struct invalidate_cursor {
    std::uint64_t next = 0;
    std::uint64_t last = mapping::none - 1; // included
    std::uint64_t gone = 0;                 // pages
    std::uint64_t failed = 0;               // pages that were deactivated instead
};
step_result invalidate_mapping_pages(const writeback_context& wb, mapping& file, invalidate_cursor& c);

// kernel: truncate_inode_pages(): from page `first` on. Nothing maps these pages any more.
struct truncate_cursor {
    std::uint64_t first = 0;
    std::uint64_t next = 0;
    bool begun = false;
    bool waits = false;   // the second time round, pages under writeback or locked are waited for
    page* held = nullptr; // waited for, with a reference of ours
    bool locked = false;  // and locked by us
};
step_result truncate_inode_pages(const writeback_context& wb, mapping& file, truncate_cursor& c);

} // namespace pagesim
