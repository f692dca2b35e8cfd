// SPDX-License-Identifier: MIT
#include <pagesim/fault/handle_mm_fault.hpp>

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>

namespace pagesim {

namespace {

using phase = fault_cursor::phase;

step_result finish(fault_cursor& f, fault_outcome outcome) {
    f.outcome = outcome;
    f.at = phase::begin;
    f.tried = false;
    return step_done;
}

// kernel: __do_page_fault() of arm64.
bool is_allowed(vm_flags range, access_kind kind) {
    switch (kind) {
    case access_kind::write: return range.has(vm_flag::write);
    case access_kind::fetch: return range.has(vm_flag::exec);
    case access_kind::read: break;
    }
    return is_accessible(range);
}

fault_outcome begin(const fault_context& fc, mm& owner, fault_cursor& f) {
    const cpu_context& cpu = fc.rc.cpu;
    if (!f.tried) {
        cpu.charge(cpu.cost.fault_entry);
        f.major = false;
    }
    f.range = owner.find_vma(f.where);
    if (f.range == nullptr) f.range = expand_stack(fc, owner, f.where);
    if (f.range == nullptr) return fault_outcome::map_error;
    if (!is_allowed(f.range->flags, f.kind)) return fault_outcome::access_error;
    cpu.count(vm_item::pgfault);
    cpu.emit(trace_kind::fault, raw(f.where), f.is_write() ? 1 : 0);
    return fault_outcome::resolved;
}

// A present descriptor: software keeps the access flag or the dirty state.
void set_access_flags(const fault_context& fc, mm& owner, const fault_cursor& f, std::uint64_t& slot) {
    const cpu_context& cpu = fc.rc.cpu;
    cpu.charge(f.is_write() ? cpu.cost.dirty_fault : cpu.cost.access_flag_fault);
    descriptor entry = descriptor{slot}.mkyoung();
    if (f.is_write()) entry = entry.mkdirty();
    ptep_set_access_flags(fc.tlbs, {owner.id(), f.where}, slot, entry, f.kind);
}

// The tables are complete: what does the descriptor say?
step_result dispatch(const fault_context& fc, mm& owner, fault_cursor& f) {
    std::uint64_t& slot = *owner.table().leaf(f.where);
    f.original = slot;
    const descriptor d{slot};
    if (d.none()) return f.range->file != 0 ? do_fault(fc, owner, f) : do_anonymous_page(fc, owner, f);
    if (d.is_swap()) return do_swap_page(fc, owner, f);
    PAGESIM_ASSERT(d.valid()); // PROT_NONE in a range that may be used is for NUMA balancing
    if (f.is_write() && !d.writable()) {
        const bool shared = f.range->file != 0 && f.range->flags.has(vm_flag::shared);
        return shared ? wp_page_shared(fc, owner, f) : do_wp_page(fc, owner, f);
    }
    set_access_flags(fc, owner, f, slot);
    return step_done;
}

step_result proceed(const fault_context& fc, mm& owner, fault_cursor& f) {
    switch (f.at) {
    case phase::begin:
    case phase::tables: return dispatch(fc, owner, f);
    case phase::anonymous: return do_anonymous_page(fc, owner, f);
    case phase::copy: return do_wp_page(fc, owner, f);
    case phase::swap_lookup:
    case phase::swap_sync:
    case phase::swap_sync_read:
    case phase::swap_read:
    case phase::swap_wait:
    case phase::swap_retry: return do_swap_page(fc, owner, f);
    case phase::file_wp: return wp_page_shared(fc, owner, f);
    case phase::file_cow:
    case phase::file_begin:
    case phase::shmem_lookup:
    case phase::shmem_alloc:
    case phase::shmem_read:
    case phase::shmem_lock:
    case phase::file_ahead:
    case phase::file_find:
    case phase::file_lock:
    case phase::file_dirtied: return do_fault(fc, owner, f);
    }
    return step_done;
}

} // namespace

step_result add_tables(const fault_context& fc, mm& owner, vpn n, alloc_cursor& alloc) {
    const cpu_context& cpu = fc.rc.cpu;
    for (;;) {
        const bool complete = owner.table().leaf(n) != nullptr; // mostly: the table found last
        const int level = complete ? -1 : owner.table().missing_level(n);
        if (level < 0) {
            alloc.outcome = alloc_outcome::page;
            return step_done;
        }
        const step_result r = alloc_page_step(fc.rc, alloc, gfp::kernel);
        if (!r.done() || alloc.outcome == alloc_outcome::out_of_memory) return r;
        cpu.charge(cpu.cost.page_table_alloc);
        owner.table().install_table(n, level, *alloc.result);
        if (counts_table(fc.rc.profile, level)) cpu.count(vm_item::nr_page_table_pages);
    }
}

vma* expand_stack(const fault_context& fc, mm& owner, vpn n) {
    if (raw(n) >= vpn_limit || raw(n) < mmap_min_page) return nullptr;
    vma* const range = owner.first_above(n);
    if (range == nullptr || !range->flags.has(vm_flag::growsdown)) return nullptr;
    const vma* const below = owner.preceding(*range);
    const bool needs_gap =
        below != nullptr && !below->flags.has(vm_flag::growsdown) && is_accessible(below->flags);
    if (needs_gap && n - below->end < stack_guard_pages) return nullptr;
    fc.rc.map.anon_vmas().prepare(*range);
    if (range->first - n > range->pgoff || range->end - n > owner.limits.stack.value) return nullptr;
    fc.rc.map.anon_vmas().set_bounds(*range, n, range->end);
    return range;
}

step_result fault_alloc(const fault_context& fc, fault_cursor& f, gfp_flags gfp) {
    const step_result r = alloc_page_step(fc.rc, f.alloc, gfp);
    if (r.done() && f.alloc.outcome == alloc_outcome::out_of_memory) f.outcome = fault_outcome::out_of_memory;
    return r;
}

step_result handle_mm_fault(const fault_context& fc, mm& owner, fault_cursor& f) {
    if (f.at == phase::begin) {
        f.outcome = begin(fc, owner, f);
        if (f.outcome != fault_outcome::resolved) return finish(f, f.outcome);
        f.at = phase::tables;
    }
    if (f.at == phase::tables) {
        const step_result r = add_tables(fc, owner, f.where, f.alloc);
        if (!r.done()) return r;
        if (f.alloc.outcome == alloc_outcome::out_of_memory) return finish(f, fault_outcome::out_of_memory);
    }
    const step_result r = proceed(fc, owner, f);
    if (!r.done()) return r;
    return finish(f, f.outcome);
}

} // namespace pagesim
