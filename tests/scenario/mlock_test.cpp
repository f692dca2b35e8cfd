// SPDX-License-Identifier: MIT
// Locked memory, one sentence each.
#include <support/kernels.hpp>
#include <support/small_machine.hpp>

#include <pagesim/process/address_space.hpp>
#include <pagesim/process/mlock.hpp>
#include <pagesim/process/unmap.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::small_machine;

class locking : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    locking() : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::zram).build()} {}

    fault_outcome change(lock_action what, std::uint64_t first, std::uint64_t pages) {
        lock_cursor c;
        for (;;) {
            const step_result r =
                change_lock(m->parts.fc, *m->space, what, vpn{first}, vpn{first + pages}, c);
            if (r.done()) break;
        }
        m->parts.batches.lru_add_drain();
        return c.outcome;
    }
    void unmap(std::uint64_t page) {
        unmap_cursor c;
        vma& range = *m->space->find_vma(vpn{page});
        while (!unmap_range(m->parts.fc, *m->space, range, c).done()) {}
        m->parts.batches.lru_add_drain();
    }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return m->parts.stat[i]; }

    std::unique_ptr<small_machine> m;
};

TEST_P(locking, a_resident_page_moves_to_the_unevictable_list_and_back_to_the_inactive_one) {
    page& p = m->written(7);
    m->parts.batches.activate_page(p);
    m->parts.batches.lru_add_drain();
    change(lock_action::mlock, 7, 1);
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 7");
    EXPECT_TRUE(p.test(page_flag::mlocked));
    EXPECT_EQ(count(vm_item::nr_mlock), 1U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_mlocked), 1U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_culled), 1U);
    change(lock_action::munlock, 7, 1);
    EXPECT_EQ(m->picture(), "ia: 7 | aa: - | if: - | af: - | un: -") << "though it had been active";
    EXPECT_EQ(count(vm_item::nr_mlock), 0U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_munlocked), 1U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_rescued), 1U);
    m->check();
}

TEST_P(locking, missing_pages_are_brought_by_a_store_and_stay) {
    const std::uint64_t before = count(vm_item::pgfault);
    change(lock_action::mlock, 3, 4);
    EXPECT_EQ(count(vm_item::pgfault) - before, 4U);
    EXPECT_EQ(count(vm_item::nr_unevictable), 4U);
    EXPECT_TRUE(m->entry(3).writable() && m->entry(3).dirty());
    EXPECT_TRUE(m->page_at(3).test(page_flag::referenced)) << "populate touches it";
    m->check();
}

TEST_P(locking, a_page_in_swap_is_brought_back_and_locked) {
    page& p = m->written(5);
    m->parts.lru.del_page(p);
    p.clear(page_flag::active); // 5.8 bears it active
    m->parts.lru.add_page(p);
    m->age(5);
    m->swap_out(5);
    ASSERT_TRUE(m->entry(5).is_swap());
    change(lock_action::mlock, 5, 1);
    EXPECT_TRUE(m->entry(5).valid());
    EXPECT_EQ(count(vm_item::pswpin), 1U);
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 5");
    m->check();
}

TEST_P(locking, a_part_of_a_range_is_a_range_of_its_own_until_it_is_alike_again) {
    for (std::uint64_t n = 0; n < 10; ++n) m->written(n);
    ASSERT_EQ(m->space->vmas().size(), 1U);
    change(lock_action::mlock, 2, 3);
    ASSERT_EQ(m->space->vmas().size(), 3U);
    EXPECT_TRUE(m->space->find_vma(vpn{4})->flags.has(vm_flag::locked));
    EXPECT_FALSE(m->space->find_vma(vpn{5})->flags.has(vm_flag::locked));
    EXPECT_EQ(m->space->find_vma(vpn{0})->anon_vma, m->space->find_vma(vpn{9})->anon_vma);
    m->check();
    change(lock_action::munlock, 0, 10);
    EXPECT_EQ(m->space->vmas().size(), 1U);
    EXPECT_EQ(count(vm_item::nr_unevictable), 0U);
    m->check();
}

TEST_P(locking, what_is_locked_already_is_left_alone) {
    change(lock_action::mlock, 2, 3);
    change(lock_action::mlock, 0, 8);
    EXPECT_EQ(count(vm_item::unevictable_pgs_mlocked), 8U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_culled), 8U);
    change(lock_action::mlock, 0, 8);
    EXPECT_EQ(count(vm_item::unevictable_pgs_mlocked), 8U);
    m->check();
}

TEST_P(locking, an_unmapped_locked_page_is_unlocked_on_its_way_out) {
    m->written(0);
    change(lock_action::mlock, 0, 2);
    ASSERT_EQ(split_at(m->parts.fc, *m->space, vpn{2}), mm_error::none);
    unmap(0);
    EXPECT_EQ(count(vm_item::nr_mlock), 0U);
    EXPECT_EQ(count(vm_item::nr_unevictable), 0U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_munlocked), 2U);
    EXPECT_EQ(count(vm_item::unevictable_pgs_cleared), 0U);
    EXPECT_EQ(count(vm_item::nr_anon_pages), 0U);
    m->check();
}

TEST_P(locking, a_new_page_of_a_locked_range_is_born_unevictable) {
    change(lock_action::mlock, 0, 1);
    m->space->find_vma(vpn{9})->flags.set(vm_flag::locked);
    m->touch(9, access_kind::write);
    m->parts.batches.lru_add_drain();
    EXPECT_TRUE(m->page_at(9).test(page_flag::unevictable));
    EXPECT_FALSE(m->page_at(9).test(page_flag::active));
    EXPECT_EQ(count(vm_item::nr_mlock), 2U);
}

TEST(locking_6_1, pages_move_fifteen_at_a_time_while_the_counters_move_at_once) {
    const auto m = a_machine().build();
    for (std::uint64_t n = 0; n < 15; ++n) m->written(n);
    for (std::uint64_t n = 0; n < 14; ++n) m->parts.batches.mlock_page(m->page_at(n));
    EXPECT_EQ(m->parts.stat[vm_item::nr_mlock], 14U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_unevictable], 0U);
    m->parts.batches.mlock_page(m->page_at(14));
    EXPECT_EQ(m->parts.stat[vm_item::nr_unevictable], 15U);
}

TEST(locking_6_1, a_page_off_its_list_is_stranded_or_merely_unlocked) {
    const auto m = a_machine().build();
    page& p = m->written(1);
    m->parts.batches.mlock_page(p);
    m->parts.batches.lru_add_drain();
    m->parts.lru.del_page(p); // somebody looks at it
    m->parts.batches.munlock_page(p);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::unevictable_pgs_stranded], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::unevictable_pgs_rescued], 0U);
    EXPECT_FALSE(p.test(page_flag::mlocked));
    m->parts.lru.add_page(p);
}

TEST(locking_6_1, a_page_that_was_locked_before_it_came_to_its_list_is_counted_once) {
    const auto m = a_machine().build();
    m->touch(1, access_kind::write); // waits in the add batch
    page& p = m->page_at(1);
    m->parts.batches.mlock_page(p);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: 1");
    m->parts.batches.munlock_page(p);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::nr_mlock], 0U);
}

TEST(locking_6_1, two_ranges_that_lock_a_page_unlock_it_one_after_the_other) {
    const auto m = a_machine().build();
    for (const bool known : {true, false}) {
        const std::uint64_t n = known ? 1 : 2;
        page& p = known ? m->written(n) : (m->touch(n, access_kind::write), m->page_at(n));
        for (int i = 0; i < 2; ++i) m->parts.batches.mlock_page(p);
        m->parts.batches.lru_add_drain();
        m->parts.batches.munlock_page(p);
        m->parts.batches.lru_add_drain();
        EXPECT_TRUE(p.test(page_flag::mlocked));
        m->parts.batches.munlock_page(p);
        m->parts.batches.lru_add_drain();
        EXPECT_FALSE(p.test(page_flag::mlocked) || p.test(page_flag::unevictable));
    }
}

INSTANTIATE_TEST_SUITE_P(kernels, locking, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1), kernel_of);

} // namespace
} // namespace pagesim
