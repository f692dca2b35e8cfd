// SPDX-License-Identifier: MIT
// Readahead: which pages to read when one is missing, and when to read on before one is missing.
//
// Each open file remembers a window, [start, start + size), and where in it the reader is to start the next one: the
// page with PG_readahead, async_size pages before the end.
//
//     sequential reads of single pages from page 0, at most 32 pages a window (! is the marker):
//
//     miss at 0        [ 0 !1  2  3]                                             4 pages
//     marker at 1                   [!4  5 .. 11]                                8, the next one's marker at its start
//     marker at 4                                [!12 .. 27]                     16
//     marker at 12                                          [!28 .. 59]          32, and so on
//
// A miss elsewhere is read as it is, unless the pages before it are cached (somebody reads in sequence without a
// window of his own: context readahead). A mapped file that is missed is read around the fault, 16 pages before it and
// 16 behind, until misses outweigh hits by 100.
//
// These functions decide; who carries the window out allocates the pages and so may have to reclaim
// (fault/read_ahead.hpp).
//
// Source: mm/readahead.c, do_sync_mmap_readahead and do_async_mmap_readahead of mm/filemap.c; Linux 6.1 and 5.10.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/mapping.hpp>

#include <cstdint>
#include <optional>

namespace pagesim {

inline constexpr unsigned mmap_lotsamiss = 100; // kernel: MMAP_LOTSAMISS

// kernel: struct file_ra_state.
struct file_ra_state {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
    std::uint64_t async_size = 0;
    std::uint64_t ra_pages = 32;
    unsigned mmap_miss = 0;
    std::int64_t prev_pos = -1; // bytes; where the last read ended (5.8: in the last page read)
};

// kernel: FMODE_RANDOM of posix_fadvise.
enum class access_advice : std::uint8_t { normal, random };

// kernel: struct file.
struct open_file {
    std::uint32_t id = 0;
    mapping* of = nullptr;
    unsigned users = 0; // descriptors and ranges
    file_ra_state ra;
    access_advice advice = access_advice::normal;
};

// Pages to read; page number start + pages - lookahead gets the marker, if it is new.
struct readahead_window {
    std::uint64_t start = 0;
    std::uint64_t pages = 0;
    std::uint64_t lookahead = 0;

    friend constexpr bool operator==(const readahead_window&, const readahead_window&) = default;
};

// Why the readahead code was called: the page is missing, or carries the marker.
enum class readahead_cause : std::uint8_t { miss, marker };

// kernel: ondemand_readahead(). The reader wants `request` pages from `index` on. No window: nothing to read.
[[nodiscard]] std::optional<readahead_window> ondemand_readahead(const mapping& file, file_ra_state& ra,
                                                                 std::uint64_t index, std::uint64_t request,
                                                                 readahead_cause cause,
                                                                 const kernel_profile& profile);
// kernel: do_sync_mmap_readahead() of a range without advice: around the fault. No window: too many misses.
[[nodiscard]] std::optional<readahead_window> mmap_read_around(file_ra_state& ra, std::uint64_t index);
// kernel: do_page_cache_ra(): not beyond the end of the file.
[[nodiscard]] readahead_window clip_to_file(const mapping& file, readahead_window w);

} // namespace pagesim
