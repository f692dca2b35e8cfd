// SPDX-License-Identifier: MIT
#include <pagesim/rmap/rmap.hpp>

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>

#include <utility>

namespace pagesim {

void rmap::anon_vma_prepare(mm& owner, vma& range) {
    if (range.anon_vma != 0) return;
    std::uint32_t id = 0;
    if (free_ids_.empty()) {
        id = static_cast<std::uint32_t>(anon_vmas_.size());
        anon_vmas_.emplace_back();
    } else {
        id = free_ids_.back();
        free_ids_.pop_back();
    }
    anon_vmas_[id] = {.owner = &owner, .base = range.first, .users = 1};
    range.anon_vma = id;
}

void rmap::share_anon_vma(const vma& range) {
    if (range.anon_vma != 0) ++anon_vmas_[range.anon_vma].users;
}

void rmap::release_anon_vma(vma& range) {
    const std::uint32_t id = std::exchange(range.anon_vma, 0);
    if (id == 0 || --anon_vmas_[id].users > 0) return;
    anon_vmas_[id] = {};
    free_ids_.push_back(id);
}

const vma& rmap::range_of(const page& p, const anon_vma& av) const {
    const vma* range = av.owner->find_vma(av.base + p.index());
    PAGESIM_ASSERT_PAGE(range != nullptr, p);
    return *range;
}

void rmap::set_owner(page& p, const vma& range, vpn at) {
    PAGESIM_ASSERT(range.anon_vma != 0 && range.contains(at));
    p.set_mapping(range.anon_vma);
    p.set_index(static_cast<std::uint32_t>(at - anon_vmas_[range.anon_vma].base));
}

void rmap::page_add_new_anon_rmap(page& p, const vma& range, vpn at) {
    p.set(page_flag::swapbacked);
    add_mapping(p, range, at, exclusivity::exclusive);
}

void rmap::page_add_anon_rmap(page& p, const vma& range, vpn at, exclusivity e) {
    add_mapping(p, range, at, e);
    if (range.flags.has(vm_flag::locked)) batches_.mlock_page(p);
}

void rmap::add_mapping(page& p, const vma& range, vpn at, exclusivity e) {
    p.add_mapping();
    if (p.mapcount() == 1) cpu_.count(vm_item::nr_anon_pages);
    set_owner(p, range, at);
    if (e == exclusivity::exclusive && profile_.reuse == anon_reuse::by_exclusive_mark)
        p.set(page_flag::anon_exclusive);
}

void rmap::page_remove_rmap(page& p, const vma& range) {
    PAGESIM_ASSERT_PAGE(p.mapped(), p);
    p.remove_mapping();
    if (!p.mapped()) cpu_.count(p.anon() ? vm_item::nr_anon_pages : vm_item::nr_mapped, -1);
    if (range.flags.has(vm_flag::locked)) batches_.munlock_page(p);
}

std::uint64_t* rmap::mapped_descriptor(const page& p, const anon_vma& av) const {
    std::uint64_t* slot = av.owner->table().leaf(av.base + p.index());
    if (slot == nullptr) return nullptr;
    const descriptor d{*slot};
    return d.valid() && d.frame() == frames_.pfn_of(p) ? slot : nullptr;
}

references rmap::ask_descriptors(page& p) {
    cpu_.charge(cpu_.cost.page_referenced);
    const anon_vma& av = anon_vmas_[p.mapping()];
    std::uint64_t* slot = mapped_descriptor(p, av);
    if (slot == nullptr) return {};
    const vma& range = range_of(p, av);
    if (range.flags.has(vm_flag::locked)) {
        if (profile_.locked_ranges == locked_range_rule::reference_check) batches_.mlock_page(p);
        return {.locked_range = true};
    }
    if (!ptep_clear_flush_young(tlbs_, {av.owner->id(), vpn_of(p)}, *slot)) return {};
    if (range.flags.has(vm_flag::seq_read)) return {};
    return {.ranges = 1, .flags = range.flags};
}

// kernel: the check of a page of MADV_FREE in try_to_unmap_one().
bool rmap::may_discard(const page& p) const {
    if (p.test(page_flag::dirty)) return false;
    return profile_.lazyfree == lazyfree_rule::clean || p.refcount() == 1 + p.mapcount();
}

unmap_result rmap::try_to_unmap(page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked), p);
    if (!p.anon()) return unmap_file_page(p);
    PAGESIM_ASSERT_PAGE(p.test(page_flag::swapbacked) == p.test(page_flag::swapcache), p);
    const anon_vma& av = anon_vmas_[p.mapping()];
    std::uint64_t* slot = mapped_descriptor(p, av);
    if (slot == nullptr) return p.mapped() ? unmap_result::failed : unmap_result::unmapped;
    const vma& range = range_of(p, av);
    if (range.flags.has(vm_flag::locked)) {
        batches_.mlock_page(p);
        return unmap_result::failed;
    }
    const mapped_at at{av.owner->id(), vpn_of(p)};
    if (profile_.unmap_young == unmap_of_young::refuses && ptep_clear_flush_young(tlbs_, at, *slot)) {
        return unmap_result::failed;
    }
    cpu_.charge(cpu_.cost.try_to_unmap);
    const descriptor old = ptep_clear_flush(tlbs_, at, *slot);
    if (old.dirty()) cache_.set_page_dirty(p);
    if (p.test(page_flag::swapbacked)) {
        const swap_entry e = swap_space::entry_of(p);
        swap_.duplicate(e);
        const bool exclusive = p.test_and_clear(page_flag::anon_exclusive);
        const swap_bits bits{.offset = e.offset, .type = e.type, .exclusive = exclusive};
        *slot = descriptor::swap(bits, profile_.swap_pte).word();
        ++av.owner->swap_entries;
    } else if (!may_discard(p)) {
        *slot = old.word();
        p.set(page_flag::swapbacked);
        return unmap_result::failed;
    }
    --av.owner->anon_pages;
    page_remove_rmap(p, range);
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
    return p.mapped() ? unmap_result::failed : unmap_result::unmapped;
}

} // namespace pagesim
