// SPDX-License-Identifier: MIT
// A cache of kernel objects of one size (kernel: struct kmem_cache of SLUB): how many pages they take, and when.
//
//     slab      2^order pages that hold objects side by side
//     partial   slabs with room, asked in the order in which they got it
//
// An object is a number: the slab that it lies in. Contents are not simulated. A slab that has become empty goes back
// unless fewer than min_partial others have room. A new slab is asked for at the cache's order and, if there is none, as a
// single page.
//
// Source: calculate_order, allocate_slab, __slab_free of mm/slub.c, Linux 6.1 and 5.10. Left out: per-CPU lists of
// partial slabs and freelists, so which slab an object goes to is not quite the kernel's; merging of caches of one size.
#pragma once

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
};

class kmem_cache {
public:
    static constexpr std::size_t min_partial = 5; // kernel: MIN_PARTIAL

    kmem_cache(const cpu_context& cpu, slab_source& source, const kmem_cache_config& config);

    // no_slab_object if there is no memory for another slab.
    [[nodiscard]] slab_object allocate();
    // Nothing happens to none.
    void free(slab_object o);

    // kernel: calculate_order() on one CPU: the least order at which a slab holds 8 objects and wastes no more than a
    // sixteenth.
    [[nodiscard]] static page_order order_for(std::uint32_t object_bytes);
    [[nodiscard]] page_order order() const { return order_; }
    [[nodiscard]] std::uint64_t objects() const { return objects_; }
    [[nodiscard]] std::uint64_t pages() const { return pages_; }

    void check_consistency() const;

private:
    struct slab {
        page* head = nullptr; // null: given back
        page_order order{0};
        std::uint32_t room = 0; // for so many objects
        std::uint32_t in_use = 0;
        bool partial = false; // in the list
    };

    [[nodiscard]] std::uint32_t new_slab();
    void count_pages(std::int64_t n);

    const cpu_context& cpu_;
    slab_source& source_;
    kmem_cache_config config_;
    page_order order_;
    std::vector<slab> slabs_{1}; // by number
    std::vector<std::uint32_t> free_numbers_;
    std::deque<std::uint32_t> partial_;
    std::uint64_t objects_ = 0;
    std::uint64_t pages_ = 0;
};

} // namespace pagesim
