// SPDX-License-Identifier: MIT
#include <pagesim/memory/buddy.hpp>
#include <pagesim/memory/mem_map.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <fstream>
#include <new>
#include <string>
#include <vector>

namespace pagesim {
namespace {

// Host pages of the array of frames that the host has given memory to.
std::uint64_t resident_host_pages(mem_map& frames) {
    constexpr std::uintptr_t host_page = 4096;
    const auto first = (reinterpret_cast<std::uintptr_t>(&frames[pfn{0}]) + host_page - 1) & ~(host_page - 1);
    const auto end =
        reinterpret_cast<std::uintptr_t>(&frames[pfn{frames.size().value - 1}]) & ~(host_page - 1);
    std::vector<unsigned char> state((end - first) / host_page);
    if (mincore(reinterpret_cast<void*>(first), end - first, state.data()) != 0) return 0;
    std::uint64_t n = 0;
    for (unsigned char s : state) n += s & 1U;
    return n;
}

bool host_backs_with_huge_pages() {
    std::string modes;
    std::ifstream in{"/sys/kernel/mm/transparent_hugepage/enabled"};
    std::getline(in, modes);
    return modes.find("[always]") != std::string::npos;
}

TEST(mem_map, frames_start_as_zeros_and_aligned) {
    mem_map frames{page_count{100}};
    EXPECT_EQ(frames.size(), page_count{100});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&frames[pfn{0}]) % 64, 0U);
    for (std::uint64_t n = 0; n < 100; ++n) {
        const page& p = frames[pfn{n}];
        EXPECT_TRUE(p.flags().empty() && p.refcount() == 0 && p.raw_mapcount() == -1 && unlinked(p));
    }
}

TEST(mem_map, a_page_knows_its_number) {
    mem_map frames{page_count{100}};
    EXPECT_EQ(frames.pfn_of(frames[pfn{42}]), pfn{42});
}

TEST(mem_map, lists_are_apart) {
    mem_map frames{page_count{4}};
    page_list a = frames.make_list();
    page_list b = frames.make_list();
    a.push_back(frames[pfn{0}]);
    b.push_back(frames[pfn{1}]);
    EXPECT_EQ(&a.front(), &frames[pfn{0}]);
    EXPECT_EQ(&b.front(), &frames[pfn{1}]);
}

TEST(mem_map, more_frames_than_links_reach_are_refused) {
    EXPECT_THROW(mem_map{page_count{1ULL << 31U}}, std::bad_alloc);
    EXPECT_THROW(mem_map{page_count{~0ULL}}, std::bad_alloc);
}

TEST(mem_map, a_fresh_machine_costs_the_host_one_page_for_a_block_of_1024) {
    if (host_backs_with_huge_pages()) GTEST_SKIP() << "the host backs memory with huge pages";
    constexpr std::uint64_t n = 4 << 20U; // 16 GiB
    mem_map frames{page_count{n}};
    EXPECT_EQ(resident_host_pages(frames), 0U);
    buddy area{frames, pfn{1000}, pfn{n}};
    area.free_range(pfn{1000}, pfn{n});
    EXPECT_LE(resident_host_pages(frames), n / 1024 + 11);
}

TEST(mem_map_death_test, a_frame_beyond_the_end_is_a_mistake) {
    mem_map frames{page_count{4}};
    EXPECT_DEATH(static_cast<void>(frames[pfn{4}]), "assertion failed");
}

} // namespace
} // namespace pagesim
