// SPDX-License-Identifier: MIT
#include <pagesim/compaction/kcompactd.hpp>

#include <pagesim/memory/fragmentation.hpp>

namespace pagesim {

namespace {

constexpr std::uint64_t check_interval = 125; // jiffies; kernel: HPAGE_FRAG_CHECK_INTERVAL_MSEC, 500 ms
constexpr unsigned turns_after_failure = 1U << compact_max_defer_shift;

step_result go_to_sleep(const reclaim_context& rc, kcompactd_cursor& c) {
    c.at = kcompactd_cursor::phase::asleep;
    rc.kcompactd.sleeping = true;
    constexpr wait_channel channel{.reason = wait_reason::kcompactd_work};
    const bool unasked =
        rc.profile.proactive != proactive_compaction::absent &&
        (rc.config.compaction_proactiveness > 0 || rc.profile.proactive == proactive_compaction::skips_turns);
    if (!unasked) return sleep_on(channel);
    return sleep_until(timer_expiry(rc.cpu.clock.now(), std::exchange(c.timeout, check_interval)), channel);
}

void begin_zone(const reclaim_context& rc, kcompactd_cursor& c, unsigned order) {
    zone& z = rc.home.zones()[c.next_zone];
    c.cc = {};
    c.cc.where = &z;
    c.cc.memory = &c.zones[c.next_zone];
    c.cc.order = order;
    c.cc.highest_zoneidx = c.highest_zoneidx;
    c.compacting = true;
}

// kernel: the end of kcompactd_do_work() for a zone.
void end_zone(const reclaim_context& rc, kcompactd_cursor& c) {
    zone_compaction& memory = c.zones[c.next_zone];
    switch (c.cc.result) {
    case compact_result::success: memory.succeeded(c.order); break;
    case compact_result::partial_skipped:
    case compact_result::complete:
        rc.home.zones()[c.next_zone].drain_pcp();
        memory.defer(c.order);
        break;
    case compact_result::skipped:
    case compact_result::contended: break;
    }
    rc.cpu.count(vm_item::compact_daemon_migrate_scanned,
                 static_cast<std::int64_t>(c.cc.total_migrate_scanned));
    rc.cpu.count(vm_item::compact_daemon_free_scanned, static_cast<std::int64_t>(c.cc.total_free_scanned));
}

bool zone_wants_work(const reclaim_context& rc, kcompactd_cursor& c) {
    const zone& z = rc.home.zones()[c.next_zone];
    if (z.type() > c.highest_zoneidx || c.zones[c.next_zone].deferred(c.order)) return false;
    const page_order order{static_cast<std::uint8_t>(c.order)};
    return compaction_suitable(z, order, z.type()) == compaction_suitability::suitable;
}

// kernel: kcompactd_do_work().
step_result work(const reclaim_context& rc, movable_pages& others, kcompactd_cursor& c) {
    for (; c.next_zone < c.zones.size(); ++c.next_zone) {
        if (!c.compacting) {
            if (!zone_wants_work(rc, c)) continue;
            begin_zone(rc, c, c.order);
        }
        const step_result r = compact_zone(rc, others, c.cc);
        if (!r.done()) return r;
        end_zone(rc, c);
        c.compacting = false;
    }
    if (rc.kcompactd.order <= c.order) rc.kcompactd.order = 0;
    if (rc.kcompactd.highest_zoneidx >= c.highest_zoneidx) rc.kcompactd.highest_zoneidx = zone_type::movable;
    c.at = kcompactd_cursor::phase::looking;
    return step_again;
}

// kernel: proactive_compact_node().
step_result compact_unasked(const reclaim_context& rc, movable_pages& others, kcompactd_cursor& c) {
    for (; c.next_zone < c.zones.size(); ++c.next_zone) {
        if (!c.compacting) begin_zone(rc, c, compact_control::any_order);
        const step_result r = compact_zone(rc, others, c.cc);
        if (!r.done()) return r;
        c.compacting = false;
    }
    if (fragmentation_score_node(rc.home) >= c.score_before) {
        if (rc.profile.proactive == proactive_compaction::skips_turns) {
            c.turns_to_skip = turns_after_failure;
        } else {
            c.timeout = check_interval * turns_after_failure;
        }
    }
    c.at = kcompactd_cursor::phase::looking;
    return step_again;
}

// kernel: should_proactive_compact_node().
bool should_compact_unasked(const reclaim_context& rc) {
    const unsigned proactiveness = rc.config.compaction_proactiveness;
    return proactiveness > 0 && rc.kswapd.sleeping &&
           fragmentation_score_node(rc.home) > fragmentation_score_high(proactiveness);
}

bool begin_work(const reclaim_context& rc, kcompactd_cursor& c) {
    if (rc.kcompactd.order == 0) return false;
    rc.cpu.count(vm_item::compact_daemon_wake);
    c.order = rc.kcompactd.order;
    c.highest_zoneidx = rc.kcompactd.highest_zoneidx;
    c.next_zone = 0;
    c.at = kcompactd_cursor::phase::working;
    return true;
}

// The timer went off and nobody asked.
bool begin_unasked(const reclaim_context& rc, kcompactd_cursor& c) {
    if (rc.profile.proactive == proactive_compaction::absent || !should_compact_unasked(rc)) return false;
    if (c.turns_to_skip > 0) {
        --c.turns_to_skip;
        return false;
    }
    c.score_before = fragmentation_score_node(rc.home);
    c.next_zone = 0;
    c.at = kcompactd_cursor::phase::proactive;
    return true;
}

} // namespace

kcompactd_cursor::kcompactd_cursor(const node& home) : timeout{check_interval} {
    for (const zone& z : home.zones()) zones.emplace_back(z);
}

step_result kcompactd_step(const reclaim_context& rc, movable_pages& others, kcompactd_cursor& c) {
    using phase = kcompactd_cursor::phase;
    if (c.at == phase::asleep) { // woken, or the timer went off
        rc.kcompactd.sleeping = false;
        rc.cpu.charge(rc.cpu.cost.kcompactd_turn);
        if (!begin_work(rc, c) && !begin_unasked(rc, c)) return go_to_sleep(rc, c);
    }
    switch (c.at) {
    case phase::working: return work(rc, others, c);
    case phase::proactive: return compact_unasked(rc, others, c);
    case phase::asleep:
    case phase::looking: break;
    }
    // Asked again while it worked?
    return begin_work(rc, c) ? step_again : go_to_sleep(rc, c);
}

} // namespace pagesim
