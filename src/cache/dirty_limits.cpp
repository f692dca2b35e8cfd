// SPDX-License-Identifier: MIT
#include <pagesim/cache/dirty_limits.hpp>

#include <algorithm>
#include <limits>

namespace pagesim {

namespace {

std::uint64_t pages_of(std::uint64_t bytes) { return (bytes + page_size - 1) / page_size; }

std::uint64_t share(unsigned percent, std::uint64_t dirtyable) {
    const std::uint64_t parts = percent * page_size / 100; // 4096ths
    return parts * dirtyable / page_size;
}

// The node's dirtyable memory, without the 1 that keeps the whole from being 0.
std::uint64_t node_dirtyable_memory(const lruvec& lru) {
    const node& home = lru.home();
    const std::uint64_t free = home.nr_free_pages();
    return free - std::min(free, home.totalreserve_pages()) + lru.size(lru_list::inactive_file) +
           lru.size(lru_list::active_file);
}

} // namespace

std::uint64_t global_dirtyable_memory(const lruvec& lru) { return node_dirtyable_memory(lru) + 1; }

dirty_limits domain_dirty_limits(const dirty_config& config, std::uint64_t dirtyable) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    dirty_limits l;
    l.thresh = config.bytes != 0 ? pages_of(config.bytes) : share(config.ratio, dirtyable);
    l.thresh = std::min(l.thresh, most);
    l.bg_thresh = config.background_bytes != 0 ? pages_of(config.background_bytes)
                                               : share(config.background_ratio, dirtyable);
    if (l.bg_thresh >= l.thresh) l.bg_thresh = l.thresh / 2;
    return l;
}

bool node_dirty_ok(const dirty_config& config, const lruvec& lru) {
    const std::uint64_t dirtyable = node_dirtyable_memory(lru);
    std::uint64_t limit = config.ratio * dirtyable / 100;
    if (config.bytes != 0) limit = pages_of(config.bytes) * dirtyable / global_dirtyable_memory(lru);
    const vmstat& stat = lru.home().stat();
    return stat[vm_item::nr_dirty] + stat[vm_item::nr_writeback] <= limit;
}

} // namespace pagesim
