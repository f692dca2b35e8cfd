// SPDX-License-Identifier: MIT
// Swap as the rest of the kernel sees it: slots to be had, the swap cache, and the references between them.
//
//            alloc_slot            add_to_swap_cache             swap_duplicate (unmap)      delete_from_swap_cache
//     free ──────────> 0x40 parked ──────────────> 0x40, cached ──────────────> 0x41 ──────────────────────> 0x01
//       ^                                                                                                   │
//       └── 64 at a time ── return cache <── 0x40, nobody left <──────────── swap_free (swapped in, exit) ──┘
//
// The swap cache is one word a slot: nothing, the page that holds the slot's content, or the shadow that an
// evicted page left (lru/workingset.hpp). The kernel keeps it in an xarray per 64 MiB; ours is an array.
//
// Slots are taken and given back through the slot cache of the CPU (kernel: mm/swap_slots.c): 64 at a time,
// so nr_swap_pages falls and rises in steps. It is in use while more than 320 slots are free and put aside
// below 128. A slot that nobody uses any more first waits in the return cache; when 64 wait and one more
// comes they are freed together, and only then does the device learn of it (zram drops the compressed
// page).
//
// Source: mm/swapfile.c, swap_slots.c, swap_state.c of Linux 6.1.
#pragma once

#include <pagesim/lru/workingset.hpp>
#include <pagesim/memory/mem_map.hpp>
#include <pagesim/swap/swap_area.hpp>
#include <pagesim/swap/swap_entry.hpp>

#include <array>
#include <cstdint>
#include <optional>
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

class swap_space {
public:
    static constexpr unsigned slot_cache_size = 64; // kernel: SWAP_SLOTS_CACHE_SIZE

    // No area: pages == 0, swap is off.
    swap_space(const cpu_context& cpu, mem_map& frames, page_count pages, std::uint64_t seed);

    void set_listener(slot_listener& l) { listener_ = &l; }

    [[nodiscard]] bool exists() const { return area_.has_value(); }
    [[nodiscard]] std::uint64_t total_swap_pages() const { return exists() ? area_->total() : 0; }
    // Free slots, those parked in the slot cache not counted (kernel: get_nr_swap_pages).
    [[nodiscard]] std::uint64_t nr_swap_pages() const { return nr_free_; }
    [[nodiscard]] swap_room available() const;
    // kernel: vm_swap_full(): more than half in use.
    [[nodiscard]] bool vm_swap_full() const { return nr_free_ * 2 < total_swap_pages(); }

    // kernel: folio_alloc_swap(). None if swap is full.
    [[nodiscard]] std::optional<swap_entry> alloc_slot();
    // Gives back a slot that was allocated but is not in the swap cache.
    void return_slot(swap_entry e);

    // kernel: swap_duplicate(), __swap_count(), swap_free().
    void duplicate(swap_entry e) { area_->duplicate(e.offset); }
    [[nodiscard]] unsigned count(swap_entry e) const { return area_->count(e.offset); }
    void swap_free(swap_entry e);
    // kernel: swapcache_prepare(), swapcache_clear(): the mark without a page, for a read that bypasses the
    // cache.
    [[nodiscard]] bool prepare_cache(swap_entry e) { return area_->prepare_cache(e.offset); }
    void clear_cache_mark(swap_entry e);

    // Tells the host that the page's slot will be wanted.
    void prefetch_slot(const page& p) const {
        if (!p.test(page_flag::swapcache)) return;
        const std::uint64_t offset = entry_of(p).offset;
        __builtin_prefetch(&cache_[offset], 1);
        area_->prefetch(offset);
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
    [[nodiscard]] const swap_area& area() const { return *area_; }

    void check_consistency() const;

private:
    void take_out_of_cache(page& p, std::uint64_t word_left);
    [[nodiscard]] bool cache_active();
    unsigned get_swap_pages(std::span<std::uint64_t> out);
    void free_swap_slot(std::uint64_t offset);
    void free_entry(std::uint64_t offset);
    void drain_slot_cache();

    const cpu_context& cpu_;
    mem_map& frames_;
    std::optional<swap_area> area_;
    std::vector<std::uint64_t> cache_; // 0: nothing; odd: shadow << 1 | 1; even: (pfn + 1) << 1
    slot_listener* listener_ = nullptr;
    std::uint64_t nr_free_ = 0;
    std::uint64_t cached_ = 0;

    bool slot_cache_active_ = false;
    std::array<std::uint64_t, slot_cache_size> slots_{};
    unsigned slots_at_ = 0;
    unsigned slots_left_ = 0;
    std::array<std::uint64_t, slot_cache_size> returned_{};
    unsigned returned_count_ = 0;
};

} // namespace pagesim
