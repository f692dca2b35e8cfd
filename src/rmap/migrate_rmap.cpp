// SPDX-License-Identifier: MIT
// Unmapping a page to move it, and mapping it again where it is then.
#include "for_each_mapping.hpp"
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>

namespace pagesim {

migration_entries rmap::try_to_migrate(page& p) {
    migration_entries entries;
    if (!p.mapped()) return entries;
    const auto exclusive =
        p.test_and_clear(page_flag::anon_exclusive) ? exclusivity::exclusive : exclusivity::shared;
    bool locked = false;
    for_each_mapping(p, [&](const page_mapping& m) {
        const descriptor old = ptep_clear_flush(tlbs_, m.place(), m.word);
        if (old.dirty()) cache_.set_page_dirty(p);
        entries.push_back({&m.range, m.at, &m.word, old.word(), exclusive});
        p.remove_mapping();
        const bool last = p.put_testzero();
        PAGESIM_ASSERT_PAGE(!last, p);
        locked = locked || m.range.flags.has(vm_flag::locked);
        return p.mapped() ? visit_result::go_on : visit_result::stop;
    });
    PAGESIM_ASSERT_PAGE(!p.mapped(), p);
    cpu_.count(p.anon() ? vm_item::nr_anon_pages : vm_item::nr_mapped, -1);
    if (!locked) return entries;
    if (profile_.mlocks == mlock_rule::in_batches) {
        batches_.munlock_page(p);
        batches_.mlock_page_drain();
    } else {
        batches_.clear_page_mlock(p);
    }
    return entries;
}

void rmap::remove_migration_ptes(page& p, const migration_entries& entries) {
    const pfn frame = frames_.pfn_of(p);
    for (const migration_entry& e : entries) {
        p.get();
        descriptor d = descriptor{e.word}.with_frame(frame);
        if (profile_.migrated == migrated_age::old) d = d.mkold();
        *e.slot = d.word();
        const bool locked = e.range->flags.has(vm_flag::locked);
        if (p.anon()) {
            page_add_anon_rmap(p, *e.range, e.at, e.exclusive);
        } else {
            page_add_file_rmap(p, *e.range);
            if (locked && profile_.mlocks == mlock_rule::at_once) batches_.mlock_page(p);
        }
        if (locked) batches_.mlock_page_drain();
    }
}

} // namespace pagesim
