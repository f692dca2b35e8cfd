// SPDX-License-Identifier: MIT
// madvise: what a process knows about its memory and reclaim can only guess.
//
//                    descriptor            page                                            wrong for (EINVAL)
//     dontneed       goes                  loses this mapping, as munmap does it           locked ranges
//     free           old and clean         loses its slot; waits, clean and old, on the    locked ranges, files
//                                          inactive file list; freed there unless stored
//                                          to first. A swap entry goes at once
//     cold           old                   active to inactive                              locked ranges
//     pageout        old                   taken off its list and judged at once, as       locked ranges
//                                          reclaim would (reclaim/shrink_page_list.hpp);
//                                          who stays joins its list again
//     willneed       a swap entry stays    read into the swap cache, or page cache
//     random, sequential, normal           how the range is read: VM_RAND_READ, VM_SEQ_READ
//
// cold and pageout leave a page alone that another process maps as well, or that is on no list. pageout counts what its
// judging counts (pgactivate, pswpout, pgfree), but no scan and no steal.
//
// Range by range; a hole in between is skipped and told at the end (ENOMEM). Within a range one table of descriptors
// (2 MiB) is one atom, in pageout one page of its judging, in willneed one page to be read.
//
// Time: a page of pageout costs, beside what reclaim's own pieces charge, cost_table::pageout_advice: what was measured
// (15.0 µs to zram, 8.5 to null_blk without its freeing) less those pieces. A page of free costs 657 with its share of the
// batch that is drained.
//
// The kernel isolates what a table holds, at most 512 pages, and judges and frees them as one list; here they are judged
// and freed by 32. Who stays goes back when all of them are judged, so what is written by then does not rotate.
//
// Source: mm/madvise.c, reclaim_pages() of mm/vmscan.c; Linux 5.8 to 6.1. Left out: the other advice.
#pragma once

#include <pagesim/fault/fault_context.hpp>
#include <pagesim/reclaim/shrink_page_list.hpp>
#include <pagesim/workload/advice.hpp>

#include <vector>

namespace pagesim {

enum class advice_outcome : std::uint8_t {
    done,
    invalid, // EINVAL: not for this range; what comes behind it was not advised
    unmapped // ENOMEM: a part is in no range, or there would be too many ranges
};

struct advise_cursor {
    enum class phase : std::uint8_t { begin, walking, judging };
    phase at = phase::begin;
    vpn next{0};
    bool range_begun = false;
    advice_outcome outcome = advice_outcome::done;
    io_plug plug;

    // pageout: pages off their lists, of which the first `taken` were handed on to be judged.
    std::vector<page*> isolated;
    std::size_t taken = 0;
    std::vector<page*> kept; // judged; what stays goes back when all of them are
    scan_control sc;
    shrink_page_list_cursor judging;

    // willneed: of what is in swap, of what is in a file.
    alloc_cursor alloc;
    read_ahead_cursor ahead;
};

// Pages [first, end). Call until done.
step_result advise(const fault_context& fc, mm& owner, advice what, vpn first, vpn end, advise_cursor& c);

} // namespace pagesim
