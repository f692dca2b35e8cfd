// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;

TEST(rmap, finds_the_address_of_a_page) {
    auto m = a_machine().build();
    page& p = m->written(77);
    EXPECT_EQ(m->parts.map.vpn_of(p), vpn{77});
    EXPECT_EQ(m->parts.map.anon_vmas()[p.mapping()].links.front().owner, m->space.get());
}

TEST(page_referenced, tells_whether_the_page_was_used_and_forgets_it) {
    auto m = a_machine().build();
    page& p = m->written(1);
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 1U) << "born young";
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 0U);
    m->touch(1, access_kind::read);
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 1U);
}

TEST(page_referenced, makes_the_tlb_forget_the_page) {
    auto m = a_machine().build();
    page& p = m->written(1);
    const std::uint64_t before = m->parts.tlbs.stats().page_flushes_nosync;
    static_cast<void>(m->parts.map.page_referenced(p));
    EXPECT_EQ(m->parts.tlbs.stats().page_flushes_nosync, before + 1) << "not waited for";
    static_cast<void>(m->parts.map.page_referenced(p));
    EXPECT_EQ(m->parts.tlbs.stats().page_flushes_nosync, before + 1) << "an old page is in no TLB";
    EXPECT_EQ(
        m->parts.cpu_mmu.translate(m->space->table(), m->space->id(), vpn{1}, access_kind::read).fault.kind,
        fault_kind::access_flag);
}

TEST(page_referenced, a_range_read_in_sequence_is_cleared_but_not_counted) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->range->flags.set(vm_flag::seq_read);
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 0U);
    EXPECT_FALSE(m->entry(1).young());
}

TEST(page_referenced, an_unmapped_page_has_no_references) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->isolate(p);
    p.set(page_flag::locked);
    ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
    ASSERT_EQ(m->parts.map.try_to_unmap(p), unmap_result::unmapped);
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 0U);
}

TEST(try_to_unmap, leaves_a_swap_entry_and_remembers_that_the_page_was_exclusive) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->isolate(p);
    p.set(page_flag::locked);
    ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
    EXPECT_EQ(p.refcount(), 3);
    ASSERT_EQ(m->parts.map.try_to_unmap(p), unmap_result::unmapped);
    const swap_bits entry = m->entry(1).swap_entry();
    EXPECT_EQ(entry.offset, swap_space::entry_of(p).offset);
    EXPECT_TRUE(entry.exclusive);
    EXPECT_FALSE(p.test(page_flag::anon_exclusive));
    EXPECT_EQ(p.refcount(), 2);
    EXPECT_EQ(p.raw_mapcount(), -1);
    EXPECT_EQ(m->parts.swap.area().map(entry.offset), 0x41);
    EXPECT_EQ(m->space->anon_pages, 0U);
    EXPECT_EQ(m->space->swap_entries, 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_anon_pages], 0U);
}

TEST(try_to_unmap, carries_the_descriptors_dirty_state_to_the_page) {
    auto m = a_machine().build();
    page& p = m->written(1);
    m->isolate(p);
    p.set(page_flag::locked);
    ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
    p.clear(page_flag::dirty);
    ASSERT_EQ(m->parts.map.try_to_unmap(p), unmap_result::unmapped);
    EXPECT_TRUE(p.test(page_flag::dirty));
}

TEST(anon_vma, is_used_again_after_its_range_went_away) {
    auto m = a_machine().build();
    m->written(1);
    const std::uint32_t first = m->range->anon_vma;
    exit_cursor gone;
    while (!exit_mmap(m->parts.fc, *m->space, gone).done()) {}
    auto other = m->parts.new_mm();
    vma& range = other->insert_vma({.first = vpn{10}, .end = vpn{20}});
    m->parts.map.anon_vmas().prepare(range);
    EXPECT_EQ(range.anon_vma, first);
}

} // namespace
} // namespace pagesim
