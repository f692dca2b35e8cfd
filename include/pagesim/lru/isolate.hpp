// SPDX-License-Identifier: MIT
// Taking pages off the tail of a list to look at them in peace, and putting back those that stay.
#pragma once

#include <pagesim/lru/lru_add.hpp>
#include <pagesim/lru/lruvec.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

inline constexpr unsigned swap_cluster_max = 32; // kernel: SWAP_CLUSTER_MAX

// Up to 32 isolated pages, in the order in which the tail gave them.
struct page_batch {
    std::array<page*, swap_cluster_max> pages{};
    unsigned size = 0;

    void push(page& p) { pages[size++] = &p; }
    [[nodiscard]] bool empty() const { return size == 0; }
};

enum class unmap_permission : std::uint8_t { forbidden, allowed };

struct isolation {
    std::uint64_t nr_scanned = 0; // all looked at, pages of too high zones included
    page_batch taken;
};

// kernel: isolate_lru_folios(). Takes up to `n` (at most 32) pages from the tail of `list`; each gets a
// reference and loses PG_lru. Pages of zones above `highest` go back to the head and count as pgskip.
void isolate_lru_pages(const cpu_context& cpu, lruvec& lru, lru_list list, unsigned n, zone_type highest,
                       unmap_permission unmap, isolation& out);

// kernel: move_folios_to_lru(). Puts one isolated page at the head of the list that its flags name and
// drops the isolation's reference; a page whose last reference that was is freed. An active page advances
// the clock.
enum class putback_result : std::uint8_t { linked, unevictable, freed };
putback_result putback_page(const cpu_context& cpu, lruvec& lru, lru_batches& batches, page& p);

// kernel: page_evictable(): not mlocked.
[[nodiscard]] inline bool page_evictable(const page& p) { return !p.test(page_flag::mlocked); }

} // namespace pagesim
