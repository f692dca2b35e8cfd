// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/shrink_slab.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

std::uint64_t shadow_node_shrinker::count_objects() const {
    std::uint64_t present = 0;
    for (const zone& z : home_.zones()) present += z.present().value;
    const std::uint64_t kept = present / 8;
    const std::uint64_t nodes = cache_.nr_shadow_nodes();
    return nodes - std::min(nodes, kept);
}

std::uint64_t shadow_node_shrinker::scan_objects(std::uint64_t n) {
    const std::uint64_t nodes = std::min(n, cache_.nr_shadow_nodes());
    for (std::uint64_t i = 0; i < nodes; ++i) cache_.forget_oldest_shadow_node();
    return nodes;
}

std::uint64_t do_shrink_slab(const cpu_context& cpu, shrinker_backlog rule, shrinker& cache, int priority) {
    const std::uint64_t freeable = cache.count_objects();
    if (freeable == 0) return 0;
    const std::uint64_t backlog = std::exchange(cache.nr_deferred, 0);
    const std::uint64_t delta =
        cache.seeks() == 0 ? freeable / 2 : 4 * (freeable >> static_cast<unsigned>(priority)) / cache.seeks();
    const bool whole = rule == shrinker_backlog::whole;
    std::uint64_t wanted = delta + (whole ? backlog : backlog >> static_cast<unsigned>(priority));
    if (whole && delta < freeable / 4) wanted = std::min(wanted, freeable / 2);
    wanted = std::min(wanted, 2 * freeable);

    cpu.emit(tracepoints::shrink_slab_start{.deferred = backlog,
                                            .freeable = freeable,
                                            .delta = delta,
                                            .total_scan = wanted,
                                            .priority = priority});
    std::uint64_t scanned = 0;
    std::uint64_t freed = 0;
    while (wanted >= cache.batch() || wanted >= freeable) {
        const std::uint64_t n = std::min(cache.batch(), wanted);
        if (n == 0) break;
        freed += cache.scan_objects(n);
        cpu.count(vm_item::slabs_scanned, static_cast<std::int64_t>(n));
        scanned += n;
        wanted -= n;
    }
    cache.nr_deferred = backlog + delta - std::min(backlog + delta, scanned);
    if (!whole) cache.nr_deferred = std::min(cache.nr_deferred, 2 * freeable);
    cpu.emit(tracepoints::shrink_slab_end{
        .deferred_before = backlog, .deferred = cache.nr_deferred, .total_scan = wanted, .freed = freed});
    return freed;
}

} // namespace pagesim
