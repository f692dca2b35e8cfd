// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_area.hpp>

#include <pagesim/base/assert.hpp>
#include <pagesim/swap/swap_entry.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t address_space_pages = 1U << 14U; // kernel: SWAP_ADDRESS_SPACE_PAGES
constexpr std::uint64_t cluster_columns = address_space_pages / swapfile_cluster;
constexpr int latency_limit = 256;

} // namespace

swap_area::swap_area(page_count pages, std::uint64_t seed)
    : map_(pages.value + 1, 0), pages_{pages.value}, highest_{pages.value}, dice_{seed} {
    PAGESIM_ASSERT(pages.value > 0 && pages.value < max_swap_slots);
    map_[0] = swap_map_bad;
    const std::uint64_t clusters = (map_.size() + swapfile_cluster - 1) / swapfile_cluster;
    cluster_used_.assign(clusters, 0);
    cluster_used_[0] = 1; // the header
    const std::uint64_t tail = map_.size() % swapfile_cluster;
    if (tail != 0)
        cluster_used_.back() = static_cast<std::uint16_t>(swapfile_cluster - tail + (clusters == 1 ? 1 : 0));
    for (std::uint64_t column = 0; column < cluster_columns; ++column) {
        for (std::uint64_t c = column; c < clusters; c += cluster_columns) {
            if (cluster_used_[c] != 0) continue;
            cluster_used_[c] = free_mark;
            free_clusters_.push_back(static_cast<std::uint32_t>(c));
        }
    }
    cluster_next_ = 1 + dice_.below(highest_);
}

bool swap_area::try_cluster(position& at) {
    for (;;) {
        if (current_ == no_cluster) {
            if (free_clusters_.empty()) return false;
            current_ = free_clusters_.front();
            current_next_ = std::uint64_t{current_} * swapfile_cluster;
        }
        const std::uint64_t end =
            std::min<std::uint64_t>(map_.size(), (std::uint64_t{current_} + 1) * swapfile_cluster);
        std::uint64_t slot = current_next_;
        while (slot < end && map_[slot] != 0) ++slot;
        if (slot < end) {
            current_next_ = slot + 1;
            at = {slot, slot};
            return true;
        }
        current_ = no_cluster;
    }
}

bool swap_area::cluster_conflict(std::uint64_t offset) {
    const std::uint64_t cluster = offset / swapfile_cluster;
    const bool conflict =
        !free_clusters_.empty() && cluster != free_clusters_.front() && cluster_is_free(cluster);
    if (conflict) current_ = no_cluster;
    return conflict;
}

void swap_area::take(std::uint64_t offset) {
    const std::uint64_t cluster = offset / swapfile_cluster;
    map_[offset] = swap_has_cache;
    if (cluster_is_free(cluster)) {
        PAGESIM_ASSERT(free_clusters_.front() == cluster);
        free_clusters_.pop_front();
        cluster_used_[cluster] = 0;
    }
    ++cluster_used_[cluster];
    if (offset == lowest_) ++lowest_;
    if (offset == highest_) --highest_;
    ++in_use_;
    if (in_use_ == pages_) {
        lowest_ = map_.size();
        highest_ = 0;
    }
}

// Upward to the highest possibly free slot, then from the lowest up to where the search began.
bool swap_area::linear_scan(position& at) const {
    for (std::uint64_t o = at.offset + 1; o <= highest_; ++o) {
        if (map_[o] == 0) {
            at.offset = o;
            return true;
        }
    }
    for (std::uint64_t o = lowest_; o < at.scan_base; ++o) {
        if (map_[o] == 0) {
            at.offset = o;
            return true;
        }
    }
    return false;
}

unsigned swap_area::scan_slots(std::span<std::uint64_t> out) {
    if (highest_ == 0) return 0;
    unsigned taken = 0;
    int budget = latency_limit;
    position at{cluster_next_, cluster_next_};
    bool found = try_cluster(at) || linear_scan(at);
    while (found) {
        while (cluster_conflict(at.offset)) {
            if (taken > 0 || !try_cluster(at)) return taken;
        }
        if (at.offset > highest_) at = {lowest_, lowest_};
        if (map_[at.offset] != 0) {
            if (taken > 0 || !linear_scan(at)) break;
            continue;
        }
        take(at.offset);
        out[taken++] = at.offset;
        if (taken == out.size() || at.offset >= highest_ || --budget < 0) break;
        if (try_cluster(at)) continue;
        // No cluster: a bounded look further up.
        const std::uint64_t limit = at.offset < at.scan_base ? at.scan_base : highest_;
        found = false;
        for (; at.offset <= limit && --budget > 0; ++at.offset) {
            if (map_[at.offset] == 0) {
                found = true;
                break;
            }
        }
    }
    if (taken > 0) set_cluster_next(out[taken - 1] + 1);
    return taken;
}

void swap_area::set_cluster_next(std::uint64_t next) {
    if (cluster_next_ / address_space_pages != next / address_space_pages) {
        if (highest_ <= lowest_) return;
        next = lowest_ + dice_.below(highest_ - lowest_ + 1);
        next = std::max(next / address_space_pages * address_space_pages, lowest_);
    }
    cluster_next_ = next;
}

void swap_area::release(std::uint64_t offset) {
    PAGESIM_ASSERT(map_[offset] == swap_has_cache);
    map_[offset] = 0;
    const std::uint64_t cluster = offset / swapfile_cluster;
    PAGESIM_ASSERT(!cluster_is_free(cluster) && cluster_used_[cluster] > 0);
    if (--cluster_used_[cluster] == 0) {
        cluster_used_[cluster] = free_mark;
        free_clusters_.push_back(static_cast<std::uint32_t>(cluster));
    }
    lowest_ = std::min(lowest_, offset);
    highest_ = std::max(highest_, offset);
    --in_use_;
}

void swap_area::duplicate(std::uint64_t offset) {
    PAGESIM_ASSERT(map_[offset] != 0 && count(offset) < swap_map_max);
    ++map_[offset];
}

bool swap_area::prepare_cache(std::uint64_t offset) {
    if (has_cache(offset)) return false;
    PAGESIM_ASSERT(count(offset) > 0);
    map_[offset] |= swap_has_cache;
    return true;
}

void swap_area::clear_cache_mark(std::uint64_t offset) {
    PAGESIM_ASSERT(has_cache(offset));
    map_[offset] = static_cast<std::uint8_t>(map_[offset] & ~swap_has_cache);
}

bool swap_area::drop_count(std::uint64_t offset) {
    PAGESIM_ASSERT(count(offset) > 0 && count(offset) <= swap_map_max);
    --map_[offset];
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

void swap_area::check_consistency() const {
    std::vector<std::uint16_t> used(cluster_used_.size(), 0);
    std::uint64_t n = 0;
    for (std::uint64_t o = 1; o < map_.size(); ++o) {
        if (map_[o] == 0) continue;
        ++n;
        ++used[o / swapfile_cluster];
    }
    PAGESIM_ASSERT(n == in_use_);
    for (std::uint64_t c = 1; c + 1 < used.size(); ++c) {
        PAGESIM_ASSERT(used[c] == (cluster_is_free(c) ? 0 : cluster_used_[c]));
    }
}

} // namespace pagesim
