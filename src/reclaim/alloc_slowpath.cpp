// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/alloc_slowpath.hpp>

namespace pagesim {

namespace {

using phase = alloc_cursor::phase;
constexpr page_order single{0};

// One look at the free lists. A zone that was just boosted has kswapd woken.
page* try_freelist(const reclaim_context& rc, gfp_flags gfp, alloc_mark mark, page_order order = single) {
    const freelist_result got = get_page_from_freelist(rc.home, gfp, order, mark);
    if (got.refilled) rc.cpu.charge(rc.cpu.cost.pcp_refill);
    if (got.boosted) wakeup_kswapd(rc, 0, *got.boosted, {});
    if (got.frame != nullptr) {
        rc.cpu.emit(tracepoints::page_alloc{.pfn = raw(rc.home.frames().pfn_of(*got.frame)),
                                            .order = raw(order),
                                            .gfp = gfp.word(),
                                            .migratetype = static_cast<unsigned>(gfp_migratetype(gfp))});
    }
    return got.frame;
}

void wake_all_kswapds(const reclaim_context& rc, gfp_flags gfp, page_order order = single) {
    if (gfp.has(gfp_flag::kswapd_reclaim)) wakeup_kswapd(rc, raw(order), gfp_zone(gfp), gfp);
}

step_result finish(alloc_cursor& c, page* p, alloc_outcome outcome) {
    c.at = phase::idle;
    c.result = p;
    c.outcome = outcome;
    return step_done;
}

enum class retry : std::uint8_t { no, now, after_congestion };

// 5.8: most of what could be reclaimed is being written, and nothing was freed.
bool writes_block_reclaim(const reclaim_context& rc, const alloc_cursor& c, std::uint64_t reclaimable) {
    if (rc.profile.throttling != throttle_rule::congestion_wait || c.reclaim.result > 0) return false;
    return 2 * rc.cpu.stat[vm_item::nr_zone_write_pending] > reclaimable;
}

// kernel: should_reclaim_retry(). Whether reclaim could still bring the zone above min.
retry should_reclaim_retry(const reclaim_context& rc, alloc_cursor& c) {
    c.no_progress_loops = c.reclaim.result > 0 ? 0 : c.no_progress_loops + 1;
    if (c.no_progress_loops > max_reclaim_retries) return retry::no;
    const zone_type highest = gfp_zone(c.gfp);
    for (const zone& z : rc.home.zones()) {
        if (z.type() > highest) continue;
        const std::uint64_t reclaimable = zone_reclaimable_pages(rc, z);
        const std::uint64_t mark = lowered_mark(z.wmark_pages(wmark_level::min), reserves_of(c.gfp, c.mark));
        const std::uint64_t needed = mark + z.lowmem_reserve(highest);
        if (reclaimable + z.nr_free_pages() <= needed) continue;
        return writes_block_reclaim(rc, c, reclaimable) ? retry::after_congestion : retry::now;
    }
    return retry::no;
}

// How far down the task may look: a victim of the OOM killer into the reserves (kernel: __gfp_pfmemalloc_flags).
alloc_mark mark_of_current(const reclaim_context& rc, gfp_flags gfp) {
    return rc.cpu.oom_victim() && !gfp.has(gfp_flag::nomemalloc) ? alloc_mark::oom : alloc_mark::min;
}

// kernel: __alloc_pages_may_oom(). The lock is never busy: to choose and to kill is one atom.
step_result may_oom(const reclaim_context& rc, alloc_cursor& c) {
    // Somebody may have freed memory meanwhile.
    if (page* p = try_freelist(rc, c.gfp, alloc_mark::high)) return finish(c, p, alloc_outcome::page);
    if (rc.oom == nullptr) return finish(c, nullptr, alloc_outcome::out_of_memory);
    const oom_progress progress = rc.oom->out_of_memory({.gfp = c.gfp});
    const bool had_reserves = c.mark == alloc_mark::oom || c.gfp.has(gfp_flag::nomemalloc);
    if (progress == oom_progress::none || (rc.cpu.oom_victim() && had_reserves)) {
        return finish(c, nullptr, alloc_outcome::out_of_memory); // a victim must not loop for ever
    }
    c.no_progress_loops = 0;
    c.at = phase::retry;
    return step_again;
}

// kernel: drain_all_pages(). Whoever finds the worker on its way does not wait for it.
void drain_all_pages(const reclaim_context& rc, alloc_cursor& c) {
    if (rc.profile.drain == pcp_drain::in_place) {
        rc.home.drain_all_pages();
        return;
    }
    bool& queued = rc.lru.pgdat.drain_queued;
    if (queued) return;
    queued = true;
    c.at = phase::draining;
    if (rc.cpu.wakes.wake_all({.reason = wait_reason::kworker_work}) > 0) rc.cpu.charge(rc.cpu.cost.wake_up);
}

// No page after direct reclaim: another round, or the end.
step_result next_round(const reclaim_context& rc, alloc_cursor& c) {
    if (c.gfp.has(gfp_flag::noretry)) return finish(c, nullptr, alloc_outcome::out_of_memory);
    if (const retry again = should_reclaim_retry(rc, c); again != retry::no) {
        c.at = phase::retry;
        if (again == retry::now) return step_again;
        return reclaim_throttle(rc, wait_reason::throttle_writeback);
    }
    return may_oom(rc, c);
}

// The per-CPU lists are empty.
step_result after_drain(const reclaim_context& rc, alloc_cursor& c) {
    if (page* p = try_freelist(rc, c.gfp, c.mark)) return finish(c, p, alloc_outcome::page);
    return next_round(rc, c);
}

step_result after_reclaim(const reclaim_context& rc, alloc_cursor& c) {
    if (c.reclaim.result == 0) return next_round(rc, c);
    if (page* p = try_freelist(rc, c.gfp, c.mark)) return finish(c, p, alloc_outcome::page);
    drain_all_pages(rc, c);
    return c.at == phase::draining ? step_again : after_drain(rc, c);
}

// The fast path, and the first look of the slow path.
page* begin(const reclaim_context& rc, alloc_cursor& c, gfp_flags gfp) {
    if (page* p = try_freelist(rc, gfp, alloc_mark::low)) return p;
    c.gfp = gfp;
    c.no_progress_loops = 0;
    rc.cpu.charge(rc.cpu.cost.alloc_slow_path);
    wake_all_kswapds(rc, gfp);
    return try_freelist(rc, gfp, alloc_mark::min);
}

} // namespace

step_result alloc_page_step(const reclaim_context& rc, alloc_cursor& c, gfp_flags gfp) {
    if (c.at == phase::idle) {
        if (page* p = begin(rc, c, gfp)) return finish(c, p, alloc_outcome::page);
        c.at = phase::retry;
    }
    if (c.at == phase::retry) {
        wake_all_kswapds(rc, c.gfp);
        c.mark = mark_of_current(rc, c.gfp);
        if (page* p = try_freelist(rc, c.gfp, c.mark)) return finish(c, p, alloc_outcome::page);
        if (!c.gfp.has(gfp_flag::direct_reclaim)) return finish(c, nullptr, alloc_outcome::out_of_memory);
        c.reclaim = {};
        c.reclaim.sc.gfp = c.gfp;
        c.at = phase::reclaiming;
        return step_again; // kernel: cond_resched() before try_to_free_pages()
    }
    if (c.at == phase::draining) {
        if (rc.lru.pgdat.drain_queued) return sleep_on({.reason = wait_reason::pcp_drained});
        return after_drain(rc, c);
    }
    const step_result r = try_to_free_pages(rc, c.reclaim);
    if (!r.done()) return r;
    return after_reclaim(rc, c);
}

page* alloc_page_memalloc(const reclaim_context& rc, gfp_flags gfp) {
    if (page* p = try_freelist(rc, gfp, alloc_mark::low)) return p;
    wake_all_kswapds(rc, gfp);
    if (page* p = try_freelist(rc, gfp, alloc_mark::min)) return p;
    return try_freelist(rc, gfp, alloc_mark::none);
}

page* alloc_slab_pages(const reclaim_context& rc, page_order order, migratetype type,
                       slab_reserves reserves) {
    gfp_flags gfp{gfp_flag::kswapd_reclaim, gfp_flag::nowarn, gfp_flag::noretry};
    if (type == migratetype::reclaimable) gfp.set(gfp_flag::reclaimable);
    if (page* p = try_freelist(rc, gfp, alloc_mark::low, order)) return p;
    wake_all_kswapds(rc, gfp, order);
    if (page* p = try_freelist(rc, gfp, alloc_mark::min, order)) return p;
    if (reserves == slab_reserves::forbidden) return nullptr;
    return try_freelist(rc, gfp, alloc_mark::none, order);
}

} // namespace pagesim
