// SPDX-License-Identifier: MIT
// Cluster based readahead: neighbours on the device. The VMA based windows are in swap_test.cpp.
#include <support/small_machine.hpp>

#include <pagesim/process/address_space.hpp>
#include <pagesim/process/unmap.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

swap_config disk(std::uint64_t pages) {
    return {.pages = page_count{pages}, .medium = swap_medium::rotational, .bad_slots = {}, .failures = {}};
}

TEST(cluster_readahead, is_chosen_once_one_area_rotates_or_by_setting) {
    auto flash = a_machine().build();
    EXPECT_EQ(readahead_method(flash->parts.swap, vma_readahead::enabled), swap_ra_method::vma);
    EXPECT_EQ(readahead_method(flash->parts.swap, vma_readahead::disabled), swap_ra_method::cluster);
    auto both = a_machine().and_swap_on(disk(100)).build();
    EXPECT_EQ(readahead_method(both->parts.swap, vma_readahead::enabled), swap_ra_method::cluster);
}

TEST(cluster_readahead, the_window_is_the_aligned_block_around_the_slot) {
    auto m = a_machine().with_swap(disk(1000)).build();
    swap_space& swap = m->parts.swap;
    swap_cluster_window w = swap_cluster_info(swap, {.offset = 100}, 3);
    EXPECT_EQ(w.size, 8U) << "the first window: 4 hits";
    EXPECT_EQ(w.first, 96U);
    EXPECT_EQ(w.end, 104U);
    swap.readahead = {.previous = 0, .window = 8, .hits = 4};
    w = swap_cluster_info(swap, {.offset = 3}, 3);
    EXPECT_EQ(w.first, 1U) << "not the header";
    swap.readahead = {.previous = 0, .window = 8, .hits = 4};
    w = swap_cluster_info(swap, {.offset = 1000}, 3);
    EXPECT_EQ(w.end, 1001U) << "not behind the end";
}

TEST(cluster_readahead, without_hits_the_window_shrinks_and_neighbours_keep_two) {
    auto m = a_machine().with_swap(disk(4000)).build();
    std::vector<unsigned> sizes;
    for (const std::uint64_t slot : {100U, 900U, 2000U, 50U, 3000U})
        sizes.push_back(swap_cluster_info(m->parts.swap, {.offset = slot}, 3).size);
    EXPECT_EQ(sizes, (std::vector<unsigned>{8, 4, 2, 1, 1}));
    m->parts.swap.readahead = {};
    sizes.clear();
    for (std::uint64_t slot = 100; slot < 105; ++slot)
        sizes.push_back(swap_cluster_info(m->parts.swap, {.offset = slot}, 3).size);
    EXPECT_EQ(sizes, (std::vector<unsigned>{8, 4, 2, 2, 2}));
}

TEST(cluster_readahead, remembers_a_slot_only_when_there_were_no_hits) {
    auto m = a_machine().with_swap(disk(4000)).build();
    swap_space& swap = m->parts.swap;
    static_cast<void>(swap_cluster_info(swap, {.offset = 100}, 3)); // with the 4 hits of the start
    EXPECT_EQ(swap.readahead.previous, 0U);
    static_cast<void>(swap_cluster_info(swap, {.offset = 200}, 3));
    EXPECT_EQ(swap.readahead.previous, 200U);
}

// Pages 0 to 7 in slots 1 to 8, page 100 + i far away in the address space.
std::unique_ptr<small_machine> with_eight_out(const kernel_profile& profile = linux_6_1) {
    auto m = a_machine().with_profile(profile).with_swap(disk(1000)).build();
    for (std::uint64_t n = 0; n < 8; ++n) {
        m->written(100 + 5000 * n);
        m->swap_out(100 + 5000 * n);
    }
    return m;
}

TEST(cluster_readahead, reads_slots_side_by_side_wherever_their_pages_are) {
    auto m = with_eight_out();
    const vmstat before = m->parts.stat;
    m->touch(100 + 5000 * 3, access_kind::read); // slot 4: the block 0 to 7, less the header
    EXPECT_EQ(m->parts.stat[vm_item::swap_ra] - before[vm_item::swap_ra], 6U);
    EXPECT_EQ(m->parts.stat[vm_item::pswpin] - before[vm_item::pswpin], 7U);
    EXPECT_EQ(m->parts.stat[vm_item::pgmajfault] - before[vm_item::pgmajfault], 1U);
    const page* neighbour = m->parts.swap.lookup({.offset = 1});
    ASSERT_NE(neighbour, nullptr);
    EXPECT_TRUE(neighbour->test(page_flag::readahead));
    EXPECT_EQ(m->parts.swap.lookup({.offset = 8}), nullptr) << "the next block";
    m->check();
}

TEST(cluster_readahead, a_neighbour_wanted_later_is_a_hit_for_all) {
    auto m = with_eight_out();
    m->touch(100 + 5000 * 3, access_kind::read);
    EXPECT_EQ(m->parts.swap.readahead.hits, 0U);
    const std::uint64_t window_before = m->range->readahead.window;
    m->touch(100, access_kind::read);
    EXPECT_EQ(m->parts.stat[vm_item::swap_ra_hit], 1U);
    EXPECT_EQ(m->parts.swap.readahead.hits, 1U);
    EXPECT_EQ(m->range->readahead.hits, 4U) << "the range's own memory is not used";
    EXPECT_EQ(m->range->readahead.window, window_before);
    EXPECT_FALSE(m->page_at(100).test(page_flag::readahead));
}

TEST(cluster_readahead, skips_slots_that_nobody_names_and_bad_ones) {
    swap_config area = disk(400);
    area.bad_slots = {3};
    auto m = a_machine().with_swap(area).build();
    for (std::uint64_t n = 0; n < 6; ++n) { // slots 1, 2, 4, 5, 6, 7
        m->written(n);
        m->swap_out(n);
    }
    unmap_cursor c;
    vma& upper = split_vma(m->parts.fc, *m->space, *m->range, vpn{5});
    while (!unmap_range(m->parts.fc, *m->space, upper, c).done()) {} // slot 7 is nobody's any more
    m->touch(2, access_kind::read);
    EXPECT_EQ(m->parts.stat[vm_item::swap_ra], 4U) << "1, 2, 5, 6";
    EXPECT_EQ(m->parts.swap.lookup({.offset = 3}), nullptr);
    EXPECT_EQ(m->parts.swap.lookup({.offset = 7}), nullptr);
    m->check();
}

} // namespace
} // namespace pagesim
