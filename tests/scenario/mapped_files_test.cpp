// SPDX-License-Identifier: MIT
// Files in address spaces that fork, change protection and lock. One sentence each.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vm_flags read_only{vm_flag::read};
constexpr vm_flags read_write{vm_flag::read, vm_flag::write};

class mapped_files : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    mapped_files()
        : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::zram).config()},
          file{m.file(64, file_kind::regular)}, p{m.start()} {}
    ~mapped_files() override { m.check(); }

    vpn map(sharing kind, vm_flags access = read_write) {
        return p.map({.pages = page_count{64}, .access = access, .kind = kind, .file = file.id});
    }
    [[nodiscard]] page& cached(std::uint64_t index) const {
        page* const there = m.parts.cache.find(*file.of, index);
        EXPECT_NE(there, nullptr) << index;
        return *there;
    }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return m.count(i); }

    processes m;
    open_file& file;
    process& p;
};

TEST_P(mapped_files, a_private_page_is_the_files_until_it_is_stored_to) {
    const vpn a = map(sharing::private_);
    static_cast<void>(p.read(a + 3));
    EXPECT_EQ(&p.page_at(a + 3), &cached(3));
    EXPECT_FALSE(p.entry(a + 3).writable());
    EXPECT_EQ(p.space().file_pages, 16U) << "fault-around";
    static_cast<void>(p.write(a + 3));
    EXPECT_TRUE(p.page_at(a + 3).anon());
    EXPECT_FALSE(cached(3).test(page_flag::dirty));
    EXPECT_EQ(cached(3).mapcount(), 0);
    EXPECT_EQ(p.space().file_pages, 15U);
    EXPECT_EQ(p.space().anon_pages, 1U);
    EXPECT_EQ(count(vm_item::nr_dirtied), 0U);
}

TEST_P(mapped_files, a_private_copy_is_shared_by_fork_and_copied_again) {
    const vpn a = map(sharing::private_);
    static_cast<void>(p.write(a + 3));
    process& child = m.fork(p);
    EXPECT_EQ(&child.page_at(a + 3), &p.page_at(a + 3));
    EXPECT_EQ(p.page_at(a + 3).mapcount(), 2);
    static_cast<void>(child.write(a + 3));
    EXPECT_NE(&child.page_at(a + 3), &p.page_at(a + 3));
    EXPECT_EQ(p.page_at(a + 3).mapcount(), 1);
}

TEST_P(mapped_files, a_private_copy_goes_to_swap_and_the_files_page_does_not) {
    const vpn a = map(sharing::private_);
    static_cast<void>(p.write(a + 3));
    m.drain();
    m.swap_out(p.page_at(a + 3));
    EXPECT_FALSE(p.entry(a + 3).present());
    EXPECT_EQ(p.space().swap_entries, 1U);
    static_cast<void>(p.read(a + 3));
    EXPECT_TRUE(p.page_at(a + 3).anon()) << "the copy comes back, not the file's page";
}

TEST_P(mapped_files, write_permission_given_to_a_shared_range_still_lets_the_file_system_know_of_the_store) {
    const vpn a = map(sharing::shared, read_only);
    static_cast<void>(p.read(a + 3));
    p.protect(a, 64, read_write);
    EXPECT_FALSE(p.entry(a + 3).writable());
    static_cast<void>(p.write(a + 3));
    EXPECT_TRUE(cached(3).test(page_flag::dirty));
    EXPECT_EQ(count(vm_item::nr_dirtied), 1U);
}

TEST_P(mapped_files, a_shared_page_that_is_dirty_already_gets_write_permission_back_at_once) {
    const vpn a = map(sharing::shared);
    static_cast<void>(p.write(a + 3));
    p.protect(a, 64, read_only);
    EXPECT_FALSE(p.entry(a + 3).writable());
    EXPECT_TRUE(p.entry(a + 3).dirty());
    p.protect(a, 64, read_write);
    EXPECT_TRUE(p.entry(a + 3).writable());
    EXPECT_FALSE(p.entry(a + 4).writable()) << "clean";
}

TEST_P(mapped_files, a_store_to_a_range_protected_again_is_refused) {
    const vpn a = map(sharing::shared);
    static_cast<void>(p.write(a + 3));
    p.protect(a + 3, 1, read_only);
    EXPECT_EQ(p.write(a + 3), fault_outcome::access_error);
    EXPECT_EQ(p.ranges(), "3rw 1r 60rw");
    p.protect(a + 3, 1, read_write);
    EXPECT_EQ(p.ranges(), "64rw") << "one range again";
}

TEST_P(mapped_files, mlockall_locks_and_fills_every_range_that_is_there) {
    const vpn a = map(sharing::private_);
    const vpn b = p.map(4);
    p.lock_all({mcl::current});
    EXPECT_EQ(p.ranges(), "4rw# 64rw#");
    EXPECT_EQ(count(vm_item::nr_mlock), 68U);
    EXPECT_EQ(count(vm_item::nr_unevictable), 68U);
    EXPECT_TRUE(p.page_at(a).anon()) << "filled by stores, so the file's pages were copied";
    EXPECT_TRUE(p.entry(b + 3).present());
    const vpn later = p.map(2);
    EXPECT_FALSE(p.range_at(later)->flags.has(vm_flag::locked));
}

TEST_P(mapped_files, mlockall_of_the_future_locks_what_comes_by_mmap_and_brk) {
    const vpn a = p.map(4);
    p.lock_all({mcl::future});
    EXPECT_FALSE(p.range_at(a)->flags.has(vm_flag::locked));
    const vpn b = map(sharing::shared);
    p.brk(3);
    m.drain();
    EXPECT_TRUE(p.range_at(b)->flags.has(vm_flag::locked));
    EXPECT_EQ(count(vm_item::nr_mlock), 67U);
    EXPECT_EQ(&p.page_at(b + 63), &cached(63)) << "a shared range is filled by loads";
    EXPECT_FALSE(cached(63).test(page_flag::dirty));
    process& child = m.fork(p);
    EXPECT_FALSE(child.range_at(child.map(1))->flags.has(vm_flag::locked)) << "a child begins afresh";
}

TEST_P(mapped_files, munlockall_lets_every_page_go_and_ends_the_future) {
    const vpn a = map(sharing::private_);
    p.lock_all({mcl::current, mcl::future});
    const vpn b = p.map(4);
    EXPECT_EQ(count(vm_item::nr_mlock), 68U);
    p.lock_all({});
    m.drain();
    EXPECT_EQ(count(vm_item::nr_mlock), 0U);
    EXPECT_EQ(count(vm_item::nr_unevictable), 0U);
    EXPECT_EQ(p.range_at(a)->flags.has(vm_flag::locked) || p.range_at(b)->flags.has(vm_flag::locked), false);
    EXPECT_FALSE(p.range_at(p.map(1))->flags.has(vm_flag::locked));
}

TEST_P(mapped_files, mlockall_passes_over_a_range_that_grants_nothing_and_goes_on_behind_it) {
    const vpn low = p.map_at(100, 2);
    const vpn none = p.map_at(110, 2, vm_flags{});
    const vpn high = p.map_at(120, 2);
    p.lock_all({mcl::current});
    EXPECT_EQ(p.outcome, fault_outcome::resolved);
    EXPECT_TRUE(p.entry(low + 1).present() && p.entry(high + 1).present());
    EXPECT_FALSE(p.entry(none).present());
    EXPECT_TRUE(p.range_at(none)->flags.has(vm_flag::locked));
}

INSTANTIATE_TEST_SUITE_P(kernels, mapped_files, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
