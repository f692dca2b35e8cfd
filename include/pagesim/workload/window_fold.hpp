// SPDX-License-Identifier: MIT
// Folding by recency: a loss that is chosen, and known.
//
// Two references to one page with others in between are two records. A program that fetches instructions from one
// page and works on three more makes a new record every other reference, though between them nothing happens to
// any of the pages. The fold keeps the N pages touched last, each with an open record; a reference to one of them
// joins its record, and a page that falls out of the N has its record written.
//
//     window 2     A B A B A C B ...   ->   A (3 references) when C pushes it out, then B, ...
//
// What is lost: the order of references within the window, and their exact place in time (a record's time passes
// when the record runs). What is kept: every page, the number of references and instructions, whether the page was
// first read or written and whether it was written later. Reclaim looks at pages over thousands of references, so
// a small window changes little; docs/performance.md shows how much.
//
// A record whose counts are full is written at once, and a new one begins at the same place.
#pragma once

#include <pagesim/workload/access_record.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

// The widest window: it is searched from the newest page on.
inline constexpr std::uint64_t widest_window = 4096;

class window_fold {
public:
    // 1 to widest_window pages.
    explicit window_fold(std::uint64_t pages);

    // Appends what the record pushes out to `out`.
    void add(access_record record, std::vector<access_record>& out);
    // Appends all that is still open, oldest first.
    void flush(std::vector<access_record>& out);

private:
    std::uint64_t pages_;
    std::vector<access_record> open_; // the newest last
};

} // namespace pagesim
