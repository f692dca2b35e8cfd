// SPDX-License-Identifier: MIT
#include <pagesim/process/oom_reap.hpp>

#include <algorithm>

namespace pagesim {

namespace {

bool may_reap(const kernel_profile& profile, const vma& range) {
    if (range.flags.has(vm_flag::locked) && profile.reaped == reaped_ranges::not_locked) return false;
    return range.file == 0 || !range.flags.has(vm_flag::shared);
}

step_result finish(reap_cursor& c, reap_result result) {
    c = {.result = result};
    return step_done;
}

} // namespace

step_result oom_reap_mm(const fault_context& fc, mm& victim, reap_cursor& c) {
    if (!c.begun) {
        if (victim.lock == mmap_lock::written) return finish(c, reap_result::no_entry);
        if (victim.flags.has(mm_flag::oom_skip)) return finish(c, reap_result::nothing_left);
        victim.flags.set(mm_flag::unstable);
        fc.rc.batches.lru_add_drain();
        c.begun = true;
    }
    // The owner may unmap ranges between two calls.
    vma* range = victim.first_above(c.next);
    while (range != nullptr && !may_reap(fc.rc.profile, *range)) range = victim.first_above(range->end);
    if (range == nullptr) return finish(c, reap_result::reaped);
    const vpn first = std::max(range->first, c.next);
    const vpn table_end{(raw(first) / table_entries + 1) * table_entries};
    c.next = std::min(range->end, table_end);
    unmap_page_range(fc, victim, *range, first, c.next);
    return step_again;
}

} // namespace pagesim
