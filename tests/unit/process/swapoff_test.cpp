// SPDX-License-Identifier: MIT
// swapoff: everything comes back, old; the counts go first; who cannot come back keeps the area.
#include <support/kernels.hpp>
#include <support/small_machine.hpp>

#include <pagesim/process/swapoff.hpp>

#include <gtest/gtest.h>

#include <array>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::small_machine;

swap_config area_on(swap_device device, std::uint64_t pages, std::optional<int> priority = std::nullopt) {
    return {
        .device = device, .pages = page_count{pages}, .priority = priority, .bad_slots = {}, .failures = {}};
}
// One step; the device answers whenever it is waited for.
step_result step(small_machine& m, swapoff_cursor& c) {
    const std::array<mm*, 1> spaces{m.space.get()};
    const step_result r = swapoff(m.parts.fc, spaces, c);
    if (r.kind != step_kind::sleep) return r;
    if (r.until != never) m.parts.clock.advance_to(r.until);
    m.complete_io();
    return r;
}
swapoff_outcome run(small_machine& m, std::uint8_t type = 0) {
    swapoff_cursor c;
    c.type = type;
    for (int steps = 0; steps < 10'000; ++steps) {
        if (step(m, c).done()) return c.outcome;
    }
    ADD_FAILURE() << "swapoff does not end";
    return c.outcome;
}
void send_out(small_machine& m, std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t n = first; n < end; ++n) {
        page& p = m.written(n);
        m.parts.lru.del_page(p); // 5.8 begins it active
        p.clear(page_flag::active);
        m.parts.lru.add_page(p);
        m.age(n);
        m.swap_out(n);
    }
}

class swapping_off : public ::testing::TestWithParam<const kernel_profile*> {};

TEST_P(swapping_off, brings_every_page_back_and_maps_it_old) {
    for (const swap_device device : {swap_device::zram, swap_device::flash}) {
        auto m = a_machine().with_profile(*GetParam()).with_swap(area_on(device, 2000)).build();
        send_out(*m, 0, 40);
        send_out(*m, 600, 610);
        const std::uint64_t faults = m->parts.stat[vm_item::pgfault];
        ASSERT_EQ(m->space->swap_entries, 50U);
        EXPECT_EQ(run(*m), swapoff_outcome::gone);
        EXPECT_EQ(m->space->swap_entries, 0U);
        EXPECT_EQ(m->space->anon_pages, 50U);
        for (const std::uint64_t n : {0U, 39U, 600U, 609U}) {
            EXPECT_TRUE(m->entry(n).valid());
            EXPECT_FALSE(m->entry(n).young() || m->entry(n).writable());
            EXPECT_FALSE(m->page_at(n).test(page_flag::swapcache));
            EXPECT_TRUE(m->page_at(n).test(page_flag::dirty)) << "nothing else has its content";
        }
        EXPECT_FALSE(m->parts.swap.has_area(0));
        EXPECT_EQ(m->parts.swap.total_swap_pages(), 0U);
        EXPECT_EQ(m->parts.swap.nr_swap_pages(), 0U);
        EXPECT_EQ(m->parts.stat[vm_item::pswpin], 50U);
        EXPECT_EQ(m->parts.stat[vm_item::pgfault], faults) << "nobody faulted";
        EXPECT_EQ(m->parts.stat[vm_item::nr_swapcached], 0U);
        m->check();
        m->parts.batches.lru_add_drain();
        const std::uint64_t active = m->parts.stat[vm_item::nr_active_anon];
        EXPECT_TRUE(active > 0 || GetParam() != &linux_5_8) << "mapped, and on a list";
        EXPECT_EQ(m->touch(0, access_kind::write), fault_outcome::resolved);
        m->check();
    }
}

TEST_P(swapping_off, a_page_of_one_user_may_be_written_in_place_afterwards) {
    auto m = a_machine().with_profile(*GetParam()).with_page_cluster(0).build();
    send_out(*m, 1, 2);
    EXPECT_EQ(run(*m), swapoff_outcome::gone);
    m->parts.batches.lru_add_drain();
    const page* p = &m->page_at(1);
    m->touch(1, access_kind::write);
    EXPECT_EQ(&m->page_at(1), p);
}

INSTANTIATE_TEST_SUITE_P(kernels, swapping_off, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

TEST(swapoff, takes_the_size_away_first_with_what_is_in_use) {
    auto m = a_machine()
                 .with_swap(area_on(swap_device::flash, 100))
                 .and_swap_on(area_on(swap_device::flash, 30))
                 .build();
    send_out(*m, 0, 60);
    swap_space& swap = m->parts.swap;
    ASSERT_EQ(swap.area(0).in_use(), 60U);
    swapoff_cursor c;
    EXPECT_FALSE(step(*m, c).done());
    EXPECT_EQ(swap.total_swap_pages(), 30U);
    EXPECT_EQ(swap.nr_swap_pages(), 0U) << "70 free of 130, less 100: below zero";
    EXPECT_TRUE(swap.vm_swap_full());
    EXPECT_EQ(swap.alloc_slot(), std::nullopt) << "though the other area is empty";
    EXPECT_EQ(swap.si_swapinfo().total - swap.area(0).in_use(), 30U);
    while (!step(*m, c).done()) {}
    EXPECT_EQ(c.outcome, swapoff_outcome::gone);
    EXPECT_EQ(swap.nr_swap_pages(), 30U);
    m->check();
}

TEST(swapoff, empties_the_slot_cache_and_fills_it_again_only_afterwards) {
    auto m = a_machine()
                 .with_swap(area_on(swap_device::flash, 1000))
                 .and_swap_on(area_on(swap_device::flash, 1000))
                 .build();
    swap_space& swap = m->parts.swap;
    send_out(*m, 0, 3);
    EXPECT_EQ(swap.area(0).in_use(), 64U) << "three, and the rest of the 64";
    swap.begin_swapoff(0);
    EXPECT_EQ(swap.area(0).in_use(), 3U);
    const std::uint64_t before = swap.nr_swap_pages();
    const swap_entry e = *swap.alloc_slot();
    EXPECT_EQ(e.type, 1U);
    EXPECT_EQ(swap.nr_swap_pages(), before - 1) << "one at a time meanwhile";
    swap.cancel_swapoff(0);
    static_cast<void>(swap.alloc_slot());
    EXPECT_EQ(swap.nr_swap_pages(), before - 1 + 1000 - 64);
}

TEST(swapoff, defaults_behind_it_move_up_and_a_later_one_gets_the_next) {
    auto m = a_machine()
                 .with_swap(area_on(swap_device::flash, 100))
                 .and_swap_on(area_on(swap_device::flash, 100))
                 .and_swap_on(area_on(swap_device::flash, 100, 3))
                 .and_swap_on(area_on(swap_device::flash, 100))
                 .build();
    swap_space& swap = m->parts.swap;
    EXPECT_EQ(run(*m, 0), swapoff_outcome::gone);
    EXPECT_EQ(swap.priority(1), -2);
    EXPECT_EQ(swap.priority(2), 3);
    EXPECT_EQ(swap.priority(3), -3);
    EXPECT_EQ(m->parts.swapon(area_on(swap_device::zram, 50)), 0) << "the free type is taken again";
    EXPECT_EQ(swap.priority(0), -4);
    EXPECT_EQ(run(*m, 2), swapoff_outcome::gone);
    EXPECT_EQ(swap.priority(3), -3) << "an explicit priority moves nobody";
    m->check();
}

TEST(swapoff, leaves_the_other_areas_pages_where_they_are) {
    auto m = a_machine()
                 .with_swap(area_on(swap_device::flash, 100, 5))
                 .and_swap_on(area_on(swap_device::zram, 100, 5))
                 .build();
    send_out(*m, 0, 10);
    EXPECT_EQ(run(*m, 1), swapoff_outcome::gone);
    EXPECT_EQ(m->space->swap_entries, 5U);
    EXPECT_EQ(m->space->anon_pages, 5U);
    EXPECT_EQ(m->parts.store(1)->pool_frames(), 0U) << "its pool is empty";
    m->check();
}

TEST(swapoff, waits_for_pages_that_are_being_written) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->age(1);
    m->isolate(p);
    scan_control sc;
    m->judge(p, sc);
    ASSERT_TRUE(p.test(page_flag::writeback));
    swapoff_cursor c;
    const std::array<mm*, 1> spaces{m->space.get()};
    step_result r = swapoff(m->parts.fc, spaces, c);
    while (r.kind == step_kind::again) r = swapoff(m->parts.fc, spaces, c);
    EXPECT_EQ(r.channel.reason, wait_reason::page_written);
    m->complete_io();
    EXPECT_EQ(m->waker.last.reason, wait_reason::page_written) << "the end of the write wakes it";
    while (!step(*m, c).done()) {}
    EXPECT_EQ(c.outcome, swapoff_outcome::gone);
    EXPECT_EQ(&m->page_at(1), &p) << "it never left";
    EXPECT_EQ(m->parts.stat[vm_item::pswpin], 0U);
    m->check();
}

TEST(swapoff, takes_slots_from_pages_that_only_keep_them) {
    auto m = a_machine().with_page_cluster(0).build();
    send_out(*m, 1, 2);
    m->touch(1, access_kind::read); // in the swap cache, its slot named by nobody
    ASSERT_TRUE(m->page_at(1).test(page_flag::swapcache));
    EXPECT_EQ(run(*m), swapoff_outcome::gone);
    EXPECT_FALSE(m->page_at(1).test(page_flag::swapcache));
    EXPECT_TRUE(m->page_at(1).test(page_flag::dirty));
    m->check();
}

TEST(swapoff, brings_a_shmem_files_pages_back_into_the_file) {
    auto m = a_machine().build();
    mapping& file = m->parts.cache.create("shared", page_count{100}, file_kind::shmem);
    page& p =
        *get_page_from_freelist(m->parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::min).frame;
    m->parts.cache.add_shmem(file, p, 7);
    p.set(page_flag::uptodate);
    p.set(page_flag::dirty);
    p.clear(page_flag::locked);
    m->parts.batches.lru_cache_add(p);
    m->parts.batches.put_page(p);
    m->parts.batches.lru_add_drain();
    for (int pass = 0; pass < 3 && file.nrpages() > 0; ++pass) {
        m->isolate(p);
        scan_control sc;
        m->judge(p, sc);
        m->complete_io();
        m->parts.batches.lru_add_drain();
    }
    ASSERT_TRUE(file.slot(7).is_value()) << "the file keeps the swap entry";
    m->check();
    EXPECT_EQ(run(*m), swapoff_outcome::gone);
    ASSERT_TRUE(file.slot(7).is_frame());
    EXPECT_TRUE(m->parts.frames[file.slot(7).frame()].test(page_flag::dirty));
    EXPECT_EQ(file.nrpages(), 1U);
    m->check();
}

TEST(swapoff, fails_when_a_page_cannot_be_read_and_the_area_stays) {
    for (const swap_device device : {swap_device::zram, swap_device::flash}) {
        auto m = a_machine()
                     .with_page_cluster(0)
                     .with_swap(area_on(device, 1000))
                     .and_swap_on(area_on(swap_device::flash, 1000))
                     .build();
        send_out(*m, 0, 20);
        const std::uint64_t slot = m->entry(10).swap_entry().offset;
        m->parts.io->failures().add(
            {.direction = io_direction::read, .first_page = slot, .end_page = slot + 1});
        EXPECT_EQ(run(*m), swapoff_outcome::unreadable);
        EXPECT_TRUE(m->parts.swap.usable(0));
        EXPECT_EQ(m->parts.swap.priority(0), -3) << "the last in the order now";
        EXPECT_EQ(m->parts.swap.priority(1), -2);
        EXPECT_EQ(m->space->anon_pages + m->space->swap_entries, 20U);
        EXPECT_EQ(m->parts.swap.total_swap_pages(), 2000U);
        m->check();
    }
}

TEST(swapoff, stops_at_a_signal_and_the_area_is_back) {
    auto m = a_machine().build();
    send_out(*m, 0, 20);
    swapoff_cursor c;
    while (m->space->anon_pages < 5) ASSERT_FALSE(step(*m, c).done());
    c.signal_pending = true;
    while (!step(*m, c).done()) {}
    EXPECT_EQ(c.outcome, swapoff_outcome::interrupted);
    EXPECT_TRUE(m->parts.swap.usable(0));
    EXPECT_GE(m->space->swap_entries, 10U);
    m->check();
    EXPECT_EQ(run(*m), swapoff_outcome::gone) << "and it may be tried again";
    m->check();
}

TEST(swapoff, of_an_area_that_is_not_there_is_refused) {
    auto m = a_machine().build();
    EXPECT_EQ(run(*m, 1), swapoff_outcome::no_such_area);
    EXPECT_EQ(run(*m, 0), swapoff_outcome::gone);
    EXPECT_EQ(run(*m, 0), swapoff_outcome::no_such_area);
}

TEST(swapon, at_run_time_gives_swap_to_a_machine_without) {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    EXPECT_EQ(m->parts.swap.alloc_slot(), std::nullopt);
    EXPECT_EQ(m->parts.swapon(area_on(swap_device::zram, 100)), 0);
    send_out(*m, 0, 5);
    EXPECT_EQ(m->space->swap_entries, 5U);
    EXPECT_EQ(run(*m), swapoff_outcome::gone);
    m->check();
}

TEST(swapon, knows_no_more_areas_than_the_kernel) {
    auto m = a_machine().build();
    for (int i = 1; i < 26; ++i) EXPECT_EQ(m->parts.swapon(area_on(swap_device::flash, 10)), i);
    EXPECT_EQ(m->parts.swapon(area_on(swap_device::flash, 10)), std::nullopt);
}

} // namespace
} // namespace pagesim
