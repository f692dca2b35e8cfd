// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/shrink_node.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

constexpr unsigned anon_inactive = index_of(lru_list::inactive_anon);
constexpr unsigned anon_active = index_of(lru_list::active_anon);
constexpr unsigned file_inactive = index_of(lru_list::inactive_file);
constexpr unsigned file_active = index_of(lru_list::active_file);

void begin_lruvec(const reclaim_context& rc, const scan_control& sc, shrink_lruvec_cursor& c) {
    rc.cpu.charge(rc.cpu.cost.shrink_lruvec);
    c.nr = get_scan_count(rc, sc);
    c.targets = c.nr;
    c.proportional = !sc.by_kswapd() && sc.priority == def_priority;
    c.list = nr_evictable_lists; // a round begins
    c.at = shrink_lruvec_cursor::phase::next_list;
}

// Cuts the type with more left to scan to the share that the other one has had; false if nothing is left to
// cut.
bool adjust_targets(shrink_lruvec_cursor& c) {
    const std::uint64_t file = c.nr[file_inactive] + c.nr[file_active];
    const std::uint64_t anon = c.nr[anon_inactive] + c.nr[anon_active];
    if (file == 0 || anon == 0) return false;
    const bool anon_is_smaller = file > anon;
    const unsigned small = anon_is_smaller ? anon_inactive : file_inactive;
    const unsigned large = anon_is_smaller ? file_inactive : anon_inactive;
    const std::uint64_t target = c.targets[small] + c.targets[small + 1] + 1;
    const std::uint64_t percentage = (anon_is_smaller ? anon : file) * 100 / target;
    c.nr[small] = 0;
    c.nr[small + 1] = 0;
    for (const unsigned l : {large, large + 1}) {
        const std::uint64_t done = c.targets[l] - c.nr[l];
        const std::uint64_t left = c.targets[l] * (100 - percentage) / 100;
        c.nr[l] = left - std::min(left, done);
    }
    return true;
}

// After a round over the four lists: go on?
bool another_round(const reclaim_context& rc, const scan_control& sc, shrink_lruvec_cursor& c) {
    const bool enough = c.nr_reclaimed >= sc.nr_to_reclaim;
    const bool to_the_end =
        c.proportional || (c.adjusted && rc.profile.stop == proportional_stop::scans_remainder);
    if (enough && !to_the_end) {
        if (!adjust_targets(c)) return false;
        c.adjusted = true;
    }
    return true;
}

bool work_left(const shrink_lruvec_cursor& c) {
    return c.nr[anon_inactive] > 0 || c.nr[file_active] > 0 || c.nr[file_inactive] > 0;
}

void finish_lruvec(const reclaim_context& rc, scan_control& sc, shrink_lruvec_cursor& c) {
    if (rc.io != nullptr) rc.io->flush(c.plug);
    sc.nr_reclaimed += c.nr_reclaimed;
    if (rc.swap.total_swap_pages() > 0 && inactive_is_low(rc.lru, lru_type::anon)) {
        shrink_active_list(rc, sc, swap_cluster_max, lru_type::anon);
    }
}

} // namespace

step_result shrink_lruvec(const reclaim_context& rc, scan_control& sc, shrink_lruvec_cursor& c) {
    using phase = shrink_lruvec_cursor::phase;
    if (c.at == phase::begin) begin_lruvec(rc, sc, c);
    for (;;) {
        if (c.at == phase::next_list) {
            if (c.list == nr_evictable_lists) {
                if (!work_left(c)) break;
                c.list = 0;
            }
            if (c.nr[c.list] > 0) {
                const auto n = static_cast<unsigned>(std::min<std::uint64_t>(c.nr[c.list], swap_cluster_max));
                c.nr[c.list] -= n;
                c.current = {.list = static_cast<lru_list>(c.list), .n = n, .inactive = {}};
                c.at = phase::in_list;
                rc.cpu.charge(rc.cpu.cost.shrink_batch);
            }
        }
        if (c.at == phase::in_list) {
            const step_result r = shrink_list(rc, sc, c.current, c.plug);
            if (!r.done()) {
                if (r.kind == step_kind::sleep && rc.io != nullptr) rc.io->flush(c.plug);
                return r;
            }
            c.nr_reclaimed += c.current.inactive.nr_reclaimed;
            c.at = phase::next_list;
        }
        if (++c.list == nr_evictable_lists && !another_round(rc, sc, c)) break;
        if (rc.cpu.should_yield()) return step_again;
    }
    finish_lruvec(rc, sc, c);
    return step_done;
}

namespace {

bool skip_throttle_noprogress(const reclaim_context& rc) {
    constexpr unsigned max_reclaim_retries = 16;
    if (rc.lru.pgdat.kswapd_failures >= max_reclaim_retries) return true;
    std::uint64_t reclaimable = 0;
    for (const zone& z : rc.home.zones()) reclaimable += zone_reclaimable_pages(rc, z);
    return 2 * rc.cpu.stat[vm_item::nr_zone_write_pending] <= reclaimable;
}

// What the round met, and whether whoever reclaims must now wait.
step_result after_lruvec(const reclaim_context& rc, scan_control& sc, const shrink_node_cursor& c) {
    rc.cpu.charge(rc.cpu.cost.shrink_node);
    vmpressure(rc, sc.gfp, sc.nr_scanned - c.scanned_before);
    if (sc.nr_reclaimed > c.reclaimed_before) rc.lru.pgdat.kswapd_failures = 0;
    pgdat_state& pgdat = rc.lru.pgdat;
    step_result wait = step_done;
    if (sc.by_kswapd()) {
        if (sc.nr.writeback != 0 && sc.nr.writeback == sc.nr.taken) pgdat.writeback = true;
        if (sc.nr.unqueued_dirty == sc.nr.file_taken) pgdat.dirty = true;
        if (sc.nr.immediate != 0) wait = reclaim_throttle(rc, wait_reason::throttle_writeback);
        if (sc.nr.dirty != 0 && sc.nr.dirty == sc.nr.congested) rc.lru.congested = true;
    } else if (rc.lru.congested) {
        wait = reclaim_throttle(rc, wait_reason::throttle_congested);
    }
    return wait;
}

} // namespace

void vmpressure(const reclaim_context& rc, gfp_flags gfp, std::uint64_t scanned) {
    if (rc.profile.vmpressure == vmpressure_rule::is_off || scanned == 0) return;
    if (!gfp.has(gfp_flag::highmem) && !gfp.has(gfp_flag::movable) && !gfp.has(gfp_flag::io) &&
        !gfp.has(gfp_flag::fs))
        return;
    std::uint64_t& heard_not = rc.lru.pgdat.tree_scanned;
    heard_not += scanned;
    if (heard_not < vmpressure_window) return;
    if (rc.cpu.wakes.wake_all({.reason = wait_reason::kworker_work}) > 0) rc.cpu.charge(rc.cpu.cost.wake_up);
}

std::uint64_t zone_reclaimable_pages(const reclaim_context& rc, const zone& z) {
    std::uint64_t n = z.nr_zone_lru(file_inactive) + z.nr_zone_lru(file_active);
    if (rc.swap.nr_swap_pages() > 0) n += z.nr_zone_lru(anon_inactive) + z.nr_zone_lru(anon_active);
    if (n == 0 && rc.profile.reclaimable == nothing_reclaimable::is_the_free_pages) return z.nr_free_pages();
    return n;
}

void snapshot_refaults(const reclaim_context& rc) {
    const sim_time now = rc.cpu.clock.now();
    rc.lru.refaults = {rc.lru.visible_activations(lru_type::anon, now),
                       rc.lru.visible_activations(lru_type::file, now)};
}

namespace {

// 5.8. The device is never congested in its own words (blk-mq does not say so), so a sleep lasts to its end.
step_result congestion_wait(const reclaim_context& rc, wait_reason reason) {
    constexpr std::uint64_t tenth_of_a_second = 25;
    switch (reason) {
    case wait_reason::throttle_writeback:
        return sleep_until(timeout_in_jiffies(rc.cpu.clock.now(), tenth_of_a_second),
                           {.reason = wait_reason::congestion});
    case wait_reason::throttle_isolated: // msleep() rounds up by one jiffy
        return sleep_until(timeout_in_jiffies(rc.cpu.clock.now(), tenth_of_a_second + 1),
                           {.reason = wait_reason::congestion});
    default: return step_done;
    }
}

} // namespace

namespace {

constexpr std::uint64_t usec_per_jiffy = 4000;

tracepoints::throttled::why throttle_of(wait_reason reason) {
    using why_throttled = tracepoints::throttled::why;
    switch (reason) {
    case wait_reason::throttle_writeback: return why_throttled::writeback;
    case wait_reason::throttle_isolated: return why_throttled::isolated;
    case wait_reason::throttle_congested: return why_throttled::congested;
    default: return why_throttled::noprogress;
    }
}

} // namespace

step_result reclaim_throttle(const reclaim_context& rc, wait_reason reason) {
    if (rc.profile.throttling == throttle_rule::congestion_wait) return congestion_wait(rc, reason);
    std::uint64_t jiffies = 1;
    switch (reason) {
    case wait_reason::throttle_writeback:
        jiffies = 25;
        if (++rc.lru.pgdat.writeback_waiters == 1) {
            rc.lru.pgdat.throttle_start = rc.cpu.stat[vm_item::nr_throttled_written];
        }
        break;
    case wait_reason::throttle_isolated: jiffies = 5; break;
    default:
        if (skip_throttle_noprogress(rc)) return step_done;
        break;
    }
    rc.cpu.emit(
        tracepoints::throttled{.reason = throttle_of(reason), .usec_timeout = jiffies * usec_per_jiffy});
    return sleep_until(timeout_in_jiffies(rc.cpu.clock.now(), jiffies), {.reason = reason});
}

void finish_writeback_throttle(const reclaim_context& rc) {
    if (rc.profile.throttling == throttle_rule::congestion_wait) return;
    PAGESIM_ASSERT(rc.lru.pgdat.writeback_waiters > 0);
    --rc.lru.pgdat.writeback_waiters;
}

step_result shrink_node(const reclaim_context& rc, scan_control& sc, shrink_node_cursor& c) {
    using phase = shrink_node_cursor::phase;
    PAGESIM_ASSERT(sc.order == 0);
    if (c.at == phase::throttled) {
        if (sc.by_kswapd()) finish_writeback_throttle(rc);
        return step_done;
    }
    if (c.at == phase::begin) {
        sc.nr = {};
        c.reclaimed_before = sc.nr_reclaimed;
        c.scanned_before = sc.nr_scanned;
        prepare_scan_count(rc, sc);
        c.lruvec = {};
        c.at = phase::lruvec;
    }
    const step_result r = shrink_lruvec(rc, sc, c.lruvec);
    if (!r.done()) return r;
    do_shrink_slab(rc.cpu, rc.profile.backlog, rc.shadows, sc.priority);
    if (std::exchange(rc.lru.pgdat.unused_inodes, false)) rc.cpu.call_rcu();
    const step_result wait = after_lruvec(rc, sc, c);
    if (!wait.done()) c.at = phase::throttled;
    return wait;
}

} // namespace pagesim
