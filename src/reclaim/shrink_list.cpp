// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/shrink_list.hpp>

#include <pagesim/reclaim/shrink_node.hpp>

namespace pagesim {

namespace {

scan_type scan_type_of(lru_type t) { return t == lru_type::anon ? scan_type::anon : scan_type::file; }

void account_isolated(const reclaim_context& rc, lru_type t, std::int64_t n) {
    rc.lru.isolated[static_cast<unsigned>(t)] += static_cast<std::uint64_t>(n);
    rc.cpu.count(isolated_item(t), n);
}

isolation isolate(const reclaim_context& rc, const scan_control& sc, lru_list list, unsigned n) {
    const unmap_permission unmap =
        sc.may.has(scan_permission::unmap) ? unmap_permission::allowed : unmap_permission::forbidden;
    isolation taken;
    isolate_lru_pages(rc.cpu, rc.lru, list, n, sc.reclaim_idx, unmap, taken);
    account_isolated(rc, type_of(list), taken.taken.size);
    rc.cpu.emit(trace_kind::isolate, taken.nr_scanned, taken.taken.size);
    for (unsigned i = 0; i < taken.taken.size; ++i) {
        rc.map.prefetch_descriptor(*taken.taken.pages[i]);
        rc.swap.prefetch_slot(*taken.taken.pages[i]);
    }
    return taken;
}

// The references are cleared, and make no difference but to executable file pages.
bool stays_active(const reclaim_context& rc, page& p) {
    const references found = rc.map.page_referenced(p, caller_lock::not_held);
    return found.ranges > 0 && found.flags.has(vm_flag::exec) && page_lru_type(p) == lru_type::file;
}

void deactivate(const reclaim_context& rc, page& p) {
    p.clear(page_flag::active);
    p.set(page_flag::workingset);
    rc.cpu.emit(trace_kind::deactivate, raw(rc.home.frames().pfn_of(p)));
}

} // namespace

void shrink_active_list(const reclaim_context& rc, scan_control& sc, unsigned n, lru_type type) {
    rc.batches.lru_add_drain();
    rc.cpu.charge(rc.cpu.cost.shrink_active_list);
    const isolation taken = isolate(rc, sc, active_list(type), n);
    rc.cpu.count(vm_item::pgrefill, static_cast<std::int64_t>(taken.nr_scanned));

    std::int64_t deactivated = 0;
    std::uint64_t rotated = 0;
    for (unsigned i = 0; i < taken.taken.size; ++i) {
        page& p = *taken.taken.pages[i];
        if (type == lru_type::anon || p.mapped()) rc.cpu.charge(rc.cpu.cost.deactivate_page);
        const bool stays = page_evictable(p) && stays_active(rc, p);
        if (page_evictable(p) && !stays) deactivate(rc, p);
        rotated += stays ? 1U : 0U;
        if (putback_page(rc.cpu, rc.lru, rc.batches, p) == putback_result::linked && !stays) ++deactivated;
    }
    rc.cpu.count(vm_item::pgdeactivate, deactivated);
    rc.cpu.emit(tracepoints::lru_shrink_active{.nr_taken = taken.taken.size,
                                               .nr_active = rotated,
                                               .nr_deactivated = static_cast<std::uint64_t>(deactivated),
                                               .nr_referenced = rotated,
                                               .priority = sc.priority,
                                               .file = type == lru_type::file});
    account_isolated(rc, type, -static_cast<std::int64_t>(taken.taken.size));
}

bool too_many_isolated(const reclaim_context& rc, const scan_control& sc, lru_type type) {
    if (sc.by_kswapd()) return false;
    std::uint64_t inactive = rc.lru.size(inactive_list(type));
    if (sc.gfp.has(gfp_flag::io) && sc.gfp.has(gfp_flag::fs)) inactive >>= 3U;
    return rc.lru.isolated[static_cast<unsigned>(type)] > inactive;
}

namespace {

// Counts, and hands the isolated pages to the cursor; false if there were none.
bool begin(const reclaim_context& rc, const scan_control& sc, shrink_inactive_cursor& c, unsigned n,
           lru_type type) {
    rc.batches.lru_add_drain();
    const isolation taken = isolate(rc, sc, inactive_list(type), n);
    const auto scanned = static_cast<std::int64_t>(taken.nr_scanned);
    rc.cpu.count(sc.by_kswapd() ? vm_item::pgscan_kswapd : vm_item::pgscan_direct, scanned);
    rc.cpu.count(type == lru_type::anon ? vm_item::pgscan_anon : vm_item::pgscan_file, scanned);
    c.nr_taken = taken.taken.size;
    c.nr_scanned = taken.nr_scanned;
    c.pages.input = taken.taken;
    return c.nr_taken > 0;
}

void finish(const reclaim_context& rc, scan_control& sc, shrink_inactive_cursor& c, lru_type type) {
    const reclaim_stat& stat = c.pages.stat;
    for (unsigned i = 0; i < c.pages.kept.size; ++i) {
        static_cast<void>(putback_page(rc.cpu, rc.lru, rc.batches, *c.pages.kept.pages[i]));
    }
    account_isolated(rc, type, -static_cast<std::int64_t>(c.nr_taken));
    c.nr_reclaimed = c.pages.nr_reclaimed();
    const auto reclaimed = static_cast<std::int64_t>(c.nr_reclaimed);
    rc.cpu.count(sc.by_kswapd() ? vm_item::pgsteal_kswapd : vm_item::pgsteal_direct, reclaimed);
    rc.cpu.count(type == lru_type::anon ? vm_item::pgsteal_anon : vm_item::pgsteal_file, reclaimed);
    rc.lru.note_cost(type, stat.nr_pageout);
    if (stat.nr_unqueued_dirty == c.nr_taken && rc.flusher != nullptr) {
        rc.flusher->wakeup_flusher_threads(wb_reason::vmscan);
    }

    sc.nr.dirty += stat.nr_dirty;
    sc.nr.congested += stat.nr_congested;
    sc.nr.unqueued_dirty += stat.nr_unqueued_dirty;
    sc.nr.writeback += stat.nr_writeback;
    sc.nr.immediate += stat.nr_immediate;
    sc.nr.taken += c.nr_taken;
    if (type == lru_type::file) sc.nr.file_taken += c.nr_taken;
    rc.cpu.emit(tracepoints::lru_shrink_inactive{.nr_scanned = c.nr_scanned,
                                                 .nr_reclaimed = c.nr_reclaimed,
                                                 .nr_dirty = stat.nr_dirty,
                                                 .nr_writeback = stat.nr_writeback,
                                                 .nr_congested = stat.nr_congested,
                                                 .nr_immediate = stat.nr_immediate,
                                                 .nr_activate = stat.nr_activate,
                                                 .nr_ref_keep = stat.nr_ref_keep,
                                                 .nr_unmap_fail = stat.nr_unmap_fail,
                                                 .priority = sc.priority,
                                                 .file = type == lru_type::file});
}

} // namespace

step_result shrink_inactive_list(const reclaim_context& rc, scan_control& sc, shrink_inactive_cursor& c,
                                 unsigned n, lru_type type, io_plug& plug) {
    if (c.at == shrink_inactive_cursor::phase::begin) {
        if (c.waited_for_isolated && rc.cpu.fatal_signal_pending()) {
            c.nr_reclaimed = swap_cluster_max; // about to die and free its memory: no more of this
            return step_done;
        }
        if (too_many_isolated(rc, sc, type)) {
            if (c.waited_for_isolated) return step_done;
            c.waited_for_isolated = true;
            return reclaim_throttle(rc, wait_reason::throttle_isolated);
        }
        if (rc.cpu.wakes.anyone_waits(wait_reason::throttle_isolated)) {
            rc.cpu.wakes.wake_all({.reason = wait_reason::throttle_isolated});
        }
        if (!begin(rc, sc, c, n, type)) return step_done;
        c.at = shrink_inactive_cursor::phase::judging;
    }
    const step_result r = shrink_page_list(rc, sc, c.pages, plug);
    if (!r.done()) return r;
    finish(rc, sc, c, type);
    return step_done;
}

step_result shrink_list(const reclaim_context& rc, scan_control& sc, shrink_list_cursor& c, io_plug& plug) {
    const lru_type type = type_of(c.list);
    if (!is_active(c.list)) return shrink_inactive_list(rc, sc, c.inactive, c.n, type, plug);
    if (sc.may_deactivate.has(scan_type_of(type))) {
        shrink_active_list(rc, sc, c.n, type);
    } else {
        sc.skipped_deactivate = true;
    }
    return step_done;
}

} // namespace pagesim
