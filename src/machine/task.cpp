// SPDX-License-Identifier: MIT
#include <pagesim/machine/task.hpp>

namespace pagesim {

char state_letter(const task& t) {
    if (!t.asleep) return 'R';
    switch (t.waits_for.reason) {
    case wait_reason::none: return t.sleep_ends == sleep_state::killable ? 'S' : 'D';
    case wait_reason::kswapd_work:
    case wait_reason::kcompactd_work:
    case wait_reason::oom_reaper_work: return 'S';
    case wait_reason::rcu_work:
    case wait_reason::kworker_work:
    case wait_reason::flusher_work: return 'I';
    case wait_reason::page_unlocked:
    case wait_reason::throttle_noprogress:
    case wait_reason::throttle_writeback:
    case wait_reason::throttle_congested:
    case wait_reason::throttle_isolated:
    case wait_reason::pfmemalloc:
    case wait_reason::congestion:
    case wait_reason::page_written:
    case wait_reason::dirty_pause:
    case wait_reason::write_throttled:
    case wait_reason::bio_freed:
    case wait_reason::pcp_drained: break;
    }
    return 'D';
}

step_result kworker_task::step() {
    pgdat_state& node = parts_.lru.pgdat;
    const bool told = node.tree_scanned >= vmpressure_window;
    if (ran_ && !told && !node.drain_queued) {
        ran_ = false;
        return sleep_on({.reason = wait_reason::kworker_work});
    }
    ran_ = true;
    if (told) node.tree_scanned = 0;
    if (node.drain_queued) {
        parts_.home.drain_all_pages();
        node.drain_queued = false;
        parts_.cpu.wakes.wake_all({.reason = wait_reason::pcp_drained});
    }
    parts_.cpu.charge(parts_.config.cost.kworker_turn);
    return step_again;
}

} // namespace pagesim
