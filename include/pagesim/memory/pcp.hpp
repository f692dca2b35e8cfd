// SPDX-License-Identifier: MIT
// Per-CPU page lists: the small stock of pages in front of the buddy allocator.
//
//     alloc <- head [ p p p p ] tail <- refill: `batch` pages from the buddy lists when the list is empty
//     free  -> head [ p p p p ] tail -> overflow: when `high` pages are there, some go back to the buddy lists
//
// One list for each migratetype, and in 6.1 for each order up to 3, last in first out. Pages here are free but no
// longer in the zone's free count, so that count moves in bursts. How much goes back at once depends on the kernel
// (kernel_profile::pcp_high):
//
//   - six_batches (5.8): one batch, taken from the three lists in turn;
//   - low_watermark (6.1): a batch that doubles with each overflow (free_factor, at most 2^5) and halves with each
//     allocation, starting with the list that was freed to. While kswapd works in the zone the stock is clipped to
//     four batches, so that what it frees is seen. A block of order 1 to 3 that is freed while free_factor is not 0
//     sends the whole stock back.
//
// The first page of a block here has page_flag::pcp and the number of its list in private_data: it returns to the
// buddy list of that type, whatever became of its pageblock meanwhile.
//
// Left out: other CPUs' lists, and 6.1's lists of order 9 (nothing here asks for huge pages).
//
// Source: __rmqueue_pcplist, rmqueue_bulk, free_unref_page_commit, nr_pcp_free, nr_pcp_high, free_pcppages_bulk,
// zone_batchsize, zone_highsize (mm/page_alloc.c, Linux 6.1; the 5.8 column from 5.8).
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/memory/buddy.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace pagesim {

// Pages.
struct pcp_size {
    std::uint64_t high = 0;  // the stock at which a free overflows
    std::uint64_t batch = 1; // a refill; at least 1

    friend constexpr bool operator==(const pcp_size&, const pcp_size&) = default;
};

// The sizes that a kernel chooses at boot for a zone of a node with `cpus` CPUs.
[[nodiscard]] constexpr pcp_size default_pcp_size(pcp_high_rule rule, page_count managed,
                                                  std::uint64_t low_wmark, unsigned cpus) {
    const std::uint64_t share =
        std::max<std::uint64_t>(1, std::min<std::uint64_t>(managed.value >> 10U, 256) / 4);
    const std::uint64_t even = std::bit_floor(share + share / 2) - 1;
    const std::uint64_t batch = std::max<std::uint64_t>(1, even);
    if (rule == pcp_high_rule::six_batches) return {.high = 6 * even, .batch = batch};
    return {.high = std::max(low_wmark / cpus, 4 * batch), .batch = batch};
}

inline constexpr unsigned page_alloc_costly_order = 3; // kernel: PAGE_ALLOC_COSTLY_ORDER
inline constexpr unsigned nr_pcp_lists = nr_migratetypes * (page_alloc_costly_order + 1);

// Whether kswapd works in the zone (kernel: ZONE_RECLAIM_ACTIVE).
enum class zone_reclaim : std::uint8_t { idle, active };

class pcp_lists {
public:
    static constexpr unsigned max_free_factor = 5; // kernel: PCP_BATCH_SCALE_MAX

    pcp_lists(mem_map& frames, pcp_high_rule rule, pcp_size size);
    pcp_lists(const pcp_lists&) = delete;
    pcp_lists& operator=(const pcp_lists&) = delete;
    pcp_lists(pcp_lists&&) noexcept = default;
    pcp_lists& operator=(pcp_lists&&) = delete;

    // Whether blocks of that order pass here (kernel: pcp_allowed_order).
    [[nodiscard]] bool has_order(page_order order) const {
        return raw(order) == 0 ||
               (rule_ == pcp_high_rule::low_watermark && raw(order) <= page_alloc_costly_order);
    }
    // A block with all fields zero, or null if neither the list nor `from` has one.
    [[nodiscard]] page* alloc(migratetype type, buddy& from, steal_report& report, fragmentation rule,
                              page_order order = {});
    // Takes a block with all fields zero; `to` gets what overflows.
    void free(page& head, migratetype type, buddy& to, zone_reclaim reclaim, page_order order = {});
    // One more page, at the end that is taken from last; a described machine starts with a stock.
    void stock(page& p, migratetype type);
    // Gives every page back (kernel: drain_pages_zone).
    void drain(buddy& to);
    // Moves up to n blocks here from `from`; a described machine starts with a stock. Returns how many.
    std::uint64_t fill(migratetype type, std::uint64_t n, buddy& from, steal_report& report,
                       fragmentation rule = fragmentation::allowed, page_order order = {});

    // Pages, those of all orders.
    [[nodiscard]] std::uint64_t count() const { return count_; }
    // Single pages.
    [[nodiscard]] std::uint64_t count(migratetype type) const { return list(type).size(); }
    [[nodiscard]] std::uint64_t high() const { return size_.high; }
    [[nodiscard]] std::uint64_t batch() const { return size_.batch; }
    void set_size(pcp_size size);
    [[nodiscard]] unsigned free_factor() const { return free_factor_; }
    // How often a list was refilled from the buddy lists, and overflowed into them.
    [[nodiscard]] std::uint64_t refills() const { return refills_; }
    [[nodiscard]] std::uint64_t overflows() const { return overflows_; }
    [[nodiscard]] const page_list& list(migratetype type, page_order order = {}) const {
        return lists_[slot(type, order)];
    }

    void check_consistency() const;

private:
    // kernel: order_to_pindex(), pindex_to_order().
    [[nodiscard]] static unsigned slot(migratetype type, page_order order) {
        return raw(order) * nr_migratetypes + static_cast<unsigned>(type);
    }
    [[nodiscard]] static page_order order_of(unsigned slot) {
        return page_order{static_cast<std::uint8_t>(slot / nr_migratetypes)};
    }
    template <std::size_t... I>
    [[nodiscard]] static std::array<page_list, nr_pcp_lists> make_lists(mem_map& frames,
                                                                        std::index_sequence<I...>) {
        return {((void)I, frames.make_list())...};
    }
    void take_in(page& head, unsigned slot);
    page& take_out(page& head, unsigned slot);
    [[nodiscard]] std::uint64_t effective_high(zone_reclaim reclaim) const;
    [[nodiscard]] std::uint64_t overflow_size(std::uint64_t high);
    void give_back_from(unsigned first, std::uint64_t n, buddy& to);
    void give_back_in_turn(std::uint64_t n, buddy& to);
    void give_back_oldest(unsigned which, buddy& to);

    std::array<page_list, nr_pcp_lists> lists_;
    std::uint64_t count_ = 0;
    pcp_high_rule rule_;
    pcp_size size_;
    unsigned free_factor_ = 0;
    std::uint64_t refills_ = 0;
    std::uint64_t overflows_ = 0;
};

} // namespace pagesim
