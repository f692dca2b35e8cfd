// SPDX-License-Identifier: MIT
// A file's dirty pages go to the device: ext4_writepages for a file whose blocks are all there.
//
//     the next page that is tagged dirty (for sync: tagged to be written when the walk began)
//       lock it           waits if somebody holds it
//       still dirty?      somebody else may have written it, or truncated the file
//       under writeback?  dirtied again while it is written: skipped; for sync waited for, the lock held
//       clean it          its mappings too (page_mkclean), so that the next store is seen
//       start writeback   unlock; pages that follow one another go to the device as one request
//
// Cyclic: the walk goes on where the last one stopped (writeback_index) to the end of the file, and from its start to
// where it began; so background writeback in slices visits a large file evenly. Not cyclic: a range, once.
//
// Sync tags first what is dirty now (TOWRITE) and writes just that. Pages dirtied meanwhile are not its business, so it
// ends.
//
// A walk must be run to its end: what it has collected, nobody else would submit.
//
// Source: ext4_writepages, mpage_prepare_extent_to_map (fs/ext4/inode.c), do_writepages (mm/page-writeback.c), Linux
// 5.8 to 6.1. Left out: block allocation (delayed allocation with its transactions), the block layer's plug: a run of
// pages goes out when the next page does not follow it, at 256 pages, or when the walk waits. The walk looks at one
// page at a time, not 15.
#pragma once

#include <pagesim/cache/bdi_writeback.hpp>
#include <pagesim/cache/file_io.hpp>
#include <pagesim/sim/step.hpp>

#include <cstdint>
#include <limits>
#include <vector>

namespace pagesim {

struct writeback_context {
    const cpu_context& cpu;
    mem_map& frames;
    lru_batches& batches;
    page_cache& cache;
    file_io& files;
    bdi_writeback& bdi;
};

enum class wb_sync : std::uint8_t { none, all };                 // kernel: WB_SYNC_NONE, WB_SYNC_ALL
enum class wb_walk : std::uint8_t { range, whole_file, cyclic }; // range_start and _end, range_cyclic

// kernel: struct writeback_control, with the place of the walk.
struct writepages_cursor {
    wb_sync sync = wb_sync::none;
    wb_walk walk = wb_walk::cyclic;
    std::int64_t nr_to_write = std::numeric_limits<std::int64_t>::max(); // what is left of it
    std::uint64_t first = 0;                                             // of a range
    std::uint64_t last = mapping::none;                                  // included

    enum class phase : std::uint8_t { begin, next_page, locking, writing_before };
    phase at = phase::begin;
    std::uint64_t index = 0;  // where the search goes on
    std::uint64_t end = 0;    // of this pass, included
    std::uint64_t resume = 0; // where the next cyclic walk begins
    std::uint64_t began = 0;  // where this one did
    bool second_pass_to_come = false;
    page* held = nullptr;   // waited for, with a reference of ours
    std::vector<page*> run; // under writeback, to be submitted
};

// kernel: do_writepages(). A page a step.
step_result do_writepages(const writeback_context& wb, mapping& file, writepages_cursor& c);

// Waits for the end of the writes that are under way in [next, last] (kernel: __filemap_fdatawait_range()).
struct fdatawait_cursor {
    std::uint64_t next = 0;
    std::uint64_t last = mapping::none;
    page* held = nullptr;
};
step_result filemap_fdatawait_range(const writeback_context& wb, mapping& file, fdatawait_cursor& c);

} // namespace pagesim
