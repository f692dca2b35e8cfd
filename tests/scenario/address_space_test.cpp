// SPDX-License-Identifier: MIT
// Ranges of an address space, one sentence each: mmap, how ranges join, munmap, mprotect.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vm_flags none{};
constexpr vm_flags r{vm_flag::read};
constexpr vm_flags rw{vm_flag::read, vm_flag::write};
constexpr vm_flags rx{vm_flag::read, vm_flag::exec};

class address_spaces : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    address_spaces()
        : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::zram).config()}, p{m.start()} {}
    ~address_spaces() override { m.check(); }

    processes m;
    process& p;
    const std::uint32_t file =
        m.parts.cache.open(m.parts.cache.create("f", page_count{100}, file_kind::regular)).id;
};

// ---- mmap

TEST_P(address_spaces, mappings_go_below_one_another_and_become_one_range) {
    const vpn a = p.map(3);
    const vpn b = p.map(2);
    EXPECT_EQ(a, p.space().mmap_base - 3);
    EXPECT_EQ(b, a - 2);
    EXPECT_EQ(p.ranges(), "5rw");
}

TEST_P(address_spaces, the_highest_gap_that_is_large_enough_is_taken) {
    const vpn a = p.map(10);
    p.unmap(a + 2, 3);
    EXPECT_EQ(p.map(4), a - 4) << "too large for the gap";
    EXPECT_EQ(p.map(3), a + 2);
    EXPECT_EQ(p.ranges(), "14rw");
}

TEST_P(address_spaces, a_hint_is_followed_where_it_is_free) {
    const mmap_request q{.pages = page_count{2}, .place = placement::hint, .at = vpn{0x5000}};
    EXPECT_EQ(p.map(q), vpn{0x5000});
    EXPECT_EQ(p.map(q), p.space().mmap_base - 2);
}

TEST_P(address_spaces, a_fixed_mapping_replaces_what_is_there) {
    p.map_at(100, 10);
    p.fill(vpn{100}, 10);
    p.map_at(103, 2, r);
    EXPECT_EQ(p.ranges(), "3rw 2r 5rw");
    EXPECT_TRUE(p.entry(vpn{103}).none());
    EXPECT_EQ(p.space().anon_pages, 8U);
}

TEST_P(address_spaces, what_cannot_be_mapped_is_refused_with_the_kernels_error) {
    static_cast<void>(p.map(0));
    EXPECT_EQ(p.error, mm_error::einval);
    static_cast<void>(p.map(vpn_limit + 1));
    EXPECT_EQ(p.error, mm_error::enomem);
    static_cast<void>(p.map({.pages = page_count{2}, .file = file, .pgoff = ~std::uint64_t{0}}));
    EXPECT_EQ(p.error, mm_error::eoverflow);
    p.map_at(100, 1);
    p.map({.pages = page_count{5}, .place = placement::fixed_noreplace, .at = vpn{98}});
    EXPECT_EQ(p.error, mm_error::eexist);
    p.map({.pages = page_count{1}, .place = placement::fixed, .at = vpn{15}});
    EXPECT_EQ(p.error, mm_error::eperm) << "vm.mmap_min_addr";
    p.map({.pages = page_count{1}, .kind = sharing::shared, .file = file, .mode = file_mode::read_only});
    EXPECT_EQ(p.error, mm_error::eacces);
    p.map({.pages = page_count{1}, .file = file, .mode = file_mode::write_only});
    EXPECT_EQ(p.error, mm_error::eacces);
    p.space().limits.max_map_count = 0;
    static_cast<void>(p.map(1));
    EXPECT_EQ(p.error, mm_error::enomem);
    EXPECT_EQ(p.ranges(), "1rw");
}

TEST_P(address_spaces, populate_faults_every_page_in) {
    const vpn a = p.map({.pages = page_count{4}, .populate = populating::yes});
    EXPECT_EQ(p.space().anon_pages, 4U);
    EXPECT_TRUE(p.entry(a + 3).dirty());
    EXPECT_EQ(m.count(vm_item::pgfault), 4U);
}

// ---- joining

TEST_P(address_spaces, a_range_of_other_permissions_does_not_join) {
    p.map_at(100, 1, rw);
    p.map_at(101, 1, r);
    EXPECT_EQ(p.ranges(), "1rw 1r");
}

TEST_P(address_spaces, three_ranges_mapped_apart_are_one) {
    p.map_at(100, 1);
    p.map_at(102, 1);
    p.map_at(101, 1);
    EXPECT_EQ(p.ranges(), "3rw");
}

TEST_P(address_spaces, a_part_made_read_only_is_a_range_until_it_is_writable_again) {
    p.map_at(100, 3);
    p.protect(vpn{101}, 1, r);
    EXPECT_EQ(p.ranges(), "1rw 1r 1rw");
    p.protect(vpn{101}, 1, rw);
    EXPECT_EQ(p.ranges(), "3rw");
}

TEST_P(address_spaces, parts_that_were_written_apart_join_again_since_they_share_an_anon_vma) {
    p.map_at(100, 3);
    p.protect(vpn{101}, 1, r);
    p.fill(vpn{100}, 1);
    p.fill(vpn{102}, 1);
    EXPECT_NE(p.range_at(vpn{100})->anon_vma, p.range_at(vpn{102})->anon_vma) << "no neighbours";
    p.protect(vpn{101}, 1, rw);
    EXPECT_EQ(p.ranges(), "2rw 1rw") << "the lower one takes the middle, the upper keeps its own";
}

TEST_P(address_spaces, a_range_next_to_a_written_one_takes_over_its_anon_vma) {
    p.map_at(100, 2);
    p.protect(vpn{101}, 1, r);
    p.fill(vpn{100}, 1);
    p.protect(vpn{100}, 1, rx);
    p.protect(vpn{101}, 1, rw);
    p.fill(vpn{101}, 1);
    EXPECT_EQ(p.range_at(vpn{100})->anon_vma, p.range_at(vpn{101})->anon_vma);
    p.protect(vpn{100}, 1, rw);
    EXPECT_EQ(p.ranges(), "2rw");
}

TEST_P(address_spaces, a_shared_anon_vma_is_inherited_by_fresh_neighbours) {
    p.map_at(100, 1);
    p.fill(vpn{100}, 1);
    p.map_at(101, 2);
    EXPECT_EQ(p.ranges(), "3rw") << "fresh memory joins a written range";
    EXPECT_NE(p.range_at(vpn{102})->anon_vma, 0U);
}

TEST_P(address_spaces, a_forked_range_and_fresh_memory_stay_apart) {
    p.map_at(100, 1);
    p.fill(vpn{100}, 1);
    process& child = m.fork(p);
    child.map_at(101, 1);
    p.map_at(101, 1);
    EXPECT_EQ(child.ranges(), "1rw 1rw") << "its chain has two links";
    EXPECT_EQ(p.ranges(), "2rw");
}

TEST_P(address_spaces, a_boundary_moves_when_a_part_becomes_like_the_neighbour) {
    p.map_at(100, 8);
    p.fill(vpn{100}, 8);
    p.protect(vpn{100}, 4, r);
    EXPECT_EQ(p.ranges(), "4r 4rw");
    p.protect(vpn{104}, 2, r);
    EXPECT_EQ(p.ranges(), "6r 2rw");
    p.protect(vpn{103}, 3, rw);
    EXPECT_EQ(p.ranges(), "3r 5rw");
    p.protect(vpn{100}, 3, rw);
    EXPECT_EQ(p.ranges(), "8rw");
}

// ---- munmap

TEST_P(address_spaces, munmap_of_the_middle_leaves_two_ranges) {
    p.map_at(100, 10);
    p.fill(vpn{100}, 10);
    p.unmap(vpn{103}, 4);
    EXPECT_EQ(p.ranges(), "3rw | 3rw");
    EXPECT_EQ(p.space().anon_pages, 6U);
    EXPECT_EQ(m.count(vm_item::nr_anon_pages), 6U);
    EXPECT_EQ(p.write(vpn{104}), fault_outcome::map_error);
}

TEST_P(address_spaces, munmap_goes_over_ranges_and_gaps) {
    p.map_at(100, 4);
    p.map_at(110, 4, r);
    p.map_at(2000, 4);
    p.fill(vpn{2000}, 4);
    p.unmap(vpn{102}, 1900);
    EXPECT_EQ(p.ranges(), "2rw | 2rw");
    EXPECT_EQ(p.space().anon_pages, 2U);
    p.unmap(vpn{0}, 3000);
    EXPECT_EQ(p.ranges(), "");
    EXPECT_EQ(m.count(vm_item::nr_page_table_pages), 0U);
    p.unmap(vpn{0}, 3000);
    EXPECT_EQ(p.error, mm_error::none) << "nothing there is no error";
}

TEST_P(address_spaces, a_hole_is_refused_where_there_are_too_many_ranges) {
    p.map_at(100, 4);
    p.space().limits.max_map_count = 1;
    p.unmap(vpn{101}, 1);
    EXPECT_EQ(p.error, mm_error::enomem);
    p.protect(vpn{100}, 1, r);
    EXPECT_EQ(p.error, mm_error::enomem);
    EXPECT_EQ(p.ranges(), "4rw");
    p.unmap(vpn{102}, 2);
    EXPECT_EQ(p.ranges(), "2rw") << "an end may go";
}

TEST_P(address_spaces, a_file_knows_the_ranges_that_map_it_whatever_becomes_of_them) {
    const range_index& known = m.parts.cache.opened(file).of->i_mmap;
    const auto pages_found = [&](std::uint64_t index) {
        std::string at;
        known.for_each(index, [&](const file_range& f) {
            at += fmt::format("{} ", raw(f.at(index)));
            return true;
        });
        return at;
    };
    p.map({.pages = page_count{10}, .place = placement::fixed, .at = vpn{100}, .file = file, .pgoff = 5});
    p.map({.pages = page_count{10}, .place = placement::fixed, .at = vpn{110}, .file = file, .pgoff = 15});
    EXPECT_EQ(p.ranges(), "20rw") << "the second goes on where the first ends";
    p.map({.pages = page_count{2}, .place = placement::fixed, .at = vpn{120}, .file = file, .pgoff = 15});
    EXPECT_EQ(p.ranges(), "20rw 2rw");
    EXPECT_EQ(pages_found(16), "121 111 ");
    p.unmap(vpn{104}, 2);
    EXPECT_EQ(pages_found(9), "");
    EXPECT_EQ(pages_found(11), "106 ");
    process& child = m.fork(p);
    EXPECT_EQ(pages_found(11), "106 106 ");
    child.protect(vpn{107}, 1, r);
    EXPECT_EQ(pages_found(11), "106 106 ");
    m.exit(child);
    p.unmap(vpn{100}, 30);
    EXPECT_TRUE(known.empty());
}

// ---- mprotect

TEST_P(address_spaces, an_access_without_permission_is_an_error_of_its_own_and_no_fault) {
    p.map_at(100, 1, r);
    EXPECT_EQ(p.write(vpn{100}), fault_outcome::access_error);
    EXPECT_EQ(p.touch(vpn{100}, access_kind::fetch), fault_outcome::access_error);
    EXPECT_EQ(p.read(vpn{101}), fault_outcome::map_error);
    EXPECT_EQ(m.count(vm_item::pgfault), 0U);
    EXPECT_EQ(p.read(vpn{100}), fault_outcome::resolved);
    EXPECT_EQ(m.count(vm_item::pgfault), 1U);
}

TEST_P(address_spaces, a_range_that_may_only_be_written_may_be_read) {
    p.map_at(100, 1, {vm_flag::write});
    EXPECT_EQ(p.read(vpn{100}), fault_outcome::resolved);
}

TEST_P(address_spaces, read_only_pages_keep_their_content_their_dirt_and_their_age) {
    p.map_at(100, 2);
    p.fill(vpn{100}, 2);
    static_cast<void>(m.parts.map.page_referenced(p.page_at(vpn{101})));
    p.protect(vpn{100}, 2, r);
    EXPECT_TRUE(p.entry(vpn{100}).dirty() && p.entry(vpn{100}).young());
    EXPECT_FALSE(p.entry(vpn{101}).young());
    EXPECT_FALSE(p.entry(vpn{100}).writable());
    EXPECT_EQ(p.write(vpn{100}), fault_outcome::access_error) << "no TLB remembers that it was writable";
}

TEST_P(address_spaces, prot_none_keeps_the_page_and_lets_nobody_in) {
    p.map_at(100, 2);
    p.fill(vpn{100}, 2);
    page& first = p.page_at(vpn{100});
    p.protect(vpn{100}, 2, none);
    EXPECT_EQ(p.ranges(), "2");
    EXPECT_TRUE(p.entry(vpn{100}).protnone());
    EXPECT_EQ(p.read(vpn{100}), fault_outcome::access_error);
    m.check();
    EXPECT_EQ(m.swap_out(first), why::reclaimed) << "reclaim finds it";
    EXPECT_TRUE(p.entry(vpn{100}).is_swap());
    p.protect(vpn{100}, 2, rw);
    EXPECT_EQ(p.write(vpn{100}), fault_outcome::resolved);
    EXPECT_EQ(p.write(vpn{101}), fault_outcome::resolved);
    EXPECT_EQ(p.space().anon_pages, 2U);
}

TEST_P(address_spaces, only_6_1_makes_an_exclusive_dirty_page_writable_at_once) {
    p.map_at(100, 1);
    p.fill(vpn{100}, 1);
    p.protect(vpn{100}, 1, r);
    p.protect(vpn{100}, 1, rw);
    EXPECT_EQ(p.entry(vpn{100}).writable(), GetParam() == &linux_6_1);
    const std::uint64_t pages = m.count(vm_item::pgalloc_normal);
    EXPECT_EQ(p.write(vpn{100}), fault_outcome::resolved);
    EXPECT_EQ(m.count(vm_item::pgalloc_normal), pages) << "in any case it is reused";
}

TEST_P(address_spaces, what_a_mapping_may_never_become_is_refused) {
    p.map({.pages = page_count{1},
           .access = r,
           .kind = sharing::shared,
           .place = placement::fixed,
           .at = vpn{100},
           .file = file,
           .mode = file_mode::read_only});
    p.protect(vpn{100}, 1, rw);
    EXPECT_EQ(p.error, mm_error::eacces);
    EXPECT_FALSE(p.range_at(vpn{100})->flags.has(vm_flag::shared)) << "in truth private";
    EXPECT_TRUE(p.range_at(vpn{100})->flags.has(vm_flag::may_share));
}

TEST_P(address_spaces, mprotect_stops_at_a_gap_with_what_it_has_done) {
    p.map_at(100, 2);
    p.map_at(103, 2);
    p.protect(vpn{101}, 4, r);
    EXPECT_EQ(p.error, mm_error::enomem);
    EXPECT_EQ(p.ranges(), "1rw 1r | 2rw");
}

INSTANTIATE_TEST_SUITE_P(kernels, address_spaces, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
