// SPDX-License-Identifier: MIT
// Who maps a page after forks: the reverse mapping over several processes, locked ranges among them, and anon_vmas that are
// taken over; one sentence each.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vpn first_page{100};

class families : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    families()
        : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::zram).config()}, p{m.start()} {
        p.map_at(raw(first_page), 8);
    }
    ~families() override { m.check(); }

    [[nodiscard]] bool is_6_1() const { return GetParam() == &linux_6_1; }

    processes m;
    process& p;
};

TEST_P(families, after_k_forks_in_a_row_a_range_has_k_plus_one_links) {
    p.fill(first_page, 1);
    std::vector<process*> line{&p};
    for (std::size_t k = 1; k <= 4; ++k) {
        line.push_back(&m.fork(*line.back()));
        EXPECT_EQ(line.back()->range_at(first_page)->chain.size(), k + 1);
    }
    page& of_all = p.page_at(first_page);
    EXPECT_EQ(m.parts.map.count_mappings(of_all), 5);
    static_cast<void>(line[2]->write(first_page));
    page& of_third = line[2]->page_at(first_page);
    EXPECT_EQ(m.parts.map.count_mappings(of_all), 4);
    EXPECT_EQ(m.parts.map.anon_vmas()[of_third.mapping()].links.size(), 3U)
        << "itself and its descendants are searched";
}

TEST_P(families, a_page_young_in_three_processes_has_three_references_and_then_none) {
    p.fill(first_page, 1);
    process& second = m.fork(p);
    process& third = m.fork(p);
    static_cast<void>(second.read(first_page));
    static_cast<void>(third.read(first_page));
    page& shared = p.page_at(first_page);
    EXPECT_EQ(m.parts.map.page_referenced(shared).ranges, 3U);
    EXPECT_EQ(m.parts.map.page_referenced(shared).ranges, 0U);
    for (process* each : {&p, &second, &third}) static_cast<void>(each->read(first_page));
    second.range_at(first_page)->flags.set(vm_flag::seq_read);
    EXPECT_EQ(m.parts.map.page_referenced(shared).ranges, 2U) << "one reads in sequence";
    EXPECT_FALSE(second.entry(first_page).young()) << "cleared all the same";
}

TEST_P(families, two_references_activate_at_once) {
    p.fill(first_page, 1);
    process& child = m.fork(p);
    page& shared = p.page_at(first_page);
    m.parts.lru.del_page(shared);
    shared.clear(page_flag::active);
    m.parts.lru.add_page(shared);
    static_cast<void>(child.read(first_page));
    EXPECT_EQ(m.judge(shared), why::referenced_again);
    EXPECT_TRUE(shared.test(page_flag::active));
}

TEST_P(families, a_locked_mapper_stops_the_unmap_and_what_is_done_stays) {
    p.fill(first_page, 1);
    process& second = m.fork(p);
    process& third = m.fork(p);
    page& shared = p.page_at(first_page);
    second.range_at(first_page)->flags.set(vm_flag::locked); // and its page is not mlocked yet
    static_cast<void>(m.parts.map.page_referenced(shared));
    m.drain();
    if (is_6_1()) {
        EXPECT_TRUE(shared.test(page_flag::mlocked)) << "the reference check finds it";
        return;
    }
    ASSERT_FALSE(shared.test(page_flag::mlocked));
    EXPECT_EQ(m.swap_out(shared), why::unmap_failed);
    EXPECT_TRUE(p.entry(first_page).is_swap()) << "the first";
    EXPECT_TRUE(second.entry(first_page).present() && third.entry(first_page).present());
    EXPECT_TRUE(shared.test(page_flag::mlocked) && shared.test(page_flag::unevictable));
    EXPECT_FALSE(shared.test(page_flag::active));
    EXPECT_TRUE(shared.test(page_flag::swapcache)) << "its slot is named";
    m.check();
    second.lock(first_page, 8, lock_action::munlock);
    static_cast<void>(p.read(first_page));
}

TEST_P(families, a_page_stays_unevictable_until_the_last_range_unlocks_it) {
    p.fill(first_page, 1);
    process& child = m.fork(p);
    page& shared = p.page_at(first_page);
    // What an mlock before the fork, and one of the child that finds nothing to copy, would leave.
    for (process* each : {&p, &child}) {
        each->protect(first_page, 8, {vm_flag::read});
        each->lock(first_page, 8);
        m.drain();
    }
    ASSERT_EQ(&child.page_at(first_page), &shared);
    EXPECT_EQ(m.count(vm_item::nr_mlock), 1U);
    child.lock(first_page, 8, lock_action::munlock);
    m.drain();
    EXPECT_TRUE(shared.test(page_flag::mlocked) && shared.test(page_flag::unevictable));
    EXPECT_EQ(m.count(vm_item::nr_mlock), 1U);
    EXPECT_EQ(m.count(vm_item::unevictable_pgs_munlocked), 0U);
    p.lock(first_page, 8, lock_action::munlock);
    m.drain();
    EXPECT_FALSE(shared.test(page_flag::mlocked) || shared.test(page_flag::unevictable));
    EXPECT_EQ(m.count(vm_item::nr_mlock), 0U);
    EXPECT_EQ(m.count(vm_item::unevictable_pgs_munlocked), 1U);
    EXPECT_EQ(m.count(vm_item::unevictable_pgs_rescued), 1U);
}

TEST_P(families, a_childs_exit_leaves_a_page_that_its_parent_locks) {
    p.fill(first_page, 1);
    process& child = m.fork(p);
    for (process* each : {&p, &child}) {
        each->protect(first_page, 8, {vm_flag::read});
        each->lock(first_page, 8);
        m.drain();
    }
    m.exit(child);
    m.drain();
    EXPECT_TRUE(p.page_at(first_page).test(page_flag::mlocked));
    EXPECT_EQ(m.count(vm_item::nr_unevictable), 1U);
}

// ---- anon_vmas that are taken over

TEST_P(families, a_grandchild_takes_over_what_its_dead_parent_left_behind) {
    p.fill(first_page, 1);
    process* last = &m.fork(p);
    const std::size_t before = m.parts.map.anon_vmas().in_use();
    for (int i = 0; i < 10; ++i) {
        process& next = m.fork(*last);
        m.exit(*last);
        last = &next;
    }
    EXPECT_LE(last->range_at(first_page)->chain.size(), 4U) << "the chain does not grow with each generation";
    EXPECT_LE(m.parts.map.anon_vmas().in_use(), before + 2);
}

INSTANTIATE_TEST_SUITE_P(kernels, families, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
