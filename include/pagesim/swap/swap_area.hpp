// SPDX-License-Identifier: MIT
// A swap area: who uses which slot, and which slot to hand out next (kernel: struct swap_info_struct,
// mm/swapfile.c).
//
//     swap_map, one byte a slot:   0x00        free
//                                  0x01..0x3e  that many descriptors name the slot
//                                  | 0x40      a page in the swap cache holds it (SWAP_HAS_CACHE)
//                                  0x3f        bad (the header)
//
// A slot is free only when both parts are gone; then it first waits in a return cache (swap/slot_cache.hpp)
// with 0x40 in its byte, so that nobody else takes it.
//
// Slots on a device without seeks are handed out from clusters of 512 (SWAPFILE_CLUSTER with THP_SWAP): a
// CPU takes the first free cluster and fills it from low to high, then takes the next. Fully freed clusters
// queue up at the tail. The first clusters come in columns, 16384 slots apart, so that CPUs start in
// different address spaces:
//
//     clusters of a 1 GiB area:   0 is the header's; the free list starts 32, 64, 96, ..., then 1, 33, 65, ...
//
// With no free cluster left the area is scanned linearly from where the last search ended, a bounded way.
//
// Left out: rotating devices, several areas, discards, continuation counts (a count above 0x3e is refused
// loudly).
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/base/units.hpp>

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace pagesim {

inline constexpr std::uint8_t swap_has_cache = 0x40;
inline constexpr std::uint8_t swap_map_max = 0x3e;
inline constexpr std::uint8_t swap_map_bad = 0x3f;
inline constexpr std::uint32_t swapfile_cluster = 512;

class swap_area {
public:
    // `pages`: usable slots (the header comes on top). `seed` chooses where a CPU's linear search starts.
    swap_area(page_count pages, std::uint64_t seed);

    [[nodiscard]] std::uint64_t max() const { return map_.size(); } // slots with the header
    [[nodiscard]] std::uint64_t total() const { return pages_; }
    [[nodiscard]] std::uint64_t in_use() const { return in_use_; }

    [[nodiscard]] std::uint8_t map(std::uint64_t offset) const { return map_[offset]; }
    // Descriptors that name the slot (kernel: swap_count).
    [[nodiscard]] unsigned count(std::uint64_t offset) const { return map_[offset] & 0x3fU; }
    [[nodiscard]] bool has_cache(std::uint64_t offset) const { return (map_[offset] & swap_has_cache) != 0; }

    void prefetch(std::uint64_t offset) const { __builtin_prefetch(&map_[offset], 1); }

    // kernel: scan_swap_map_slots(). Fills `out` with free slots, each marked SWAP_HAS_CACHE; returns how
    // many.
    unsigned scan_slots(std::span<std::uint64_t> out);
    // kernel: swap_entry_free() and swap_range_free(): the slot, until now only 0x40, becomes free.
    void release(std::uint64_t offset);

    // kernel: swap_duplicate(): one more descriptor names the slot.
    void duplicate(std::uint64_t offset);
    // kernel: swapcache_prepare(): marks the slot as cached; false if it already is.
    [[nodiscard]] bool prepare_cache(std::uint64_t offset);
    // kernel: swapcache_clear(): takes that mark back; the slot stays in use.
    void clear_cache_mark(std::uint64_t offset);
    // Drops one use. True if none is left: the byte is then 0x40 and the slot must go to the return cache.
    [[nodiscard]] bool drop_count(std::uint64_t offset);
    [[nodiscard]] bool drop_cache(std::uint64_t offset);

    void check_consistency() const;

private:
    static constexpr std::uint32_t no_cluster = ~std::uint32_t{0};
    // A position inside the area, moved along by the search.
    struct position {
        std::uint64_t offset = 0;
        std::uint64_t scan_base = 0;
    };

    [[nodiscard]] bool try_cluster(position& at);
    [[nodiscard]] bool cluster_conflict(std::uint64_t offset);
    [[nodiscard]] bool linear_scan(position& at) const;
    void take(std::uint64_t offset);
    void set_cluster_next(std::uint64_t next);
    [[nodiscard]] bool cluster_is_free(std::uint64_t cluster) const {
        return cluster_used_[cluster] == free_mark;
    }

    static constexpr std::uint16_t free_mark = 0xffff;

    std::vector<std::uint8_t> map_;
    std::vector<std::uint16_t> cluster_used_; // slots in use; free_mark: on the free list
    std::deque<std::uint32_t> free_clusters_;
    std::uint64_t pages_;
    std::uint64_t in_use_ = 0;
    std::uint64_t lowest_ = 1;
    std::uint64_t highest_;
    std::uint32_t current_ = no_cluster; // this CPU's cluster
    std::uint64_t current_next_ = 0;
    std::uint64_t cluster_next_ = 1; // where this CPU's linear search starts
    dice dice_;
};

} // namespace pagesim
