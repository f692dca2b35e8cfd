// SPDX-License-Identifier: MIT
#include <pagesim/process/mlock.hpp>

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/process/address_space.hpp>

#include <algorithm>

namespace pagesim {

namespace {

using phase = lock_cursor::phase;

// Pages of [from, to) whose range is not yet as it shall be.
void mark_pages(const fault_context& fc, mm& owner, lock_action what, vpn from, vpn to) {
    const reclaim_context& rc = fc.rc;
    owner.table().for_each_leaf(from, to, [&](vpn, std::uint64_t& word) {
        const descriptor d{word};
        if (!d.present() || d.special()) return;
        page& p = rc.home.frames()[d.frame()];
        if (what == lock_action::mlock) {
            rc.batches.mlock_page(p);
        } else {
            rc.cpu.charge(rc.cpu.cost.munlock_page);
            rc.map.munlock_vma_page(p);
        }
    });
}

// The range at c.next gets its flag (kernel: mlock_fixup()); c.part_end tells how far its pages are to be marked.
void begin_range(const fault_context& fc, mm& owner, lock_action what, vpn end, lock_cursor& c) {
    vma* const range = owner.find_vma(c.next);
    if (range == nullptr) {
        c.error = mm_error::enomem;
        return;
    }
    const vpn stop = std::min(range->end, end);
    const bool wanted = what == lock_action::mlock;
    if (range->flags.has(vm_flag::locked) == wanted) {
        c.next = c.part_end = stop;
        return;
    }
    const vm_flags flags =
        wanted ? range->flags | vm_flags{vm_flag::locked} : without(range->flags, vm_flag::locked);
    if (change_flags(fc, owner, *range, c.next, stop, flags) == nullptr) {
        c.error = mm_error::enomem;
        return;
    }
    c.part_end = stop;
    fc.rc.batches.lru_add_drain();
}

// One table's worth of one range; true when all is marked.
bool mark_some(const fault_context& fc, mm& owner, lock_action what, vpn end, lock_cursor& c) {
    if (c.next == c.part_end) {
        begin_range(fc, owner, what, end, c);
        if (c.error != mm_error::none) return true;
        if (c.next == c.part_end) return c.next == end;
    }
    const vpn table_end{(raw(c.next) / table_entries + 1) * table_entries};
    const vpn stop = std::min(c.part_end, table_end);
    mark_pages(fc, owner, what, c.next, stop);
    c.next = stop;
    if (c.next == c.part_end) fc.rc.batches.lru_add_drain();
    return c.next == end;
}

// kernel: populate_vma_page_range(): a private range that may be written is filled by stores, so that nothing is left
// to copy.
access_kind populating_access(vm_flags range) {
    return range.has(vm_flag::write) && !range.has(vm_flag::shared) ? access_kind::write : access_kind::read;
}

// Whether get_user_pages would find the page and go on (kernel: follow_page_pte with FOLL_TOUCH, and FOLL_MLOCK where
// that is what locks a page).
bool follow_page(const fault_context& fc, mm& owner, const vma& range, vpn n, access_kind kind) {
    const std::uint64_t* word = owner.table().leaf(n);
    const descriptor d{word == nullptr ? 0 : *word};
    if (!d.valid()) return false;
    if (kind == access_kind::read && d.special()) return true;
    if (d.special() || (kind == access_kind::write && !d.writable())) return false;
    page& p = fc.rc.home.frames()[d.frame()];
    if (kind == access_kind::write && !d.dirty()) p.set(page_flag::dirty);
    fc.rc.batches.mark_page_accessed(p);
    if (range.flags.has(vm_flag::locked) && fc.rc.profile.mlocks == mlock_rule::at_once) {
        fc.rc.batches.lru_add_drain();
        fc.rc.batches.mlock_page(p);
    }
    return true;
}

} // namespace

step_result populate(const fault_context& fc, mm& owner, vpn end, lock_cursor& c) {
    const cpu_context& cpu = fc.rc.cpu;
    while (c.next < end) {
        if (!c.faulting && cpu.fatal_signal_pending()) return step_done;
        if (!c.faulting) {
            const vma* const range = owner.find_vma(c.next);
            if (range == nullptr || !is_accessible(range->flags)) break; // what is left stays missing
            c.fault.kind = populating_access(range->flags);
            if (follow_page(fc, owner, *range, c.next, c.fault.kind)) {
                cpu.charge(cpu.cost.populate_page);
                c.next = c.next + 1;
                if (cpu.should_yield()) return step_again;
                continue;
            }
            c.fault.where = c.next;
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

step_result change_lock(const fault_context& fc, mm& owner, lock_action what, vpn first, vpn end,
                        lock_cursor& c) {
    if (c.at == phase::begin) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.lock_call);
        c = {};
        c.at = phase::marking;
        c.next = c.part_end = first;
        owner.lock = mmap_lock::written;
    }
    if (c.at == phase::marking) {
        if (!mark_some(fc, owner, what, end, c)) return step_again;
        owner.lock = mmap_lock::free;
        c.at = phase::populating;
        const bool populates = what == lock_action::mlock && c.error == mm_error::none;
        c.next = populates ? first : end;
    }
    const step_result r = populate(fc, owner, end, c);
    if (r.done()) c.at = phase::begin;
    return r;
}

namespace {

// The next range, if there is one, to be worked on from its beginning.
bool next_range(mm& owner, mlockall_cursor& c) {
    const vma* const range = owner.first_above(c.end);
    if (range == nullptr) return false;
    c.range = {};
    c.range.next = c.range.part_end = range->first;
    c.end = range->end;
    return true;
}

// Every range gets its flag or, if it can't be cut, keeps what it has.
step_result mark_all(const fault_context& fc, mm& owner, mcl_flags flags, mlockall_cursor& c) {
    const lock_action what = flags.has(mcl::current) ? lock_action::mlock : lock_action::munlock;
    if (!mark_some(fc, owner, what, c.end, c.range) && c.range.error == mm_error::none) return step_again;
    if (next_range(owner, c)) return step_again;
    owner.lock = mmap_lock::free;
    c.end = vpn{0};
    if (!flags.has(mcl::current) || !next_range(owner, c)) return step_done;
    c.at = mlockall_cursor::phase::populating;
    return step_again;
}

} // namespace

step_result mlockall(const fault_context& fc, mm& owner, mcl_flags flags, mlockall_cursor& c) {
    step_result r = step_done;
    switch (c.at) {
    case mlockall_cursor::phase::begin:
        fc.rc.cpu.charge(fc.rc.cpu.cost.lock_call);
        c = {};
        owner.def_flags.clear(vm_flag::locked);
        if (flags.has(mcl::future)) owner.def_flags.set(vm_flag::locked);
        if (flags == mcl_flags{mcl::future} || !next_range(owner, c)) return step_done;
        owner.lock = mmap_lock::written;
        c.at = mlockall_cursor::phase::marking;
        return step_again;
    case mlockall_cursor::phase::marking: r = mark_all(fc, owner, flags, c); break;
    case mlockall_cursor::phase::populating:
        r = populate(fc, owner, c.end, c.range);
        // A range that cannot be filled is passed over, unless that kills the task.
        if (r.done() && c.outcome() != fault_outcome::out_of_memory && next_range(owner, c))
            return step_again;
        break;
    }
    if (r.done()) c.at = mlockall_cursor::phase::begin;
    return r;
}

} // namespace pagesim
