// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/compaction/migrate.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

constexpr kernel_profile old_and_new[] = {linux_5_10, linux_6_1};

// A frame to move to, as compaction holds it.
page& free_frame(small_machine& m) {
    page* p = m.parts.home.zones().front().rmqueue(page_order{0}, migratetype::movable);
    return *p;
}

struct move {
    page& from;
    page& to;
    migrate_result result;
};

// Isolates the page and moves it.
move moved(small_machine& m, page& p) {
    page& to = free_frame(m);
    const isolated_page isolated = isolate_movable(m.parts.rc, p);
    const migrate_result r = migrate_page(m.parts.rc, m.parts.movable, p, to);
    if (r != migrate_result::moved) {
        putback_movable(m.parts.rc, isolated);
        m.parts.batches.put_page(to);
    }
    m.parts.batches.lru_add_drain();
    m.check();
    return {p, to, r};
}

std::uint64_t nr_isolated(const small_machine& m) {
    return m.parts.stat[vm_item::nr_isolated_anon] + m.parts.stat[vm_item::nr_isolated_file];
}

TEST(migrate_page, gives_a_mapped_page_another_frame_and_frees_the_first) {
    for (const kernel_profile& kernel : old_and_new) {
        auto m = a_machine().with_profile(kernel).build();
        for (std::uint64_t i : {1U, 2U, 3U}) m->written(i);
        const move r = moved(*m, m->page_at(2));
        EXPECT_EQ(r.result, migrate_result::moved);
        EXPECT_EQ(&m->page_at(2), &r.to);
        EXPECT_EQ(r.from.refcount(), 0);
        EXPECT_EQ(r.to.refcount(), 1);
        EXPECT_EQ(r.to.mapcount(), 1);
        EXPECT_TRUE(r.to.test(page_flag::uptodate) && r.to.test(page_flag::swapbacked));
        EXPECT_EQ(m->picture(), "ia: 2 3 1 | aa: - | if: - | af: - | un: -") << "at the head";
        EXPECT_EQ(m->parts.stat[vm_item::nr_anon_pages], 3);
        EXPECT_EQ(nr_isolated(*m), 0U);
    }
}

TEST(migrate_page, leaves_a_descriptor_as_young_as_it_was_only_in_6_1) {
    for (const kernel_profile& kernel : old_and_new) {
        auto m = a_machine().with_profile(kernel).build();
        static_cast<void>(moved(*m, m->written(1)));
        EXPECT_EQ(m->entry(1).young(), kernel.migrated == migrated_age::kept) << kernel.name;
        EXPECT_TRUE(m->entry(1).writable() && m->entry(1).dirty());
        m->age(1);
        static_cast<void>(moved(*m, m->page_at(1)));
        EXPECT_FALSE(m->entry(1).young());
    }
}

TEST(migrate_page, makes_the_tlb_forget_the_old_frame) {
    auto m = a_machine().build();
    page& from = m->written(1);
    m->touch(1, access_kind::write);
    const move r = moved(*m, from);
    EXPECT_EQ(m->touch(1, access_kind::write), fault_outcome::resolved);
    EXPECT_EQ(&m->page_at(1), &r.to);
    m->check();
}

TEST(migrate_page, keeps_active_and_workingset_and_the_exclusive_mark) {
    auto m = a_machine().build();
    page& from = m->written(1);
    m->parts.batches.activate_page(from);
    m->parts.batches.lru_add_drain();
    from.set(page_flag::workingset);
    const move r = moved(*m, from);
    EXPECT_EQ(m->picture(), "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_TRUE(r.to.test(page_flag::workingset) && r.to.test(page_flag::anon_exclusive));
    EXPECT_TRUE(r.from.flags().empty() || r.from.test(page_flag::pcp) || r.from.test(page_flag::buddy));
}

TEST(migrate_page, takes_a_page_of_the_swap_cache_along_with_its_slot) {
    auto m = a_machine().with_swap_on(swap_device::flash).build();
    m->written(1);
    m->swap_out(1);
    m->touch(1, access_kind::read);
    m->complete_io();
    m->touch(1, access_kind::read);
    m->parts.batches.lru_add_drain();
    page& from = m->page_at(1);
    ASSERT_TRUE(from.test(page_flag::swapcache));
    const swap_entry e = swap_space::entry_of(from);
    const move r = moved(*m, from);
    ASSERT_EQ(r.result, migrate_result::moved);
    EXPECT_EQ(m->parts.swap.lookup(e), &r.to);
    EXPECT_EQ(r.to.refcount(), 2);
}

TEST(migrate_page, takes_a_file_page_along_with_its_place_buffers_and_tags) {
    auto m = a_machine().build();
    page& from = m->file_page(5);
    m->parts.cache.attach_private(from);
    m->parts.cache.set_page_dirty(from);
    vma& v = m->map_file(from, {vm_flag::shared, vm_flag::write});
    const move r = moved(*m, from);
    ASSERT_EQ(r.result, migrate_result::moved);
    EXPECT_EQ(m->parts.cache.find(m->file(), 5), &r.to);
    EXPECT_TRUE(m->file().tagged(5, cache_tag::dirty) && r.to.test(page_flag::dirty));
    EXPECT_TRUE(r.to.test(page_flag::private_));
    EXPECT_EQ(r.to.refcount(), 3) << "descriptor, cache, buffers";
    EXPECT_EQ(m->entry_of(v).frame(), m->parts.frames.pfn_of(r.to));
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 1);
    EXPECT_EQ(m->parts.stat[vm_item::nr_mapped], 1);
    EXPECT_EQ(m->parts.stat[vm_item::nr_file_pages], 1);
}

TEST(migrate_page, makes_the_cpu_let_go_of_buffers_but_not_the_mount) {
    auto m = a_machine().with_metadata(1, 2).build();
    EXPECT_EQ(moved(*m, m->metadata(0)).result, migrate_result::try_again);
    const move r = moved(*m, m->metadata(1));
    EXPECT_EQ(r.result, migrate_result::moved);
    EXPECT_EQ(&m->metadata(1), &r.to);
    EXPECT_EQ(r.to.refcount(), 2) << "cache, buffers";
    EXPECT_TRUE(m->parts.cache.buffers_in_use(m->metadata(0)));
    EXPECT_FALSE(m->parts.cache.buffers_in_use(m->metadata(2))) << "all of the CPU's";
}

TEST(migrate_page, learns_from_a_descriptor_that_a_file_page_is_dirty) {
    auto m = a_machine().build();
    page& from = m->file_page(5);
    m->map_file(from, {vm_flag::shared, vm_flag::write}, small_machine::mapped_by::store);
    const move r = moved(*m, from);
    EXPECT_TRUE(r.to.test(page_flag::dirty));
}

TEST(migrate_page, leaves_a_page_alone_that_somebody_holds) {
    auto m = a_machine().build();
    page& from = m->written(1);
    from.get();
    const move r = moved(*m, from);
    EXPECT_EQ(r.result, migrate_result::try_again);
    EXPECT_EQ(&m->page_at(1), &from);
    EXPECT_TRUE(m->entry(1).young());
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -") << "put back";
    EXPECT_EQ(nr_isolated(*m), 0U);
    m->parts.batches.put_page(from);
}

TEST(migrate_page, waits_neither_for_the_lock_nor_for_the_end_of_a_write) {
    auto m = a_machine().build();
    page& from = m->written(1);
    from.set(page_flag::locked);
    EXPECT_EQ(moved(*m, from).result, migrate_result::try_again);
    from.clear(page_flag::locked);
    from.set(page_flag::writeback);
    page& to = free_frame(*m);
    const isolated_page isolated = isolate_movable(m->parts.rc, from);
    EXPECT_EQ(migrate_page(m->parts.rc, m->parts.movable, from, to), migrate_result::busy);
    from.clear(page_flag::writeback);
    putback_movable(m->parts.rc, isolated);
    m->parts.batches.put_page(to);
}

TEST(migrate_page, unlocks_and_locks_a_page_of_a_locked_range_and_counts_both) {
    for (const kernel_profile& kernel : old_and_new) {
        auto m = a_machine().with_profile(kernel).build();
        page& from = m->written(1);
        m->range->flags.set(vm_flag::locked);
        m->parts.batches.mlock_page(from);
        m->parts.batches.lru_add_drain();
        ASSERT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 1");
        const vmstat before = m->parts.stat;
        const move r = moved(*m, from);
        const auto counted = [&](vm_item i) { return m->parts.stat[i] - before[i]; };
        EXPECT_TRUE(r.to.test(page_flag::mlocked));
        EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 1") << kernel.name;
        EXPECT_EQ(counted(vm_item::nr_mlock), 0);
        EXPECT_EQ(counted(vm_item::unevictable_pgs_mlocked), 1);
        EXPECT_EQ(counted(vm_item::unevictable_pgs_stranded), 1);
        const bool batches = kernel.mlocks == mlock_rule::in_batches;
        EXPECT_EQ(counted(vm_item::unevictable_pgs_rescued), batches ? 1 : 0);
        EXPECT_EQ(counted(vm_item::unevictable_pgs_culled), batches ? 1 : 0);
        EXPECT_EQ(counted(vm_item::unevictable_pgs_cleared), batches ? 0 : 1);
    }
}

TEST(migrate_page, moves_a_page_of_a_zram_pool_and_the_pool_gives_the_new_one_back) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    m->written(1);
    m->swap_out(1);
    page* from = nullptr;
    for (std::uint64_t n = 0; n < m->parts.frames.size().value; ++n) {
        page& p = m->parts.frames[pfn{n}];
        if (p.test(page_flag::zsmalloc)) from = &p;
    }
    ASSERT_NE(from, nullptr);
    const move r = moved(*m, *from);
    EXPECT_EQ(r.result, migrate_result::moved);
    EXPECT_TRUE(r.to.test(page_flag::zsmalloc));
    EXPECT_EQ(r.from.refcount(), 0);
    m->touch(1, access_kind::write); // comes back; then its slot is free, and with it the pool empty
    m->parts.swap.begin_swapoff(0);
    m->parts.swap.finish_swapoff(0);
    EXPECT_EQ(r.to.refcount(), 0);
    EXPECT_EQ(m->parts.stat[vm_item::nr_zspages], 0);
}

TEST(putback_movable, frees_a_page_that_nobody_wanted_meanwhile) {
    auto m = a_machine().build();
    page& from = m->written(1);
    m->parts.batches.activate_page(from);
    m->parts.batches.lru_add_drain();
    const isolated_page isolated = isolate_movable(m->parts.rc, from);
    unmap_page_range(m->parts.fc, *m->space, *m->range, vpn{1}, vpn{2});
    putback_movable(m->parts.rc, isolated);
    EXPECT_EQ(from.refcount(), 0);
    EXPECT_EQ(nr_isolated(*m), 0U);
    m->check();
}

} // namespace
} // namespace pagesim
