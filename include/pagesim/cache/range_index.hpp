// SPDX-License-Identifier: MIT
// Which ranges map page n of a file (kernel: the interval tree i_mmap of struct address_space).
//
// The entries lie in one array, sorted by their first page; beside each stands the largest end of all entries up to
// it. A query goes back from the last entry that begins at or below n until no earlier one can reach it:
//
//     entry        [0,8)  [2,4)  [3,20)  [9,12)      n = 5: starts at [3,20), goes on to [2,4) and [0,8), stops
//     end so far      8      8      20      20
//
// So a walk costs its result and, in the worst case, the shorter ranges between; a change costs a move of the array.
// Ranges are few and changes rare beside walks.
#pragma once

#include <pagesim/mm/mm.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

struct file_range {
    mm* owner = nullptr;
    vma* range = nullptr;

    // The virtual page of the file's page `index`, which the range covers.
    [[nodiscard]] vpn at(std::uint64_t index) const { return range->first + (index - range->pgoff); }
};

class range_index {
public:
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

    // A range's place and length must not change while it is in; take it out before and put it in again.
    void insert(mm& owner, vma& range);
    void remove(const vma& range);

    // Calls f(file_range) for each range that covers the page, until one call returns false. f must not change the
    // index.
    template <typename F>
    void for_each(std::uint64_t index, F&& f) const {
        if (entries_.size() == 1) { // the common case
            const entry& e = entries_.front();
            if (index >= e.first && index < e.end) static_cast<void>(f(e.what));
            return;
        }
        for (std::size_t i = begin_above(index); i > 0; --i) {
            const entry& e = entries_[i - 1];
            if (e.end_so_far <= index) return;
            if (e.end > index && !f(e.what)) return;
        }
    }

    // The same for each range that maps anything from page `first` on.
    template <typename F>
    void for_each_from(std::uint64_t first, F&& f) const {
        for (const entry& e : entries_) {
            if (e.end > first && !f(e.what)) return;
        }
    }

    // Order, ends so far, and that each range still is as it was when it came.
    void check_consistency() const;

private:
    struct entry {
        std::uint64_t first;
        std::uint64_t end;
        std::uint64_t end_so_far; // of this entry and all before it
        file_range what;
    };
    // How many entries begin at or below `index`.
    [[nodiscard]] std::size_t begin_above(std::uint64_t index) const;
    void recompute_from(std::size_t i);

    std::vector<entry> entries_;
};

} // namespace pagesim
