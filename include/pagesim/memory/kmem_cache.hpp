// SPDX-License-Identifier: MIT
// A cache of kernel objects of one size (kernel: struct kmem_cache of SLUB): how many pages they take, and when.
//
// A slab is 2^order pages that hold objects side by side. It is in one of four places:
//
//                          full                       an object of it is freed
//       the CPU's own ──────────────> nowhere ─────────────────────────────────> the CPU's partial ones
//         ^   ^   ^                                                                │         │ too many: all of them
//         │   │   └──────────────────── the last that came ────────────────────────┘         v
//         │   └──────────────────────── the first, and some more to the CPU's ────── the node's partial ones
//         └── a new one                                                              │ empty, and enough others:
//                                                                                    └── its pages are free
//
// Objects come from the CPU's own slab. Those that the CPU holds stay when they are empty: so what comes and goes costs
// no pages. A new slab is asked for at the cache's order and, if there is none, as a single page. What boot left free in
// slabs is told as one more slab, whose page is not counted.
//
// An object is a number: the slab that it lies in. Contents are not simulated.
//
// Source: calculate_order, allocate_slab, ___slab_alloc, __slab_free, put_cpu_partial, get_partial_node of mm/slub.c, Linux
// 6.1 and 5.10 (CONFIG_SLUB_CPU_PARTIAL). Left out: merging of caches of one size.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/base/units.hpp>
#include <pagesim/memory/gfp.hpp>
#include <pagesim/memory/page.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <cstdint>
#include <deque>
#include <vector>

namespace pagesim {

// Where slabs come from and go to.
class slab_source {
public:
    slab_source() = default;
    slab_source(const slab_source&) = delete;
    slab_source& operator=(const slab_source&) = delete;
    virtual ~slab_source() = default;
    // A block, or null if there is none to be had without waiting.
    virtual page* take_slab(page_order order, migratetype type) = 0;
    virtual void give_slab(page& head, page_order order) = 0;
};

// A slab's number. 0 is none.
enum class slab_object : std::uint32_t {};
inline constexpr slab_object no_slab_object{0};

struct kmem_cache_config {
    std::uint32_t object_bytes;
    migratetype type = migratetype::unmovable; // reclaimable: SLAB_RECLAIM_ACCOUNT
    // Objects for which there is room at the start, in a slab of the CPU that boot left: its page is not counted and stays.
    std::uint32_t boot_room = 0;
    // SLAB_TYPESAFE_BY_RCU: the pages of a slab are free only after a grace period.
    bool typesafe_by_rcu = false;
};

class kmem_cache {
public:
    static constexpr std::size_t min_partial = 5; // kernel: MIN_PARTIAL

    kmem_cache(const cpu_context& cpu, slab_source& source, const kmem_cache_config& config,
               cpu_partial_rule rule = cpu_partial_rule::by_slabs);

    // no_slab_object if there is no memory for another slab.
    [[nodiscard]] slab_object allocate();
    // Nothing happens to none.
    void free(slab_object o);
    // kernel: call_rcu().
    void free_by_rcu(slab_object o) {
        cpu_.call_rcu([this, o] { free(o); });
    }

    // kernel: calculate_order() on one CPU: the least order at which a slab holds 8 objects and wastes no more than a
    // sixteenth.
    [[nodiscard]] static page_order order_for(std::uint32_t object_bytes);
    [[nodiscard]] page_order order() const { return order_; }
    [[nodiscard]] std::uint64_t objects() const { return objects_; }
    [[nodiscard]] std::uint64_t pages() const { return pages_; }

    void check_consistency() const;

private:
    enum class place : std::uint8_t { nowhere, cpu, cpu_partial, node_partial };
    struct slab {
        page* head = nullptr; // null: given back, or boot's
        page_order order{0};
        std::uint32_t room = 0; // for so many objects
        std::uint32_t in_use = 0;
        place where = place::nowhere;
        std::uint32_t free_with_older =
            0; // on the CPU's list: objects free in it and those before it when it came
        bool of_boot = false;

        [[nodiscard]] bool exists() const { return head != nullptr || of_boot; }
        [[nodiscard]] bool may_go() const { return in_use == 0 && !of_boot; }
    };

    [[nodiscard]] std::uint32_t new_slab();
    [[nodiscard]] std::uint32_t take_from_node();
    [[nodiscard]] bool cpu_list_is_full() const;
    void put_cpu_partial(std::uint32_t number);
    void unfreeze_partials();
    void discard(std::uint32_t number);
    void count_pages(std::int64_t n);

    const cpu_context& cpu_;
    slab_source& source_;
    kmem_cache_config config_;
    cpu_partial_rule rule_;
    page_order order_;
    std::uint32_t cpu_partial_;  // objects, or slabs
    std::vector<slab> slabs_{1}; // by number
    std::vector<std::uint32_t> free_numbers_;
    std::uint32_t own_ = 0;                // the CPU's; 0: none
    std::vector<std::uint32_t> cpu_slabs_; // its partial ones, the last that came at the end
    std::deque<std::uint32_t> node_slabs_;
    std::uint64_t objects_ = 0;
    std::uint64_t pages_ = 0;
};

} // namespace pagesim
