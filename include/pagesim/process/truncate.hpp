// SPDX-License-Identifier: MIT
// A file becomes shorter, or goes away.
//
//     1. its size is the new one: nobody gets at what lies beyond any more
//     2. what maps pages beyond loses them, private copies too
//     3. the pages leave the page cache; those under writeback are waited for, dirty ones are not written
//     4. the mappings once more: a page may have been mapped, or copied, meanwhile
//
// A file that is deleted loses all of its pages that way, and its place on the flusher's lists.
//
// Like the calls of writeback_calls.hpp these must be run to their end.
//
// Source: truncate_setsize, truncate_pagecache (mm/truncate.c), unmap_mapping_range (mm/memory.c), evict (fs/inode.c),
// Linux 6.1. Regular files only. Left out: sizes within a page, the file system's part.
#pragma once

#include <pagesim/cache/invalidate.hpp>
#include <pagesim/process/unmap.hpp>

namespace pagesim {

// kernel: unmap_mapping_range() to the end of the file, private copies included.
void unmap_mapping_range(const fault_context& fc, const mapping& file, std::uint64_t first);

// kernel: truncate(2), less the file system.
struct truncate_file_cursor {
    bool begun = false;
    truncate_cursor pages;
};
step_result truncate_file(const fault_context& fc, const writeback_context& wb, mapping& file,
                          page_count size, truncate_file_cursor& c);

// The last user of a deleted file has closed it (kernel: iput_final(), evict()). Nothing maps it any more. The file is
// gone afterwards, and so is its number.
struct delete_file_cursor {
    bool begun = false;
    truncate_cursor pages;
};
step_result delete_file(const writeback_context& wb, mapping& file, delete_file_cursor& c);

} // namespace pagesim
