// SPDX-License-Identifier: MIT
// The bookkeeping of a swap area; the search for free slots is in swap_scan.cpp.
#include <pagesim/swap/swap_area.hpp>

#include <pagesim/base/assert.hpp>
#include <pagesim/swap/swap_entry.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t address_space_pages = 1U << 14U; // kernel: SWAP_ADDRESS_SPACE_PAGES
constexpr std::uint64_t cluster_columns = address_space_pages / swapfile_cluster;
constexpr std::uint64_t continuation_base = swap_map_max + 1; // what one unit beside the byte is worth

} // namespace

swap_area::swap_area(const swap_area_layout& layout)
    : map_(layout.pages.value + 1, 0), medium_{layout.medium},
      pages_{layout.pages.value - layout.bad_slots.size()}, highest_{layout.pages.value}, dice_{layout.seed} {
    PAGESIM_ASSERT(layout.pages.value > layout.bad_slots.size() && layout.pages.value < max_swap_slots);
    map_[0] = swap_map_bad;
    for (const std::uint64_t slot : layout.bad_slots) {
        PAGESIM_ASSERT(slot < map_.size() && map_[slot] == 0);
        map_[slot] = swap_map_bad;
    }
    if (!clustered()) return;
    line_up_clusters();
    cluster_next_ = 1 + dice_.below(highest_);
}

void swap_area::line_up_clusters() {
    const std::uint64_t clusters = (map_.size() + swapfile_cluster - 1) / swapfile_cluster;
    cluster_used_.assign(clusters, 0);
    for (std::uint64_t slot = 0; slot < clusters * swapfile_cluster; ++slot) {
        if (slot >= map_.size() || bad(slot)) ++cluster_used_[slot / swapfile_cluster];
    }
    for (std::uint64_t column = 0; column < cluster_columns; ++column) {
        for (std::uint64_t c = column; c < clusters; c += cluster_columns) {
            if (cluster_used_[c] != 0) continue;
            cluster_used_[c] = free_mark;
            free_clusters_.push_back(static_cast<std::uint32_t>(c));
        }
    }
}

void swap_area::take(std::uint64_t offset) {
    map_[offset] = swap_has_cache;
    if (clustered()) {
        const std::uint64_t cluster = offset / swapfile_cluster;
        if (cluster_is_free(cluster)) {
            PAGESIM_ASSERT(free_clusters_.front() == cluster);
            free_clusters_.pop_front();
            cluster_used_[cluster] = 0;
        }
        ++cluster_used_[cluster];
    }
    if (offset == lowest_) ++lowest_;
    if (offset == highest_) --highest_;
    ++in_use_;
    if (full()) {
        lowest_ = map_.size();
        highest_ = 0;
    }
}

void swap_area::release(std::uint64_t offset) {
    PAGESIM_ASSERT(map_[offset] == swap_has_cache);
    map_[offset] = 0;
    if (clustered()) {
        const std::uint64_t cluster = offset / swapfile_cluster;
        PAGESIM_ASSERT(!cluster_is_free(cluster) && cluster_used_[cluster] > 0);
        if (--cluster_used_[cluster] == 0) {
            cluster_used_[cluster] = free_mark;
            free_clusters_.push_back(static_cast<std::uint32_t>(cluster));
        }
    }
    lowest_ = std::min(lowest_, offset);
    highest_ = std::max(highest_, offset);
    --in_use_;
}

std::uint64_t swap_area::continued(std::uint64_t offset) const {
    return continuation_base * continued_.at(offset);
}

void swap_area::duplicate(std::uint64_t offset) {
    PAGESIM_ASSERT(map_[offset] != 0 && !bad(offset));
    if ((map_[offset] & 0x3fU) < swap_map_max) {
        ++map_[offset];
        return;
    }
    ++continued_[offset];
    map_[offset] = static_cast<std::uint8_t>((map_[offset] & swap_has_cache) | swap_count_continued);
}

slot_mark swap_area::prepare_cache(std::uint64_t offset) {
    if (map_[offset] == 0 || bad(offset)) return slot_mark::gone;
    if (has_cache(offset)) return slot_mark::held_already;
    map_[offset] |= swap_has_cache;
    return slot_mark::taken;
}

void swap_area::clear_cache_mark(std::uint64_t offset) {
    PAGESIM_ASSERT(has_cache(offset));
    map_[offset] = static_cast<std::uint8_t>(map_[offset] & ~swap_has_cache);
}

bool swap_area::drop_count(std::uint64_t offset) {
    PAGESIM_ASSERT(!bad(offset) && count(offset) > 0);
    if ((map_[offset] & 0x3fU) != 0) {
        --map_[offset];
    } else {
        const auto borrowed = continued_.find(offset);
        const bool more = --borrowed->second > 0;
        if (!more) continued_.erase(borrowed);
        map_[offset] = static_cast<std::uint8_t>((map_[offset] & swap_has_cache) | swap_map_max |
                                                 (more ? swap_count_continued : 0));
    }
    if (map_[offset] != 0) return false;
    map_[offset] = swap_has_cache;
    return true;
}

bool swap_area::drop_cache(std::uint64_t offset) {
    PAGESIM_ASSERT(has_cache(offset));
    if (count(offset) == 0) return true;
    map_[offset] = static_cast<std::uint8_t>(map_[offset] & ~swap_has_cache);
    return false;
}

std::uint64_t swap_area::next_in_use(std::uint64_t offset) const {
    for (++offset; offset < map_.size(); ++offset) {
        if (map_[offset] != 0 && !bad(offset)) return offset;
    }
    return 0;
}

void swap_area::check_consistency() const {
    std::vector<std::uint16_t> used(cluster_used_.size(), 0);
    std::uint64_t n = 0;
    std::uint64_t continued = 0;
    for (std::uint64_t o = 1; o < map_.size(); ++o) {
        if (map_[o] == 0) {
            PAGESIM_ASSERT(lowest_ <= o && o <= highest_);
            continue;
        }
        if (!bad(o)) ++n;
        if (clustered()) ++used[o / swapfile_cluster];
        if ((map_[o] & swap_count_continued) == 0) continue;
        ++continued;
        PAGESIM_ASSERT(continued_.at(o) > 0);
    }
    PAGESIM_ASSERT(n == in_use_ && (highest_ == 0) == full());
    PAGESIM_ASSERT(continued == continued_.size());
    for (std::uint64_t c = 1; c + 1 < used.size(); ++c) {
        PAGESIM_ASSERT(used[c] == (cluster_is_free(c) ? 0 : cluster_used_[c]));
    }
}

} // namespace pagesim
