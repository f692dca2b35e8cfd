// SPDX-License-Identifier: MIT
#include <pagesim/process/mlock.hpp>

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/process/address_space.hpp>

#include <algorithm>

namespace pagesim {

namespace {

using phase = lock_cursor::phase;

bool is_locked(const vma& v) { return v.flags.has(vm_flag::locked); }

// Pages of [from, to) whose range is not yet as it shall be.
void mark_pages(const fault_context& fc, mm& owner, lock_action what, vpn from, vpn to) {
    const reclaim_context& rc = fc.rc;
    owner.table().for_each_leaf(from, to, [&](vpn, std::uint64_t& word) {
        const descriptor d{word};
        if (!d.valid() || d.special()) return;
        page& p = rc.home.frames()[d.frame()];
        if (what == lock_action::mlock) {
            rc.batches.mlock_page(p);
        } else {
            rc.cpu.charge(rc.cpu.cost.munlock_page);
            rc.batches.munlock_page(p);
        }
    });
}

// One table's worth of one range; true when all is marked.
bool mark_some(const fault_context& fc, mm& owner, lock_action what, vpn end, lock_cursor& c) {
    vma& range = *owner.find_vma(c.next);
    const vpn table_end{(raw(c.next) / table_entries + 1) * table_entries};
    const vpn stop = std::min({range.end, table_end, end});
    const bool wanted = what == lock_action::mlock;
    if (range.first == c.next && is_locked(range) != wanted) {
        if (wanted) {
            range.flags.set(vm_flag::locked);
        } else {
            range.flags.clear(vm_flag::locked);
        }
        fc.rc.batches.lru_add_drain();
        c.marking_range = true;
    } else if (range.first == c.next) {
        c.marking_range = false;
    }
    if (c.marking_range) mark_pages(fc, owner, what, c.next, stop);
    c.next = stop;
    if (c.marking_range && stop == std::min(range.end, end)) fc.rc.batches.lru_add_drain();
    return c.next == end;
}

// Whether get_user_pages would find the page and go on (kernel: follow_page_pte with FOLL_WRITE and FOLL_TOUCH).
bool follow_page(const fault_context& fc, mm& owner, vpn n) {
    const std::uint64_t* word = owner.table().leaf(n);
    const descriptor d{word == nullptr ? 0 : *word};
    if (!d.valid() || d.special() || !d.writable()) return false;
    page& p = fc.rc.home.frames()[d.frame()];
    if (!d.dirty()) p.set(page_flag::dirty);
    fc.rc.batches.mark_page_accessed(p);
    return true;
}

step_result populate(const fault_context& fc, mm& owner, vpn end, lock_cursor& c) {
    const cpu_context& cpu = fc.rc.cpu;
    while (c.next < end) {
        if (!c.faulting && cpu.fatal_signal_pending()) return step_done;
        if (!c.faulting && follow_page(fc, owner, c.next)) {
            cpu.charge(cpu.cost.populate_page);
            c.next = c.next + 1;
            if (cpu.event_due()) return step_again;
            continue;
        }
        if (!c.faulting) {
            c.fault.where = c.next;
            c.fault.kind = access_kind::write;
            c.faulting = true;
        }
        const step_result r = handle_mm_fault(fc, owner, c.fault);
        if (!r.done()) return r;
        c.faulting = false;
        c.outcome = c.fault.outcome;
        if (c.outcome != fault_outcome::resolved) return step_done;
        return step_again;
    }
    fc.rc.batches.lru_add_drain();
    return step_done;
}

} // namespace

step_result change_lock(const fault_context& fc, mm& owner, lock_action what, vpn first, vpn end,
                        lock_cursor& c) {
    if (c.at == phase::begin) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.lock_call);
        split_at(fc, owner, first);
        split_at(fc, owner, end);
        c = {};
        c.at = phase::marking;
        c.next = first;
        owner.lock = mmap_lock::written;
    }
    if (c.at == phase::marking) {
        if (!mark_some(fc, owner, what, end, c)) return step_again;
        merge_around(fc, owner, first, end);
        owner.lock = mmap_lock::free;
        c.at = phase::populating;
        c.next = what == lock_action::mlock ? first : end;
    }
    const step_result r = populate(fc, owner, end, c);
    if (r.done()) c.at = phase::begin;
    return r;
}

} // namespace pagesim
