// SPDX-License-Identifier: MIT
// Why judge_page decided as it did.
//
// Each verdict carries one of these; they are counted, traced, and each has a scenario that reaches it
// (docs/verdicts.md links reason, kernel branch and scenario, in the order of the steps). New ones go to the end:
// fingerprints hash the number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pagesim {

enum class why : std::uint8_t {
    locked,              // somebody holds the page lock (a read in flight)
    unevictable,         // mlocked
    may_not_unmap,       // mapped, and this pass may not unmap
    writeback_immediate, // kswapd meets it again while still being written, and everything else is too
    writeback,           // still being written: marked so that it rotates when the write is over
    range_locked,        // a locked range maps it
    referenced_again,    // used since the last look, and once before
    referenced,          // used since the last look: one more round
    no_io,               // needs a swap slot, but this pass may do no I/O
    no_swap,             // no swap slot to be had
    unmap_failed,        // a descriptor could not be replaced
    no_fs,               // dirty, and this pass may not enter the file system
    no_writepage,        // dirty, and this pass may not write
    pinned,              // dirty, and somebody else holds a reference
    written,             // its write was started
    redirtied,           // the write did not happen: dirty again
    busy,                // clean, but somebody else holds a reference
    reclaimed,           // freed
    referenced_exec,     // an executable file page, used since the last look
    lazyfree_dirty,      // given up by MADV_FREE, but stored to since, or held by somebody
    dirty_file,          // a dirty file page: the flusher's, not reclaim's; it rotates once it is written
    dirty_referenced,    // dirty, and read(2) lately: not worth a write by reclaim
    write_refused,       // a shmem page that gets no swap slot
    no_mapping,          // clean, no longer any file's, but held by somebody
    lazyfreed,           // freed: its content was given up by MADV_FREE
    orphan_freed,        // freed: truncated long ago, only its buffers had kept it
    buffers_busy,        // a buffer of it is in use: metadata of a file system
    count_
};

inline constexpr std::size_t nr_reasons = static_cast<std::size_t>(why::count_);

[[nodiscard]] constexpr std::string_view reason_name(why w) {
    constexpr std::array<std::string_view, nr_reasons> names{
        "locked",       "unevictable",      "may_not_unmap",    "writeback_immediate",
        "writeback",    "range_locked",     "referenced_again", "referenced",
        "no_io",        "no_swap",          "unmap_failed",     "no_fs",
        "no_writepage", "pinned",           "written",          "redirtied",
        "busy",         "reclaimed",        "referenced_exec",  "lazyfree_dirty",
        "dirty_file",   "dirty_referenced", "write_refused",    "no_mapping",
        "lazyfreed",    "orphan_freed",     "buffers_busy"};
    return names[static_cast<std::size_t>(w)];
}

class reason_counts {
public:
    void add(why w) { ++counts_[static_cast<std::size_t>(w)]; }
    [[nodiscard]] std::uint64_t operator[](why w) const { return counts_[static_cast<std::size_t>(w)]; }

private:
    std::array<std::uint64_t, nr_reasons> counts_{};
};

} // namespace pagesim
