// SPDX-License-Identifier: MIT
#include <pagesim/memory/page_alloc.hpp>

namespace pagesim {

namespace {

struct request {
    gfp_flags gfp;
    page_order order;
    alloc_mark mark;
    zone_type highest;
};

bool watermark_passes(const zone& z, const request& r) {
    const alloc_reserves rights = reserves_of(r.gfp, r.mark);
    switch (r.mark) {
    case alloc_mark::none: return true;
    case alloc_mark::low: return z.zone_watermark_fast(r.order, z.low_wmark_pages(), r.highest, rights);
    case alloc_mark::high: return z.zone_watermark_fast(r.order, z.high_wmark_pages(), r.highest, rights);
    case alloc_mark::min:
    case alloc_mark::oom: break;
    }
    return z.zone_watermark_fast(r.order, z.min_wmark_pages(), r.highest, rights);
}

// Only a first try, and only where the Normal zone comes first.
fragmentation first_fallback(const node& home, const request& r) {
    if (r.mark != alloc_mark::low) return fragmentation::allowed;
    const zone* preferred = nullptr;
    for (const zone& z : home.zones()) {
        if (z.type() <= r.highest) preferred = &z;
    }
    const bool normal = preferred != nullptr && preferred->type() == zone_type::normal;
    return normal ? fragmentation::avoided : fragmentation::allowed;
}

void count_allocation(vmstat& stat, const zone& z, page_order order) {
    stat.add(pgalloc_item(z.index()), static_cast<std::int64_t>(pages_of(order).value));
    stat.add(vm_item::numa_hit);
    stat.add(vm_item::numa_local);
}

// One walk over the zones, highest first.
void walk_zonelist(node& home, const request& r, fragmentation fallback, freelist_result& result) {
    using kswapd = rmqueue_rules::kswapd;
    const kswapd wake = r.gfp.has(gfp_flag::kswapd_reclaim) ? kswapd::may_wake : kswapd::must_not_wake;
    for (auto z = home.zones().rbegin(); z != home.zones().rend(); ++z) {
        if (z->type() > r.highest || !watermark_passes(*z, r)) continue;
        const std::uint64_t refills = z->pcp().refills();
        result.frame = z->rmqueue(r.order, gfp_migratetype(r.gfp), {.fallback = fallback, .wake = wake});
        if (z->pcp().refills() != refills) result.refilled = true;
        if (z->test_and_clear_boosted() && !result.boosted) result.boosted = z->type();
        if (result.frame == nullptr) continue;
        count_allocation(home.stat(), *z, r.order);
        return;
    }
}

} // namespace

alloc_reserves reserves_of(gfp_flags gfp, alloc_mark mark) {
    alloc_reserves rights;
    if (mark != alloc_mark::min && mark != alloc_mark::oom) return rights;
    if (gfp.has(gfp_flag::high)) rights.set(alloc_reserve::min_reserve);
    if (!gfp.has(gfp_flag::direct_reclaim) && !gfp.has(gfp_flag::nomemalloc))
        rights.set(alloc_reserve::non_block);
    if (mark == alloc_mark::oom) rights.set(alloc_reserve::oom);
    return rights;
}

freelist_result get_page_from_freelist(node& home, gfp_flags gfp, page_order order, alloc_mark mark) {
    const request r{.gfp = gfp, .order = order, .mark = mark, .highest = gfp_zone(gfp)};
    const fragmentation first = first_fallback(home, r);
    freelist_result result;
    walk_zonelist(home, r, first, result);
    if (result.frame == nullptr && first == fragmentation::avoided) {
        walk_zonelist(home, r, fragmentation::allowed, result);
    }
    return result;
}

} // namespace pagesim
