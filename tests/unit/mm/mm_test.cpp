// SPDX-License-Identifier: MIT
// Ranges of an address space in their order, and what their flags mean.
#include <pagesim/mm/mm.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

struct a_space {
    mem_map frames{page_count{16}};
    table_pool pool;
    mm space{asid{1}, frames, pool};

    vma& add(std::uint64_t first, std::uint64_t end) {
        return space.insert_vma({.first = vpn{first}, .end = vpn{end}});
    }
};

TEST(mm, finds_the_range_that_holds_a_page_and_the_one_above) {
    a_space s;
    vma& high = s.add(20, 30);
    vma& low = s.add(5, 10);
    EXPECT_EQ(s.space.find_vma(vpn{4}), nullptr);
    EXPECT_EQ(s.space.find_vma(vpn{5}), &low);
    EXPECT_EQ(s.space.find_vma(vpn{9}), &low);
    EXPECT_EQ(s.space.find_vma(vpn{10}), nullptr);
    EXPECT_EQ(s.space.first_above(vpn{0}), &low);
    EXPECT_EQ(s.space.first_above(vpn{9}), &low);
    EXPECT_EQ(s.space.first_above(vpn{10}), &high);
    EXPECT_EQ(s.space.first_above(vpn{29}), &high);
    EXPECT_EQ(s.space.first_above(vpn{30}), nullptr);
}

TEST(mm, forgets_the_range_that_it_found_last_when_it_is_erased) {
    a_space s;
    vma& v = s.add(5, 10);
    ASSERT_EQ(s.space.find_vma(vpn{7}), &v);
    s.space.erase_vma(v);
    EXPECT_EQ(s.space.find_vma(vpn{7}), nullptr);
    EXPECT_EQ(s.space.map_count(), 0U);
}

TEST(mm, the_range_found_last_may_have_become_smaller) {
    a_space s;
    vma& v = s.add(5, 10);
    ASSERT_EQ(s.space.find_vma(vpn{9}), &v);
    v.end = vpn{8};
    vma& next = s.add(8, 12);
    EXPECT_EQ(s.space.find_vma(vpn{9}), &next);
}

TEST(mm, knows_a_ranges_neighbours) {
    a_space s;
    vma& b = s.add(10, 20);
    vma& a = s.add(5, 10);
    vma& c = s.add(30, 40);
    EXPECT_EQ(s.space.preceding(a), nullptr);
    EXPECT_EQ(s.space.following(a), &b);
    EXPECT_EQ(s.space.preceding(c), &b);
    EXPECT_EQ(s.space.following(c), nullptr);
    EXPECT_EQ(s.space.next_vma(a), &b);
    EXPECT_EQ(s.space.next_vma(b), nullptr) << "a gap";
    std::string order;
    for (const vma& v : s.space.vmas()) order += std::to_string(raw(v.first)) + ' ';
    EXPECT_EQ(order, "5 10 30 ");
}

TEST(mm, an_anonymous_range_is_numbered_by_its_place_and_a_files_by_the_file) {
    a_space s;
    EXPECT_EQ(s.add(7, 9).pgoff, 7U);
    const vma& of_file = s.space.insert_vma({.first = vpn{20}, .end = vpn{30}, .pgoff = 3, .file = 1});
    EXPECT_EQ(of_file.pgoff, 3U);
    EXPECT_EQ(of_file.pgoff_of(vpn{25}), 8U);
    EXPECT_EQ(of_file.address_of(8), vpn{25});
    EXPECT_EQ(of_file.owner, &s.space);
}

TEST(vm_page_prot, a_private_range_never_gives_write_permission) {
    constexpr vm_flags read{vm_flag::read};
    constexpr vm_flags write{vm_flag::write};
    constexpr vm_flags exec{vm_flag::exec};
    constexpr vm_flags shared{vm_flag::shared};
    EXPECT_EQ(vm_page_prot(vm_may_all), page_prot::none);
    EXPECT_EQ(vm_page_prot(shared), page_prot::none);
    EXPECT_EQ(vm_page_prot(read), page_prot::readonly);
    EXPECT_EQ(vm_page_prot(read | write), page_prot::readonly);
    EXPECT_EQ(vm_page_prot(exec), page_prot::readonly_exec);
    EXPECT_EQ(vm_page_prot(read | write | exec), page_prot::readonly_exec);
    EXPECT_EQ(vm_page_prot(shared | read), page_prot::readonly);
    EXPECT_EQ(vm_page_prot(shared | write), page_prot::shared);
    EXPECT_EQ(vm_page_prot(shared | write | exec), page_prot::shared_exec);
    EXPECT_EQ(vm_page_prot(shared | exec), page_prot::readonly_exec);
}

TEST(is_cow_mapping, is_what_may_be_written_and_is_not_shared) {
    EXPECT_TRUE(is_cow_mapping(vm_data));
    EXPECT_TRUE(is_cow_mapping(vm_flags{vm_flag::read, vm_flag::may_write})) << "by mprotect";
    EXPECT_FALSE(is_cow_mapping(vm_data | vm_flags{vm_flag::shared}));
    EXPECT_FALSE(is_cow_mapping(vm_flags{vm_flag::read, vm_flag::may_read}));
}

} // namespace
} // namespace pagesim
