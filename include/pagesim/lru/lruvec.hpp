// SPDX-License-Identifier: MIT
// The five LRU lists of a node, and what reclaim remembers about them.
//
//        new, swapped in                    referenced twice on the inactive list, or came back soon
//             |                                              |
//             v            activate                          v
//     [head] inactive [tail]  ------------------>  [head] active [tail]
//             ^      |                                        |
//             |      |  scanned from the tail                 |  scanned from the tail
//             |      +--> judge_page: free, keep, activate    |
//             +-----------------------------------------------+
//                            deactivate
//
// One pair of lists for anonymous pages (anything swap-backed), one for file pages, and the unevictable
// list. Pages enter at the head; reclaim takes from the tail. The lists belong to the node, not to a zone:
// a zone only filters when pages are isolated.
//
// The size of a list is what is linked on it. A page that waits in a per-CPU batch, or that reclaim has
// isolated, is in neither count: PG_lru is set exactly while the page is linked.
//
// Beside the lists stand the numbers that steer reclaim: anon_cost and file_cost (how expensive each type
// was of late: pageouts and refaults, decayed), nonresident_age (the eviction clock of lru/workingset.hpp)
// and refaults (the activations seen when reclaim last ended).
//
// Intended difference: the kernel's list sizes are per-CPU differentials that may lag by a few pages; ours
// are exact.
#pragma once

#include <pagesim/memory/node.hpp>
#include <pagesim/memory/page_list.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

// kernel: enum lru_list, include/linux/mmzone.h.
enum class lru_list : std::uint8_t { inactive_anon, active_anon, inactive_file, active_file, unevictable };
inline constexpr unsigned nr_lru_lists = 5;
inline constexpr unsigned nr_evictable_lists = 4;

enum class lru_type : std::uint8_t { anon, file };

static_assert(static_cast<unsigned>(lru_list::active_anon) ==
              static_cast<unsigned>(lru_list::inactive_anon) + 1);
static_assert(static_cast<unsigned>(lru_list::active_file) ==
              static_cast<unsigned>(lru_list::inactive_file) + 1);

[[nodiscard]] constexpr unsigned index_of(lru_list l) { return static_cast<unsigned>(l); }
[[nodiscard]] constexpr bool is_active(lru_list l) {
    return l == lru_list::active_anon || l == lru_list::active_file;
}
[[nodiscard]] constexpr lru_type type_of(lru_list l) {
    return index_of(l) >= index_of(lru_list::inactive_file) ? lru_type::file : lru_type::anon;
}
[[nodiscard]] constexpr lru_list inactive_list(lru_type t) {
    return t == lru_type::anon ? lru_list::inactive_anon : lru_list::inactive_file;
}
[[nodiscard]] constexpr lru_list active_list(lru_type t) {
    return t == lru_type::anon ? lru_list::active_anon : lru_list::active_file;
}

// kernel: folio_is_file_lru(): whatever is not swap-backed counts as file.
[[nodiscard]] inline lru_type page_lru_type(const page& p) {
    return p.test(page_flag::swapbacked) ? lru_type::anon : lru_type::file;
}
// kernel: folio_lru_list().
[[nodiscard]] inline lru_list page_lru(const page& p) {
    if (p.test(page_flag::unevictable)) return lru_list::unevictable;
    const lru_type t = page_lru_type(p);
    return p.test(page_flag::active) ? active_list(t) : inactive_list(t);
}

// What reclaim notes about the whole node (kernel: pgdat->flags, kswapd_failures, the throttle queues).
struct pgdat_state {
    bool dirty = false;               // PGDAT_DIRTY
    bool writeback = false;           // PGDAT_WRITEBACK
    unsigned kswapd_failures = 0;     // runs of balance_pgdat in a row that freed nothing
    unsigned writeback_waiters = 0;   // tasks throttled until writes complete
    std::uint64_t throttle_start = 0; // nr_throttled_written when the first of them came
    std::uint64_t tree_scanned = 0;   // pages that vmpressure's worker has not heard of
    bool unused_inodes = false;       // of files in /proc that were read; the next shrinker frees them
    bool drain_queued = false;        // the worker is to empty the per-CPU lists (pcpu_drain)
};

// A counter as the kernel's own decisions see it. Each CPU gathers changes and adds them to the shared value only once
// they exceed a threshold (memory/watermark.hpp: stat_threshold), or when the vmstat worker folds them once a second,
// the CPU is idle and stops its tick, or somebody asks for exact figures. Changes come one at a time here.
// Source: __mod_node_page_state(), vmstat_update(), quiet_vmstat() of mm/vmstat.c, Linux 6.1.
class lagging_count {
public:
    // What is visible when the exact value is `exact`.
    [[nodiscard]] std::uint64_t see(std::uint64_t exact, std::uint64_t threshold, sim_time now);
    void fold(std::uint64_t exact) { shown_ = exact; }

private:
    std::uint64_t shown_ = 0;
    std::uint64_t folded_second_ = 0;
};

class lruvec {
public:
    explicit lruvec(node& home);

    // Links the page at the head (or the tail) of the list that its flags name.
    void add_page(page& p);
    void add_page_tail(page& p);
    void del_page(page& p);

    [[nodiscard]] page_list& list(lru_list l) { return lists_[index_of(l)]; }
    [[nodiscard]] const page_list& list(lru_list l) const { return lists_[index_of(l)]; }
    [[nodiscard]] std::uint64_t size(lru_list l) const { return lists_[index_of(l)].size(); }
    // Pages of that list in zones 0..highest.
    [[nodiscard]] std::uint64_t size_in_zones(lru_list l, zone_type highest) const;
    // The four evictable lists together.
    [[nodiscard]] std::uint64_t evictable_size() const;

    [[nodiscard]] node& home() const { return *node_; }

    // kernel: lru_note_cost(), mm/swap.c: adds, and halves both costs once they exceed a quarter of the
    // pages.
    void note_cost(lru_type type, std::uint64_t pages);

    std::uint64_t anon_cost = 0;
    std::uint64_t file_cost = 0;
    std::uint64_t nonresident_age = 0;
    // workingset_activate_{anon,file} as reclaim sees them: late by up to the threshold.
    [[nodiscard]] std::uint64_t visible_activations(lru_type type, sim_time now);
    // kernel: quiet_vmstat(); writing /proc/sys/vm/stat_refresh.
    void refresh_stat();
    std::array<std::uint64_t, 2> refaults{}; // what was visible of them when reclaim last ended
    bool congested = false;                  // LRUVEC_CONGESTED

    pgdat_state pgdat;

    // Isolated pages of each type (nr_isolated_*), counted by who isolates.
    std::array<std::uint64_t, 2> isolated{};

    void check_consistency() const;

private:
    void account(const page& p, lru_list l, std::int64_t n);

    node* node_;
    std::array<page_list, nr_lru_lists> lists_;
    std::array<lagging_count, 2> activations_{};
    std::uint64_t threshold_ = 0;
};

// The two vmstat items of a list: nr_inactive_anon, nr_zone_inactive_anon, ...
[[nodiscard]] constexpr vm_item node_item(lru_list l) {
    return static_cast<vm_item>(static_cast<unsigned>(vm_item::nr_inactive_anon) + index_of(l));
}
[[nodiscard]] constexpr vm_item zone_item(lru_list l) {
    return static_cast<vm_item>(static_cast<unsigned>(vm_item::nr_zone_inactive_anon) + index_of(l));
}
static_assert(node_item(lru_list::unevictable) == vm_item::nr_unevictable);
static_assert(zone_item(lru_list::unevictable) == vm_item::nr_zone_unevictable);
[[nodiscard]] vm_item isolated_item(lru_type t);

inline void lruvec::account(const page& p, lru_list l, std::int64_t n) {
    node_->zone_of(p).add_nr_zone_lru(index_of(l), n);
    node_->stat().add(node_item(l), n);
    node_->stat().add(zone_item(l), n);
}

inline void lruvec::add_page(page& p) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::lru), p);
    p.set(page_flag::lru);
    const lru_list l = page_lru(p);
    list(l).push_front(p);
    account(p, l, 1);
}

inline void lruvec::add_page_tail(page& p) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::lru), p);
    p.set(page_flag::lru);
    const lru_list l = page_lru(p);
    list(l).push_back(p);
    account(p, l, 1);
}

inline void lruvec::del_page(page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::lru), p);
    p.clear(page_flag::lru);
    const lru_list l = page_lru(p);
    list(l).remove(p);
    account(p, l, -1);
}

} // namespace pagesim
