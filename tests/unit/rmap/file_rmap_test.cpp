// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;
using mapped_by = small_machine::mapped_by;

// The page is locked, as whoever unmaps holds it.
unmap_result unmap(small_machine& m, page& p) {
    p.set(page_flag::locked);
    const unmap_result r = m.parts.map.try_to_unmap(p);
    p.clear(page_flag::locked);
    return r;
}

TEST(file_rmap, counts_a_page_once_however_many_ranges_map_it) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    m->map_file(p, vm_flag::read);
    m->map_file(p, vm_flag::read);
    EXPECT_EQ(p.mapcount(), 2);
    EXPECT_EQ(p.refcount(), 3) << "two descriptors and the page cache";
    EXPECT_EQ(m->parts.stat[vm_item::nr_mapped], 1U);
    EXPECT_EQ(m->space->file_pages, 2U);
    m->check();
}

TEST(file_rmap, page_referenced_counts_ranges_and_forgets) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    m->map_file(p, vm_flag::read);
    m->map_file(p, {vm_flag::read, vm_flag::exec});
    m->map_file(p, {vm_flag::read, vm_flag::seq_read});
    const references first = m->parts.map.page_referenced(p);
    EXPECT_EQ(first.ranges, 2U) << "who reads in sequence is not counted";
    EXPECT_TRUE(first.flags.has(vm_flag::exec));
    EXPECT_FALSE(first.flags.has(vm_flag::seq_read));
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 0U) << "all three were cleared";
    m->check();
}

TEST(file_rmap, page_referenced_stops_at_a_locked_range) {
    for (const kernel_profile& profile : {linux_5_8, linux_6_1}) {
        auto m = a_machine().with_profile(profile).build();
        page& p = m->file_page(3);
        vma& v = m->map_file(p, vm_flag::read);
        v.flags.set(vm_flag::locked);
        EXPECT_TRUE(m->parts.map.page_referenced(p).locked_range);
        EXPECT_EQ(p.test(page_flag::mlocked), profile.locked_ranges == locked_range_rule::reference_check);
        EXPECT_TRUE(m->entry_of(v).young()) << "not asked";
    }
}

TEST(file_rmap, a_page_locked_by_another_counts_as_referenced_by_nobody_known) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    vma& v = m->map_file(p, {vm_flag::read, vm_flag::exec});
    p.set(page_flag::locked);
    const references r = m->parts.map.page_referenced(p, caller_lock::not_held);
    EXPECT_EQ(r.ranges, 1U);
    EXPECT_TRUE(r.flags.empty());
    EXPECT_TRUE(m->entry_of(v).young());
    EXPECT_EQ(m->parts.map.page_referenced(p).flags.has(vm_flag::exec), true) << "whose lock it is may ask";
}

TEST(file_rmap, unmap_finds_all_ranges_and_leaves_nothing_behind) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    vma& a = m->map_file(p, vm_flag::read);
    vma& b = m->map_file(p, vm_flag::read);
    EXPECT_EQ(unmap(*m, p), unmap_result::unmapped);
    EXPECT_TRUE(m->entry_of(a).none() && m->entry_of(b).none());
    EXPECT_EQ(p.refcount(), 1);
    EXPECT_EQ(m->parts.stat[vm_item::nr_mapped], 0U);
    EXPECT_EQ(m->space->file_pages, 0U);
    EXPECT_FALSE(p.test(page_flag::dirty));
    m->check();
}

TEST(file_rmap, unmap_learns_that_the_page_was_stored_to) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    m->map_file(p, vm_flag::read);
    m->map_file(p, {vm_flag::read, vm_flag::write}, mapped_by::store);
    p.set(page_flag::reclaim);
    EXPECT_EQ(unmap(*m, p), unmap_result::unmapped);
    EXPECT_TRUE(p.test(page_flag::dirty));
    EXPECT_FALSE(p.test(page_flag::reclaim)) << "dirtied anew, it is not about to go";
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 1U);
    EXPECT_TRUE(m->file().tagged(3, cache_tag::dirty));
    m->check();
}

TEST(file_rmap, unmap_stops_at_a_locked_range_and_what_is_done_stays_done) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    m->map_file(p, vm_flag::read);
    vma& locked = m->map_file(p, vm_flag::read);
    m->map_file(p, vm_flag::read);
    locked.flags.set(vm_flag::locked);
    EXPECT_EQ(unmap(*m, p), unmap_result::failed);
    EXPECT_EQ(p.mapcount(), 2) << "one of three was unmapped before";
    EXPECT_TRUE(p.test(page_flag::mlocked));
    m->check();
}

TEST(file_rmap, a_page_used_since_the_check_stays_in_5_8_only) {
    for (const kernel_profile& profile : {linux_5_8, linux_5_10}) {
        auto m = a_machine().with_profile(profile).build();
        page& p = m->file_page(3);
        m->map_file(p, vm_flag::read);
        const bool refuses = profile.unmap_young == unmap_of_young::refuses;
        EXPECT_EQ(unmap(*m, p), refuses ? unmap_result::failed : unmap_result::unmapped);
        m->check();
    }
}

TEST(file_rmap, a_private_copy_in_the_range_is_another_page) {
    auto m = a_machine().build();
    page& p = m->file_page(3);
    vma& v = m->map_file(p, vm_flag::read);
    page& other = m->file_page(4);
    vma& w = m->map_file(other, vm_flag::read);
    const std::uint64_t word = m->entry_of(v).word();
    *m->space->table().leaf(v.first) = m->entry_of(w).word(); // not this page
    EXPECT_EQ(m->parts.map.page_referenced(p).ranges, 0U);
    EXPECT_EQ(unmap(*m, p), unmap_result::failed);
    *m->space->table().leaf(v.first) = word;
    EXPECT_EQ(unmap(*m, p), unmap_result::unmapped);
    m->check();
}

TEST(zap, a_stored_file_page_becomes_dirty_and_a_used_one_counts_as_accessed) {
    auto m = a_machine().build();
    page& stored = m->file_page(0);
    page& sequential = m->file_page(1);
    vma& a = m->map_file(stored, {vm_flag::read, vm_flag::write}, mapped_by::store);
    vma& b = m->map_file(sequential, {vm_flag::read, vm_flag::seq_read});
    const auto zap = [&](const vma& v, page& p) {
        const descriptor old = m->entry_of(v);
        *m->space->table().leaf(v.first) = 0;
        zap_file_page(m->parts.rc, *m->space, v, old, p);
    };
    zap(a, stored);
    zap(b, sequential);
    EXPECT_TRUE(stored.test(page_flag::dirty) && stored.test(page_flag::referenced));
    EXPECT_FALSE(sequential.test(page_flag::dirty) || sequential.test(page_flag::referenced));
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 1U);
    EXPECT_EQ(m->space->file_pages, 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_mapped], 0U);
    m->check();
}

} // namespace
} // namespace pagesim
