// SPDX-License-Identifier: MIT
// Shared memory: pages of a file that has no device, only swap. One sentence each.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

class shared_memory : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    shared_memory()
        : m{a_machine()
                .with_profile(*GetParam())
                .with_swap_on(swap_device::flash)
                .with_page_cluster(0)
                .config()},
          file{m.file(8, file_kind::shmem)}, p{m.start()}, a{map_into(p)} {}
    ~shared_memory() override { m.check(); }

    vpn map_into(process& q, std::uint64_t pages = 8) {
        return q.map({.pages = page_count{pages}, .kind = sharing::shared, .file = file.id});
    }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return m.count(i); }
    [[nodiscard]] cache_slot slot(std::uint64_t index) const { return file.of->slot(index); }

    processes m;
    open_file& file;
    process& p;
    vpn a;
};

TEST_P(shared_memory, a_read_of_untouched_memory_brings_a_frame_and_never_the_zero_page) {
    EXPECT_EQ(p.read(a), fault_outcome::resolved);
    m.drain();
    page& first = p.page_at(a);
    EXPECT_FALSE(p.entry(a).special());
    EXPECT_TRUE(first.test(page_flag::swapbacked) && first.test(page_flag::uptodate));
    EXPECT_TRUE(first.in_file());
    EXPECT_EQ(first.refcount(), 2) << "the cache's and the descriptor's";
    EXPECT_EQ(count(vm_item::nr_shmem), 1U);
    EXPECT_EQ(count(vm_item::nr_file_pages), 1U);
    EXPECT_EQ(count(vm_item::nr_mapped), 1U);
    EXPECT_EQ(count(vm_item::nr_anon_pages), 0U);
    EXPECT_EQ(count(vm_item::nr_inactive_anon), 1U) << "swap backs it";
    EXPECT_EQ(p.space().shmem_pages, 1U);
    EXPECT_EQ(count(vm_item::pgmajfault), 0U);
}

TEST_P(shared_memory, a_store_after_a_read_only_marks_the_descriptor_dirty_and_no_file_system_is_asked) {
    static_cast<void>(p.read(a));
    EXPECT_FALSE(p.entry(a).dirty());
    const std::uint64_t faults = count(vm_item::pgfault);
    EXPECT_EQ(p.write(a), fault_outcome::resolved);
    EXPECT_EQ(count(vm_item::pgfault), faults + 1) << "this CPU sets no dirty state by itself";
    EXPECT_TRUE(p.entry(a).dirty());
    EXPECT_EQ(count(vm_item::pgreuse), 0U);
    EXPECT_EQ(count(vm_item::nr_dirtied), 0U);
}

TEST_P(shared_memory, a_child_of_fork_finds_the_page_by_a_fault_and_stores_to_the_same_one) {
    static_cast<void>(p.write(a));
    process& child = m.fork(p);
    EXPECT_EQ(child.entry(a).word(), 0U) << "nothing was copied: a fault brings it back as well";
    EXPECT_EQ(child.write(a), fault_outcome::resolved);
    m.drain();
    EXPECT_EQ(&child.page_at(a), &p.page_at(a));
    EXPECT_EQ(p.page_at(a).mapcount(), 2);
    EXPECT_EQ(p.page_at(a).refcount(), 3);
    EXPECT_TRUE(p.entry(a).writable() && child.entry(a).writable());
    EXPECT_EQ(count(vm_item::nr_shmem), 1U);
}

TEST_P(shared_memory, strangers_who_map_the_file_anywhere_share_its_pages) {
    process& q = m.start();
    static_cast<void>(q.map(3)); // so the place differs
    const vpn b = map_into(q);
    ASSERT_NE(a, b);
    static_cast<void>(p.write(a + 5));
    static_cast<void>(q.read(b + 5));
    EXPECT_EQ(&q.page_at(b + 5), &p.page_at(a + 5));
    EXPECT_EQ(p.page_at(a + 5).mapcount(), 2);
}

TEST_P(shared_memory, pages_outlive_their_mappings) {
    static_cast<void>(p.write(a));
    page& first = p.page_at(a);
    p.unmap(a, 8);
    m.drain();
    EXPECT_EQ(first.refcount(), 1) << "the cache's";
    EXPECT_EQ(count(vm_item::nr_shmem), 1U);
    EXPECT_EQ(count(vm_item::nr_mapped), 0U);
    EXPECT_EQ(p.space().shmem_pages, 0U);
    const vpn again = map_into(p);
    static_cast<void>(p.read(again));
    EXPECT_EQ(&p.page_at(again), &first);
}

TEST_P(shared_memory, swapped_out_it_leaves_its_entry_in_the_file_and_nothing_in_any_table) {
    process& q = m.start();
    const vpn b = map_into(q);
    static_cast<void>(p.write(a + 2));
    static_cast<void>(q.read(b + 2));
    m.drain();
    m.swap_out(p.page_at(a + 2));
    EXPECT_EQ(p.entry(a + 2).word(), 0U);
    EXPECT_EQ(q.entry(b + 2).word(), 0U);
    EXPECT_TRUE(slot(2).is_value());
    EXPECT_EQ(count(vm_item::nr_shmem), 0U);
    EXPECT_EQ(count(vm_item::pswpout), 1U);
    EXPECT_EQ(p.space().swap_entries + q.space().swap_entries, 0U) << "the entry is the file's";
    EXPECT_EQ(p.space().shmem_pages + q.space().shmem_pages, 0U);
}

TEST_P(shared_memory, the_first_who_wants_it_back_reads_it_and_the_second_finds_it) {
    process& q = m.start();
    const vpn b = map_into(q);
    static_cast<void>(p.write(a + 2));
    m.drain();
    page& out = p.page_at(a + 2);
    m.swap_out(out);
    EXPECT_TRUE(out.test(page_flag::swapcache)) << "written, and clean";
    m.judge(out);
    EXPECT_EQ(p.read(a + 2), fault_outcome::resolved);
    EXPECT_EQ(q.read(b + 2), fault_outcome::resolved);
    EXPECT_EQ(count(vm_item::pgmajfault), 1U);
    EXPECT_EQ(count(vm_item::pswpin), 1U);
    EXPECT_EQ(&q.page_at(b + 2), &p.page_at(a + 2));
    page& back = p.page_at(a + 2);
    EXPECT_FALSE(back.test(page_flag::swapcache)) << "it is the file's again";
    EXPECT_TRUE(back.test(page_flag::dirty)) << "its slot was given back";
    EXPECT_TRUE(slot(2).is_frame());
    EXPECT_EQ(count(vm_item::nr_shmem), 1U);
    EXPECT_EQ(count(vm_item::nr_swapcached), 0U);
}

TEST_P(shared_memory, an_access_beyond_the_end_is_a_bus_error) {
    const vpn b = map_into(p, 12);
    EXPECT_EQ(p.read(b + 7), fault_outcome::resolved);
    EXPECT_EQ(p.read(b + 8), fault_outcome::bus_error);
    EXPECT_EQ(p.write(b + 11), fault_outcome::bus_error);
}

TEST_P(shared_memory, a_private_mapping_of_it_copies_at_the_first_store) {
    static_cast<void>(p.write(a + 1));
    const vpn b = p.map({.pages = page_count{8}, .file = file.id});
    static_cast<void>(p.read(b + 1));
    EXPECT_EQ(&p.page_at(b + 1), &p.page_at(a + 1));
    EXPECT_FALSE(p.entry(b + 1).writable());
    static_cast<void>(p.write(b + 1));
    m.drain();
    EXPECT_NE(&p.page_at(b + 1), &p.page_at(a + 1));
    EXPECT_TRUE(p.page_at(b + 1).anon());
    EXPECT_EQ(p.page_at(a + 1).mapcount(), 1);
    EXPECT_EQ(p.space().anon_pages, 1U);
    EXPECT_EQ(p.space().shmem_pages, 1U);
}

TEST_P(shared_memory, a_private_store_to_an_untouched_page_leaves_the_file_its_own) {
    const vpn b = p.map({.pages = page_count{8}, .file = file.id});
    static_cast<void>(p.write(b + 1));
    m.drain();
    EXPECT_TRUE(slot(1).is_frame()) << "a page of zeros, which was then copied";
    EXPECT_TRUE(p.page_at(b + 1).anon());
    EXPECT_EQ(count(vm_item::nr_shmem), 1U);
    EXPECT_EQ(count(vm_item::nr_mapped), 0U);
}

INSTANTIATE_TEST_SUITE_P(kernels, shared_memory, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
