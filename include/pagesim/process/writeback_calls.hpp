// SPDX-License-Identifier: MIT
// System calls that write files back or drop them from memory.
//
//     fsync       writes the file's dirty pages of now and waits until all of its writes are over
//     sync        has the flusher write every file, and waits for all writes
//     drop_caches (/proc/sys/vm) 1: drops clean, unused pages of all files; 2: asks the slab shrinkers; 3: both.
//                 It does not write: dirty pages stay
//
// Each is a cursor that the calling task steps until it is done. A call must be run to its end, also by a task that is
// killed: it may hold a page locked.
//
// Source: file_write_and_wait_range (mm/filemap.c), ext4_sync_file without a journal (fs/ext4/fsync.c), ksys_sync,
// sync_inodes_sb (fs/sync.c, fs/fs-writeback.c), fs/drop_caches.c, Linux 5.8 to 6.1.
// Left out: the file system's own blocks and the barrier to the device; slab caches are not modelled:
// drop_caches 2 only counts.
#pragma once

#include <pagesim/cache/invalidate.hpp>
#include <pagesim/reclaim/context.hpp>

#include <cstdint>

namespace pagesim {

// kernel: vfs_fsync() of the whole file.
struct fsync_cursor {
    enum class phase : std::uint8_t { begin, writing, waiting, metadata };
    phase at = phase::begin;
    writepages_cursor pages;
    fdatawait_cursor wait;
};
step_result fsync_file(const writeback_context& wb, mapping& file, fsync_cursor& c);

// kernel: ksys_sync().
struct sync_cursor {
    enum class phase : std::uint8_t { begin, flusher, waiting };
    phase at = phase::begin;
    std::uint64_t ticket = 0;
    std::uint32_t file = 1; // whose writes are waited for
    fdatawait_cursor wait;
};
step_result sync_files(const writeback_context& wb, sync_cursor& c);

enum class drop_what : std::uint8_t { pagecache = 1, slab = 2, both = 3 };
struct drop_caches_cursor {
    enum class phase : std::uint8_t { begin, files, slab };
    phase at = phase::begin;
    std::uint32_t file = 1;
    invalidate_cursor drop;
};
// kernel: drop_caches_sysctl_handler().
step_result drop_caches(const writeback_context& wb, const reclaim_context& rc, drop_what what,
                        drop_caches_cursor& c);

} // namespace pagesim
