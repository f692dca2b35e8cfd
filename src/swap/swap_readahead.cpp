// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_readahead.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

constexpr std::uint64_t pages_per_table = 512;

bool neighbours(std::uint64_t a, std::uint64_t b) { return a + 1 == b || b + 1 == a; }

} // namespace

swap_ra_method readahead_method(const swap_space& swap, vma_readahead setting) {
    return setting == vma_readahead::enabled && swap.nr_rotate_swap() == 0 ? swap_ra_method::vma
                                                                           : swap_ra_method::cluster;
}

unsigned swapin_nr_pages(std::uint64_t previous, std::uint64_t current, unsigned hits, unsigned max_pages,
                         unsigned previous_window) {
    unsigned pages = hits + 2;
    if (pages == 2) {
        if (!neighbours(previous, current)) pages = 1;
    } else {
        unsigned rounded = 4;
        while (rounded < pages) rounded *= 2;
        pages = rounded;
    }
    return std::max(std::min(pages, max_pages), previous_window / 2);
}

swap_window swap_ra_info(vma& range, vpn fault, unsigned page_cluster) {
    const unsigned max_pages = 1U << std::min(page_cluster, swap_ra_order_ceiling);
    if (max_pages == 1) return {.size = 1, .first = fault, .end = fault + 1};

    swap_readahead_state& state = range.readahead;
    const vpn previous = state.previous;
    const unsigned size = swapin_nr_pages(raw(previous), raw(fault), state.hits, max_pages, state.window);
    state = {.previous = fault, .window = size, .hits = 0};
    if (size == 1) return {.size = 1, .first = fault, .end = fault + 1};

    // May reach below page 0; compared as signed numbers.
    auto low = static_cast<std::int64_t>(raw(fault));
    if (raw(fault) != raw(previous) + 1) {
        low -= raw(previous) == raw(fault) + 1 ? static_cast<std::int64_t>(size) - 1
                                               : (static_cast<std::int64_t>(size) - 1) / 2;
    }
    const std::int64_t high = low + static_cast<std::int64_t>(size);
    const auto table = static_cast<std::int64_t>(raw(fault) / pages_per_table * pages_per_table);
    const std::int64_t first = std::max({low, static_cast<std::int64_t>(raw(range.first)), table});
    const std::int64_t end = std::min({high, static_cast<std::int64_t>(raw(range.end)),
                                       table + static_cast<std::int64_t>(pages_per_table)});
    return {.size = size,
            .first = vpn{static_cast<std::uint64_t>(first)},
            .end = vpn{static_cast<std::uint64_t>(end)}};
}

swap_cluster_window swap_cluster_info(swap_space& swap, swap_entry e, unsigned page_cluster) {
    const unsigned max_pages = 1U << page_cluster;
    if (max_pages == 1) return {.size = 1, .first = e.offset, .end = e.offset + 1};
    cluster_readahead_state& state = swap.readahead;
    const unsigned hits = std::exchange(state.hits, 0);
    const unsigned size = swapin_nr_pages(state.previous, e.offset, hits, max_pages, state.window);
    if (hits == 0) state.previous = e.offset;
    state.window = size;
    const std::uint64_t mask = size - 1;
    return {.size = size,
            .first = std::max<std::uint64_t>(e.offset & ~mask, 1),
            .end = std::min((e.offset | mask) + 1, swap.area(e.type).max())};
}

page* swap_cache_get_page(const cpu_context& cpu, swap_space& swap, swap_entry e, vma* range, vpn fault,
                          swap_ra_method method) {
    page* p = swap.lookup(e);
    if (p == nullptr) return nullptr;
    const bool hit = p->test_and_clear(page_flag::readahead);
    if (hit) cpu.count(vm_item::swap_ra_hit);
    if (range != nullptr && method == swap_ra_method::vma) {
        swap_readahead_state& state = range->readahead;
        state.previous = fault;
        if (hit) state.hits = std::min(state.hits + 1, swap_ra_hits_max);
    } else if (hit) {
        ++swap.readahead.hits;
    }
    return p;
}

} // namespace pagesim
