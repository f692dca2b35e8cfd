// SPDX-License-Identifier: MIT
// What happens during a run, told as it happens, and the sink it is told to. Without a sink it costs a test of a null
// pointer.
//
//     events        small and frequent; the fingerprint of a run is made of them, so each run has them
//     tracepoints   what the kernel's own tracepoints say, field by field (include/trace/events/{vmscan,kmem,sched}.h);
//                   only for a sink that asks for them, and never in the fingerprint
//     decisions     tracepoints that the kernel has not: what a rule of reclaim was applied to, and what came of it
#pragma once

#include <pagesim/base/units.hpp>

#include <array>
#include <cstdint>
#include <variant>

namespace pagesim {

// What a and b mean stands beside each kind. New kinds go to the end: fingerprints hash the number.
enum class trace_kind : std::uint8_t {
    fault,                // page number; 1 if a write
    major_fault,          // page number; swap offset
    kswapd_wake,          // order; highest zone index
    kswapd_sleep,         //
    direct_reclaim_begin, // highest zone index
    direct_reclaim_end,   // pages reclaimed
    isolate,              // pages scanned; pages taken
    judged,               // frame; reason
    activate,             // frame
    deactivate,           // frame
    swap_out,             // frame; swap offset
    swap_in,              // frame; swap offset
    writeback_end,        // frame
    free_page,            // frame, reclaimed
    oom,                  // task
    mark,                 // number of the mark
    task_switch,          // task
    migrate,              // frame that it was in; frame that it is in now
};

struct trace_event {
    sim_time time;
    trace_kind kind;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
};

// Tracepoints, called as the kernel calls them without mm_ or mm_vmscan_. Lists, zones and gfp bits are numbers: what they
// mean belongs to chapters further right.
namespace tracepoints {

struct wakeup_kswapd { // kswapd sleeps, and is to be woken
    unsigned order;
    std::uint64_t gfp;
    unsigned zone;
};
struct kswapd_wake { // a pass over the node begins
    unsigned order;
    unsigned zone;
};
struct kswapd_sleep {}; // for good, not the nap before
struct direct_reclaim_begin {
    unsigned order;
    std::uint64_t gfp;
};
struct direct_reclaim_end {
    std::uint64_t nr_reclaimed;
};
struct lru_isolate {
    bool unmapped_only;
    unsigned highest_zone;
    unsigned order;
    std::uint64_t nr_requested;
    std::uint64_t nr_scanned; // with those skipped
    std::uint64_t nr_skipped; // in zones above the highest
    std::uint64_t nr_taken;
    unsigned lru;
};
struct lru_shrink_inactive {
    std::uint64_t nr_scanned;
    std::uint64_t nr_reclaimed;
    std::uint64_t nr_dirty;
    std::uint64_t nr_writeback;
    std::uint64_t nr_congested;
    std::uint64_t nr_immediate;
    std::array<std::uint64_t, 2> nr_activate; // anonymous, file
    std::uint64_t nr_ref_keep;
    std::uint64_t nr_unmap_fail;
    int priority;
    bool file;
};
struct lru_shrink_active {
    std::uint64_t nr_taken;
    std::uint64_t nr_active; // moved back
    std::uint64_t nr_deactivated;
    std::uint64_t nr_referenced; // rotated
    int priority;
    bool file;
};
struct write_page { // reclaim begins to write it
    std::uint64_t pfn;
    bool file;
};
struct shrink_slab_start {
    std::uint64_t deferred;
    std::uint64_t freeable;
    std::uint64_t delta;
    std::uint64_t total_scan;
    int priority;
};
struct shrink_slab_end {
    std::uint64_t deferred_before;
    std::uint64_t deferred;
    std::uint64_t total_scan;
    std::uint64_t freed;
};
struct throttled { // begins to sleep; when it is over tells the switch to the task
    enum class why : std::uint8_t { writeback, isolated, noprogress, congested };
    why reason;
    std::uint64_t usec_timeout;
};
struct page_alloc {
    std::uint64_t pfn;
    unsigned order;
    std::uint64_t gfp;
    unsigned migratetype;
};
struct page_free {
    std::uint64_t pfn;
    unsigned order;
};
struct sched_switch {
    static constexpr std::uint32_t idle = ~std::uint32_t{0};
    std::uint32_t prev; // task, or idle
    std::uint32_t next;
    char prev_state; // R: it was preempted; S, D, I: it sleeps; X: it is no more
};

// Decisions. kernel: get_scan_count(), mm/vmscan.c, 6.1: how much of each list one pass shall scan.
struct scan_count {
    enum class balance : std::uint8_t { equal, fract, anon, file }; // kernel: enum scan_balance
    // The first of these that holds decides, in the order of the kernel's tests.
    enum class cause : std::uint8_t { no_swap, last_priority, file_is_tiny, cache_trim_mode, costs };
    balance how;
    cause why;
    bool kswapd;
    int priority;
    bool deactivates_anon; // kernel: may_deactivate
    bool deactivates_file;
    std::uint64_t anon_cost; // of this round
    std::uint64_t file_cost;
    std::uint64_t anon_share; // of `fract`, in parts of anon_share + file_share
    std::uint64_t file_share;
    std::array<std::uint64_t, 4> size;   // pages of the evictable lists that may be scanned, by lru_list
    std::array<std::uint64_t, 4> target; // pages to scan of each
};
// kernel: workingset_refault(), mm/workingset.c, 6.1: a page came back that had left a shadow.
struct workingset_refault {
    bool file;
    bool activated;         // distance <= size
    bool restored;          // and it had been active before
    std::uint64_t distance; // ticks of the eviction clock since it went
    std::uint64_t size;     // pages that a longer memory would have cost
};
// An observer looks at the counters, for the time `number`, counted from 0.
struct observed {
    std::uint64_t number;
};

} // namespace tracepoints

using tracepoint =
    std::variant<tracepoints::wakeup_kswapd, tracepoints::kswapd_wake, tracepoints::kswapd_sleep,
                 tracepoints::direct_reclaim_begin, tracepoints::direct_reclaim_end, tracepoints::lru_isolate,
                 tracepoints::lru_shrink_inactive, tracepoints::lru_shrink_active, tracepoints::write_page,
                 tracepoints::shrink_slab_start, tracepoints::shrink_slab_end, tracepoints::throttled,
                 tracepoints::page_alloc, tracepoints::page_free, tracepoints::sched_switch,
                 tracepoints::scan_count, tracepoints::workingset_refault, tracepoints::observed>;

// Whether the kernel has no tracepoint there: a sink that tells what happens to pages can leave it out.
[[nodiscard]] inline bool is_decision(const tracepoint& t) {
    return std::holds_alternative<tracepoints::scan_count>(t) ||
           std::holds_alternative<tracepoints::workingset_refault>(t) ||
           std::holds_alternative<tracepoints::observed>(t);
}

class trace_sink {
public:
    trace_sink() = default;
    trace_sink(const trace_sink&) = default;
    trace_sink& operator=(const trace_sink&) = default;
    virtual ~trace_sink() = default;
    virtual void on(const trace_event& e) = 0;
    virtual void on(sim_time /*time*/, const tracepoint& /*t*/) {}
};

} // namespace pagesim
