// SPDX-License-Identifier: MIT
// read(2): pages of a file through the page cache.
//
//     pages wanted ── cached? ── no ──> readahead from the first one that is not, at once (synchronous)
//                        │ yes
//                        ├─ one carries the marker: readahead of the next window (asynchronous), and go on
//                        ├─ one is still being read: wait for it
//                        └─ mark accessed, copy, drop
//
// A page becomes active at its second mark (mark_page_accessed). Which reads mark it: 6.1 takes up to 15 pages at a
// time and marks all but the first of them, and the first unless the last read of this open file ended in the same
// page. Older kernels go page by page and leave out only a page in which the read goes on where the last one ended.
//
// Source: filemap_read, filemap_get_pages of mm/filemap.c, Linux 6.1; generic_file_buffered_read of 5.8 and 5.10. Whole
// pages only.
#pragma once

#include <pagesim/fault/fault_context.hpp>
#include <pagesim/fault/read_ahead.hpp>
#include <pagesim/lru/lru_add.hpp>

#include <array>

namespace pagesim {

struct file_read_cursor {
    enum class phase : std::uint8_t { begin, look_up, reading_ahead, single, waiting, next_window, copying };
    phase at = phase::begin;
    open_file* file = nullptr;
    std::uint64_t position = 0; // the next page
    std::uint64_t end = 0;
    bool read_ahead_tried = false; // for the page at position
    std::array<page*, pagevec_size> batch{};
    unsigned batch_size = 0;
    unsigned copied = 0;        // of the batch
    std::int64_t previous = -1; // 5.8: ra->prev_pos as the call began or went on
    read_ahead_cursor ahead;
    alloc_cursor alloc;
    fault_outcome outcome = fault_outcome::resolved;
};

// One call of read(2): the `pages` pages from `first` on. Call until done. The cursor is a fresh one or one whose last
// call is over: it holds 2.7 KB, too much to be written anew for each call.
void begin_file_read(file_read_cursor& c, open_file& file, std::uint64_t first, std::uint64_t pages);
step_result file_read_step(const fault_context& fc, file_read_cursor& c);

} // namespace pagesim
