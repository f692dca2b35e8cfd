// SPDX-License-Identifier: MIT
#include <pagesim/process/fork.hpp>

#include <pagesim/fault/handle_mm_fault.hpp>

#include <algorithm>

namespace pagesim {

namespace {

using phase = fork_cursor::phase;

step_result add_root(const fault_context& fc, mm& child, alloc_cursor& alloc) {
    const step_result r = alloc_page_step(fc.rc, alloc, gfp::kernel);
    if (!r.done() || alloc.outcome == alloc_outcome::out_of_memory) return r;
    fc.rc.cpu.charge(fc.rc.cpu.cost.page_table_alloc);
    child.table().set_root(*alloc.result);
    return step_done;
}

// The child's range (kernel: the loop body of dup_mmap()).
void copy_range(const fault_context& fc, mm& child, const vma& range) {
    vma copy = range;
    copy.flags = without(range.flags, vm_flag::locked);
    fc.rc.map.anon_vmas().fork(insert_range(fc, child, copy), range);
}

// kernel: copy_present_pte(). Returns the child's descriptor.
descriptor copy_present(const fault_context& fc, mm& child, const vma& range, std::uint64_t& word) {
    descriptor d{word};
    if (!d.special()) {
        page& p = fc.rc.home.frames()[d.frame()];
        rmap::page_dup_rmap(p);
        ++child.rss(p);
    }
    if (is_cow_mapping(range.flags) && d.writable()) {
        d = d.wrprotect();
        word = d.word();
    }
    if (range.flags.has(vm_flag::shared)) d = d.mkclean();
    return d.mkold();
}

// kernel: copy_nonpresent_pte().
descriptor copy_swap_entry(const fault_context& fc, mm& child, std::uint64_t& word) {
    swap_bits s = descriptor{word}.swap_entry(fc.rc.profile.swap_pte);
    fc.rc.swap.duplicate({.offset = s.offset, .type = s.type});
    ++child.swap_entries;
    s.exclusive = false;
    word = descriptor::swap(s, fc.rc.profile.swap_pte).word();
    return descriptor{word};
}

// One table's worth of the range (kernel: copy_pte_range()).
step_result copy_some(const fault_context& fc, mm& parent, mm& child, fork_cursor& c) {
    const vpn table_end{(raw(c.next) / table_entries + 1) * table_entries};
    const vpn stop = std::min(c.end, table_end);
    if (parent.table().leaf(c.next) != nullptr) {
        const step_result r = add_tables(fc, child, c.next, c.alloc);
        if (!r.done() || c.alloc.outcome == alloc_outcome::out_of_memory) return r;
        const vma& range = *parent.find_vma(c.next);
        parent.table().for_each_leaf(c.next, stop, [&](vpn n, std::uint64_t& word) {
            const descriptor d{word};
            if (d.none()) return;
            const descriptor copy =
                d.present() ? copy_present(fc, child, range, word) : copy_swap_entry(fc, child, word);
            *child.table().leaf(n) = copy.word();
        });
    }
    c.next = stop;
    return step_done;
}

step_result begin_range(const fault_context& fc, mm& parent, mm& child, fork_cursor& c) {
    const vma* const range = parent.first_above(c.from);
    if (range == nullptr) {
        c.at = phase::begin;
        parent.lock = mmap_lock::free;
        return step_done;
    }
    copy_range(fc, child, *range);
    c.from = c.end = range->end;
    c.next = range->first;
    // Faults fill what has never been written (kernel: vma_needs_copy()).
    c.at = range->anon_vma != 0 ? phase::copying : phase::next_range;
    return step_again;
}

} // namespace

step_result fork_mm(const fault_context& fc, mm& parent, mm& child, fork_cursor& c) {
    if (c.at == phase::begin) {
        PAGESIM_ASSERT(child.vmas().empty() && child.table().root() == nullptr);
        c = {};
        child.limits = parent.limits;
        child.mmap_base = parent.mmap_base;
        child.start_brk = parent.start_brk;
        child.brk = parent.brk;
        fc.tlbs.flush_asid(parent.id());
        parent.lock = mmap_lock::written;
        c.at = phase::root;
    }
    if (c.at == phase::next_range) return begin_range(fc, parent, child, c);
    const bool rooted = c.at != phase::root;
    const step_result r = rooted ? copy_some(fc, parent, child, c) : add_root(fc, child, c.alloc);
    if (!r.done()) return r;
    if (c.alloc.outcome == alloc_outcome::out_of_memory) {
        c.outcome = fault_outcome::out_of_memory;
        c.at = phase::begin;
        parent.lock = mmap_lock::free;
        return step_done;
    }
    if (!rooted || c.next == c.end) c.at = phase::next_range;
    return step_again;
}

} // namespace pagesim
