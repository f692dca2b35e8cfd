// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/kswapd.hpp>

#include <pagesim/memory/fragmentation.hpp>
#include <pagesim/reclaim/direct_reclaim.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t nap_jiffies = 25; // HZ / 10
constexpr int lowest_boost_priority = def_priority - 2;
constexpr int write_below_priority = def_priority - 2;

bool watermark_boosted(const reclaim_context& rc, zone_type highest) {
    for (const zone& z : rc.home.zones()) {
        if (z.type() <= highest && z.watermark_boost() != 0) return true;
    }
    return false;
}

} // namespace

bool pgdat_balanced(const reclaim_context& rc, unsigned order, zone_type highest) {
    bool managed = false;
    for (const zone& z : rc.home.zones()) {
        if (z.type() > highest || z.managed().value == 0) continue;
        managed = true;
        const auto o = page_order{static_cast<std::uint8_t>(order)};
        if (z.zone_watermark_ok(o, z.wmark_pages(wmark_level::high), highest)) return true;
    }
    return !managed;
}

void wakeup_kcompactd(const reclaim_context& rc, unsigned order, zone_type highest_zoneidx) {
    if (order == 0) return;
    kcompactd_request& request = rc.kcompactd;
    request.order = std::max(request.order, order);
    request.highest_zoneidx = std::min(request.highest_zoneidx, highest_zoneidx);
    if (!request.sleeping) return;
    const auto wanted = page_order{static_cast<std::uint8_t>(request.order)};
    const auto suits = [&](const zone& z) {
        return z.type() <= request.highest_zoneidx &&
               compaction_suitable(z, wanted, request.highest_zoneidx) == compaction_suitability::suitable;
    };
    if (std::ranges::none_of(rc.home.zones(), suits)) return;
    request.sleeping = false;
    rc.cpu.charge(rc.cpu.cost.wake_up);
    rc.cpu.wakes.wake_all({.reason = wait_reason::kcompactd_work});
}

void wakeup_kswapd(const reclaim_context& rc, unsigned order, zone_type highest_zoneidx, gfp_flags gfp) {
    kswapd_request& request = rc.kswapd;
    if (!request.pending || request.highest_zoneidx < highest_zoneidx)
        request.highest_zoneidx = highest_zoneidx;
    request.pending = true;
    request.order = std::max(request.order, order);
    if (!request.sleeping) return;
    const bool hopeless = rc.lru.pgdat.kswapd_failures >= max_reclaim_retries;
    if (hopeless || (pgdat_balanced(rc, order, highest_zoneidx) && !watermark_boosted(rc, highest_zoneidx))) {
        // Enough may be free, but too scattered.
        if (!gfp.has(gfp_flag::direct_reclaim)) wakeup_kcompactd(rc, order, highest_zoneidx);
        return;
    }
    request.sleeping = false;
    rc.cpu.charge(rc.cpu.cost.wake_up);
    rc.cpu.emit(tracepoints::wakeup_kswapd{
        .order = order, .gfp = gfp.word(), .zone = static_cast<unsigned>(highest_zoneidx)});
    rc.cpu.emit(trace_kind::kswapd_wake, order, static_cast<std::uint64_t>(highest_zoneidx));
    rc.cpu.wakes.wake_all({.reason = wait_reason::kswapd_work});
}

namespace {

void begin_balance(const reclaim_context& rc, balance_cursor& c, zone_type highest) {
    rc.cpu.charge(rc.cpu.cost.balance_pgdat);
    rc.cpu.count(vm_item::pageoutrun);
    c = {};
    c.sc.gfp = gfp::kernel;
    c.sc.who = reclaimer::kswapd;
    for (const zone& z : rc.home.zones()) {
        if (z.type() > highest) continue;
        c.zone_boosts[static_cast<unsigned>(z.type())] = z.watermark_boost();
        c.nr_boost_reclaim += z.watermark_boost();
    }
    c.boosted = c.nr_boost_reclaim != 0;
    for (zone& z : rc.home.zones()) {
        if (z.type() <= highest) z.set_reclaim_active(zone_reclaim::active);
    }
}

// One priority round begins; false if there is nothing (more) to do.
bool begin_round(const reclaim_context& rc, balance_cursor& c, unsigned order, zone_type highest) {
    scan_control& sc = c.sc;
    rc.cpu.charge(rc.cpu.cost.balance_round);
    sc.reclaim_idx = highest;
    c.raise_priority = true;
    c.reclaimed_before = sc.nr_reclaimed;
    const bool balanced = pgdat_balanced(rc, order, highest);
    if (!balanced && c.nr_boost_reclaim != 0) {
        c.nr_boost_reclaim = 0; // there is real work: start over without the limits of a boost
        sc.priority = def_priority;
    }
    if (balanced && c.nr_boost_reclaim == 0) return false;
    const bool boosting = c.nr_boost_reclaim != 0;
    if (boosting && sc.priority == lowest_boost_priority) c.raise_priority = false;
    sc.may = scan_permission::unmap;
    if (!boosting) {
        sc.may.set(scan_permission::writepage);
        sc.may.set(scan_permission::swap);
    }
    // kernel: kswapd_age_node().
    if (rc.swap.total_swap_pages() > 0 && inactive_is_low(rc.lru, lru_type::anon)) {
        shrink_active_list(rc, sc, swap_cluster_max, lru_type::anon);
    }
    if (sc.priority < write_below_priority) sc.may.set(scan_permission::writepage);
    sc.nr_scanned = 0;
    sc.nr_to_reclaim = 0;
    for (const zone& z : rc.home.zones()) {
        if (z.type() > highest || z.managed().value == 0) continue;
        sc.nr_to_reclaim += std::max<std::uint64_t>(z.wmark_pages(wmark_level::high), swap_cluster_max);
    }
    c.node = {};
    return true;
}

// Whether another, harder round follows.
bool end_round(const reclaim_context& rc, balance_cursor& c) {
    scan_control& sc = c.sc;
    if (sc.nr_scanned >= sc.nr_to_reclaim) c.raise_priority = false;
    if (rc.cpu.wakes.anyone_waits(wait_reason::pfmemalloc) && allow_direct_reclaim(rc)) {
        rc.cpu.wakes.wake_all({.reason = wait_reason::pfmemalloc});
    }
    const std::uint64_t reclaimed = sc.nr_reclaimed - c.reclaimed_before;
    const bool boosting = c.nr_boost_reclaim != 0;
    c.nr_boost_reclaim -= std::min(c.nr_boost_reclaim, reclaimed);
    if (boosting && c.nr_boost_reclaim != 0 && reclaimed == 0) return false;
    if (c.raise_priority || reclaimed == 0) --sc.priority;
    return sc.priority >= 1;
}

void finish_balance(const reclaim_context& rc, balance_cursor& c, zone_type highest) {
    for (zone& z : rc.home.zones()) {
        if (z.type() > highest) continue;
        z.set_reclaim_active(zone_reclaim::idle);
        if (c.boosted) z.reduce_watermark_boost(c.zone_boosts[static_cast<unsigned>(z.type())]);
    }
    if (c.boosted) wakeup_kcompactd(rc, pageblock_order, highest);
    snapshot_refaults(rc);
    c.at = balance_cursor::phase::begin;
}

} // namespace

step_result balance_pgdat(const reclaim_context& rc, balance_cursor& c, unsigned order, zone_type highest) {
    using phase = balance_cursor::phase;
    if (c.at == phase::begin) {
        begin_balance(rc, c, highest);
        c.at = phase::round;
    }
    if (c.at == phase::round) {
        if (!begin_round(rc, c, order, highest)) {
            finish_balance(rc, c, highest);
            return step_done;
        }
        c.at = phase::shrinking;
    }
    const step_result r = shrink_node(rc, c.sc, c.node);
    if (!r.done()) return r;
    if (end_round(rc, c)) {
        c.at = phase::round;
        return step_again;
    }
    if (c.sc.nr_reclaimed == 0) ++rc.lru.pgdat.kswapd_failures;
    finish_balance(rc, c, highest);
    return step_done;
}

namespace {

// kernel: prepare_kswapd_sleep().
bool may_sleep(const reclaim_context& rc, const kswapd_cursor& c) {
    rc.cpu.wakes.wake_all({.reason = wait_reason::pfmemalloc});
    if (rc.lru.pgdat.kswapd_failures >= max_reclaim_retries) return true;
    if (!pgdat_balanced(rc, c.alloc_order, c.highest_zoneidx)) return false;
    rc.lru.congested = false;
    rc.lru.pgdat.dirty = false;
    rc.lru.pgdat.writeback = false;
    return true;
}

// The requested zone index, or the last one if nothing was requested.
void read_request(const reclaim_context& rc, kswapd_cursor& c) {
    c.alloc_order = rc.kswapd.order;
    if (rc.kswapd.pending) c.highest_zoneidx = rc.kswapd.highest_zoneidx;
}

step_result go_to_sleep(const reclaim_context& rc, kswapd_cursor& c) {
    read_request(rc, c);
    if (!may_sleep(rc, c)) {
        rc.cpu.count(vm_item::kswapd_high_wmark_hit_quickly);
        c.at = kswapd_cursor::phase::balance;
        return step_again;
    }
    rc.cpu.charge(rc.cpu.cost.kswapd_sleep_wake);
    wakeup_kcompactd(rc, c.alloc_order, c.highest_zoneidx);
    rc.kswapd.sleeping = true;
    rc.cpu.emit(trace_kind::kswapd_sleep);
    c.at = kswapd_cursor::phase::short_sleep;
    c.nap_ends = timeout_in_jiffies(rc.cpu.clock.now(), nap_jiffies);
    return sleep_until(c.nap_ends, {.reason = wait_reason::kswapd_work});
}

// The nap is over: woken early, or time to sleep for good if nothing changed.
step_result after_nap(const reclaim_context& rc, kswapd_cursor& c) {
    const bool woken_early = !rc.kswapd.sleeping;
    if (woken_early) {
        if (!rc.kswapd.pending) rc.kswapd.highest_zoneidx = c.highest_zoneidx;
        rc.kswapd.pending = true;
        rc.kswapd.order = std::max(rc.kswapd.order, c.alloc_order);
        rc.cpu.count(vm_item::kswapd_low_wmark_hit_quickly);
    } else if (may_sleep(rc, c)) {
        c.at = kswapd_cursor::phase::long_sleep;
        rc.cpu.emit(tracepoints::kswapd_sleep{});
        return sleep_on({.reason = wait_reason::kswapd_work});
    } else {
        rc.cpu.count(vm_item::kswapd_high_wmark_hit_quickly);
    }
    rc.kswapd.sleeping = false;
    c.at = kswapd_cursor::phase::balance;
    return step_again;
}

} // namespace

step_result kswapd_step(const reclaim_context& rc, kswapd_cursor& c) {
    using phase = kswapd_cursor::phase;
    switch (c.at) {
    case phase::try_to_sleep: return go_to_sleep(rc, c);
    case phase::short_sleep: return after_nap(rc, c);
    case phase::long_sleep:
        rc.kswapd.sleeping = false;
        c.at = phase::balance;
        return step_again;
    case phase::balance: break;
    }
    if (c.balance.at == balance_cursor::phase::begin) {
        read_request(rc, c);
        rc.kswapd.order = 0;
        rc.kswapd.pending = false;
        rc.cpu.emit(tracepoints::kswapd_wake{.order = c.alloc_order,
                                             .zone = static_cast<unsigned>(c.highest_zoneidx)});
    }
    const step_result r = balance_pgdat(rc, c.balance, c.alloc_order, c.highest_zoneidx);
    if (!r.done()) return r;
    c.at = phase::try_to_sleep;
    return step_again;
}

} // namespace pagesim
