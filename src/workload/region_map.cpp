// SPDX-License-Identifier: MIT
#include <pagesim/workload/region_map.hpp>

#include <pagesim/base/assert.hpp>

#include <iterator>

namespace pagesim {

region_map::region_map(vpn end) {
    PAGESIM_ASSERT(end > bottom);
    holes_.emplace(raw(bottom), raw(end));
}

std::optional<vpn> region_map::take(page_count pages) {
    PAGESIM_ASSERT(pages.value > 0);
    for (auto hole = holes_.rbegin(); hole != holes_.rend(); ++hole) {
        if (hole->second - hole->first < pages.value) continue;
        const std::uint64_t first = hole->second - pages.value;
        hole->second = first;
        if (hole->first == first) holes_.erase(std::prev(hole.base()));
        return vpn{first};
    }
    return std::nullopt;
}

std::optional<vpn> region_map::take_aligned(page_count pages, std::uint64_t alignment) {
    PAGESIM_ASSERT(alignment > 1);
    const auto room = take({pages.value + alignment});
    if (!room) return std::nullopt;
    const std::uint64_t first = (raw(*room) + alignment - 1) / alignment * alignment;
    const std::uint64_t end = first + pages.value;
    if (first > raw(*room)) give_back(*room, {first - raw(*room)});
    const std::uint64_t room_end = raw(*room) + pages.value + alignment;
    if (end < room_end) give_back(vpn{end}, {room_end - end});
    return vpn{first};
}

void region_map::give_back(vpn first, page_count pages) {
    std::uint64_t begin = raw(first);
    std::uint64_t end = begin + pages.value;
    auto above = holes_.lower_bound(begin);
    PAGESIM_ASSERT(above == holes_.end() || above->first >= end);
    if (above != holes_.end() && above->first == end) {
        end = above->second;
        above = holes_.erase(above);
    }
    if (above != holes_.begin()) {
        const auto below = std::prev(above);
        PAGESIM_ASSERT(below->second <= begin);
        if (below->second == begin) {
            begin = below->first;
            holes_.erase(below);
        }
    }
    holes_.emplace(begin, end);
}

} // namespace pagesim
