// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/direct_reclaim.hpp>

#include <pagesim/reclaim/kswapd.hpp>

#include <algorithm>

namespace pagesim {

bool allow_direct_reclaim(const reclaim_context& rc) {
    if (rc.lru.pgdat.kswapd_failures >= max_reclaim_retries) return true;
    std::uint64_t reserve = 0;
    std::uint64_t free = 0;
    for (const zone& z : rc.home.zones()) {
        if (z.type() > zone_type::normal || zone_reclaimable_pages(rc, z) == 0) continue;
        reserve += z.wmark_pages(wmark_level::min);
        free += z.nr_free_pages();
    }
    if (reserve == 0 || free > reserve / 2) return true;
    if (rc.kswapd.sleeping) {
        rc.kswapd.highest_zoneidx = std::min(rc.kswapd.highest_zoneidx, zone_type::normal);
        rc.kswapd.pending = true;
        rc.kswapd.sleeping = false;
        rc.cpu.wakes.wake_all({.reason = wait_reason::kswapd_work});
    }
    return false;
}

namespace {

constexpr int critical_priority = 3; // kernel: vmpressure_level_critical_prio

void begin(const reclaim_context& rc, direct_reclaim_cursor& c) {
    const gfp_flags asked = c.sc.gfp;
    rc.cpu.charge(rc.cpu.cost.try_to_free_pages);
    c.sc = {};
    c.sc.gfp = asked;
    c.sc.reclaim_idx = gfp_zone(asked);
    rc.cpu.emit(tracepoints::direct_reclaim_begin{.order = 0, .gfp = asked.word()});
    rc.cpu.emit(trace_kind::direct_reclaim_begin, static_cast<std::uint64_t>(c.sc.reclaim_idx));
}

// kernel: consider_reclaim_throttle().
step_result consider_throttle(const reclaim_context& rc, const scan_control& sc) {
    if (sc.nr_reclaimed > sc.nr_scanned / 8) {
        rc.cpu.wakes.wake_all({.reason = wait_reason::throttle_noprogress});
        return step_done;
    }
    if (sc.priority == 1 && sc.nr_reclaimed == 0)
        return reclaim_throttle(rc, wait_reason::throttle_noprogress);
    return step_done;
}

// All priorities were tried: again with deactivation forced, or finished.
step_result end_of_round(const reclaim_context& rc, direct_reclaim_cursor& c) {
    snapshot_refaults(rc);
    if (c.sc.nr_reclaimed == 0 && c.sc.skipped_deactivate) {
        c.sc.priority = def_priority;
        c.sc.force_deactivate = true;
        c.sc.skipped_deactivate = false;
        c.at = direct_reclaim_cursor::phase::round;
        return step_again;
    }
    c.result = c.sc.nr_reclaimed;
    rc.cpu.emit(trace_kind::direct_reclaim_end, c.result);
    rc.cpu.emit(tracepoints::direct_reclaim_end{.nr_reclaimed = c.result});
    return step_done;
}

// kernel: throttle_direct_reclaim(). done: reclaim, or, if the task was killed in its sleep, c.result says one.
step_result throttle_direct_reclaim(const reclaim_context& rc, direct_reclaim_cursor& c) {
    using phase = direct_reclaim_cursor::phase;
    if (rc.cpu.fatal_signal_pending()) {
        if (c.at == phase::throttled) c.result = 1;
        return step_done;
    }
    if (allow_direct_reclaim(rc)) return step_done;
    if (c.at == phase::begin) rc.cpu.count(vm_item::pgscan_direct_throttle);
    c.at = phase::throttled;
    return killable(sleep_on({.reason = wait_reason::pfmemalloc}));
}

} // namespace

step_result try_to_free_pages(const reclaim_context& rc, direct_reclaim_cursor& c) {
    using phase = direct_reclaim_cursor::phase;
    if (c.at == phase::begin || c.at == phase::throttled) {
        const step_result r = throttle_direct_reclaim(rc, c);
        if (!r.done() || c.result > 0) return r;
        begin(rc, c);
        c.at = phase::round;
    }
    if (c.at == phase::round) {
        rc.cpu.count(allocstall_item(static_cast<unsigned>(c.sc.reclaim_idx)));
        c.at = phase::priority;
    }
    if (c.at == phase::priority) {
        if (c.sc.priority <= critical_priority) vmpressure(rc, c.sc.gfp, vmpressure_window);
        c.sc.nr_scanned = 0;
        c.node = {};
        c.at = phase::shrinking;
    }
    const step_result r = shrink_node(rc, c.sc, c.node);
    if (!r.done()) return r;
    const step_result wait = consider_throttle(rc, c.sc);
    const bool enough = c.sc.nr_reclaimed >= c.sc.nr_to_reclaim;
    if (c.sc.priority < def_priority - 2) c.sc.may.set(scan_permission::writepage);
    if (enough || --c.sc.priority < 0) return end_of_round(rc, c);
    c.at = phase::priority;
    return wait.done() ? step_again : wait;
}

} // namespace pagesim
