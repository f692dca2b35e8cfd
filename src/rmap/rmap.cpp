// SPDX-License-Identifier: MIT
#include "for_each_mapping.hpp"
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>

namespace pagesim {

// A page that has a name keeps it: whoever comes later may not be its only user.
void rmap::set_owner(page& p, const vma& range, vpn at, exclusivity e) {
    PAGESIM_ASSERT(range.anon_vma != 0 && range.contains(at));
    if (p.anon()) return;
    const anon_vma& av = anon_[range.anon_vma];
    p.set_mapping(e == exclusivity::exclusive ? range.anon_vma : av.root);
    const auto index = static_cast<std::int64_t>(range.pgoff_of(at) - av.base);
    PAGESIM_ASSERT_PAGE(index == static_cast<std::int32_t>(index), p);
    p.set_index(static_cast<std::uint32_t>(index));
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
    PAGESIM_ASSERT_PAGE(p.mapcount() == 1 || !p.test(page_flag::anon_exclusive), p);
    if (p.mapcount() == 1) {
        cpu_.count(vm_item::nr_anon_pages);
        set_owner(p, range, at, e);
    }
    if (e == exclusivity::exclusive && profile_.reuse == anon_reuse::by_exclusive_mark) {
        PAGESIM_ASSERT_PAGE(p.mapcount() == 1, p);
        p.set(page_flag::anon_exclusive);
    }
}

void rmap::page_dup_rmap(page& p) {
    PAGESIM_ASSERT_PAGE(p.mapped(), p);
    p.get();
    p.add_mapping();
    p.clear(page_flag::anon_exclusive);
}

void rmap::page_move_anon_rmap(page& p, const vma& range) {
    PAGESIM_ASSERT_PAGE(range.anon_vma != 0 && p.anon() && p.mapcount() == 1, p);
    p.set_mapping(range.anon_vma);
    if (profile_.reuse == anon_reuse::by_exclusive_mark) p.set(page_flag::anon_exclusive);
}

void rmap::page_remove_rmap(page& p, const vma& range) {
    PAGESIM_ASSERT_PAGE(p.mapped(), p);
    p.remove_mapping();
    if (!p.mapped()) cpu_.count(p.anon() ? vm_item::nr_anon_pages : vm_item::nr_mapped, -1);
    if (range.flags.has(vm_flag::locked)) munlock_vma_page(p);
}

bool rmap::locked_elsewhere(const page& p) const {
    bool found = false;
    for_each_mapping(p, [&](const page_mapping& m) {
        found = m.range.flags.has(vm_flag::locked);
        return found ? visit_result::stop : visit_result::go_on;
    });
    return found;
}

void rmap::munlock_vma_page(page& p) {
    const bool searches = profile_.mlocks == mlock_rule::at_once && p.test(page_flag::mlocked);
    if (searches && p.test(page_flag::lru) && p.mapped() && locked_elsewhere(p)) {
        // Unlocked, and locked again when the other is found: nr_mlock falls and rises.
        cpu_.count(vm_item::unevictable_pgs_mlocked);
        return;
    }
    batches_.munlock_page(p);
}

void rmap::ask_descriptors(page& p, references& found) {
    std::int32_t left = p.mapcount();
    for_each_mapping(p, [&](const page_mapping& m) {
        cpu_.charge(cpu_.cost.page_referenced);
        if (m.range.flags.has(vm_flag::locked)) {
            if (profile_.locked_ranges == locked_range_rule::reference_check) batches_.mlock_page(p);
            found.locked_range = true;
            return visit_result::stop;
        }
        if (ptep_clear_flush_young(tlbs_, m.place(), m.word) && !m.range.flags.has(vm_flag::seq_read)) {
            ++found.ranges;
            found.flags = found.flags | m.range.flags;
        }
        return --left == 0 ? visit_result::stop : visit_result::go_on;
    });
}

// kernel: the check of a page of MADV_FREE in try_to_unmap_one().
bool rmap::may_discard(const page& p) const {
    if (p.test(page_flag::dirty)) return false;
    return profile_.lazyfree == lazyfree_rule::clean || p.refcount() == 1 + p.mapcount();
}

visit_result rmap::unmap_one(page& p, const page_mapping& m) {
    if (m.range.flags.has(vm_flag::locked)) {
        batches_.mlock_page(p);
        return visit_result::stop;
    }
    const bool refuses = profile_.unmap_young == unmap_of_young::refuses;
    if (refuses && ptep_clear_flush_young(tlbs_, m.place(), m.word)) return visit_result::stop;
    cpu_.charge(cpu_.cost.try_to_unmap);
    const descriptor old = ptep_clear_flush(tlbs_, m.place(), m.word);
    if (old.dirty()) cache_.set_page_dirty(p);
    if (p.test(page_flag::swapbacked)) {
        const swap_entry e = swap_space::entry_of(p);
        swap_.duplicate(e);
        const bool exclusive = p.test_and_clear(page_flag::anon_exclusive);
        const swap_bits bits{.offset = e.offset, .type = e.type, .exclusive = exclusive};
        m.word = descriptor::swap(bits, profile_.swap_pte).word();
        ++m.range.owner->swap_entries;
    } else if (!may_discard(p)) {
        m.word = old.word();
        p.set(page_flag::swapbacked);
        return visit_result::stop;
    }
    --m.range.owner->anon_pages;
    page_remove_rmap(p, m.range);
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
    return p.mapped() ? visit_result::go_on : visit_result::stop;
}

unmap_result rmap::try_to_unmap(page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked), p);
    if (!p.anon()) return unmap_file_page(p);
    PAGESIM_ASSERT_PAGE(p.test(page_flag::swapbacked) == p.test(page_flag::swapcache), p);
    if (p.mapped()) for_each_mapping(p, [&](const page_mapping& m) { return unmap_one(p, m); });
    return p.mapped() ? unmap_result::failed : unmap_result::unmapped;
}

std::int32_t rmap::count_mappings(const page& p) const {
    std::int32_t n = 0;
    for_each_mapping(p, [&](const page_mapping& /*m*/) {
        ++n;
        return visit_result::go_on;
    });
    return n;
}

} // namespace pagesim
