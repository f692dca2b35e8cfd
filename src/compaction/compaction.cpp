// SPDX-License-Identifier: MIT
#include <pagesim/compaction/compaction.hpp>

#include "free_scanner.hpp"
#include <pagesim/memory/fragmentation.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

zone_compaction::zone_compaction(const zone& z)
    : cached_migrate_pfn{z.start_pfn()}, cached_free_pfn{pageblock_start(raw(z.end_pfn()) - 1)},
      skip(static_cast<std::size_t>(pageblock_of(raw(z.end_pfn()) - 1) + 1), false) {}

bool zone_compaction::deferred(unsigned order) {
    if (order < order_failed) return false;
    const unsigned limit = 1U << defer_shift;
    if (++considered < limit) return true;
    considered = limit;
    return false;
}

void zone_compaction::defer(unsigned order) {
    considered = 0;
    defer_shift = std::min(defer_shift + 1, compact_max_defer_shift);
    order_failed = std::min(order_failed, order);
}

void zone_compaction::succeeded(unsigned order) { order_failed = std::max(order_failed, order + 1); }

unsigned fragmentation_score_zone(const zone& z) { return extfrag_for_order(z, page_order{pageblock_order}); }

unsigned fragmentation_score_node(const node& home) {
    std::uint64_t present = 0;
    for (const zone& z : home.zones()) present += z.present().value;
    std::uint64_t score = 0;
    for (const zone& z : home.zones())
        score += z.present().value * fragmentation_score_zone(z) / (present + 1);
    return static_cast<unsigned>(score);
}

unsigned fragmentation_score_low(unsigned proactiveness) {
    return std::max(100U - std::min(proactiveness, 100U), 5U);
}

unsigned fragmentation_score_high(unsigned proactiveness) {
    return std::min(fragmentation_score_low(proactiveness) + 10, 100U);
}

namespace {

enum class progress : std::uint8_t { more, ended };

bool scanners_met(const compact_control& cc) {
    return pageblock_of(cc.free_pfn) <= pageblock_of(cc.migrate_pfn);
}

void begin(const reclaim_context& rc, compact_control& cc) {
    const zone& z = *cc.where;
    if (cc.proactive()) {
        cc.whole_zone = true;
        cc.migrate_pfn = raw(z.start_pfn());
        cc.free_pfn = pageblock_start(raw(z.end_pfn()) - 1);
    } else {
        cc.migrate_pfn = raw(cc.memory->cached_migrate_pfn);
        cc.free_pfn = raw(cc.memory->cached_free_pfn);
        if (cc.migrate_pfn >= raw(z.end_pfn())) {
            cc.migrate_pfn = raw(z.start_pfn());
            cc.memory->cached_migrate_pfn = z.start_pfn();
        }
    }
    cc.search_order = cc.order;
    rc.batches.lru_add_drain();
}

// kernel: compact_finished(). `ended`: with cc.result.
progress compact_finished(const reclaim_context& rc, compact_control& cc) {
    const zone& z = *cc.where;
    if (scanners_met(cc)) {
        cc.memory->cached_migrate_pfn = z.start_pfn();
        cc.memory->cached_free_pfn = pfn{pageblock_start(raw(z.end_pfn()) - 1)};
        cc.result = cc.whole_zone ? compact_result::complete : compact_result::partial_skipped;
        return progress::ended;
    }
    if (cc.proactive()) {
        cc.result = compact_result::partial_skipped;
        if (!rc.kswapd.sleeping) return progress::ended;
        cc.result = compact_result::success;
        const bool scattered =
            fragmentation_score_zone(z) > fragmentation_score_low(rc.config.compaction_proactiveness);
        return scattered ? progress::more : progress::ended;
    }
    if (cc.migrate_pfn % pageblock_nr_pages != 0) return progress::more;
    // An unmovable request may take a block of any type.
    cc.result = compact_result::success;
    for (unsigned o = cc.order; o < max_order; ++o) {
        if (z.free_area().free_blocks(page_order{static_cast<std::uint8_t>(o)}) > 0) return progress::ended;
    }
    return progress::more;
}

std::uint64_t reinit_migrate_pfn(compact_control& cc) {
    if (cc.fast_start && !std::exchange(cc.fast_start_used, true)) cc.migrate_pfn = *cc.fast_start;
    return cc.migrate_pfn;
}

// kernel: fast_find_migrateblock(): where to scan next.
std::uint64_t fast_find_migrateblock(const reclaim_context& rc, compact_control& cc) {
    zone& z = *cc.where;
    if (!cc.heeds_marks()) return cc.migrate_pfn;
    const std::uint64_t from = cc.migrate_pfn;
    const std::uint64_t zone_start = raw(z.start_pfn());
    if (from != zone_start && from != pageblock_start(from)) return from;
    if (cc.order <= page_alloc_costly_order) return from;
    std::uint64_t distance = (cc.free_pfn - from) / 2;
    if (from != zone_start) distance /= 4;
    const std::uint64_t high_pfn = pageblock_start(from + distance);
    const unsigned limit = freelist_scan_limit(cc);
    unsigned scanned = 0;
    std::optional<std::uint64_t> found;
    for (unsigned o = cc.order; o-- > page_alloc_costly_order && !found && scanned < limit;) {
        const page_list& list =
            z.free_area().blocks(page_order{static_cast<std::uint8_t>(o)}, migratetype::movable);
        for (page* p = list.empty() ? nullptr : &list.front(); p != nullptr; p = list.towards_back(*p)) {
            if (scanned++ >= limit) {
                if (list.towards_front(*p) != nullptr) z.turn_list_to_back(*p);
                break;
            }
            const std::uint64_t n = number_of(rc, *p);
            if (n >= high_pfn || cc.memory->skip[pageblock_of(n)]) continue;
            if (list.towards_front(*p) != nullptr) z.turn_list_to_back(*p);
            if (!cc.fast_start_used) cc.fast_start = std::min(cc.fast_start.value_or(n), n);
            found = std::max(pageblock_start(n), zone_start);
            cc.fast_search_fail = 0;
            cc.memory->skip[pageblock_of(n)] = true;
            break;
        }
    }
    cc.total_migrate_scanned += scanned;
    if (found) return *found;
    ++cc.fast_search_fail;
    return reinit_migrate_pfn(cc);
}

// kernel: isolate_migratepages() up to the pageblock. False if there is none below the free scanner.
bool choose_pageblock(const reclaim_context& rc, compact_control& cc) {
    rc.cpu.charge(rc.cpu.cost.compact_round);
    const zone& z = *cc.where;
    std::uint64_t low = fast_find_migrateblock(rc, cc);
    bool fast = low != cc.migrate_pfn && cc.fast_search_fail == 0;
    std::uint64_t end = pageblock_end(low);
    for (; end <= cc.free_pfn; end += pageblock_nr_pages) {
        const bool whole = end <= raw(z.end_pfn());
        const bool marked = cc.heeds_marks() && cc.memory->skip[pageblock_of(low)];
        if (whole && (low % pageblock_nr_pages != 0 || fast || !marked)) {
            cc.scan = {};
            cc.scan.at = low;
            cc.scan.end = end;
            cc.migrate_pfn = low;
            return true;
        }
        fast = false;
        low = end;
        cc.migrate_pfn = low;
    }
    return false;
}

void end_scan(const reclaim_context& rc, compact_control& cc) {
    auto& s = cc.scan;
    s.at = std::min(s.at, s.end);
    if (s.at == s.end && (s.taken == 0 || cc.rescan)) {
        if (s.block && !s.mark_looked_at) cc.memory->skip[pageblock_of(*s.block)] = true;
        const pfn next{pageblock_end(s.at)};
        cc.memory->cached_migrate_pfn = std::max(cc.memory->cached_migrate_pfn, next);
    }
    cc.total_migrate_scanned += s.scanned;
    if (s.taken > 0) rc.cpu.count(vm_item::compact_isolated, s.taken);
    cc.migrate_pfn = s.at;
}

bool can_be_moved(const page& p) {
    if (p.test(page_flag::zsmalloc)) return !p.test(page_flag::locked);
    if (!p.test(page_flag::lru) || p.refcount() == 0) return false;
    const bool in_memory_alone = mapped_from_outside(p) && !p.test(page_flag::swapbacked);
    if (in_memory_alone) return false; // its file system moves none
    const bool in_a_mapping = p.in_file() || p.test(page_flag::swapcache);
    if (!in_a_mapping && !mapped_from_outside(p) && p.refcount() > p.mapcount()) return false; // pinned
    if (p.test(page_flag::writeback)) return false;
    return !p.test(page_flag::dirty) || !p.test(page_flag::locked);
}

// The mark of the pageblock is set with its first page that can be moved. True if it was set already.
bool test_and_set_mark(compact_control& cc, std::uint64_t n) {
    if (!cc.heeds_marks() || n % pageblock_nr_pages != 0) return false;
    const bool was = cc.memory->skip[pageblock_of(n)];
    cc.memory->skip[pageblock_of(n)] = true;
    return was;
}

// kernel: isolate_migratepages_block(), up to the next multiple of 32 pages.
progress scan_some(const reclaim_context& rc, compact_control& cc) {
    auto& s = cc.scan;
    std::uint64_t looked_at = 0;
    unsigned taken = 0;
    bool ended = false;
    do {
        ++looked_at;
        page& p = rc.home.frames()[pfn{s.at}];
        if (!s.block && s.at % pageblock_nr_pages == 0) {
            if (cc.heeds_marks() && cc.memory->skip[pageblock_of(s.at)]) {
                s.at = s.end;
                break;
            }
            s.block = s.at;
        }
        if (p.test(page_flag::buddy)) {
            s.at += 1ULL << p.private_data();
            continue;
        }
        if (can_be_moved(p)) {
            if (p.test(page_flag::lru) && !std::exchange(s.mark_looked_at, true) &&
                test_and_set_mark(cc, s.at)) {
                ended = true;
                break;
            }
            cc.migratepages.push_back(isolate_movable(rc, p));
            ++taken;
            if (cc.migratepages.size() >= compact_cluster_max && !cc.rescan) {
                ++s.at;
                ended = true;
                break;
            }
        }
        ++s.at;
    } while (s.at < s.end && s.at % compact_cluster_max != 0);
    s.scanned += looked_at;
    s.taken += taken;
    rc.cpu.charge(rc.cpu.cost.compact_isolate_page * taken + rc.cpu.cost.compact_scan * (looked_at - taken));
    if (!ended && s.at < s.end) return progress::more;
    end_scan(rc, cc);
    return progress::ended;
}

// kernel: one turn of the inner loop of migrate_pages(). `ended`: no page is left that might still move.
progress migrate_one(const reclaim_context& rc, movable_pages& others, compact_control& cc) {
    constexpr unsigned most_passes = 10; // kernel: NR_MAX_MIGRATE_PAGES_RETRY
    if (cc.next_page == cc.migratepages.size()) {
        ++cc.pass;
        cc.next_page = 0;
        if (cc.migratepages.empty() || cc.pass == most_passes) return progress::ended;
        return progress::more;
    }
    const std::size_t at = cc.migratepages.size() - 1 - cc.next_page;
    const isolated_page isolated = cc.migratepages[at];
    const auto leaves = [&] {
        cc.migratepages.erase(cc.migratepages.begin() + static_cast<std::ptrdiff_t>(at));
    };
    if (isolated.frame->refcount() == 1) { // nobody wants it any more
        putback_movable(rc, isolated);
        ++cc.nr_succeeded;
        leaves();
        return progress::more;
    }
    if (cc.freepages.empty()) isolate_freepages(rc, cc);
    if (cc.freepages.empty()) {
        cc.out_of_free_pages = true; // kernel: -ENOMEM
        return progress::ended;
    }
    page& to = *cc.freepages.back();
    switch (migrate_page(rc, others, *isolated.frame, to)) {
    case migrate_result::moved:
        cc.freepages.pop_back();
        ++cc.nr_succeeded;
        leaves();
        break;
    case migrate_result::busy:
        cc.failed.push_back(isolated);
        leaves();
        break;
    case migrate_result::try_again: ++cc.next_page; break;
    }
    return progress::more;
}

// What did not move goes back. True if free pages ran out while the scanners had not met.
bool end_migration(const reclaim_context& rc, compact_control& cc) {
    // For want of free pages those behind were not tried; the one that found none counts.
    const std::size_t untried = cc.out_of_free_pages ? cc.migratepages.size() - 1 - cc.next_page : 0;
    const std::uint64_t nr_failed = cc.failed.size() + cc.migratepages.size() - untried;
    rc.cpu.count(vm_item::pgmigrate_success, static_cast<std::int64_t>(cc.nr_succeeded));
    rc.cpu.count(vm_item::pgmigrate_fail, static_cast<std::int64_t>(nr_failed));
    for (const isolated_page& p : cc.failed) putback_movable(rc, p);
    for (const isolated_page& p : cc.migratepages) putback_movable(rc, p);
    cc.failed.clear();
    cc.migratepages.clear();
    return cc.out_of_free_pages && !scanners_met(cc);
}

void begin_migration(compact_control& cc) {
    cc.out_of_free_pages = false;
    cc.next_page = 0;
    cc.pass = 0;
    cc.nr_succeeded = 0;
}

// What was freed by moving shall merge, so that success is seen.
void drain_if_block_left(const reclaim_context& rc, compact_control& cc) {
    if (cc.proactive() || !cc.last_migrated) return;
    const std::uint64_t block = cc.migrate_pfn >> cc.order << cc.order;
    if (*cc.last_migrated >= block) return;
    rc.batches.lru_add_drain();
    cc.where->drain_pcp();
    cc.last_migrated.reset();
}

step_result end(const reclaim_context& rc, compact_control& cc) {
    if (!cc.freepages.empty()) {
        std::uint64_t highest = 0;
        for (page* p : cc.freepages) {
            highest = std::max(highest, number_of(rc, *p));
            rc.batches.put_page(*p);
        }
        cc.freepages.clear();
        cc.memory->cached_free_pfn = std::max(cc.memory->cached_free_pfn, pfn{pageblock_start(highest)});
    }
    rc.cpu.count(vm_item::compact_migrate_scanned, static_cast<std::int64_t>(cc.total_migrate_scanned));
    rc.cpu.count(vm_item::compact_free_scanned, static_cast<std::int64_t>(cc.total_free_scanned));
    return step_done;
}

} // namespace

step_result compact_zone(const reclaim_context& rc, movable_pages& others, compact_control& cc) {
    using phase = compact_control::phase;
    if (cc.at == phase::begin) {
        begin(rc, cc);
        cc.at = phase::choosing;
    }
    if (cc.at == phase::choosing) {
        if (compact_finished(rc, cc) == progress::ended) return end(rc, cc);
        cc.iteration_start = cc.migrate_pfn;
        cc.rescan = cc.last_migrated && pageblock_of(*cc.last_migrated) == pageblock_of(cc.iteration_start);
        if (!choose_pageblock(rc, cc)) {
            drain_if_block_left(rc, cc);
            return step_again;
        }
        cc.at = phase::scanning;
    }
    if (cc.at == phase::scanning) {
        if (scan_some(rc, cc) == progress::more) return step_again;
        if (cc.migratepages.empty()) {
            drain_if_block_left(rc, cc);
            cc.at = phase::choosing;
            return step_again;
        }
        cc.last_migrated = cc.iteration_start;
        begin_migration(cc);
        cc.at = phase::migrating;
    }
    if (migrate_one(rc, others, cc) == progress::more) return step_again;
    cc.at = phase::choosing;
    if (end_migration(rc, cc)) {
        cc.result = compact_result::contended;
        return end(rc, cc);
    }
    drain_if_block_left(rc, cc);
    return step_again;
}

} // namespace pagesim
