// SPDX-License-Identifier: MIT
// The per-CPU batches in front of the LRU lists, and put_page.
//
// A page does not go to its list at once. It waits, with a reference, in an array of 15 until the array is
// full or somebody drains it; so lists change in bursts, and a page fresh from a fault has one reference
// more than one would think. When the 15th page arrives the whole array is applied in order of arrival: the
// last one ends nearest the head.
#pragma once

#include <pagesim/lru/lruvec.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

inline constexpr unsigned pagevec_size = 15; // kernel: PAGEVEC_SIZE

// kernel: struct cpu_fbatches, mm/swap.c.
class lru_batches {
public:
    lru_batches(const cpu_context& cpu, lruvec& lru) : cpu_{cpu}, lru_{lru} {}

    // kernel: folio_add_lru(). The page is on no list.
    void lru_cache_add(page& p);
    // kernel: folio_rotate_reclaimable(): to the tail of its inactive list, now that it is clean.
    void rotate_reclaimable_page(page& p);
    // kernel: folio_activate().
    void activate_page(page& p);
    // kernel: lru_add_drain(): applies all batches of this CPU.
    void lru_add_drain();

    // Drops one reference; the last one frees the page (kernel: put_page, __page_cache_release).
    void put_page(page& p);

    [[nodiscard]] std::uint64_t waiting() const { return add_.size + rotate_.size + activate_.size; }
    // How many batches hold this page (each holds a reference).
    [[nodiscard]] unsigned batches_with(const page& p) const;

private:
    struct batch {
        std::array<page*, pagevec_size> pages{};
        unsigned size = 0;
    };
    using apply_fn = void (lru_batches::*)(page&);

    void append(batch& b, page& p, apply_fn apply);
    void drain(batch& b, apply_fn apply);
    void apply_add(page& p);
    void apply_rotate(page& p);
    void apply_activate(page& p);

    const cpu_context& cpu_;
    lruvec& lru_;
    batch add_;
    batch rotate_;
    batch activate_;
};

} // namespace pagesim
