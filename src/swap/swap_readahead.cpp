// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_readahead.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t pages_per_table = 512;

bool neighbours(vpn a, vpn b) { return raw(a) + 1 == raw(b) || raw(b) + 1 == raw(a); }

} // namespace

unsigned swapin_nr_pages(vpn previous, vpn fault, unsigned hits, unsigned max_pages,
                         unsigned previous_window) {
    unsigned pages = hits + 2;
    if (pages == 2) {
        if (!neighbours(previous, fault)) pages = 1;
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
    const unsigned size = swapin_nr_pages(previous, fault, state.hits, max_pages, state.window);
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

page* swap_cache_get_page(const cpu_context& cpu, const swap_space& swap, swap_entry e, vma& range,
                          vpn fault) {
    page* p = swap.lookup(e);
    if (p == nullptr) return nullptr;
    swap_readahead_state& state = range.readahead;
    state.previous = fault;
    if (!p->test_and_clear(page_flag::reclaim)) return p; // the bit is PG_readahead here
    state.hits = std::min(state.hits + 1, swap_ra_hits_max);
    cpu.count(vm_item::swap_ra_hit);
    return p;
}

} // namespace pagesim
