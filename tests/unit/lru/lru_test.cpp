// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;

TEST(lru_batches, fourteen_pages_wait_and_the_fifteenth_lets_all_join) {
    auto m = a_machine().build();
    for (std::uint64_t n = 0; n < 14; ++n) m->touch(n, access_kind::write);
    EXPECT_EQ(m->parts.lru.size(lru_list::inactive_anon), 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_inactive_anon], 0U);
    EXPECT_EQ(m->page_at(3).refcount(), 2) << "the descriptor and the batch";
    m->touch(14, access_kind::write);
    EXPECT_EQ(m->parts.stat[vm_item::nr_inactive_anon], 15U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_zone_inactive_anon], 15U);
    EXPECT_EQ(m->page_at(3).refcount(), 1);
    m->check();
}

TEST(lru_batches, keep_the_order_of_arrival_last_nearest_the_head) {
    auto m = a_machine().build();
    for (std::uint64_t n = 1; n <= 3; ++n) m->touch(n, access_kind::write);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 3 2 1 | aa: - | if: - | af: - | un: -");
}

TEST(lru_batches, activation_counts_only_when_the_batch_is_drained) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->parts.batches.activate_page(p);
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 0U);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 1U);
    EXPECT_EQ(m->picture(), "ia: - | aa: 1 | if: - | af: - | un: -");
}

TEST(lru_batches, a_page_isolated_meanwhile_is_skipped_but_was_pinned) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->parts.batches.activate_page(p);
    m->isolate(p);
    EXPECT_EQ(p.refcount(), 3) << "descriptor, batch, isolation";
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 0U);
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, p));
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
}

TEST(lru_batches, a_dirty_or_locked_page_is_not_rotated) {
    auto m = a_machine().build();
    page& p = m->written(1);
    p.set(page_flag::dirty);
    m->parts.batches.rotate_reclaimable_page(p);
    p.clear(page_flag::dirty);
    p.set(page_flag::locked);
    m->parts.batches.rotate_reclaimable_page(p);
    p.clear(page_flag::locked);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 0U);
}

TEST(lru_batches, rotation_goes_to_the_tail) {
    auto m = a_machine().build();
    m->written(1);
    page& p = m->written(2);
    m->parts.batches.rotate_reclaimable_page(p);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 1 2 | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 1U);
}

TEST(lru_batches, a_file_page_that_could_not_be_dropped_goes_to_the_tail) {
    auto m = a_machine().build();
    for (std::uint64_t i = 0; i < 4; ++i) m->file_page(i);
    page& p = *m->parts.cache.find(m->file(), 3);
    page& dirty = *m->parts.cache.find(m->file(), 0);
    page& mapped = *m->parts.cache.find(m->file(), 2);
    m->parts.cache.set_page_dirty(dirty);
    m->map_file(mapped, vm_flag::read);
    m->parts.batches.activate_page(p);
    m->parts.batches.lru_add_drain();
    for (page* q : {&p, &dirty, &mapped}) m->parts.batches.deactivate_file_page(*q);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: f0 f2 f1 f3 | af: - | un: -");
    EXPECT_TRUE(dirty.test(page_flag::reclaim)) << "it rotates when it is written";
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], 1U) << "only one had been active";
}

TEST(lru_batches, only_active_pages_are_deactivated) {
    auto m = a_machine().build();
    page& idle = m->written(1);
    page& busy = m->written(2);
    m->parts.batches.activate_page(busy);
    m->parts.batches.lru_add_drain();
    busy.set(page_flag::referenced);
    for (page* p : {&idle, &busy}) m->parts.batches.deactivate_page(*p);
    EXPECT_EQ(m->parts.batches.waiting(), 1U);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 2 1 | aa: - | if: - | af: - | un: -");
    EXPECT_FALSE(busy.test(page_flag::referenced));
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], 1U);
}

TEST(lru_batches, a_page_given_up_joins_the_inactive_file_list) {
    auto m = a_machine().build();
    page& p = m->written(1);
    page& cached = m->written(2);
    page& file = m->file_page(0);
    cached.set(page_flag::swapcache);
    for (page* q : {&p, &cached, &file}) m->parts.batches.mark_page_lazyfree(*q);
    cached.clear(page_flag::swapcache);
    EXPECT_EQ(m->parts.batches.waiting(), 1U);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 2 | aa: - | if: 1 f0 | af: - | un: -");
    EXPECT_FALSE(p.test(page_flag::swapbacked));
    EXPECT_EQ(m->parts.stat[vm_item::pglazyfree], 1U);
}

TEST(lru_batches, deactivation_and_giving_up_come_before_activation) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->parts.batches.activate_page(p); // first in time
    m->parts.batches.mark_page_lazyfree(p);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: 1 | un: -");
}

TEST(mark_page_accessed, an_isolated_page_only_loses_its_mark) {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    m->isolate(p);
    m->parts.batches.mark_page_accessed(p);
    EXPECT_TRUE(p.test(page_flag::referenced));
    m->parts.batches.mark_page_accessed(p);
    EXPECT_FALSE(p.test(page_flag::referenced) || p.test(page_flag::active));
    EXPECT_EQ(m->parts.lru.nonresident_age, 1U) << "and the clock ticks";
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, p));
}

TEST(isolation, takes_from_the_tail_and_kept_pages_keep_their_order) {
    auto m = a_machine().build();
    for (std::uint64_t n = 1; n <= 4; ++n) m->written(n);
    isolation taken;
    isolate_lru_pages(m->parts.cpu, m->parts.lru, lru_list::inactive_anon, 3, zone_type::movable,
                      unmap_permission::allowed, taken);
    EXPECT_EQ(taken.nr_scanned, 3U);
    EXPECT_EQ(m->picture(), "ia: 4 | aa: - | if: - | af: - | un: -");
    for (unsigned i = 0; i < taken.taken.size; ++i) {
        static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, *taken.taken.pages[i]));
    }
    EXPECT_EQ(m->picture(), "ia: 3 2 1 4 | aa: - | if: - | af: - | un: -");
}

TEST(isolation, mapped_pages_move_to_the_head_and_use_up_the_scan_when_unmapping_is_forbidden) {
    auto m = a_machine().build();
    for (std::uint64_t n = 1; n <= 3; ++n) m->written(n);
    isolation taken;
    isolate_lru_pages(m->parts.cpu, m->parts.lru, lru_list::inactive_anon, 2, zone_type::movable,
                      unmap_permission::forbidden, taken);
    EXPECT_EQ(taken.nr_scanned, 2U);
    EXPECT_TRUE(taken.taken.empty());
    EXPECT_EQ(m->picture(), "ia: 2 1 3 | aa: - | if: - | af: - | un: -");
}

TEST(isolation, an_active_page_put_back_advances_the_eviction_clock) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->isolate(p);
    p.set(page_flag::active);
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, p));
    EXPECT_EQ(m->parts.lru.nonresident_age, 1U);
}

TEST(isolation, a_page_freed_by_its_owner_meanwhile_is_freed_at_putback) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->isolate(p);
    exit_cursor gone;
    while (!exit_mmap(m->parts.fc, *m->space, gone).done()) {}
    EXPECT_EQ(p.refcount(), 1);
    EXPECT_EQ(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, p), putback_result::freed);
    EXPECT_EQ(m->parts.stat[vm_item::pgsteal_anon], 0U);
}

TEST(workingset, a_page_that_returns_at_once_has_distance_one) {
    auto m = a_machine().build();
    page& p = m->written(1);
    const shadow s = workingset_eviction(m->parts.lru, p, shadow_sample::before_the_tick);
    workingset_refault(m->parts.cpu, m->parts.lru, p, s, swap_room::available);
    EXPECT_EQ(m->parts.stat[vm_item::workingset_refault_anon], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::workingset_activate_anon], 0U) << "1 > 0 active pages";
    EXPECT_FALSE(p.test(page_flag::active));
}

TEST(workingset, equality_activates_and_the_clock_advances) {
    auto m = a_machine().build();
    page& active = m->written(2);
    m->parts.batches.activate_page(active);
    m->parts.batches.lru_add_drain();
    page& p = m->written(1);
    const shadow s = workingset_eviction(m->parts.lru, p, shadow_sample::before_the_tick);
    workingset_refault(m->parts.cpu, m->parts.lru, p, s, swap_room::available);
    EXPECT_TRUE(p.test(page_flag::active));
    EXPECT_EQ(m->parts.stat[vm_item::workingset_activate_anon], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::workingset_restore_anon], 0U);
    EXPECT_EQ(m->parts.lru.nonresident_age, 2U);
}

TEST(workingset, without_free_swap_active_anonymous_pages_do_not_count) {
    auto m = a_machine().build();
    page& active = m->written(2);
    m->parts.batches.activate_page(active);
    m->parts.batches.lru_add_drain();
    page& p = m->written(1);
    const shadow s = workingset_eviction(m->parts.lru, p, shadow_sample::before_the_tick);
    workingset_refault(m->parts.cpu, m->parts.lru, p, s, swap_room::none);
    EXPECT_FALSE(p.test(page_flag::active));
}

TEST(workingset, a_page_that_was_active_before_is_restored_and_costs) {
    auto m = a_machine().build();
    for (std::uint64_t n = 10; n < 40; ++n) m->written(n);
    page& active = m->written(2);
    m->parts.batches.activate_page(active);
    m->parts.batches.lru_add_drain();
    page& p = m->written(1);
    p.set(page_flag::workingset);
    const shadow s = workingset_eviction(m->parts.lru, p, shadow_sample::before_the_tick);
    p.clear(page_flag::workingset);
    workingset_refault(m->parts.cpu, m->parts.lru, p, s, swap_room::available);
    EXPECT_TRUE(p.test(page_flag::workingset));
    EXPECT_EQ(m->parts.stat[vm_item::workingset_restore_anon], 1U);
    EXPECT_EQ(m->parts.lru.anon_cost, 1U);
}

struct told_refaults final : trace_sink {
    void on(const trace_event& /*e*/) override {}
    void on(sim_time /*time*/, const tracepoint& t) override {
        if (const auto* r = std::get_if<tracepoints::workingset_refault>(&t)) all.push_back(*r);
    }
    std::vector<tracepoints::workingset_refault> all;
};

TEST(workingset, tells_a_listener_the_distance_and_what_it_was_held_against) {
    auto m = a_machine().build();
    told_refaults told;
    m->parts.cpu.tracer = &told;
    page& p = m->written(1);
    const shadow s = workingset_eviction(m->parts.lru, p, shadow_sample::before_the_tick);
    workingset_refault(m->parts.cpu, m->parts.lru, p, s, swap_room::available);
    page& active = m->written(2);
    m->parts.batches.activate_page(active);
    m->parts.batches.lru_add_drain();
    p.set(page_flag::workingset);
    const shadow again = workingset_eviction(m->parts.lru, p, shadow_sample::before_the_tick);
    workingset_refault(m->parts.cpu, m->parts.lru, p, again, swap_room::available);
    ASSERT_EQ(told.all.size(), 2U);
    EXPECT_EQ(told.all[0].distance, 1U);
    EXPECT_EQ(told.all[0].size, 0U);
    EXPECT_FALSE(told.all[0].activated);
    EXPECT_FALSE(told.all[0].file);
    EXPECT_EQ(told.all[1].distance, 1U);
    EXPECT_EQ(told.all[1].size, 1U);
    EXPECT_TRUE(told.all[1].activated);
    EXPECT_TRUE(told.all[1].restored);
}

TEST(lagging_count, shows_changes_once_they_exceed_the_threshold) {
    lagging_count c;
    const sim_time now{5};
    EXPECT_EQ(c.see(4, 4, now), 0U);
    EXPECT_EQ(c.see(5, 4, now), 5U);
    EXPECT_EQ(c.see(12, 4, now), 10U);
    EXPECT_EQ(c.see(12, 4, sim_time{1'000'000'001}), 12U) << "folded once a second";
    c.fold(13);
    EXPECT_EQ(c.see(13, 4, sim_time{1'000'000'002}), 13U) << "and when somebody asks";
}

TEST(lru_cost, halves_both_once_they_exceed_a_quarter_of_the_pages) {
    auto m = a_machine().build();
    for (std::uint64_t n = 0; n < 400; ++n) m->written(n);
    lruvec& lru = m->parts.lru;
    lru.note_cost(lru_type::anon, 60);
    lru.note_cost(lru_type::file, 40);
    EXPECT_EQ(lru.anon_cost, 60U) << "100 is not more than 400 / 4";
    lru.note_cost(lru_type::file, 1);
    EXPECT_EQ(lru.anon_cost, 30U);
    EXPECT_EQ(lru.file_cost, 20U);
}

} // namespace
} // namespace pagesim
