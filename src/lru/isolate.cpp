// SPDX-License-Identifier: MIT
#include <pagesim/lru/isolate.hpp>

#include <vector>

namespace pagesim {

void isolate_lru_pages(const cpu_context& cpu, lruvec& lru, lru_list list, unsigned n, zone_type highest,
                       unmap_permission unmap, isolation& out) {
    PAGESIM_ASSERT(n <= swap_cluster_max);
    page_list& pages = lru.list(list);
    const unsigned requested = n;
    std::vector<page*> skipped; // stays empty, and so allocates nothing, unless a zone is ineligible
    unsigned scanned = 0;
    for (std::uint64_t left = pages.size(); scanned < n && left > 0; --left) {
        page& p = pages.back();
        ++out.nr_scanned;
        const zone_type in = lru.home().zone_of(p).type();
        if (in > highest) {
            lru.del_page(p);
            skipped.push_back(&p);
            cpu.count(pgskip_item(static_cast<unsigned>(in)));
            continue;
        }
        ++scanned;
        if (unmap == unmap_permission::forbidden && p.mapped()) {
            pages.move_to_front(p);
            continue;
        }
        p.get();
        lru.del_page(p);
        out.taken.push(p);
    }
    for (page* p : skipped) lru.add_page(*p); // relative order kept: the first skipped is nearest the tail
    cpu.emit(tracepoints::lru_isolate{.unmapped_only = unmap == unmap_permission::forbidden,
                                      .highest_zone = static_cast<unsigned>(highest),
                                      .order = 0,
                                      .nr_requested = requested,
                                      .nr_scanned = out.nr_scanned,
                                      .nr_skipped = skipped.size(),
                                      .nr_taken = out.taken.size,
                                      .lru = index_of(list)});
    cpu.charge(cpu.cost.isolate_list + cpu.cost.isolate_page * scanned);
}

putback_result putback_page(const cpu_context& cpu, lruvec& lru, lru_batches& batches, page& p) {
    cpu.charge(cpu.cost.putback_page);
    if (!page_evictable(p)) {
        batches.lru_cache_add(p);
        batches.put_page(p);
        return putback_result::unevictable;
    }
    if (p.put_testzero()) {
        cpu.emit(tracepoints::page_free{.pfn = raw(lru.home().frames().pfn_of(p)), .order = 0});
        lru.home().free_page(p);
        return putback_result::freed;
    }
    lru.add_page(p);
    if (p.test(page_flag::active)) ++lru.nonresident_age;
    return putback_result::linked;
}

} // namespace pagesim
