// SPDX-License-Identifier: MIT
// A swap area: who uses which slot, and which slot to hand out next (kernel: struct swap_info_struct,
// mm/swapfile.c).
//
//     swap_map, one byte a slot:   0x00        free
//                                  0x01..0x3e  that many descriptors name the slot
//                                  | 0x40      a page in the swap cache holds it (SWAP_HAS_CACHE)
//                                  | 0x80      63 and more do: the low bits are the units, how often 63 stands beside
//                                  0x3f        bad: the header, and what the maker of the device named so
//
// A slot is free only when both parts are gone; then it first waits in a return cache (swap_space.hpp)
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
// On a rotating device seeks cost more than anything: slots go out one after the other from cluster_next. After every
// 512 searches (cluster_nr counts down) a run of 512 free slots is looked for from the lowest free slot on, so that
// what is written together lies together:
//
//     lowest ─> x.xx.....x.................................     x in use   . free
//                         └── 512 free: the next cluster
//
// Once more than half of all swap is in use, a search also takes a slot that only a page in the swap cache holds: the
// page must give it up (slot_reclaimer).
//
// Left out: discards.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/base/units.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

namespace pagesim {

inline constexpr std::uint8_t swap_has_cache = 0x40;
inline constexpr std::uint8_t swap_count_continued = 0x80;
inline constexpr std::uint8_t swap_map_max = 0x3e;
inline constexpr std::uint8_t swap_map_bad = 0x3f;
inline constexpr std::uint32_t swapfile_cluster = 512;

// kernel: SWP_SOLIDSTATE or not.
enum class swap_medium : std::uint8_t { solid_state, rotational };

struct swap_area_layout {
    page_count pages{0};    // slots after the header, bad ones among them
    std::uint64_t seed = 1; // chooses where a CPU's linear search starts (solid state)
    swap_medium medium = swap_medium::solid_state;
    std::vector<std::uint64_t> bad_slots{}; // each once
};

// What a search may do about a slot that only the swap cache holds.
class slot_reclaimer {
public:
    slot_reclaimer() = default;
    slot_reclaimer(const slot_reclaimer&) = delete;
    slot_reclaimer& operator=(const slot_reclaimer&) = delete;
    virtual ~slot_reclaimer() = default;
    // Whether slots are so scarce (kernel: vm_swap_full).
    [[nodiscard]] virtual bool wanted() const = 0;
    // kernel: __try_to_reclaim_swap(). True if a page gave the slot up.
    virtual bool try_to_reclaim(std::uint64_t offset) = 0;
};

// What became of taking a mark (kernel: 0, -EEXIST, -ENOENT).
enum class slot_mark : std::uint8_t { taken, held_already, gone };

class swap_area {
public:
    explicit swap_area(const swap_area_layout& layout);
    swap_area(page_count pages, std::uint64_t seed)
        : swap_area{{.pages = pages, .seed = seed, .bad_slots = {}}} {}

    [[nodiscard]] std::uint64_t max() const { return map_.size(); } // slots with the header
    [[nodiscard]] std::uint64_t total() const { return pages_; }    // usable ones
    [[nodiscard]] std::uint64_t in_use() const { return in_use_; }
    [[nodiscard]] bool full() const { return in_use_ == pages_; }
    [[nodiscard]] swap_medium medium() const { return medium_; }

    [[nodiscard]] std::uint8_t map(std::uint64_t offset) const { return map_[offset]; }
    // Descriptors that name the slot (kernel: swap_swapcount).
    [[nodiscard]] std::uint64_t count(std::uint64_t offset) const {
        const std::uint64_t units = map_[offset] & 0x3fU;
        return (map_[offset] & swap_count_continued) == 0 ? units : units + continued(offset);
    }
    [[nodiscard]] bool has_cache(std::uint64_t offset) const { return (map_[offset] & swap_has_cache) != 0; }
    [[nodiscard]] bool bad(std::uint64_t offset) const { return map_[offset] == swap_map_bad; }

    void prefetch(std::uint64_t offset) const { __builtin_prefetch(&map_[offset], 1); }

    // kernel: scan_swap_map_slots(). Fills `out` with free slots, each marked SWAP_HAS_CACHE; returns how
    // many.
    unsigned scan_slots(std::span<std::uint64_t> out, slot_reclaimer* reclaimer = nullptr);
    // kernel: swap_entry_free() and swap_range_free(): the slot, until now only 0x40, becomes free.
    void release(std::uint64_t offset);

    // kernel: swap_duplicate(): one more descriptor names the slot.
    void duplicate(std::uint64_t offset);
    // kernel: swapcache_prepare(): marks the slot as cached.
    [[nodiscard]] slot_mark prepare_cache(std::uint64_t offset);
    // kernel: swapcache_clear(): takes that mark back; the slot stays in use.
    void clear_cache_mark(std::uint64_t offset);
    // Drops one use. True if none is left: the byte is then 0x40 and the slot must go to the return cache.
    [[nodiscard]] bool drop_count(std::uint64_t offset);
    [[nodiscard]] bool drop_cache(std::uint64_t offset);

    // kernel: find_next_to_unuse(): the next slot in use after `offset`; 0 if there is none.
    [[nodiscard]] std::uint64_t next_in_use(std::uint64_t offset) const;

    void check_consistency() const;

private:
    static constexpr std::uint32_t no_cluster = ~std::uint32_t{0};
    struct search; // one call of scan_slots (swap_scan.cpp)
    enum class next_step : std::uint8_t { look, finished, failed };

    [[nodiscard]] std::uint64_t continued(std::uint64_t offset) const;
    void line_up_clusters();

    [[nodiscard]] bool start(search& s);
    void start_run(search& s);
    [[nodiscard]] next_step examine(search& s);
    [[nodiscard]] next_step go_on(search& s);
    [[nodiscard]] bool try_cluster(search& s);
    [[nodiscard]] bool cluster_conflict(std::uint64_t offset);
    [[nodiscard]] bool linear_scan(search& s) const;
    [[nodiscard]] bool may_take(std::uint64_t offset, const search& s) const;
    void take(std::uint64_t offset);
    void set_cluster_next(std::uint64_t next);
    [[nodiscard]] bool clustered() const { return medium_ == swap_medium::solid_state; }
    [[nodiscard]] bool cluster_is_free(std::uint64_t cluster) const {
        return cluster_used_[cluster] == free_mark;
    }

    static constexpr std::uint16_t free_mark = 0xffff;

    std::vector<std::uint8_t> map_;
    std::map<std::uint64_t, std::uint64_t> continued_; // by slot: how often 63 beside what the byte says
    swap_medium medium_;
    std::vector<std::uint16_t> cluster_used_; // slots in use; free_mark: on the free list. Solid state only
    std::deque<std::uint32_t> free_clusters_;
    std::uint64_t pages_;
    std::uint64_t in_use_ = 0;
    std::uint64_t lowest_ = 1;           // no free slot lies below, none above highest_
    std::uint64_t highest_;              // 0: no free slot
    std::uint32_t current_ = no_cluster; // this CPU's cluster
    std::uint64_t current_next_ = 0;
    std::uint64_t cluster_next_ = 1; // where the next linear search starts
    std::uint32_t cluster_nr_ = 0;   // rotational: searches until a new run is looked for
    dice dice_;
};

} // namespace pagesim
