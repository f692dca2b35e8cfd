// SPDX-License-Identifier: MIT
#include <pagesim/machine/ftrace.hpp>

#include <algorithm>
#include <array>

namespace pagesim {

namespace {

constexpr std::string_view no_address = "0000000000000000";

std::string_view reclaim_flags(bool file) {
    return file ? "RECLAIM_WB_FILE|RECLAIM_WB_ASYNC" : "RECLAIM_WB_ANON|RECLAIM_WB_ASYNC";
}

std::string_view name_of(tracepoints::throttled::why reason) {
    switch (reason) {
    case tracepoints::throttled::why::writeback: return "VMSCAN_THROTTLE_WRITEBACK";
    case tracepoints::throttled::why::isolated: return "VMSCAN_THROTTLE_ISOLATED";
    case tracepoints::throttled::why::congested: return "VMSCAN_THROTTLE_CONGESTED";
    case tracepoints::throttled::why::noprogress: break;
    }
    return "VMSCAN_THROTTLE_NOPROGRESS";
}

} // namespace

std::string ftrace_writer::pfn_text(std::uint64_t pfn) const {
    return dialect_ == ftrace_dialect::of_6_1 ? fmt::format("{:#x}", pfn) : fmt::format("{}", pfn);
}

void ftrace_writer::write(const tracepoints::wakeup_kswapd& t) {
    if (dialect_ == ftrace_dialect::postprocess) {
        line(context::plain, "mm_vmscan_wakeup_kswapd: nid=0 zid={} order={} gfp_flags={}", t.zone, t.order,
             gfp_names(t.gfp));
    } else {
        line(context::plain, "mm_vmscan_wakeup_kswapd: nid=0 order={} gfp_flags={}", t.order,
             gfp_names(t.gfp));
    }
}

void ftrace_writer::write(const tracepoints::kswapd_wake& t) {
    line(context::plain, "mm_vmscan_kswapd_wake: nid=0 order={}", t.order);
}

void ftrace_writer::write(const tracepoints::kswapd_sleep& /*t*/) {
    line(context::plain, "mm_vmscan_kswapd_sleep: nid=0");
}

void ftrace_writer::write(const tracepoints::direct_reclaim_begin& t) {
    line(context::plain, "mm_vmscan_direct_reclaim_begin: order={}{} gfp_flags={}", t.order,
         dialect_ == ftrace_dialect::postprocess ? " may_writepage=1" : "", gfp_names(t.gfp));
    line(context::plain, "tracing_mark_write: B|{}|mm_vmscan_direct_reclaim", label(current_).pid);
}

void ftrace_writer::write(const tracepoints::direct_reclaim_end& t) {
    line(context::plain, "tracing_mark_write: E|{}", label(current_).pid);
    line(context::plain, "mm_vmscan_direct_reclaim_end: nr_reclaimed={}", t.nr_reclaimed);
}

void ftrace_writer::write(const tracepoints::lru_isolate& t) {
    line(context::lock_held,
         "mm_vmscan_lru_isolate: isolate_mode={} {}={} order={} nr_requested={} nr_scanned={} nr_skipped={} "
         "nr_taken={} lru={}",
         t.unmapped_only ? 2 : 0, dialect_ == ftrace_dialect::postprocess ? "classzone_idx" : "classzone",
         t.highest_zone, t.order, t.nr_requested, t.nr_scanned, t.nr_skipped, t.nr_taken,
         lru_list_name(static_cast<lru_list>(t.lru)));
}

void ftrace_writer::write(const tracepoints::lru_shrink_inactive& t) {
    line(context::plain,
         "mm_vmscan_lru_shrink_inactive: nid=0 nr_scanned={} nr_reclaimed={} nr_dirty={} nr_writeback={} "
         "nr_congested={} nr_immediate={} nr_activate_anon={} nr_activate_file={} nr_ref_keep={} "
         "nr_unmap_fail={} "
         "priority={} flags={}",
         t.nr_scanned, t.nr_reclaimed, t.nr_dirty, t.nr_writeback, t.nr_congested, t.nr_immediate,
         t.nr_activate[0], t.nr_activate[1], t.nr_ref_keep, t.nr_unmap_fail, t.priority,
         reclaim_flags(t.file));
}

void ftrace_writer::write(const tracepoints::lru_shrink_active& t) {
    line(context::plain,
         "mm_vmscan_lru_shrink_active: nid=0 nr_taken={} nr_active={} nr_deactivated={} nr_referenced={} "
         "priority={} flags={}",
         t.nr_taken, t.nr_active, t.nr_deactivated, t.nr_referenced, t.priority, reclaim_flags(t.file));
}

void ftrace_writer::write(const tracepoints::write_page& t) {
    line(context::plain, "mm_vmscan_{}: page={} pfn={} flags={}",
         dialect_ == ftrace_dialect::of_6_1 ? "write_folio" : "writepage", no_address, pfn_text(t.pfn),
         reclaim_flags(t.file));
}

void ftrace_writer::write(const tracepoints::shrink_slab_start& t) {
    line(context::plain,
         "mm_shrink_slab_start: scan_shadow_nodes {}: nid: 0 objects to shrink {} gfp_flags GFP_KERNEL cache "
         "items "
         "{} delta {} total_scan {} priority {}",
         no_address, t.deferred, t.freeable, t.delta, t.total_scan, t.priority);
}

void ftrace_writer::write(const tracepoints::shrink_slab_end& t) {
    line(context::plain,
         "mm_shrink_slab_end: scan_shadow_nodes {}: nid: 0 unused scan count {} new scan count {} total_scan "
         "{} last "
         "shrinker return val {}",
         no_address, t.deferred_before, t.deferred, t.total_scan, t.freed);
}

void ftrace_writer::write(const tracepoints::throttled& t) {
    throttled_.push_back({.task = current_, .began = now_, .point = t});
}

void ftrace_writer::write_throttled(const throttle& over) {
    if (dialect_ != ftrace_dialect::of_6_1) return; // 5.8 sleeps and says nothing
    line(context::plain, "mm_vmscan_throttled: nid=0 usec_timeout={} usect_delayed={} reason={}",
         over.point.usec_timeout, (now_ - over.began).ns / 1000, name_of(over.point.reason));
}

void ftrace_writer::write(const tracepoints::page_alloc& t) {
    line(context::plain, "mm_page_alloc: page={} pfn={} order={} migratetype={} gfp_flags={}", no_address,
         pfn_text(t.pfn), t.order, t.migratetype, gfp_names(t.gfp));
}

void ftrace_writer::write(const tracepoints::page_free& t) {
    line(context::plain, "mm_page_free: page={} pfn={} order={}", no_address, pfn_text(t.pfn), t.order);
}

void ftrace_writer::write(const tracepoints::sched_switch& t) {
    const task_name prev = label(t.prev);
    const task_name next = label(t.next);
    current_ = t.prev;
    line(context::lock_held,
         "sched_switch: prev_comm={} prev_pid={} prev_prio=120 prev_state={} ==> next_comm={} next_pid={} "
         "next_prio=120",
         prev.comm, prev.pid, t.prev_state, next.comm, next.pid);
    current_ = t.next;
    const auto over = std::find_if(throttled_.begin(), throttled_.end(),
                                   [&](const throttle& waits) { return waits.task == t.next; });
    if (over == throttled_.end()) return;
    write_throttled(*over);
    throttled_.erase(over);
}

} // namespace pagesim
