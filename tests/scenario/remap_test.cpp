// SPDX-License-Identifier: MIT
// Ranges that change their size or their place, one sentence each: brk, the stack, mremap, and mlock of what may not be
// touched.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vm_flags no_access{};
constexpr vm_flags readable{vm_flag::read};

class changing_spaces : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    changing_spaces()
        : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::zram).config()}, p{m.start()} {}
    ~changing_spaces() override { m.check(); }

    processes m;
    process& p;
};

// ---- brk

TEST_P(changing_spaces, the_heap_grows_and_shrinks_as_one_range) {
    p.brk(3);
    p.brk(10);
    EXPECT_EQ(p.ranges(), "10rw");
    const vpn heap = vpn_of(p.space().start_brk);
    p.fill(heap, 10);
    p.brk(4);
    EXPECT_EQ(p.ranges(), "4rw");
    EXPECT_EQ(p.space().anon_pages, 4U);
    p.brk(0);
    EXPECT_EQ(p.ranges(), "");
}

TEST_P(changing_spaces, a_heap_that_cannot_be_cut_in_two_keeps_its_end) {
    p.brk(7);
    const vpn heap = vpn_of(p.space().start_brk);
    p.map_at(raw(heap) + 7, 3);
    ASSERT_EQ(p.ranges(), "10rw") << "one range with what was mapped behind it";
    p.space().limits.max_map_count = 1;
    p.brk(6);
    EXPECT_EQ(vpn_of(p.space().brk), heap + 7);
    EXPECT_EQ(p.ranges(), "10rw");
    p.space().limits.max_map_count = 2;
    p.brk(6);
    EXPECT_EQ(vpn_of(p.space().brk), heap + 6);
    EXPECT_EQ(p.ranges(), "6rw | 3rw");
}

TEST_P(changing_spaces, the_heap_keeps_a_page_below_the_next_range_and_the_guard_below_a_stack) {
    const std::uint64_t heap = raw(vpn_of(p.space().start_brk));
    p.map_at(heap + 10, 1);
    p.brk(10);
    EXPECT_EQ(p.space().brk, p.space().start_brk) << "unchanged";
    p.brk(9);
    EXPECT_EQ(raw(vpn_of(p.space().brk)), heap + 9);
    p.map_at(heap + 400, 1);
    p.unmap(vpn{heap + 10}, 1);
    p.range_at(vpn{heap + 400})->flags.set(vm_flag::growsdown);
    p.brk(144);
    EXPECT_EQ(raw(vpn_of(p.space().brk)), heap + 9);
    p.brk(143);
    EXPECT_EQ(raw(vpn_of(p.space().brk)), heap + 143);
}

// ---- the stack

TEST_P(changing_spaces, the_stack_grows_to_where_it_is_touched) {
    stack_range(m.parts.fc, p.space());
    const vpn top{vpn_limit};
    EXPECT_EQ(p.write(top - 1), fault_outcome::resolved);
    EXPECT_EQ(p.write(top - 500), fault_outcome::resolved);
    EXPECT_EQ(p.ranges(), "500rw");
    EXPECT_EQ(p.write(top - 2048), fault_outcome::resolved);
    EXPECT_EQ(p.write(top - 2049), fault_outcome::map_error) << "RLIMIT_STACK: 8 MiB";
    EXPECT_EQ(p.ranges(), "2048rw");
    EXPECT_EQ(m.swap_out((m.drain(), p.page_at(top - 1))), why::reclaimed) << "pages keep their numbers";
}

TEST_P(changing_spaces, the_stack_keeps_256_pages_from_what_lies_below) {
    stack_range(m.parts.fc, p.space());
    const vpn top{vpn_limit};
    p.map_at(raw(top) - 1000, 1);
    EXPECT_EQ(p.write(top - 743), fault_outcome::resolved);
    EXPECT_EQ(p.write(top - 744), fault_outcome::map_error);
    p.protect(top - 1000, 1, no_access);
    EXPECT_EQ(p.write(top - 744), fault_outcome::resolved) << "a range nobody may touch is guard enough";
    EXPECT_EQ(p.write(top - 999), fault_outcome::resolved);
}

TEST_P(changing_spaces, an_ordinary_range_does_not_grow) {
    p.map_at(100, 1);
    EXPECT_EQ(p.write(vpn{99}), fault_outcome::map_error);
}

// ---- mremap

TEST_P(changing_spaces, a_mapping_shrinks_by_losing_its_tail) {
    p.map_at(100, 10);
    p.fill(vpn{100}, 10);
    EXPECT_EQ(p.remap(vpn{100}, 10, 4), vpn{100});
    EXPECT_EQ(p.ranges(), "4rw");
    EXPECT_EQ(p.space().anon_pages, 4U);
}

TEST_P(changing_spaces, a_mapping_grows_in_place_where_there_is_room) {
    p.map_at(100, 4);
    p.map_at(108, 1);
    EXPECT_EQ(p.remap(vpn{100}, 4, 8), vpn{100});
    EXPECT_EQ(p.ranges(), "9rw") << "and joins what it touches";
    p.fill(vpn{108}, 1);
    p.map_at(112, 1);
    EXPECT_EQ(p.remap(vpn{100}, 9, 12), vpn{100});
    EXPECT_EQ(p.ranges(), "12rw 1rw") << "a range without an anon_vma does not take in one with";
}

TEST_P(changing_spaces, a_mapping_without_room_moves_and_its_pages_go_with_it) {
    p.map_at(100, 4);
    p.map_at(104, 1, readable);
    p.fill(vpn{100}, 4);
    page& second = p.page_at(vpn{101});
    m.swap_out(p.page_at(vpn{102}));
    const std::uint64_t swapped = p.entry(vpn{102}).word();
    const vpn there = p.remap(vpn{100}, 4, 1000);
    EXPECT_EQ(there, p.space().mmap_base - 1000);
    EXPECT_EQ(p.ranges(), "1r | 1000rw");
    EXPECT_EQ(&p.page_at(there + 1), &second);
    EXPECT_EQ(p.entry(there + 2).word(), swapped);
    EXPECT_EQ(p.read(vpn{101}), fault_outcome::map_error);
    EXPECT_EQ(p.write(there + 3), fault_outcome::resolved);
    m.check();
    EXPECT_EQ(m.swap_out(second), why::reclaimed) << "the reverse mapping finds it there";
    EXPECT_EQ(p.read(there + 1), fault_outcome::resolved);
}

TEST_P(changing_spaces, a_part_of_a_mapping_moves_out_of_it) {
    p.map_at(600, 1200);
    p.fill(vpn{700}, 1);
    page& moved = p.page_at(vpn{700});
    const vpn there = p.remap(vpn{700}, 100, 200);
    EXPECT_EQ(p.ranges(), "100rw | 1000rw | 200rw");
    EXPECT_EQ(&p.page_at(there), &moved);
    const vpn back = p.remap(there, 200, 3000);
    EXPECT_EQ(&p.page_at(back), &moved);
    EXPECT_EQ(m.parts.map.vpn_of(moved), vpn{700}) << "its number stays";
}

TEST_P(changing_spaces, mremap_refuses_what_is_not_one_range) {
    p.map_at(100, 4);
    p.map_at(104, 4, readable);
    p.remap(vpn{100}, 6, 10);
    EXPECT_EQ(p.error, mm_error::efault);
    p.remap(vpn{99}, 1, 2);
    EXPECT_EQ(p.error, mm_error::efault);
    p.remap(vpn{100}, 4, 0);
    EXPECT_EQ(p.error, mm_error::einval);
    EXPECT_EQ(p.ranges(), "4rw 4r");
}

TEST_P(changing_spaces, what_a_locked_mapping_grows_by_is_filled) {
    p.map_at(100, 2);
    p.lock(vpn{100}, 2);
    EXPECT_EQ(p.remap(vpn{100}, 2, 5), vpn{100});
    EXPECT_EQ(p.ranges(), "5rw#");
    EXPECT_EQ(p.space().anon_pages, 5U);
    EXPECT_EQ(m.count(vm_item::nr_mlock), 5U);
}

// ---- mlock and permissions

TEST_P(changing_spaces, mlock_reads_what_may_not_be_written_and_leaves_out_what_nobody_may_touch) {
    p.map_at(100, 1, readable);
    p.map_at(101, 1, no_access);
    p.lock(vpn{100}, 2);
    EXPECT_TRUE(p.entry(vpn{100}).special());
    EXPECT_TRUE(p.entry(vpn{101}).none());
    EXPECT_EQ(p.ranges(), "1r# 1#");
    p.lock(vpn{100}, 5);
    EXPECT_EQ(p.error, mm_error::enomem) << "a page in no range";
}

INSTANTIATE_TEST_SUITE_P(kernels, changing_spaces, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
