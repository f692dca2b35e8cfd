// SPDX-License-Identifier: MIT
// fork and copy on write, one sentence each. Who maps a page afterwards: families_test.cpp.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vpn a{100};

class forking : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    forking()
        : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::zram).config()}, p{m.start()} {
        p.map_at(raw(a), 8);
    }
    ~forking() override { m.check(); }

    [[nodiscard]] bool is_6_1() const { return GetParam() == &linux_6_1; }
    [[nodiscard]] bool is_5_8() const { return GetParam() == &linux_5_8; }
    [[nodiscard]] std::uint64_t allocated() const {
        return m.count(vm_item::pgalloc_normal) + m.count(vm_item::pgalloc_movable) +
               m.count(vm_item::pgalloc_dma) + m.count(vm_item::pgalloc_dma32);
    }

    processes m;
    process& p;
};

TEST_P(forking, a_child_has_the_same_pages_and_nothing_is_allocated_but_tables) {
    p.fill(a, 8);
    const std::uint64_t before = allocated();
    const std::uint64_t tables = m.count(vm_item::nr_page_table_pages);
    process& child = m.fork(p);
    EXPECT_EQ(&child.page_at(a), &p.page_at(a));
    EXPECT_EQ(p.page_at(a).mapcount(), 2);
    EXPECT_EQ(p.page_at(a).refcount(), 2);
    EXPECT_EQ(m.count(vm_item::nr_anon_pages), 8U);
    EXPECT_EQ(p.space().anon_pages + child.space().anon_pages, 16U);
    EXPECT_EQ(allocated() - before, 4U) << "four levels of tables";
    EXPECT_EQ(m.count(vm_item::nr_page_table_pages), 2 * tables);
}

TEST_P(forking, both_sides_lose_write_permission_and_the_childs_descriptor_is_old) {
    p.fill(a, 1);
    process& child = m.fork(p);
    EXPECT_FALSE(p.entry(a).writable() || child.entry(a).writable());
    EXPECT_TRUE(p.entry(a).dirty() && child.entry(a).dirty());
    EXPECT_TRUE(p.entry(a).young());
    EXPECT_FALSE(child.entry(a).young());
    EXPECT_FALSE(p.page_at(a).test(page_flag::anon_exclusive));
}

TEST_P(forking, a_store_after_fork_is_noticed_although_the_tlb_knew_the_page_writable) {
    p.fill(a, 1);
    const page& shared = p.page_at(a);
    process& child = m.fork(p);
    const std::uint64_t flushes = m.parts.tlbs.stats().asid_flushes;
    static_cast<void>(p.write(a));
    EXPECT_EQ(&child.page_at(a), &shared);
    EXPECT_NE(&p.page_at(a), &shared);
    m.fork(p);
    EXPECT_EQ(m.parts.tlbs.stats().asid_flushes, flushes + 1) << "one flush a fork";
}

TEST_P(forking, a_range_that_was_never_written_is_left_to_the_childs_faults) {
    static_cast<void>(p.read(a));
    process& child = m.fork(p);
    EXPECT_TRUE(child.entry(a).none());
    EXPECT_EQ(child.space().table().table_count(), 1U) << "the root";
    EXPECT_EQ(child.range_at(a)->anon_vma, 0U);
}

TEST_P(forking, a_zero_page_beside_a_written_one_is_copied_as_it_is) {
    static_cast<void>(p.read(a));
    static_cast<void>(p.write(a + 1));
    process& child = m.fork(p);
    EXPECT_TRUE(child.entry(a).special());
    EXPECT_EQ(child.space().anon_pages, 1U);
    EXPECT_EQ(child.write(a), fault_outcome::resolved);
    EXPECT_EQ(child.space().anon_pages, 2U);
}

TEST_P(forking, a_swap_entry_is_named_twice_and_no_longer_exclusive) {
    p.fill(a, 1);
    m.swap_out(p.page_at(a));
    ASSERT_EQ(p.entry(a).swap_entry(GetParam()->swap_pte).exclusive, is_6_1());
    process& child = m.fork(p);
    const swap_bits s = child.entry(a).swap_entry(GetParam()->swap_pte);
    EXPECT_EQ(m.parts.swap.count({.offset = s.offset, .type = s.type}), 2U);
    EXPECT_FALSE(s.exclusive || p.entry(a).swap_entry(GetParam()->swap_pte).exclusive);
    EXPECT_EQ(child.space().swap_entries, 1U);
}

TEST_P(forking, a_locked_range_is_not_locked_in_the_child) {
    p.lock(a, 2);
    process& child = m.fork(p);
    EXPECT_EQ(p.ranges(), "2rw# 6rw");
    EXPECT_EQ(child.ranges(), "2rw 6rw");
    EXPECT_EQ(m.count(vm_item::nr_mlock), 2U);
}

// ---- copy on write

TEST_P(forking, the_parent_copies_while_the_child_lives) {
    p.fill(a, 1);
    process& child = m.fork(p);
    page& shared = p.page_at(a);
    static_cast<void>(p.write(a));
    m.drain();
    EXPECT_NE(&p.page_at(a), &shared);
    EXPECT_EQ(&child.page_at(a), &shared);
    EXPECT_EQ(shared.mapcount(), 1);
    EXPECT_EQ(m.count(vm_item::nr_anon_pages), 2U);
    EXPECT_TRUE(p.entry(a).writable() && p.entry(a).dirty());
}

TEST_P(forking, who_is_left_alone_writes_in_place_and_is_exclusive_again) {
    p.fill(a, 1);
    process& child = m.fork(p);
    page& shared = p.page_at(a);
    const std::uint64_t reused = m.count(vm_item::pgreuse);
    m.exit(child);
    m.drain();
    static_cast<void>(p.write(a));
    EXPECT_EQ(&p.page_at(a), &shared);
    EXPECT_EQ(shared.test(page_flag::anon_exclusive), is_6_1());
    EXPECT_EQ(m.count(vm_item::pgreuse) - reused, is_5_8() ? 0U : 1U);
}

TEST_P(forking, a_page_that_somebody_looks_at_is_copied_but_in_5_8) {
    p.fill(a, 1);
    m.exit(m.fork(p));
    page& shared = p.page_at(a);
    shared.get(); // get_user_pages
    static_cast<void>(p.write(a));
    EXPECT_EQ(&p.page_at(a) == &shared, is_5_8());
    m.parts.batches.put_page(shared);
}

TEST_P(forking, a_clean_page_of_the_swap_cache_with_one_mapping_is_reused_and_leaves_it_but_in_5_10) {
    const a_machine slow = a_machine().with_profile(*GetParam()).with_page_cluster(0);
    processes flash{slow.config()};
    process& q = flash.start();
    q.map_at(raw(a), 1);
    q.fill(a, 1);
    process& child = flash.fork(q);
    page& old = q.page_at(a);
    flash.swap_out(old);
    flash.exit(child);
    static_cast<void>(q.read(a)); // out of the swap cache, or from the device
    flash.drain();
    page& back = q.page_at(a);
    ASSERT_TRUE(back.test(page_flag::swapcache));
    static_cast<void>(q.write(a));
    EXPECT_EQ(&q.page_at(a) == &back, GetParam() != &linux_5_10);
    EXPECT_FALSE(q.page_at(a).test(page_flag::swapcache));
    flash.check();
}

TEST_P(forking, the_child_of_a_sole_user_gives_the_page_to_its_own_anon_vma) {
    p.fill(a, 1);
    process& child = m.fork(p);
    page& shared = child.page_at(a);
    const std::uint32_t of_parent = shared.mapping();
    m.exit(p);
    static_cast<void>(child.write(a));
    EXPECT_EQ(&child.page_at(a), &shared);
    const bool moves = GetParam() != &linux_5_10;
    EXPECT_EQ(shared.mapping(), moves ? child.range_at(a)->anon_vma : of_parent);
    m.check();
    EXPECT_EQ(m.swap_out(shared), why::reclaimed);
}

TEST_P(forking, a_shared_page_goes_to_swap_once_and_comes_back_to_each) {
    p.fill(a, 1);
    process& child = m.fork(p);
    EXPECT_EQ(m.swap_out(p.page_at(a)), why::reclaimed);
    EXPECT_EQ(m.count(vm_item::pswpout), 1U);
    EXPECT_TRUE(p.entry(a).is_swap() && child.entry(a).is_swap());
    EXPECT_EQ(m.count(vm_item::nr_anon_pages), 0U);
    m.check();
    static_cast<void>(p.read(a));
    m.check();
    static_cast<void>(child.read(a));
    EXPECT_EQ(&p.page_at(a), &child.page_at(a));
    EXPECT_EQ(m.count(vm_item::pswpin), 1U) << "two names: through the swap cache even from zram";
    EXPECT_EQ(m.count(vm_item::nr_anon_pages), 1U);
    m.check();
    static_cast<void>(child.write(a));
    EXPECT_NE(&p.page_at(a), &child.page_at(a));
}

TEST_P(forking, a_write_to_a_shared_swap_entry_does_not_take_the_page_from_the_other) {
    p.fill(a, 1);
    process& child = m.fork(p);
    m.swap_out(p.page_at(a));
    static_cast<void>(p.write(a));
    EXPECT_TRUE(child.entry(a).is_swap());
    m.check();
    static_cast<void>(child.write(a));
    EXPECT_NE(&p.page_at(a), &child.page_at(a));
    EXPECT_TRUE(p.entry(a).writable() && child.entry(a).writable());
    EXPECT_EQ(m.count(vm_item::nr_anon_pages), 2U);
}

TEST_P(forking, a_page_from_swap_names_the_root_unless_it_is_the_faulting_processs_alone) {
    p.fill(a, 2);
    process& child = m.fork(p);
    m.swap_out(p.page_at(a));
    m.swap_out(p.page_at(a + 1));
    static_cast<void>(child.read(a));
    EXPECT_EQ(child.page_at(a).mapping(), child.range_at(a)->chain.front());
    p.unmap(a + 1, 1);
    static_cast<void>(child.write(a + 1));
    EXPECT_EQ(child.page_at(a + 1).mapping(), child.range_at(a)->anon_vma);
}

TEST_P(forking, a_file_page_of_a_private_mapping_is_copied_by_the_first_store) {
    const open_file& f = m.parts.cache.open(m.parts.cache.create("f", page_count{4}, file_kind::regular));
    const vpn at = p.map({.pages = page_count{4}, .file = f.id});
    ASSERT_EQ(p.read(at), fault_outcome::resolved);
    const std::uint64_t mapped = p.space().file_pages;
    ASSERT_TRUE(p.page_at(at).in_file());
    EXPECT_TRUE(m.fork(p).entry(at).none()) << "without a page of its own the range is left to faults";
    EXPECT_EQ(p.write(at), fault_outcome::resolved);
    EXPECT_TRUE(p.page_at(at).anon() && p.entry(at).writable());
    EXPECT_EQ(p.space().file_pages, mapped - 1);
    m.check();
    process& child = m.fork(p);
    EXPECT_EQ(&child.page_at(at), &p.page_at(at));
    EXPECT_EQ(child.space().file_pages, mapped - 1) << "now its descriptors are copied";
}

TEST_P(forking, a_page_of_a_shared_mapping_is_the_childs_too_and_its_descriptor_is_clean) {
    const open_file& f = m.parts.cache.open(m.parts.cache.create("f", page_count{4}, file_kind::regular));
    const mmap_request q{.pages = page_count{4}, .kind = sharing::shared, .file = f.id};
    const vpn at = p.map(q);
    ASSERT_EQ(p.write(at), fault_outcome::resolved);
    process& child = m.fork(p);
    EXPECT_TRUE(child.entry(at).none()) << "a shared range never has an anon_vma";
    EXPECT_EQ(child.read(at), fault_outcome::resolved);
    EXPECT_EQ(&child.page_at(at), &p.page_at(at));
    EXPECT_EQ(p.page_at(at).mapcount(), 2);
    EXPECT_EQ(m.parts.map.page_referenced(p.page_at(at)).ranges, 2U);
}

TEST_P(forking, a_slot_that_a_hundred_children_name_counts_them_all) {
    p.fill(a, 1);
    m.swap_out(p.page_at(a));
    std::vector<process*> children;
    for (int i = 0; i < 100; ++i) children.push_back(&m.fork(p));
    const swap_bits s = p.entry(a).swap_entry(GetParam()->swap_pte);
    EXPECT_EQ(m.parts.swap.count({.offset = s.offset, .type = s.type}), 101U);
    static_cast<void>(p.read(a));
    m.drain();
    page& shared = p.page_at(a);
    for (process* c : children) static_cast<void>(c->read(a));
    m.check();
    EXPECT_EQ(shared.mapcount(), 101);
    EXPECT_EQ(m.parts.map.page_referenced(shared).ranges, 101U);
    EXPECT_EQ(m.swap_out(shared), why::reclaimed);
    m.check();
    while (m.size() > 1) m.exit(m[m.size() - 1]);
}

TEST_P(forking, exec_drops_everything_and_the_process_goes_on) {
    p.fill(a, 3);
    process& child = m.fork(p);
    m.exec(child);
    EXPECT_EQ(child.ranges(), "");
    EXPECT_EQ(child.space().table().table_count(), 1U);
    EXPECT_EQ(p.page_at(a).mapcount(), 1);
    child.map_at(70, 1);
    child.fill(vpn{70}, 1);
    EXPECT_EQ(child.space().anon_pages, 1U);
}

TEST_P(forking, there_is_no_child_where_there_is_no_memory_for_its_tables) {
    const a_machine tiny =
        a_machine().with_profile(*GetParam()).with_memory(256).with_swap_on(swap_device::none);
    processes full{tiny.config()};
    process& q = full.start();
    q.map_at(0x1000, 512 * 400);
    for (std::uint64_t i = 0; q.write(vpn{0x1000 + i * 512}) == fault_outcome::resolved;) ++i;
    full.drain();
    EXPECT_EQ(full.try_fork(q), nullptr);
    EXPECT_EQ(full.size(), 1U);
    full.check();
}

INSTANTIATE_TEST_SUITE_P(kernels, forking, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1), kernel_of);

} // namespace
} // namespace pagesim
