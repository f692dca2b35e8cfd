// SPDX-License-Identifier: MIT
#include <pagesim/cache/range_index.hpp>

#include <algorithm>

namespace pagesim {

std::size_t range_index::begin_above(std::uint64_t index) const {
    const auto it = std::upper_bound(entries_.begin(), entries_.end(), index,
                                     [](std::uint64_t n, const entry& e) { return n < e.first; });
    return static_cast<std::size_t>(it - entries_.begin());
}

void range_index::recompute_from(std::size_t i) {
    for (; i < entries_.size(); ++i) {
        const std::uint64_t before = i == 0 ? 0 : entries_[i - 1].end_so_far;
        entries_[i].end_so_far = std::max(before, entries_[i].end);
    }
}

void range_index::insert(mm& owner, vma& range) {
    const entry e{.first = range.pgoff,
                  .end = range.pgoff + range.pages(),
                  .end_so_far = 0,
                  .what = {.owner = &owner, .range = &range}};
    const std::size_t i = begin_above(e.first);
    entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(i), e);
    recompute_from(i);
}

void range_index::remove(const vma& range) {
    const auto it = std::find_if(entries_.begin(), entries_.end(),
                                 [&range](const entry& e) { return e.what.range == &range; });
    PAGESIM_ASSERT(it != entries_.end());
    const auto i = static_cast<std::size_t>(it - entries_.begin());
    entries_.erase(it);
    recompute_from(i);
}

void range_index::check_consistency() const {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    for (const entry& e : entries_) {
        const vma& range = *e.what.range;
        PAGESIM_ASSERT(e.first >= first && e.what.owner == range.owner);
        PAGESIM_ASSERT(e.first == range.pgoff && e.end == range.pgoff + range.pages());
        first = e.first;
        end = std::max(end, e.end);
        PAGESIM_ASSERT(e.end_so_far == end);
    }
}

} // namespace pagesim
