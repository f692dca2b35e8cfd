// SPDX-License-Identifier: MIT
// Witnesses of the reasons that anonymous pages reach.
#pragma once

#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim::testing {

// The page is judged once; what becomes of it is read off the lists.
inline void expect_verdict(small_machine& m, page& p, scan_control& sc, why expected,
                           std::string_view lists) {
    m.isolate(p);
    EXPECT_EQ(reason_name(m.judge(p, sc)), reason_name(expected));
    EXPECT_EQ(m.picture(), lists);
}

inline void a_page_being_read_stays_where_it_is() {
    auto m = a_machine().build();
    page& p = m->written(1);
    p.set(page_flag::locked);
    scan_control sc;
    expect_verdict(*m, p, sc, why::locked, "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(sc.nr_scanned, 0U);
    p.clear(page_flag::locked);
}

inline void an_mlocked_page_becomes_unevictable() {
    auto m = a_machine().build();
    page& p = m->written(1);
    p.set(page_flag::mlocked);
    scan_control sc;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::unevictable);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 1");
    EXPECT_EQ(m->parts.stat[vm_item::unevictable_pgs_culled], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 0U);
}

inline void a_mapped_page_stays_when_the_pass_may_not_unmap() {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->age(1);
    scan_control sc;
    sc.may.clear(scan_permission::unmap);
    expect_verdict(*m, p, sc, why::may_not_unmap, "ia: 1 | aa: - | if: - | af: - | un: -");
}

// A page whose write is under way, on the inactive list.
inline page& being_written(small_machine& m) {
    page& p = m.written(1);
    m.age(1);
    m.isolate(p);
    scan_control sc;
    EXPECT_EQ(m.judge(p, sc), why::written);
    return p;
}

inline void kswapd_counts_a_page_met_again_while_everything_is_being_written() {
    auto m = a_machine().build();
    page& p = being_written(*m);
    m->parts.lru.pgdat.writeback = true;
    scan_control sc;
    sc.who = reclaimer::kswapd;
    expect_verdict(*m, p, sc, why::writeback_immediate, "ia: - | aa: 1 | if: - | af: - | un: -");
}

inline void a_page_still_being_written_is_moved_away_and_marked() {
    auto m = a_machine().build();
    page& p = being_written(*m);
    p.clear(page_flag::reclaim);
    scan_control sc;
    expect_verdict(*m, p, sc, why::writeback, "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_TRUE(p.test(page_flag::reclaim));
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 1U);
    m->complete_io();
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -")
        << "rotated back when the write was over";
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 1U);
}

inline void a_page_of_a_locked_range_is_mlocked_on_the_spot() {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->range->flags.set(vm_flag::locked);
    scan_control sc;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::range_locked);
    m->parts.batches.lru_add_drain();
    EXPECT_TRUE(p.test(page_flag::mlocked));
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 1");
}

inline void the_second_reference_activates() {
    auto m = a_machine().build();
    page& p = m->written(1);
    scan_control sc;
    expect_verdict(*m, p, sc, why::referenced, "ia: 1 | aa: - | if: - | af: - | un: -");
    m->touch(1, access_kind::read);
    expect_verdict(*m, p, sc, why::referenced_again, "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 1U);
}

inline void the_first_reference_is_a_second_chance() {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->written(2);
    EXPECT_TRUE(m->entry(1).young()) << "born young";
    scan_control sc;
    expect_verdict(*m, p, sc, why::referenced, "ia: 1 2 | aa: - | if: - | af: - | un: -");
    EXPECT_FALSE(m->entry(1).young());
    EXPECT_TRUE(p.test(page_flag::referenced));
}

inline void without_io_no_slot_is_given() {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->age(1);
    scan_control sc;
    sc.gfp = gfp::noio;
    expect_verdict(*m, p, sc, why::no_io, "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_FALSE(p.test(page_flag::swapcache));
}

inline void without_swap_an_old_page_is_activated() {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    page& p = m->written(1);
    m->age(1);
    scan_control sc;
    expect_verdict(*m, p, sc, why::no_swap, "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 0U);
}

inline void a_page_that_cannot_be_unmapped_is_activated() {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->range->flags.set(vm_flag::locked);
    scan_control sc;
    sc.may.set(scan_permission::ignore_references);
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::unmap_failed);
    EXPECT_FALSE(p.test(page_flag::swapcache)) << "an mlocked page gives its slot back";
    EXPECT_TRUE(m->entry(1).valid());
}

// A dirty page in the swap cache that nothing maps: its write failed to start so far.
inline page& dirty_and_unmapped(small_machine& m) {
    page& p = m.written(1);
    m.age(1);
    m.isolate(p);
    scan_control sc;
    sc.may.clear(scan_permission::writepage);
    EXPECT_EQ(m.judge(p, sc), why::no_writepage);
    EXPECT_FALSE(p.mapped());
    EXPECT_TRUE(p.test(page_flag::dirty));
    return p;
}

inline void a_dirty_page_needs_leave_to_enter_the_file_system() {
    auto m = a_machine().build();
    page& p = dirty_and_unmapped(*m);
    scan_control sc;
    sc.gfp = gfp::noio;
    expect_verdict(*m, p, sc, why::no_fs, "ia: 1 | aa: - | if: - | af: - | un: -");
}

inline void a_dirty_page_needs_leave_to_be_written() {
    auto m = a_machine().build();
    dirty_and_unmapped(*m);
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 0U);
}

inline void a_dirty_page_that_somebody_holds_is_not_written() {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->age(1);
    p.get();
    scan_control sc;
    expect_verdict(*m, p, sc, why::pinned, "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 0U);
}

inline void a_written_page_waits_for_its_device() {
    auto m = a_machine().build();
    page& p = being_written(*m);
    EXPECT_TRUE(p.test(page_flag::writeback) && p.test(page_flag::reclaim) && !p.test(page_flag::dirty));
    EXPECT_EQ(p.refcount(), 1);
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
}

inline void a_page_whose_slot_nobody_wants_stays_dirty() {
    auto m = a_machine().build();
    page& p = dirty_and_unmapped(*m);
    // Its process forgets the swap entry while reclaim holds the page.
    m->isolate(p);
    const swap_entry e = swap_space::entry_of(p);
    *m->space->table().leaf(vpn{1}) = 0;
    --m->space->swap_entries;
    m->parts.swap.swap_free(e);
    scan_control sc;
    EXPECT_EQ(m->judge(p, sc), why::redirtied);
    EXPECT_FALSE(p.test(page_flag::swapcache));
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 1U) << "counted all the same";
}

inline void a_clean_page_that_somebody_holds_stays() {
    auto m = a_machine().build();
    page& p = being_written(*m);
    m->complete_io();
    m->parts.batches.lru_add_drain();
    p.get();
    scan_control sc;
    expect_verdict(*m, p, sc, why::busy, "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_TRUE(p.test(page_flag::swapcache));
}

inline void a_clean_page_is_freed_and_leaves_a_shadow() {
    auto m = a_machine().build();
    page& p = being_written(*m);
    m->complete_io();
    m->parts.batches.lru_add_drain();
    const swap_entry e = swap_space::entry_of(p);
    scan_control sc;
    expect_verdict(*m, p, sc, why::reclaimed, "ia: - | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(p.refcount(), 0);
    EXPECT_TRUE(m->parts.swap.shadow_at(e).has_value());
    EXPECT_EQ(m->parts.swap.area().map(e.offset), 0x01) << "only the descriptor names the slot";
    m->check();
}

} // namespace pagesim::testing
