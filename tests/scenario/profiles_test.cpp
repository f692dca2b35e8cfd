// SPDX-License-Identifier: MIT
// What a kernel profile changes: for each field the same scene under 6.1, under 6.1 with that one field of 5.8, and
// so what the field alone does.
#include <support/small_machine.hpp>

#include <pagesim/reclaim/alloc_slowpath.hpp>
#include <pagesim/reclaim/shrink_node.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;

template <typename Change>
kernel_profile linux_6_1_but(Change change) {
    kernel_profile p = linux_6_1;
    change(p);
    return p;
}

std::uint64_t count(const testing::small_machine& m, vm_item i) { return m.parts.stat[i]; }

// Page 1 went out, and neither memory nor the swap cache has it.
std::unique_ptr<testing::small_machine> with_page_1_in_swap(const kernel_profile& profile,
                                                            swap_device device) {
    auto m = a_machine().with_profile(profile).with_swap_on(device).with_page_cluster(0).build();
    m->written(1);
    m->age(1);
    m->swap_out(1);
    return m;
}

TEST(profiles, a_kernel_whose_anonymous_pages_are_born_active_starts_them_there) {
    auto m = a_machine()
                 .with_profile(linux_6_1_but([](kernel_profile& p) { p.birth = new_anon_list::active; }))
                 .build();
    m->written(1);
    EXPECT_EQ(m->picture(), "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_EQ(count(*m, vm_item::pgactivate), 0U) << "birth is not activation";
}

TEST(profiles, without_a_second_chance_the_first_reference_activates) {
    auto m = a_machine()
                 .with_profile(linux_6_1_but(
                     [](kernel_profile& p) { p.anon_references = anon_reference_rule::activate_at_once; }))
                 .build();
    page& p = m->written(1);
    m->isolate(p);
    scan_control sc;
    EXPECT_EQ(m->judge(p, sc), why::referenced_again);
    EXPECT_FALSE(p.test(page_flag::referenced));
}

TEST(profiles, a_kernel_that_ignores_anonymous_refaults_leaves_no_shadow) {
    auto m = with_page_1_in_swap(
        linux_6_1_but([](kernel_profile& p) { p.anon_refaults = anon_refault::ignored; }), swap_device::zram);
    EXPECT_FALSE(m->parts.swap.shadow_at({.offset = m->entry(1).swap_entry().offset}).has_value());
    EXPECT_EQ(m->parts.lru.nonresident_age, 1U) << "the clock ticks all the same";
    m->touch(1, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::workingset_refault_anon), 0U);
}

TEST(profiles, a_shadow_that_holds_its_own_tick_is_one_nearer) {
    for (const shadow_sample order : {shadow_sample::before_the_tick, shadow_sample::after_the_tick}) {
        auto m = with_page_1_in_swap(linux_6_1_but([order](kernel_profile& p) { p.shadow = order; }),
                                     swap_device::zram);
        m->touch(1, access_kind::read);
        const bool distance_0 = order == shadow_sample::after_the_tick;
        EXPECT_EQ(count(*m, vm_item::workingset_refault_anon), 1U);
        EXPECT_EQ(count(*m, vm_item::workingset_activate_anon), distance_0 ? 1U : 0U)
            << "all other lists are empty: only a distance of 0 passes";
    }
}

TEST(profiles, a_page_from_swap_is_activated_when_mapped_if_it_is_on_a_list) {
    const kernel_profile older = linux_6_1_but([](kernel_profile& p) {
        p.swap_in = swap_in_placement::activated_once_mapped;
        p.anon_refaults = anon_refault::ignored;
    });
    // A window of one page: it still waits in the batch when it is mapped, and stays inactive.
    auto alone = with_page_1_in_swap(older, swap_device::flash);
    alone->touch(1, access_kind::read);
    alone->parts.batches.lru_add_drain();
    EXPECT_EQ(alone->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_TRUE(alone->page_at(1).test(page_flag::workingset));
    // A readahead window ends with a drain.
    auto m = a_machine().with_profile(older).with_swap_on(swap_device::flash).build();
    m->written(1);
    m->age(1);
    m->swap_out(1);
    m->touch(1, access_kind::read);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_EQ(count(*m, vm_item::pgactivate), 1U);
}

TEST(profiles, a_read_that_bypasses_the_swap_cache_is_no_sign_of_a_workingset) {
    auto m = with_page_1_in_swap(linux_5_8, swap_device::zram);
    m->touch(1, access_kind::read);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_FALSE(m->page_at(1).test(page_flag::workingset));
}

TEST(profiles, each_swap_in_costs_or_only_a_restored_page_does) {
    for (const swap_device device : {swap_device::zram, swap_device::flash}) {
        for (const swap_in_cost rule : {swap_in_cost::of_restored_pages, swap_in_cost::of_each_page}) {
            auto m = with_page_1_in_swap(linux_6_1_but([rule](kernel_profile& p) { p.swap_in_costs = rule; }),
                                         device);
            for (unsigned n = 10; n < 40; ++n) m->written(n); // so that the costs do not decay
            m->parts.lru.anon_cost = 0;
            m->touch(1, access_kind::read);
            EXPECT_EQ(m->parts.lru.anon_cost, rule == swap_in_cost::of_each_page ? 1U : 0U);
        }
    }
}

TEST(profiles, activations_allow_deactivation_only_where_they_are_asked_for) {
    for (const kernel_profile& profile : {linux_6_1, linux_6_1_but([](kernel_profile& p) {
                                              p.deactivation = anon_deactivation::if_inactive_is_low;
                                          })}) {
        auto m = a_machine().with_profile(profile).build();
        for (unsigned n = 0; n < 30; ++n) m->written(n);
        m->parts.stat.add(vm_item::workingset_activate_anon, 100);
        scan_control sc;
        prepare_scan_count(m->parts.rc, sc);
        EXPECT_EQ(sc.may_deactivate.has(scan_type::anon),
                  profile.deactivation == anon_deactivation::or_if_activations_moved);
    }
}

TEST(profiles, a_locked_range_is_found_by_the_reference_check_or_by_the_unmap) {
    auto m = a_machine()
                 .with_profile(
                     linux_6_1_but([](kernel_profile& p) { p.locked_ranges = locked_range_rule::unmap; }))
                 .build();
    page& p = m->written(1);
    m->range->flags.set(vm_flag::locked);
    m->isolate(p);
    scan_control sc;
    EXPECT_EQ(m->judge(p, sc), why::unmap_failed);
    EXPECT_TRUE(p.test(page_flag::mlocked));
    EXPECT_FALSE(p.test(page_flag::active));
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 1");
}

TEST(profiles, a_page_used_since_the_reference_check_is_not_unmapped_where_unmap_looks_again) {
    for (const unmap_of_young rule : {unmap_of_young::ignores, unmap_of_young::refuses}) {
        auto m = a_machine()
                     .with_profile(linux_6_1_but([rule](kernel_profile& p) { p.unmap_young = rule; }))
                     .build();
        page& p = m->written(1); // young
        m->isolate(p);
        scan_control sc;
        sc.may.set(scan_permission::ignore_references);
        const bool refuses = rule == unmap_of_young::refuses;
        EXPECT_EQ(m->judge(p, sc), refuses ? why::unmap_failed : why::written);
        EXPECT_EQ(m->entry(1).is_swap(), !refuses);
        if (refuses) {
            EXPECT_FALSE(m->entry(1).young());
            EXPECT_TRUE(p.test(page_flag::active));
        }
    }
}

TEST(profiles, a_write_to_a_cached_page_of_one_user_leaves_the_swap_cache_by_mapcount_only) {
    for (const anon_reuse rule : {anon_reuse::by_exclusive_mark, anon_reuse::by_mapcount}) {
        auto m = with_page_1_in_swap(linux_6_1_but([rule](kernel_profile& p) { p.reuse = rule; }),
                                     swap_device::flash);
        m->touch(1, access_kind::read);
        ASSERT_TRUE(m->page_at(1).test(page_flag::swapcache));
        m->touch(1, access_kind::write);
        page& p = m->page_at(1);
        const bool by_mapcount = rule == anon_reuse::by_mapcount;
        EXPECT_EQ(p.test(page_flag::swapcache), !by_mapcount) << "6.1 keeps the slot of an exclusive page";
        EXPECT_EQ(p.test(page_flag::dirty), by_mapcount);
        EXPECT_EQ(p.test(page_flag::anon_exclusive), !by_mapcount);
        EXPECT_EQ(count(*m, vm_item::pgreuse), by_mapcount ? 0U : 1U);
        EXPECT_TRUE(m->entry(1).writable() && m->entry(1).dirty());
        m->check();
    }
}

TEST(profiles, a_write_to_a_cached_page_is_a_copy_by_refcount) {
    auto m = with_page_1_in_swap(linux_6_1_but([](kernel_profile& p) { p.reuse = anon_reuse::by_refcount; }),
                                 swap_device::flash);
    m->touch(1, access_kind::read);
    const page& first = m->page_at(1);
    m->parts.batches.lru_add_drain();
    ASSERT_EQ(first.refcount(), 2) << "descriptor and swap cache";
    m->touch(1, access_kind::write);
    EXPECT_NE(&m->page_at(1), &first);
    EXPECT_EQ(count(*m, vm_item::pgreuse), 0U);
    EXPECT_TRUE(first.test(page_flag::swapcache)) << "5.10 leaves the idle page in the swap cache";
    m->check();
}

TEST(profiles, by_refcount_a_page_that_waits_in_a_batch_is_copied_and_one_on_its_list_is_reused) {
    for (const bool drained : {false, true}) {
        auto m = with_page_1_in_swap(
            linux_6_1_but([](kernel_profile& p) { p.reuse = anon_reuse::by_refcount; }), swap_device::zram);
        m->touch(1, access_kind::read);
        const page& first = m->page_at(1);
        ASSERT_FALSE(first.test(page_flag::swapcache));
        if (drained) m->parts.batches.lru_add_drain();
        m->touch(1, access_kind::write);
        EXPECT_EQ(&m->page_at(1) == &first, drained);
        EXPECT_EQ(count(*m, vm_item::pgreuse), drained ? 1U : 0U);
        EXPECT_FALSE(m->page_at(1).test(page_flag::anon_exclusive));
        m->check();
    }
}

TEST(profiles, a_page_read_through_the_swap_cache_of_5_10_is_marked_workingset_and_not_activated) {
    auto m = with_page_1_in_swap(linux_5_10, swap_device::flash);
    m->touch(1, access_kind::read);
    m->parts.batches.lru_add_drain();
    EXPECT_TRUE(m->page_at(1).test(page_flag::workingset));
    EXPECT_EQ(count(*m, vm_item::workingset_refault_anon), 1U);
    auto newer = with_page_1_in_swap(linux_6_1, swap_device::flash);
    newer->touch(1, access_kind::read);
    EXPECT_EQ(newer->page_at(1).test(page_flag::workingset), false);
}

TEST(profiles, a_store_that_swaps_in_gives_the_slot_back_at_once) {
    for (const auto& [profile, device] :
         {std::pair{linux_5_8, swap_device::zram}, std::pair{linux_5_8, swap_device::flash},
          std::pair{linux_5_10, swap_device::zram}, std::pair{linux_5_10, swap_device::flash}}) {
        auto m = with_page_1_in_swap(profile, device);
        const std::uint64_t slot = m->entry(1).swap_entry().offset;
        m->touch(1, access_kind::write);
        EXPECT_FALSE(m->page_at(1).test(page_flag::swapcache));
        EXPECT_TRUE(m->entry(1).writable() && m->entry(1).dirty());
        EXPECT_EQ(m->parts.swap.area().count(slot), 0U);
        m->check();
    }
}

TEST(profiles, reuse_by_mapcount_leaves_a_page_under_writeback_in_the_swap_cache) {
    auto m = a_machine().with_profile(linux_5_8).with_swap_on(swap_device::flash).build();
    page& p = m->written(1);
    m->age(1);
    m->isolate(p);
    p.clear(page_flag::active);
    scan_control sc;
    ASSERT_EQ(m->judge(p, sc), why::written);
    ASSERT_TRUE(p.test(page_flag::writeback));
    EXPECT_EQ(m->touch(1, access_kind::write), fault_outcome::resolved);
    EXPECT_TRUE(p.test(page_flag::writeback) && p.test(page_flag::swapcache));
    EXPECT_TRUE(m->entry(1).writable());
    m->complete_io();
    m->check();
}

TEST(profiles, a_zram_of_5_8_forgets_what_the_swap_cache_got) {
    for (const zram_read rule : {zram_read::keeps_copy, zram_read::drops_copy}) {
        auto m = with_page_1_in_swap(linux_6_1_but([rule](kernel_profile& p) { p.zram_reads = rule; }),
                                     swap_device::zram);
        ASSERT_EQ(m->parts.store()->stored_pages(), 1U);
        const swap_entry e{.offset = m->entry(1).swap_entry().offset};
        page& p =
            *get_page_from_freelist(m->parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::min)
                 .frame;
        p.set(page_flag::locked);
        p.set(page_flag::swapbacked);
        ASSERT_EQ(m->parts.swap.prepare_cache(e), slot_mark::taken);
        static_cast<void>(m->parts.swap.add_to_swap_cache(p, e));
        m->parts.io->read_page(p, e, nullptr);
        const bool drops = rule == zram_read::drops_copy;
        EXPECT_EQ(m->parts.store()->stored_pages(), drops ? 0U : 1U);
        EXPECT_EQ(p.test(page_flag::dirty), drops);
    }
}

TEST(profiles, waiting_is_timed_by_the_kernels_own_rules) {
    auto m = a_machine().with_profile(linux_5_8).build();
    const reclaim_context& rc = m->parts.rc;
    const sim_time now = rc.cpu.clock.now();
    EXPECT_EQ(reclaim_throttle(rc, wait_reason::throttle_writeback).until, timeout_in_jiffies(now, 25));
    EXPECT_EQ(reclaim_throttle(rc, wait_reason::throttle_isolated).until, timeout_in_jiffies(now, 26));
    rc.cpu.count(vm_item::nr_zone_write_pending, 1000);
    EXPECT_TRUE(reclaim_throttle(rc, wait_reason::throttle_congested).done());
    EXPECT_TRUE(reclaim_throttle(rc, wait_reason::throttle_noprogress).done());
    EXPECT_EQ(m->parts.lru.pgdat.writeback_waiters, 0U) << "nobody counts what is written meanwhile";

    auto newer = a_machine().build();
    const reclaim_context& other = newer->parts.rc;
    EXPECT_EQ(reclaim_throttle(other, wait_reason::throttle_writeback).until, timeout_in_jiffies(now, 25));
    EXPECT_EQ(reclaim_throttle(other, wait_reason::throttle_isolated).until, timeout_in_jiffies(now, 5));
    EXPECT_TRUE(reclaim_throttle(other, wait_reason::throttle_congested).done());
    other.cpu.count(vm_item::nr_zone_write_pending, 1000);
    EXPECT_EQ(reclaim_throttle(other, wait_reason::throttle_congested).until, timeout_in_jiffies(now, 1));
    EXPECT_EQ(reclaim_throttle(other, wait_reason::throttle_noprogress).until, timeout_in_jiffies(now, 1));
}

// Drives one allocation that cannot succeed; returns how long it slept in all.
sim_duration sleep_of_a_hopeless_allocation(const kernel_profile& profile, std::int64_t write_pending) {
    auto m = a_machine().with_profile(profile).with_memory(1024).with_swap_on(swap_device::flash).build();
    for (unsigned n = 0; n < 300; ++n)
        m->page_at((m->touch(n, access_kind::write), n)).set(page_flag::locked);
    m->parts.batches.lru_add_drain();
    while (get_page_from_freelist(m->parts.home, gfp::kernel, page_order{0}, alloc_mark::none).frame !=
           nullptr) {}
    m->parts.lru.pgdat.kswapd_failures = 16; // nobody is throttled on behalf of the reserve
    m->parts.stat.add(vm_item::nr_zone_write_pending, write_pending);
    alloc_cursor c;
    sim_duration slept{};
    for (step_result r = step_again; !r.done();) {
        r = alloc_page_step(m->parts.rc, c, gfp::highuser_movable);
        if (r.kind != step_kind::sleep) continue;
        slept = slept + (r.until - m->parts.clock.now());
        m->parts.clock.advance_to(r.until);
    }
    EXPECT_EQ(c.outcome, alloc_outcome::out_of_memory);
    return slept;
}

TEST(profiles, a_hopeless_allocation_of_5_8_waits_while_much_is_being_written) {
    EXPECT_GE(sleep_of_a_hopeless_allocation(linux_5_8, 400).ns, 16 * milliseconds(100).ns);
    EXPECT_EQ(sleep_of_a_hopeless_allocation(linux_5_8, 0).ns, 0U);
    kernel_profile newer = linux_5_8;
    newer.throttling = throttle_rule::reclaim_throttle;
    EXPECT_EQ(sleep_of_a_hopeless_allocation(newer, 400).ns, 0U);
}

TEST(profiles, a_zone_with_nothing_to_reclaim_counts_its_free_pages_or_nothing) {
    auto m = a_machine().build();
    const zone& z = m->parts.home.zones().front();
    EXPECT_EQ(zone_reclaimable_pages(m->parts.rc, z), z.nr_free_pages());
    auto older = a_machine().with_profile(linux_5_8).build();
    EXPECT_EQ(zone_reclaimable_pages(older->parts.rc, older->parts.home.zones().front()), 0U);
}

TEST(profiles, tables_of_the_third_level_count_in_5_8_those_of_the_second_too_in_6_1) {
    auto m = a_machine().with_profile(linux_5_8).build();
    m->written(1);
    EXPECT_EQ(count(*m, vm_item::nr_page_table_pages), 1U);
    exit_cursor gone;
    while (!exit_mmap(m->parts.fc, *m->space, gone).done()) {}
    EXPECT_EQ(count(*m, vm_item::nr_page_table_pages), 0U);
}

TEST(profiles, an_old_page_is_unmapped_without_a_flush_in_5_8) {
    for (const kernel_profile& profile : {linux_5_8, linux_6_1}) {
        auto m = a_machine().with_profile(profile).build();
        m->written(1);
        m->age(1);
        const std::uint64_t before = m->parts.tlbs.stats().page_flushes;
        m->swap_out(1);
        EXPECT_EQ(m->parts.tlbs.stats().page_flushes - before, profile.name == "5.8" ? 0U : 1U);
    }
}

TEST(profiles, a_load_that_makes_a_page_young_is_flushed_in_5_8) {
    for (const kernel_profile& profile : {linux_5_8, linux_6_1}) {
        auto m = a_machine().with_profile(profile).build();
        m->written(1);
        m->age(1);
        const std::uint64_t before = m->parts.tlbs.stats().page_flushes;
        m->touch(1, access_kind::read);
        EXPECT_EQ(m->parts.tlbs.stats().page_flushes - before, profile.name == "5.8" ? 1U : 0U);
    }
}

TEST(profiles, a_steal_wakes_kswapd_in_5_8_even_if_the_marks_do_not_rise) {
    for (const kernel_profile& profile : {linux_5_8, linux_6_1}) {
        machine_config c = machine_with(page_count{1024}); // two pageblocks: never boosted
        c.profile = profile;
        testing::silent_waker waker;
        machine_parts parts{c, waker, nullptr};
        zone& z = parts.home.zones().front();
        bool flagged = z.test_and_clear_boosted();
        for (int i = 0; i < 200 && !flagged; ++i) {
            for (const migratetype t :
                 {migratetype::movable, migratetype::unmovable, migratetype::reclaimable}) {
                static_cast<void>(z.rmqueue(page_order{3}, t));
                flagged = flagged || z.test_and_clear_boosted();
            }
        }
        EXPECT_EQ(z.watermark_boost(), 0U);
        EXPECT_EQ(flagged, profile.boosted == boosted_flag::at_every_steal);
    }
}

} // namespace
} // namespace pagesim
