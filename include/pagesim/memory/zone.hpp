// SPDX-License-Identifier: MIT
// A zone: frames with the same reachability, with their free memory and the marks that guard it.
//
//     frames   start_pfn                                               start_pfn + present
//              | reserved (kernel image, struct pages) | managed: per-CPU lists, buddy lists, or in use |
//
// managed = present - reserved; only managed pages ever reach the allocator, and all sizes are computed
// from them. Reserved frames are told by their place; no flag is set on them, so that building a zone
// touches none of them.
//
// A free page is in one of two places: on a per-CPU list, or in a block of the buddy allocator.
// nr_free_pages counts the second only; that is what the watermarks see.
//
// The boost. When a request takes a block smaller than a pageblock from another migratetype, all marks rise
// by one pageblock, up to watermark_boost_factor times the high mark, and the zone is flagged (5.8: also if
// the marks did not rise); whoever
// allocates next in the zone finds the flag, takes it down and wakes kswapd, which takes the boost off
// again while it reclaims. Zones of fewer than four pageblocks never do.
//
// Source: struct zone (include/linux/mmzone.h), rmqueue, boost_watermark, free_unref_page, zone_watermark_ok,
// zone_watermark_fast (mm/page_alloc.c), Linux 6.1.
#pragma once

#include <pagesim/memory/buddy.hpp>
#include <pagesim/memory/pcp.hpp>
#include <pagesim/memory/watermark.hpp>
#include <pagesim/stat/vmstat.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace pagesim {

// As /proc/zoneinfo spells it: DMA, DMA32, Normal, Movable.
[[nodiscard]] std::string_view zone_name(zone_type type);

// One zone of a machine to be built. The optional parts describe a real machine whose kernel computed them
// from other numbers than it shows later.
struct zone_config {
    zone_type type = zone_type::dma;
    page_count present{};
    page_count managed{}; // 0 < managed <= present
    std::optional<watermarks> wmarks{};
    std::optional<pcp_size> pcp{};
};

// What a zone is built from, computed by the node.
struct zone_setup {
    zone_type type;
    pfn start;
    page_count present;
    page_count managed;
    watermarks wmarks;
    pcp_size pcp;
    per_zone lowmem_reserve;
    pcp_high_rule pcp_rule;
    boosted_flag boosted;
    std::uint64_t watermark_boost_factor; // ten-thousandths
};

// What a request permits the zone to do.
struct rmqueue_rules {
    enum class kswapd : std::uint8_t { may_wake, must_not_wake };

    fragmentation fallback = fragmentation::allowed;
    kswapd wake = kswapd::may_wake;
};

class zone {
public:
    // A described machine: just these blocks are free (buddy::lay_out()).
    [[nodiscard]] bool lay_out(const free_layout& layout);
    // A described machine, frame by frame: nothing is reserved by its place any more. Before anything was allocated.
    void lay_out(const memory_map& map);
    // A described machine: a frame in use goes to the per-CPU list, or to the buddy lists.
    void stock_pcp(page& p);
    void release_initial(page& p);
    // Frees the managed frames to the buddy lists and adds them to nr_free_pages of `stat`.
    zone(mem_map& frames, vmstat& stat, const zone_setup& setup);
    zone(const zone&) = delete;
    zone& operator=(const zone&) = delete;
    zone(zone&&) noexcept = default;
    zone& operator=(zone&&) = delete;

    [[nodiscard]] zone_type type() const { return type_; }
    [[nodiscard]] unsigned index() const { return static_cast<unsigned>(type_); }
    [[nodiscard]] pfn start_pfn() const { return start_; }
    [[nodiscard]] pfn end_pfn() const { return start_ + present_.value; }
    [[nodiscard]] bool contains(pfn n) const { return n >= start_ && n < end_pfn(); }
    [[nodiscard]] bool is_reserved(pfn n) const { return n >= start_ && n < reserved_end_; }
    [[nodiscard]] page_count spanned() const { return present_; } // zones have no holes
    [[nodiscard]] page_count present() const { return present_; }
    [[nodiscard]] page_count managed() const { return managed_; }

    // Takes a block: reference count 1, all else zero; null if there is none. Does not look at watermarks
    // and counts no pgalloc.
    [[nodiscard]] page* rmqueue(page_order order, migratetype type, const rmqueue_rules& rules = {});
    // Gives a page, or a block, back. Nobody may hold or map it any more; counts pgfree.
    void free_page(page& p);
    void free_pages(page& head, page_order order);
    // Takes a free block for compaction, unless that would leave too little: min and the block's size. Each of its pages
    // has reference count 1 then; counts no pgalloc. The number of pages, or 0 (kernel: __isolate_free_page()).
    [[nodiscard]] std::uint64_t isolate_free_page(page& head);
    void turn_list_to_front(page& head) { buddy_.turn_list_to_front(head); }
    void turn_list_to_back(page& head) { buddy_.turn_list_to_back(head); }
    // All pages of the per-CPU lists go to the buddy lists.
    void drain_pcp();

    // A described machine: up to n single pages in use for good, taken past the per-CPU lists without
    // counting pgalloc or boosting. Returns how many there were.
    page_count take_initial(page_count n, migratetype type);
    // A described machine: up to n pages of stock on the per-CPU list. Returns how many there were.
    page_count fill_pcp(page_count n, migratetype type);

    [[nodiscard]] std::uint64_t nr_free_pages() const { return buddy_.nr_free(); }

    // The marks without the boost.
    [[nodiscard]] const watermarks& wmarks() const { return wmarks_; }
    // The mark that is in force: boost included.
    [[nodiscard]] std::uint64_t wmark_pages(wmark_level level) const;
    [[nodiscard]] std::uint64_t min_wmark_pages() const { return wmark_pages(wmark_level::min); }
    [[nodiscard]] std::uint64_t low_wmark_pages() const { return wmark_pages(wmark_level::low); }
    [[nodiscard]] std::uint64_t high_wmark_pages() const { return wmark_pages(wmark_level::high); }

    [[nodiscard]] std::uint64_t watermark_boost() const { return watermark_boost_; }
    // kswapd has reclaimed for the boost.
    void reduce_watermark_boost(std::uint64_t pages) {
        watermark_boost_ -= std::min(pages, watermark_boost_);
    }
    // Whether the zone was boosted and kswapd has not been told; clears that (kernel:
    // ZONE_BOOSTED_WATERMARK).
    [[nodiscard]] bool test_and_clear_boosted() { return std::exchange(boosted_, false); }
    // Pages kept from requests that could use `highest`, too.
    [[nodiscard]] std::uint64_t lowmem_reserve(zone_type highest) const {
        return lowmem_reserve_[static_cast<std::size_t>(highest)];
    }
    [[nodiscard]] zone_reclaim reclaim() const { return reclaim_; }
    void set_reclaim_active(zone_reclaim r) { reclaim_ = r; }
    // The zone's part of node::totalreserve_pages().
    [[nodiscard]] std::uint64_t totalreserve() const;

    // Whether a request of that order would leave more than mark + reserve; `highest` is the highest zone
    // that the request could use.
    [[nodiscard]] bool zone_watermark_ok(page_order order, std::uint64_t mark, zone_type highest,
                                         alloc_reserves rights = {}) const;
    // The same answer, quick for single pages.
    [[nodiscard]] bool zone_watermark_fast(page_order order, std::uint64_t mark, zone_type highest,
                                           alloc_reserves rights = {}) const;
    // The same for `free` pages instead of those that are there (kernel: __zone_watermark_ok).
    [[nodiscard]] bool watermark_ok_with(std::uint64_t free, page_order order, std::uint64_t mark,
                                         zone_type highest, alloc_reserves rights = {}) const;

    // Pages of this zone on the LRU list with that number (0 inactive_anon ... 4 unevictable).
    [[nodiscard]] std::uint64_t nr_zone_lru(unsigned list) const {
        return static_cast<std::uint64_t>(nr_zone_lru_[list]);
    }
    void add_nr_zone_lru(unsigned list, std::int64_t n) {
        nr_zone_lru_[list] += n;
        PAGESIM_ASSERT(nr_zone_lru_[list] >= 0);
    }

    [[nodiscard]] const buddy& free_area() const { return buddy_; }
    [[nodiscard]] pcp_lists& pcp() { return pcp_; }
    [[nodiscard]] const pcp_lists& pcp() const { return pcp_; }

    // Asserts that every frame is in exactly one place and in a legal state. Reads every frame.
    void check_consistency() const;

private:
    [[nodiscard]] page& strip(page& p) const;
    void count_free_since(std::uint64_t before);
    [[nodiscard]] bool boost_watermark();

    mem_map* frames_;
    vmstat* stat_;
    zone_type type_;
    pfn start_;
    page_count present_;
    page_count managed_;
    pfn reserved_end_;
    watermarks wmarks_;
    std::uint64_t watermark_boost_ = 0;
    std::uint64_t watermark_boost_factor_;
    boosted_flag boosted_rule_;
    per_zone lowmem_reserve_;
    bool boosted_ = false;
    zone_reclaim reclaim_ = zone_reclaim::idle;
    buddy buddy_;
    pcp_lists pcp_;
    std::array<std::int64_t, 5> nr_zone_lru_{};
};

} // namespace pagesim
