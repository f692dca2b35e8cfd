// SPDX-License-Identifier: MIT
// The walk over the mappings of a file page.
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>
#include <pagesim/rmap/rmap.hpp>

namespace pagesim {

// A private range may have a copy where the page would be; leaf_of then finds none.

void rmap::page_add_file_rmap(page& p, const vma& range) {
    PAGESIM_ASSERT_PAGE(p.in_file() && range.file != 0, p);
    p.add_mapping();
    if (p.mapcount() == 1) cpu_.count(vm_item::nr_mapped);
    if (range.flags.has(vm_flag::locked) && profile_.mlocks == mlock_rule::in_batches) batches_.mlock_page(p);
}

void rmap::ask_file_descriptors(page& p, caller_lock lock, references& found) {
    if (lock == caller_lock::not_held && p.test(page_flag::locked)) {
        found.ranges = 1;
        return;
    }
    const pfn frame = frames_.pfn_of(p);
    std::int32_t left = p.mapcount();
    cache_.file_of(p).i_mmap.for_each(p.index(), [&](const file_range& r) {
        std::uint64_t* slot = r.owner->table().leaf_of(r.at(p.index()), frame);
        if (slot == nullptr) return true;
        cpu_.charge(cpu_.cost.page_referenced_file);
        if (r.range->flags.has(vm_flag::locked)) {
            if (profile_.locked_ranges == locked_range_rule::reference_check) batches_.mlock_page(p);
            found.locked_range = true;
            return false;
        }
        const bool young = ptep_clear_flush_young(tlbs_, {r.owner->id(), r.at(p.index())}, *slot);
        if (young && !r.range->flags.has(vm_flag::seq_read)) {
            ++found.ranges;
            found.flags = found.flags | r.range->flags;
        }
        return --left > 0;
    });
}

bool rmap::unmap_from(page& p, const file_range& r, std::uint64_t& slot) {
    const mapped_at at{r.owner->id(), r.at(p.index())};
    if (r.range->flags.has(vm_flag::locked)) {
        batches_.mlock_page(p);
        return false;
    }
    if (profile_.unmap_young == unmap_of_young::refuses && ptep_clear_flush_young(tlbs_, at, slot))
        return false;
    cpu_.charge(cpu_.cost.try_to_unmap_file);
    if (ptep_clear_flush(tlbs_, at, slot).dirty()) cache_.set_page_dirty(p);
    --r.owner->rss(p);
    page_remove_rmap(p, *r.range);
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
    return p.mapped();
}

unmap_result rmap::unmap_file_page(page& p) {
    const pfn frame = frames_.pfn_of(p);
    cache_.file_of(p).i_mmap.for_each(p.index(), [&](const file_range& r) {
        std::uint64_t* slot = r.owner->table().leaf_of(r.at(p.index()), frame);
        return slot == nullptr || unmap_from(p, r, *slot);
    });
    return p.mapped() ? unmap_result::failed : unmap_result::unmapped;
}

} // namespace pagesim
