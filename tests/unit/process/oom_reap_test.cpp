// SPDX-License-Identifier: MIT
#include <pagesim/process/mlock.hpp>
#include <pagesim/process/oom_reap.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

reap_result reap(small_machine& m) {
    reap_cursor c;
    while (!oom_reap_mm(m.parts.fc, *m.space, c).done()) {}
    m.parts.batches.lru_add_drain();
    return c.result;
}

TEST(oom_reap, takes_pages_and_slots_and_leaves_the_ranges) {
    auto m = a_machine().with_swap_on(swap_device::flash).build();
    for (const std::uint64_t n : {0U, 1U, 511U, 512U, 5000U}) m->written(n);
    m->swap_out(1);
    EXPECT_EQ(reap(*m), reap_result::reaped);
    EXPECT_EQ(m->space->anon_pages, 0U);
    EXPECT_EQ(m->space->swap_entries, 0U);
    EXPECT_EQ(m->space->vmas().size(), 1U);
    EXPECT_TRUE(m->space->flags.has(mm_flag::unstable));
    m->check();
}

TEST(oom_reap, locked_ranges_only_since_6_1) {
    for (const kernel_profile* p : {&linux_5_8, &linux_5_10, &linux_6_1}) {
        auto m = a_machine().with_profile(*p).build();
        for (std::uint64_t n = 0; n < 20; ++n) m->written(n);
        lock_cursor c;
        while (!change_lock(m->parts.fc, *m->space, lock_action::mlock, vpn{5}, vpn{9}, c).done()) {}
        reap(*m);
        EXPECT_EQ(m->space->anon_pages, p == &linux_6_1 ? 0U : 4U) << p->name;
        EXPECT_EQ(m->parts.stat[vm_item::nr_mlock], p == &linux_6_1 ? 0U : 4U) << p->name;
        m->check();
    }
}

TEST(oom_reap, what_is_touched_afterwards_is_not_mapped) {
    auto m = a_machine().build();
    m->written(3);
    reap(*m);
    const std::uint64_t free = m->parts.stat[vm_item::nr_free_pages] + m->parts.home.zones()[0].pcp().count();
    fault_cursor f;
    f.where = vpn{3};
    f.kind = access_kind::write;
    while (!handle_mm_fault(m->parts.fc, *m->space, f).done()) {}
    m->parts.batches.lru_add_drain();
    EXPECT_TRUE(m->entry(3).none());
    EXPECT_EQ(m->parts.stat[vm_item::nr_free_pages] + m->parts.home.zones()[0].pcp().count(), free);
}

TEST(oom_reap, cannot_come_in_while_mlock_changes_ranges) {
    auto m = a_machine().build();
    for (std::uint64_t n = 0; n < 600; ++n) m->written(n);
    lock_cursor c;
    ASSERT_EQ(change_lock(m->parts.fc, *m->space, lock_action::mlock, vpn{0}, vpn{600}, c).kind,
              step_kind::again);
    ASSERT_EQ(c.at, lock_cursor::phase::marking) << "the first 512 pages";
    ASSERT_EQ(reap(*m), reap_result::no_entry);
    EXPECT_EQ(m->space->anon_pages, 600U);
    while (!change_lock(m->parts.fc, *m->space, lock_action::mlock, vpn{0}, vpn{600}, c).done()) {}
    EXPECT_EQ(reap(*m), reap_result::reaped);
}

TEST(oom_reap, finds_nothing_after_exit) {
    auto m = a_machine().build();
    m->written(3);
    exit_cursor c;
    while (!exit_mmap(m->parts.fc, *m->space, c).done()) {}
    EXPECT_EQ(reap(*m), reap_result::nothing_left);
}

TEST(oom_reap, a_fault_that_reads_past_the_swap_cache_gives_its_slot_back) {
    auto m = a_machine().with_swap_on(swap_device::zram, 200).build(); // too few slots to park any
    m->written(3);
    m->swap_out(3);
    // The fault is about to wait for a frame: all are taken, and reclaim finds nothing but itself.
    std::vector<page*> taken;
    while (page* p = alloc_page_memalloc(m->parts.rc, gfp::kernel)) taken.push_back(p);
    fault_cursor f;
    f.where = vpn{3};
    f.kind = access_kind::read;
    ASSERT_NE(handle_mm_fault(m->parts.fc, *m->space, f).kind, step_kind::done);
    ASSERT_EQ(f.at, fault_cursor::phase::swap_sync);
    reap(*m);
    for (page* p : taken) m->parts.batches.put_page(*p);
    while (!handle_mm_fault(m->parts.fc, *m->space, f).done()) {}
    m->parts.batches.lru_add_drain();
    EXPECT_TRUE(m->entry(3).none());
    m->check();
    EXPECT_EQ(m->parts.swap.nr_swap_pages(), 200U) << "the mark is gone with the fault";
}

} // namespace
} // namespace pagesim
