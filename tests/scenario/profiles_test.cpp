// SPDX-License-Identifier: MIT
// What a kernel profile changes, one field at a time.
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;

TEST(profiles, a_kernel_whose_anonymous_pages_are_born_active_starts_them_there) {
    kernel_profile older = linux_6_1;
    older.birth = new_anon_list::active;
    auto m = a_machine().with_profile(older).build();
    m->written(1);
    EXPECT_EQ(m->picture(), "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 0U) << "birth is not activation";
}

TEST(profiles, without_a_second_chance_the_first_reference_activates) {
    kernel_profile older = linux_6_1;
    older.anon_references = anon_reference_rule::activate_at_once;
    auto m = a_machine().with_profile(older).build();
    page& p = m->written(1);
    m->isolate(p);
    scan_control sc;
    EXPECT_EQ(m->judge(p, sc), why::referenced_again);
    EXPECT_FALSE(p.test(page_flag::referenced));
}

TEST(profiles, a_kernel_that_ignores_anonymous_refaults_leaves_no_shadow) {
    kernel_profile older = linux_6_1;
    older.anon_refaults = anon_refault::ignored;
    auto m = a_machine().with_profile(older).with_swap_on(swap_device::zram).build();
    m->written(1);
    m->swap_out(1);
    EXPECT_FALSE(m->parts.swap.shadow_at({.offset = m->entry(1).swap_entry().offset}).has_value());
    EXPECT_EQ(m->parts.lru.nonresident_age, 1U) << "the clock ticks all the same";
    m->touch(1, access_kind::read);
    EXPECT_EQ(m->parts.stat[vm_item::workingset_refault_anon], 0U);
}

} // namespace
} // namespace pagesim
