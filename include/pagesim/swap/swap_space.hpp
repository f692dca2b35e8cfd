// SPDX-License-Identifier: MIT
// Swap as the rest of the kernel sees it: slots to be had, the swap cache, and the references between them.
//
//            alloc_slot            add_to_swap_cache             swap_duplicate (unmap)      delete_from_swap_cache
//     free ──────────> 0x40 parked ──────────────> 0x40, cached ──────────────> 0x41 ──────────────────────> 0x01
//       ^                                                                                                   │
//       └── 64 at a time ── return cache <── 0x40, nobody left <──────────── swap_free (swapped in, exit) ──┘
//
// Swap is made of areas, numbered from 0 (the type of a swap entry). Each has a priority: one given (0 to 32767), or
// -2, -3, ... in the order in which the areas came. Slots come from the area of the highest priority that has any;
// areas of equal priority take turns, a turn a request. A request is for 64 slots while the slot cache is in use:
//
//     prio 5: a b     prio -2: c          64 slots from a, 64 from b, 64 from a, ...; c only when both are full
//
// The swap cache is one word a slot: nothing, the page that holds the slot's content, or the shadow that an
// evicted page left (lru/workingset.hpp). The kernel keeps it in an xarray per 64 MiB; ours is an array.
//
// Slots are taken and given back through the slot cache of the CPU (kernel: mm/swap_slots.c): 64 at a time,
// so nr_swap_pages falls and rises in steps. It is in use while more than 320 slots are free and put aside
// below 128. A slot that nobody uses any more first waits in the return cache; when 64 wait and one more
// comes they are freed together, area by area, and only then does the device learn of it (zram drops the compressed
// page).
//
// An area that goes away (process/swapoff.hpp) first stops giving slots, and its size leaves nr_swap_pages at once,
// with what is in use: the count may be below zero until that has come back.
//
// Source: mm/swapfile.c, swap_slots.c, swap_state.c of Linux 6.1. Left out: a node's preference for its own devices.
#pragma once

#include <pagesim/lru/lru_add.hpp>
#include <pagesim/lru/workingset.hpp>
#include <pagesim/memory/mem_map.hpp>
#include <pagesim/memory/xarray_nodes.hpp>
#include <pagesim/swap/swap_area.hpp>
#include <pagesim/swap/swap_entry.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace pagesim {

// Told when a slot's content is no longer wanted (kernel: swap_slot_free_notify).
class slot_listener {
public:
    slot_listener() = default;
    slot_listener(const slot_listener&) = delete;
    slot_listener& operator=(const slot_listener&) = delete;
    virtual ~slot_listener() = default;
    virtual void slot_freed(std::uint64_t offset) = 0;
};

// Cluster based readahead's memory, one for all areas (swap/swap_readahead.hpp).
struct cluster_readahead_state {
    std::uint64_t previous = 0; // slot
    unsigned window = 0;
    unsigned hits = 4; // kernel: swapin_readahead_hits at boot
};

inline constexpr int swap_priority_max = 32767; // kernel: SWAP_FLAG_PRIO_MASK

class swap_space {
public:
    static constexpr unsigned slot_cache_size = 64; // kernel: SWAP_SLOTS_CACHE_SIZE
    static constexpr unsigned most_areas =
        32; // what a swap entry can name; a kernel's limit is in its profile

    // Without an area swap is off.
    swap_space(const cpu_context& cpu, mem_map& frames, lru_batches& batches);

    // Where the nodes of the swap cache are from now on; before the first area. Without it they take no memory.
    void set_node_cache(kmem_cache& nodes) { nodes_ = &nodes; }

    // ---- areas

    // kernel: swapon(). Returns the new area's type, the lowest that is free. `priority`: none for the next default.
    std::uint8_t swapon(const swap_area_layout& layout, std::optional<int> priority,
                        slot_listener* listener = nullptr);
    // kernel: swapoff() in three parts: the area gives no more slots; it is gone, as none of its slots is in use; or it
    // is back, as some could not be freed. Between the first and one of the others the slot cache is off.
    void begin_swapoff(std::uint8_t type);
    void finish_swapoff(std::uint8_t type);
    void cancel_swapoff(std::uint8_t type);

    [[nodiscard]] bool has_area(std::uint8_t type) const {
        return type < areas_.size() && areas_[type] != nullptr;
    }
    [[nodiscard]] const swap_area& area(std::uint8_t type = 0) const { return areas_[type]->area; }
    [[nodiscard]] int priority(std::uint8_t type) const { return areas_[type]->priority; }
    [[nodiscard]] bool usable(std::uint8_t type) const { return has_area(type) && areas_[type]->usable; }
    // Every type ever used is below it (kernel: nr_swapfiles).
    [[nodiscard]] std::uint8_t nr_swapfiles() const { return static_cast<std::uint8_t>(areas_.size()); }
    // How many areas rotate (kernel: nr_rotate_swap).
    [[nodiscard]] unsigned nr_rotate_swap() const;

    // ---- how much

    [[nodiscard]] std::uint64_t total_swap_pages() const { return total_; }
    // Free slots, those parked in the slot cache not counted (kernel: get_nr_swap_pages); 0 when below zero.
    [[nodiscard]] std::uint64_t nr_swap_pages() const {
        return nr_free_ > 0 ? static_cast<std::uint64_t>(nr_free_) : 0;
    }
    [[nodiscard]] swap_room available() const;
    // kernel: vm_swap_full(): more than half in use.
    [[nodiscard]] bool vm_swap_full() const { return nr_free_ * 2 < static_cast<std::int64_t>(total_); }
    // kernel: si_swapinfo(): with what an area that is going away still holds.
    struct totals {
        std::uint64_t total = 0;
        std::uint64_t free = 0;
    };
    [[nodiscard]] totals si_swapinfo() const;

    // ---- slots

    // kernel: folio_alloc_swap(). None if swap is full.
    [[nodiscard]] std::optional<swap_entry> alloc_slot();
    // Gives back a slot that was allocated but is not in the swap cache.
    void return_slot(swap_entry e);

    // kernel: swap_duplicate(), __swap_count(), swap_free(), free_swap_and_cache().
    void duplicate(swap_entry e) { areas_[e.type]->area.duplicate(e.offset); }
    [[nodiscard]] std::uint64_t count(swap_entry e) const {
        return has_area(e.type) ? areas_[e.type]->area.count(e.offset) : 0;
    }
    void swap_free(swap_entry e);
    void free_swap_and_cache(swap_entry e);
    // kernel: swapcache_prepare(), swapcache_clear(): the mark without a page, for a read that bypasses the
    // cache.
    [[nodiscard]] slot_mark prepare_cache(swap_entry e) {
        return has_area(e.type) ? areas_[e.type]->area.prepare_cache(e.offset) : slot_mark::gone;
    }
    void clear_cache_mark(swap_entry e);

    // ---- the swap cache

    // Tells the host that the page's slot will be wanted.
    void prefetch_slot(const page& p) const {
        if (!p.test(page_flag::swapcache)) return;
        const swap_entry e = entry_of(p);
        __builtin_prefetch(&areas_[e.type]->cache[e.offset], 1);
        areas_[e.type]->area.prefetch(e.offset);
    }
    // kernel: lookup in the swap address space. Null if no page holds the slot.
    [[nodiscard]] page* lookup(swap_entry e) const;
    [[nodiscard]] std::optional<shadow> shadow_at(swap_entry e) const;
    // kernel: add_to_swap_cache(). The slot is marked 0x40 already. Returns the shadow that it replaces.
    std::optional<shadow> add_to_swap_cache(page& p, const swap_entry& e);
    // kernel: __delete_from_swap_cache() and put_swap_folio(): drops the cache's hold on the slot (and
    // leaves a shadow). The cache's page reference is the caller's to drop or to have frozen.
    void delete_from_swap_cache(page& p, std::optional<shadow> left = std::nullopt) {
        take_out_of_cache(p, left ? (left->bits() << 1U) | 1U : 0);
    }
    // The page of a slot moved: another one, with nothing to its name yet, holds it from now on, and has the reference
    // (kernel: folio_migrate_mapping()).
    void replace_page(page& from, page& to);
    // kernel: folio_free_swap(): takes the page out of the swap cache if nothing else names its slot. The
    // page becomes dirty and loses the cache's reference (never its last).
    bool try_to_free_swap(page& p);
    // kernel 5.8: delete_from_swap_cache() on behalf of the page's only user, while its slot may still be
    // named. The page becomes dirty and loses the cache's reference (never its last).
    void drop_from_swap_cache(page& p);

    [[nodiscard]] static swap_entry entry_of(const page& p) {
        return swap_entry::from_packed(p.private_data());
    }
    [[nodiscard]] std::uint64_t cached_pages() const { return cached_; }

    cluster_readahead_state readahead{};

    void check_consistency() const;

private:
    struct swap_info { // kernel: struct swap_info_struct
        swap_area area;
        int priority;
        bool usable = true; // kernel: SWP_WRITEOK
        slot_listener* listener = nullptr;
        std::vector<std::uint64_t> cache; // 0: nothing; odd: shadow << 1 | 1; even: (pfn + 1) << 1
        xarray_nodes nodes;               // of the swap cache
    };
    class area_reclaimer;
    using entries = std::span<swap_entry>;

    void make_available(std::uint8_t type);
    void make_unavailable(std::uint8_t type);
    void requeue(std::uint8_t type);
    void put_in_use(std::uint8_t type);
    void take_out_of_cache(page& p, std::uint64_t word_left);
    void set_word(swap_entry e, std::uint64_t word);
    // kernel: __try_to_reclaim_swap(). True if the page left the swap cache.
    bool try_to_reclaim(swap_entry e);
    [[nodiscard]] bool cache_active();
    [[nodiscard]] bool use_slot_cache() const { return slot_cache_active_ && slot_cache_enabled_; }
    unsigned get_swap_pages(entries out);
    unsigned scan(std::uint8_t type, entries out);
    void free_swap_slot(swap_entry e);
    void free_entries(entries all);
    void free_entry(swap_entry e);
    void drain_slot_cache();

    const cpu_context& cpu_;
    mem_map& frames_;
    lru_batches& batches_;
    kmem_cache* nodes_ = nullptr;
    std::vector<std::unique_ptr<swap_info>> areas_; // by type; null: no such area (any more)
    std::vector<std::uint8_t> available_; // with free slots: highest priority first, next to ask first
    int least_priority_ = -1;             // the last default that was given
    std::int64_t nr_free_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t cached_ = 0;

    bool slot_cache_enabled_ = false; // there is swap, and none is going away
    bool slot_cache_active_ = false;  // there is plenty
    std::array<swap_entry, slot_cache_size> slots_{};
    unsigned slots_at_ = 0;
    unsigned slots_left_ = 0;
    std::array<swap_entry, slot_cache_size> returned_{};
    unsigned returned_count_ = 0;
};

} // namespace pagesim
