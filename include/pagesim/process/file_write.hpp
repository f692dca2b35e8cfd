// SPDX-License-Identifier: MIT
// write(2): whole pages into the page cache, where they stay dirty until the flusher, fsync or reclaim writes them.
//
// A page that is not cached is not read first, as all of it is overwritten; so its return from eviction does not count as
// one either. The file system gives each page buffers (PG_private, one reference). A page written is not marked
// accessed: however often it is written, only reading makes it active. After each page the writer may be made to
// wait (balance_dirty_pages).
//
// Source: generic_perform_write of mm/filemap.c, ext4_da_write_begin and _end, Linux 6.1.
#pragma once

#include <pagesim/fault/fault_context.hpp>
#include <pagesim/fault/read_ahead.hpp>

namespace pagesim {

struct file_write_cursor {
    enum class phase : std::uint8_t { begin, look_up, allocating, locking, throttled };
    phase at = phase::begin;
    open_file* file = nullptr;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
    page* target = nullptr; // with a reference, while its lock is waited for
    alloc_cursor alloc;
    task_dirty* dirtier = nullptr;
    dirty_balance_cursor balance;
    fault_outcome outcome = fault_outcome::resolved;
};

// One call of write(2) by a task. Call until done. The cursor is a fresh one or one whose last call is over.
void begin_file_write(file_write_cursor& c, open_file& file, std::uint64_t first, std::uint64_t pages,
                      task_dirty& dirtier);
step_result file_write_step(const fault_context& fc, file_write_cursor& c);

} // namespace pagesim
