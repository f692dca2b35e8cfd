// SPDX-License-Identifier: MIT
// do_anonymous_page and do_wp_page: the faults that need a frame of zeros or a copy.
#include <pagesim/fault/handle_mm_fault.hpp>

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>

namespace pagesim {

namespace {

using phase = fault_cursor::phase;

// The frame for the new page or the copy.
step_result new_frame(const fault_context& fc, fault_cursor& f) {
    fc.rc.map.anon_vmas().prepare(*f.range);
    return fault_alloc(fc, f, gfp::highuser_movable);
}

// Whether the page may be written in place (kernel: do_wp_page()). 5.8 and 6.1 then search only the range's own family for
// it.
bool may_reuse(const fault_context& fc, const vma& range, page& p) {
    if (!p.anon()) return false;
    if (fc.rc.profile.reuse == anon_reuse::by_mapcount) {
        PAGESIM_ASSERT_PAGE(!p.test(page_flag::locked), p); // a mapped page is locked only within an atom
        const std::int32_t users = reuse_swap_page(fc, p);
        if (users == 1) fc.rc.map.page_move_anon_rmap(p, range);
        return users <= 1;
    }
    if (fc.rc.profile.reuse == anon_reuse::by_refcount)
        return p.refcount() == 1 && p.mapcount() == 1 && !p.test(page_flag::locked);
    if (p.test(page_flag::anon_exclusive)) return true;
    if (p.refcount() > 3) return false;
    if (!p.test(page_flag::lru)) fc.rc.batches.lru_add_drain();
    if (p.refcount() > 1 + (p.test(page_flag::swapcache) ? 1 : 0)) return false;
    if (p.test(page_flag::locked)) return false;
    fc.rc.swap.try_to_free_swap(p);
    if (p.refcount() != 1) return false;
    fc.rc.map.page_move_anon_rmap(p, range);
    return true;
}

void reuse(const fault_context& fc, mm& owner, const fault_cursor& f) {
    const cpu_context& cpu = fc.rc.cpu;
    cpu.charge(cpu.cost.wp_reuse);
    if (fc.rc.profile.reuse != anon_reuse::by_mapcount) cpu.count(vm_item::pgreuse);
    std::uint64_t& slot = *owner.table().leaf(f.where);
    const descriptor entry = descriptor{slot}.mkyoung().mkdirty().mkwrite();
    ptep_set_access_flags(fc.tlbs, {owner.id(), f.where}, slot, entry, access_kind::write);
}

// The old page loses this mapping (the zero page has none to lose).
void drop_old(const fault_context& fc, mm& owner, const vma& range, const descriptor& old) {
    if (old.special()) return;
    const reclaim_context& rc = fc.rc;
    page& p = rc.home.frames()[old.frame()];
    rc.map.page_remove_rmap(p, range);
    --owner.rss(p);
    const bool frees_slot = rc.profile.reuse == anon_reuse::by_exclusive_mark;
    if (frees_slot && p.test(page_flag::swapcache) && !p.mapped() && !p.test(page_flag::locked))
        rc.swap.try_to_free_swap(p);
    rc.batches.put_page(p);
}

} // namespace

void map_new_page(const fault_context& fc, mm& owner, const fault_cursor& f, page& p) {
    const reclaim_context& rc = fc.rc;
    p.set(page_flag::uptodate);
    rc.map.page_add_new_anon_rmap(p, *f.range, f.where);
    ++owner.anon_pages;
    if (rc.profile.birth == new_anon_list::active) p.set(page_flag::active);
    if (f.range->flags.has(vm_flag::locked)) {
        rc.batches.mlock_new_page(p);
    } else {
        rc.batches.lru_cache_add(p);
    }
    descriptor d = descriptor::page(rc.home.frames().pfn_of(p), vm_page_prot(f.range->flags)).mkdirty();
    if (f.range->flags.has(vm_flag::write)) d = d.mkwrite();
    *owner.table().leaf(f.where) = d.word();
}

std::int32_t reuse_swap_page(const fault_context& fc, page& p) {
    const bool cached = p.test(page_flag::swapcache);
    const auto entries = cached ? static_cast<std::int32_t>(fc.rc.swap.count(swap_space::entry_of(p))) : 0;
    const std::int32_t users = p.mapcount() + entries;
    if (users == 1 && cached && !p.test(page_flag::writeback)) fc.rc.swap.drop_from_swap_cache(p);
    return users;
}

step_result do_anonymous_page(const fault_context& fc, mm& owner, fault_cursor& f) {
    const cpu_context& cpu = fc.rc.cpu;
    if (!f.is_write() && f.range->on_read == first_read::zero_page) {
        cpu.charge(cpu.cost.zero_page_fault);
        *owner.table().leaf(f.where) =
            descriptor::zero_page(fc.zero_page, vm_page_prot(f.range->flags)).word();
        return step_done;
    }
    f.at = phase::anonymous;
    const step_result r = new_frame(fc, f);
    if (!r.done() || f.outcome != fault_outcome::resolved) return r;
    // kernel: check_stable_address_space(): nothing new comes where the OOM reaper has been.
    if (owner.flags.has(mm_flag::unstable)) {
        fc.rc.batches.put_page(*f.alloc.result);
        return step_done;
    }
    cpu.charge(cpu.cost.anon_fault);
    map_new_page(fc, owner, f, *f.alloc.result);
    return step_done;
}

step_result do_wp_page(const fault_context& fc, mm& owner, fault_cursor& f) {
    const cpu_context& cpu = fc.rc.cpu;
    const descriptor old{f.original};
    if (f.at != phase::copy && !old.special() && may_reuse(fc, *f.range, fc.rc.home.frames()[old.frame()])) {
        reuse(fc, owner, f);
        return step_done;
    }
    f.at = phase::copy;
    const step_result r = new_frame(fc, f);
    if (!r.done() || f.outcome != fault_outcome::resolved) return r;
    // While the fault waited for memory, reclaim may have taken the old page: then the access starts over.
    if (*owner.table().leaf(f.where) != f.original) {
        fc.rc.batches.put_page(*f.alloc.result);
        return step_done;
    }
    cpu.charge(cpu.cost.wp_copy);
    ptep_clear_flush(fc.tlbs, {owner.id(), f.where}, *owner.table().leaf(f.where)); // break before make
    map_new_page(fc, owner, f, *f.alloc.result);
    drop_old(fc, owner, *f.range, old);
    return step_done;
}

} // namespace pagesim
