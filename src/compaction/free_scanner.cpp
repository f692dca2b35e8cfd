// SPDX-License-Identifier: MIT
#include "free_scanner.hpp"

#include <pagesim/memory/fragmentation.hpp>

namespace pagesim {

namespace {

constexpr unsigned widest_stride = compact_cluster_max;

// A free block taken apart: its pages are the next to be used, the last first.
void take_apart(const reclaim_context& rc, compact_control& cc, page& head, std::uint64_t pages) {
    const pfn first = rc.home.frames().pfn_of(head);
    for (std::uint64_t i = 0; i < pages; ++i) cc.freepages.push_back(&rc.home.frames()[first + i]);
    rc.cpu.charge(rc.cpu.cost.compact_free_block + rc.cpu.cost.compact_free_page * pages);
}

// kernel: isolate_freepages_block(). `from` moves on to where it stopped: the end of the pageblock unless it found enough
// or may take no more. Returns the pages taken.
std::uint64_t isolate_freepages_block(const reclaim_context& rc, compact_control& cc, std::uint64_t& from,
                                      std::uint64_t end, unsigned stride) {
    std::uint64_t scanned = 0;
    std::uint64_t taken = 0;
    std::uint64_t in_use = 0;
    for (; from < end; from += stride) {
        ++scanned;
        page& p = rc.home.frames()[pfn{from}];
        if (!p.test(page_flag::buddy)) {
            ++in_use;
            continue;
        }
        const std::uint64_t pages = cc.where->isolate_free_page(p);
        if (pages == 0) break;
        take_apart(rc, cc, p, pages);
        scanned += pages - 1;
        taken += pages;
        if (cc.migratepages.size() <= cc.freepages.size()) {
            from += pages;
            break;
        }
        from += pages - 1;
    }
    from = std::min(from, end);
    cc.total_free_scanned += scanned;
    rc.cpu.charge(rc.cpu.cost.compact_free_scan * in_use);
    if (taken > 0) rc.cpu.count(vm_item::compact_isolated, static_cast<std::int64_t>(taken));
    return taken;
}

// The next order to search, largest first and around; none when all were.
std::optional<unsigned> next_search_order(compact_control& cc, unsigned order) {
    const unsigned next = order == 0 ? cc.order - 1 : order - 1;
    if (next != cc.search_order) return next;
    cc.search_order = cc.search_order == 0 ? cc.order - 1 : cc.search_order - 1;
    return std::nullopt;
}

// What a search of one free list, from its tail, found.
struct found_block {
    page* block = nullptr;
    bool preferred = false; // in the top quarter
    unsigned looked_at = 0;
};

struct search_bounds {
    std::uint64_t low; // of the top quarter between the scanners
    std::uint64_t min; // of the top half
};

found_block search_list(const compact_control& cc, const page_list& list, const search_bounds& bounds,
                        unsigned& limit, std::uint64_t& highest, const mem_map& frames, page*& last_seen) {
    found_block f;
    std::uint64_t high_pfn = 0;
    last_seen = nullptr;
    for (page* p = list.empty() ? nullptr : &list.back(); p != nullptr; p = list.towards_front(*p)) {
        ++f.looked_at;
        const std::uint64_t n = raw(frames.pfn_of(*p));
        if (n >= highest) highest = std::max(pageblock_start(n), raw(cc.where->start_pfn()));
        if (n >= bounds.low) {
            f.block = last_seen = p;
            f.preferred = true;
            return f;
        }
        if (n >= bounds.min && n > high_pfn) {
            high_pfn = n;
            f.block = p;
            limit /= 2;
        }
        if (f.looked_at >= limit) {
            last_seen = p;
            break;
        }
    }
    if (f.block != nullptr) last_seen = f.block;
    return f;
}

// kernel: fast_isolate_freepages() and fast_isolate_around(): looks at the movable free lists for a block near the end,
// and takes it and what else is free in its pageblock.
void fast_isolate_freepages(const reclaim_context& rc, compact_control& cc) {
    if (cc.proactive()) return;
    zone& z = *cc.where;
    const mem_map& frames = rc.home.frames();
    // Nothing marks where a full scan begins, so each search counts as the first one: deep.
    unsigned limit = pageblock_nr_pages / 2;
    const std::uint64_t distance = cc.free_pfn - cc.migrate_pfn;
    const search_bounds bounds{.low = pageblock_start(cc.free_pfn - distance / 4),
                               .min = pageblock_start(cc.free_pfn - distance / 2)};
    std::uint64_t scanned = 0;
    std::uint64_t looked_at = 0;
    std::uint64_t highest = 0;
    page* taken = nullptr;
    cc.search_order = std::min(cc.order - 1, cc.search_order);
    for (std::optional<unsigned> order = cc.search_order; taken == nullptr && order;
         order = next_search_order(cc, *order)) {
        const page_order o{static_cast<std::uint8_t>(*order)};
        if (z.free_area().free_blocks(o) == 0) continue;
        const page_list& list = z.free_area().blocks(o, migratetype::movable);
        page* last_seen = nullptr;
        const found_block f = search_list(cc, list, bounds, limit, highest, frames, last_seen);
        scanned += f.looked_at;
        looked_at += f.looked_at;
        if (f.preferred) {
            cc.fast_search_fail = 0;
            cc.search_order = *order;
        }
        if (last_seen != nullptr && list.towards_back(*last_seen) != nullptr)
            z.turn_list_to_front(*last_seen);
        if (f.block != nullptr) {
            const std::uint64_t pages = z.isolate_free_page(*f.block);
            if (pages == 0) {
                order = cc.search_order + 1;
            } else {
                taken = f.block;
                scanned += pages - 1;
                take_apart(rc, cc, *f.block, pages);
                rc.cpu.count(vm_item::compact_isolated, static_cast<std::int64_t>(pages));
            }
        }
        if (f.looked_at >= limit) limit = std::max(1U, limit / 2);
    }
    std::uint64_t around = taken == nullptr ? 0 : raw(frames.pfn_of(*taken));
    bool search_around = taken != nullptr;
    if (taken == nullptr) {
        ++cc.fast_search_fail;
        if (highest >= bounds.min) {
            cc.free_pfn = around = highest;
            search_around = true;
        }
    }
    if (highest != 0 && highest >= raw(cc.memory->cached_free_pfn))
        cc.memory->cached_free_pfn = pfn{highest - pageblock_nr_pages};
    cc.total_free_scanned += scanned;
    rc.cpu.charge(rc.cpu.cost.compact_free_scan * looked_at);
    if (!search_around || cc.freepages.size() >= cc.migratepages.size()) return;
    std::uint64_t from = std::max(pageblock_start(around), raw(z.start_pfn()));
    const std::uint64_t end = pageblock_end(around);
    if (end > raw(z.end_pfn())) return;
    const std::uint64_t block = pageblock_of(from);
    isolate_freepages_block(rc, cc, from, end, 1);
    if (cc.freepages.size() < cc.migratepages.size()) cc.memory->skip[block] = true;
}

// kernel: suitable_migration_target().
bool suitable_target(const reclaim_context& rc, const compact_control& cc, std::uint64_t block) {
    const page& first = rc.home.frames()[pfn{block}];
    if (first.test(page_flag::buddy) && first.private_data() >= pageblock_order) return false;
    return cc.where->free_area().pageblock_type(pfn{block}) == migratetype::movable;
}

} // namespace

void isolate_freepages(const reclaim_context& rc, compact_control& cc) {
    fast_isolate_freepages(rc, cc);
    if (!cc.freepages.empty()) return;
    const zone& z = *cc.where;
    const std::uint64_t lowest = pageblock_end(cc.migrate_pfn);
    std::uint64_t from = cc.free_pfn;
    std::uint64_t block = pageblock_start(from);
    std::uint64_t end = std::min(pageblock_end(from), raw(z.end_pfn()));
    unsigned stride = 1;
    for (; block >= lowest; end = block, block -= pageblock_nr_pages, from = block) {
        const bool marked = cc.heeds_marks() && cc.memory->skip[pageblock_of(block)];
        if (marked || !suitable_target(rc, cc, block)) continue;
        const std::uint64_t taken = isolate_freepages_block(rc, cc, from, end, stride);
        if (from == end) {
            cc.memory->skip[pageblock_of(block)] = true;
            cc.memory->cached_free_pfn = std::min(cc.memory->cached_free_pfn, pfn{block});
        }
        if (cc.freepages.size() >= cc.migratepages.size()) {
            if (from >= end) from = block - pageblock_nr_pages;
            break;
        }
        if (from < end) break;
        stride = taken > 0 ? 1 : std::min(widest_stride, stride * 2);
    }
    cc.free_pfn = from;
}

} // namespace pagesim
