// SPDX-License-Identifier: MIT
#include <pagesim/compaction/migrate.hpp>

namespace pagesim {

namespace {

void count_isolated(const reclaim_context& rc, const page& p, std::int64_t n) {
    const lru_type t = page_lru_type(p);
    rc.lru.isolated[static_cast<unsigned>(t)] += static_cast<std::uint64_t>(n);
    rc.cpu.count(isolated_item(t), n);
}

// The references of a page that nobody but its users and whoever isolated it holds.
std::int32_t expected_references(const page& p) {
    if (p.test(page_flag::zsmalloc) || mapped_from_outside(p)) return 2;
    const bool cached = p.test(page_flag::swapcache) || p.in_file();
    return 1 + p.mapcount() + (cached ? 1 : 0) + (p.test(page_flag::private_) ? 1 : 0);
}

// kernel: folio_migrate_flags().
void move_flags(page& from, page& to) {
    for (const page_flag f : {page_flag::error, page_flag::referenced, page_flag::uptodate, page_flag::active,
                              page_flag::unevictable, page_flag::workingset, page_flag::dirty,
                              page_flag::swapbacked, page_flag::readahead}) {
        if (from.test(f)) to.set(f);
    }
    from.clear(page_flag::dirty);
    from.clear(page_flag::active);
    from.clear(page_flag::unevictable);
}

// Name, content and references of the swap cache, the page cache and the buffers.
void move_contents(const reclaim_context& rc, page& from, page& to) {
    move_flags(from, to);
    if (from.in_file()) {
        rc.cache.replace_page(from, to);
        return;
    }
    to.set_mapping(from.mapping());
    to.set_index(from.index());
    if (from.test(page_flag::swapcache)) rc.swap.replace_page(from, to);
}

void put_on_list(const reclaim_context& rc, page& p) { rc.batches.lru_cache_add(p); }

// A page of the program itself, whose mapping is not simulated: only locking it is.
void unlock_outside(const reclaim_context& rc, page& p) {
    if (rc.profile.mlocks == mlock_rule::at_once) return rc.batches.clear_page_mlock(p);
    rc.batches.munlock_page(p);
    rc.batches.mlock_page_drain();
}

void move_outside_mapping(const reclaim_context& rc, page& from, page& to) {
    to.get();
    const bool last = from.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, from);
    rc.batches.mlock_page(to);
    rc.batches.mlock_page_drain();
}

// Buffers that only the CPU keeps it gives up. The kernel finds out when the page is unmapped and its copy is there.
// kernel: __buffer_migrate_folio(), buffer_migrate_folio_norefs().
bool buffers_let_go(page_cache& cache, const page& p) {
    if (!cache.buffers_in_use(p)) return true;
    cache.invalidate_bh_lrus();
    return !cache.buffers_in_use(p);
}

// The old frame is free.
void finish(const reclaim_context& rc, page& from, const page& to) {
    const mem_map& frames = rc.home.frames();
    rc.cpu.emit(trace_kind::migrate, raw(frames.pfn_of(from)), raw(frames.pfn_of(to)));
    rc.batches.put_page(from);
}

} // namespace

isolated_page isolate_movable(const reclaim_context& rc, page& p) {
    p.get();
    const bool listed = p.test(page_flag::lru);
    if (listed) {
        rc.lru.del_page(p);
        count_isolated(rc, p, 1);
    }
    return {.frame = &p, .was_on_list = listed};
}

void putback_movable(const reclaim_context& rc, const isolated_page& isolated) {
    page& p = *isolated.frame;
    if (isolated.was_on_list) {
        count_isolated(rc, p, -1);
        if (p.refcount() > 1) put_on_list(rc, p);
    }
    if (p.refcount() == 1) { // freed meanwhile
        p.clear(page_flag::active);
        p.clear(page_flag::unevictable);
    }
    rc.batches.put_page(p);
}

migrate_result migrate_page(const reclaim_context& rc, movable_pages& others, page& from, page& to) {
    if (from.test(page_flag::locked)) return migrate_result::try_again;
    if (from.test(page_flag::writeback)) return migrate_result::busy;
    if (from.refcount() != expected_references(from)) return migrate_result::try_again;
    if (!buffers_let_go(rc.cache, from)) return migrate_result::try_again;
    rc.cpu.charge(rc.cpu.cost.migrate_page);
    if (from.test(page_flag::zsmalloc)) {
        others.replace_page(from, to);
        const bool last = from.put_testzero();
        PAGESIM_ASSERT_PAGE(!last, from);
        finish(rc, from, to);
        return migrate_result::moved;
    }
    const bool outside = mapped_from_outside(from);
    const bool was_mapped = outside || from.mapped();
    if (outside) unlock_outside(rc, from);
    const migration_entries entries = rc.map.try_to_migrate(from);
    move_contents(rc, from, to);
    const bool list_first = rc.profile.migrated_to_list == migrated_page_list::before_mapping;
    if (list_first) {
        put_on_list(rc, to);
        if (was_mapped) rc.batches.lru_add_drain();
    }
    rc.map.remove_migration_ptes(to, entries);
    if (outside) move_outside_mapping(rc, from, to);
    if (!list_first) put_on_list(rc, to);
    const bool last = to.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, to);
    count_isolated(rc, from, -1);
    finish(rc, from, to);
    return migrate_result::moved;
}

} // namespace pagesim
