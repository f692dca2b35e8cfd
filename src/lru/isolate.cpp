// SPDX-License-Identifier: MIT
#include <pagesim/lru/isolate.hpp>

#include <vector>

namespace pagesim {

void isolate_lru_pages(const cpu_context& cpu, lruvec& lru, lru_list list, unsigned n, zone_type highest,
                       unmap_permission unmap, isolation& out) {
    PAGESIM_ASSERT(n <= swap_cluster_max);
    page_list& pages = lru.list(list);
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
        lru.home().free_page(p);
        return putback_result::freed;
    }
    lru.add_page(p);
    if (p.test(page_flag::active)) ++lru.nonresident_age;
    return putback_result::linked;
}

} // namespace pagesim
