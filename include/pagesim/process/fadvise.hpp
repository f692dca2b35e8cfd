// SPDX-License-Identifier: MIT
// posix_fadvise: what a process says about its use of an open file.
//
//     normal, sequential   readahead windows of the usual size, or twice as large; no longer random
//     random               only what is asked for is read
//     willneed             reads what is missing of the range, up to what one large request carries, and waits for nothing
//     dontneed             starts to write the range and drops what is clean already; what is not is deactivated
//     noreuse              is not heeded
//
// Must be run to its end, like the calls of writeback_calls.hpp.
//
// Source: generic_fadvise (mm/fadvise.c), force_page_cache_ra (mm/readahead.c), Linux 5.8 to 6.1.
#pragma once

#include <pagesim/cache/invalidate.hpp>
#include <pagesim/fault/fault_context.hpp>
#include <pagesim/fault/read_ahead.hpp>

#include <cstdint>

namespace pagesim {

enum class file_advice : std::uint8_t { normal, random, sequential, willneed, dontneed, noreuse };

struct fadvise_cursor {
    file_advice advice = file_advice::normal;
    std::uint64_t first = 0; // pages
    std::uint64_t last = mapping::none - 1;

    enum class phase : std::uint8_t { begin, reading, writing, draining, invalidating, again };
    phase at = phase::begin;
    read_ahead_cursor read;
    writepages_cursor pages;
    invalidate_cursor drop;
};
step_result fadvise(const fault_context& fc, const writeback_context& wb, open_file& file, fadvise_cursor& c);

} // namespace pagesim
