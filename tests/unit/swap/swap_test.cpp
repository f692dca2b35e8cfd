// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/swap/swap_readahead.hpp>

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;

TEST(swap_area, the_first_slots_of_a_large_area_start_at_16384_and_run_upwards) {
    swap_area area{page_count{262143}, 1};
    std::array<std::uint64_t, 64> slots{};
    ASSERT_EQ(area.scan_slots(slots), 64U);
    for (std::uint64_t i = 0; i < 64; ++i) EXPECT_EQ(slots[i], 16384 + i);
    ASSERT_EQ(area.scan_slots(slots), 64U);
    EXPECT_EQ(slots[0], 16384U + 64);
    area.check_consistency();
}

TEST(swap_area, a_small_area_starts_with_its_second_cluster) {
    swap_area area{page_count{8191}, 1};
    std::array<std::uint64_t, 1> slot{};
    ASSERT_EQ(area.scan_slots(slot), 1U);
    EXPECT_EQ(slot[0], 512U);
}

TEST(swap_area, hands_out_every_slot_once_and_then_none) {
    swap_area area{page_count{3000}, 7};
    std::vector<bool> seen(3001, false);
    std::array<std::uint64_t, 64> slots{};
    std::uint64_t total = 0;
    for (unsigned n = area.scan_slots(slots); n > 0; n = area.scan_slots(slots)) {
        for (unsigned i = 0; i < n; ++i) {
            ASSERT_GT(slots[i], 0U);
            ASSERT_FALSE(seen[slots[i]]);
            seen[slots[i]] = true;
            ++total;
        }
    }
    EXPECT_EQ(total, 3000U);
    area.release(1234);
    ASSERT_EQ(area.scan_slots(slots), 1U);
    EXPECT_EQ(slots[0], 1234U);
    area.check_consistency();
}

TEST(swap_area, a_freed_cluster_queues_up_behind_the_others) {
    swap_area area{page_count{5 * 512 - 1}, 1};
    std::array<std::uint64_t, 512> slots{};
    ASSERT_GT(area.scan_slots(slots), 0U);
    const std::uint64_t first = slots[0] / 512;
    std::uint64_t taken = slots[0];
    area.release(taken);
    while (area.in_use() > 0) area.release(++taken);
    ASSERT_GT(area.scan_slots(slots), 0U);
    EXPECT_EQ(slots[0] / 512, first + 1)
        << "even the CPU's own: it lies in a free cluster that is not the head";
}

TEST(slot_cache, takes_64_slots_at_once_and_returns_them_with_the_65th) {
    auto m = a_machine().with_swap_on(swap_device::flash, 4096).build();
    swap_space& swap = m->parts.swap;
    std::vector<swap_entry> entries;
    entries.push_back(*swap.alloc_slot());
    EXPECT_EQ(swap.nr_swap_pages(), 4096U - 64);
    for (int i = 1; i < 65; ++i) entries.push_back(*swap.alloc_slot());
    EXPECT_EQ(swap.nr_swap_pages(), 4096U - 128);
    for (int i = 0; i < 64; ++i) swap.return_slot(entries[static_cast<std::size_t>(i)]);
    EXPECT_EQ(swap.nr_swap_pages(), 4096U - 128);
    swap.return_slot(entries[64]);
    EXPECT_EQ(swap.nr_swap_pages(), 4096U - 64);
}

TEST(slot_cache, a_small_area_does_without) {
    auto m = a_machine().with_swap_on(swap_device::flash, 300).build();
    swap_space& swap = m->parts.swap;
    const swap_entry e = *swap.alloc_slot();
    EXPECT_EQ(swap.nr_swap_pages(), 299U);
    swap.return_slot(e);
    EXPECT_EQ(swap.nr_swap_pages(), 300U);
}

TEST(swap_space, is_full_above_one_half) {
    auto m = a_machine().with_swap_on(swap_device::flash, 200).build();
    swap_space& swap = m->parts.swap;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(swap.alloc_slot());
    EXPECT_FALSE(swap.vm_swap_full());
    ASSERT_TRUE(swap.alloc_slot());
    EXPECT_TRUE(swap.vm_swap_full());
}

TEST(swap_readahead, random_faults_without_hits_shrink_the_window) {
    vma range{.first = vpn{0}, .end = vpn{1U << 20U}};
    EXPECT_EQ(swap_ra_info(range, vpn{1000}, 3).size, 8U);
    EXPECT_EQ(swap_ra_info(range, vpn{5000}, 3).size, 4U);
    EXPECT_EQ(swap_ra_info(range, vpn{9000}, 3).size, 2U);
    EXPECT_EQ(swap_ra_info(range, vpn{100}, 3).size, 1U);
    EXPECT_EQ(swap_ra_info(range, vpn{7000}, 3).size, 1U);
}

TEST(swap_readahead, sequential_faults_keep_two_pages) {
    vma range{.first = vpn{0}, .end = vpn{1U << 20U}};
    std::vector<unsigned> sizes;
    for (std::uint64_t n = 1000; n < 1005; ++n) sizes.push_back(swap_ra_info(range, vpn{n}, 3).size);
    EXPECT_EQ(sizes, (std::vector<unsigned>{8, 4, 2, 2, 2}));
}

TEST(swap_readahead, the_window_lies_ahead_behind_or_around_and_is_clipped) {
    vma range{.first = vpn{510}, .end = vpn{2000}};
    swap_window w = swap_ra_info(range, vpn{1000}, 3);
    EXPECT_EQ(raw(w.first), 997U);
    EXPECT_EQ(raw(w.end), 1005U);
    range.readahead = {.previous = vpn{1000}, .window = 8, .hits = 4};
    w = swap_ra_info(range, vpn{1001}, 3);
    EXPECT_EQ(raw(w.first), 1001U);
    EXPECT_EQ(raw(w.end), 1009U);
    range.readahead = {.previous = vpn{1002}, .window = 8, .hits = 4};
    w = swap_ra_info(range, vpn{1001}, 3);
    EXPECT_EQ(raw(w.first), 994U);
    EXPECT_EQ(raw(w.end), 1002U);
    range.readahead = {.previous = vpn{0}, .window = 8, .hits = 4};
    w = swap_ra_info(range, vpn{1025}, 3);
    EXPECT_EQ(raw(w.first), 1024U) << "one table of descriptors at a time";
    range.readahead = {.previous = vpn{0}, .window = 8, .hits = 4};
    w = swap_ra_info(range, vpn{511}, 3);
    EXPECT_EQ(raw(w.first), 510U) << "the range begins here";
    EXPECT_EQ(raw(w.end), 512U);
}

TEST(swap_readahead, page_cluster_0_reads_one_page) {
    vma range{.first = vpn{0}, .end = vpn{100}};
    EXPECT_EQ(swap_ra_info(range, vpn{50}, 0).size, 1U);
    EXPECT_EQ(range.readahead.hits, 4U) << "nothing is noted";
}

class counted_frames final : public frame_source {
public:
    explicit counted_frames(mem_map& frames) : frames_{frames} {}
    page* take_frame() override { return left == 0 ? nullptr : (--left, &frames_[pfn{next_++}]); }
    void give_frame(page& /*p*/) override { ++given; }
    std::uint64_t left = 100;
    std::uint64_t given = 0;

private:
    mem_map& frames_;
    std::uint64_t next_ = 0;
};

TEST(zsmalloc, shares_frames_by_size_class) {
    EXPECT_EQ(zsmalloc::layout_for(40).frames, 3U);
    EXPECT_EQ(zsmalloc::layout_for(40).objects, 256U);
    EXPECT_EQ(zsmalloc::layout_for(4096).frames, 1U);
    EXPECT_EQ(zsmalloc::layout_for(4096).objects, 1U);
}

TEST(zsmalloc, an_empty_zspage_gives_its_frames_back) {
    auto m = a_machine().build();
    mem_map frames{page_count{256}};
    counted_frames source{frames};
    zsmalloc pool{m->parts.cpu, source};
    std::vector<zs_handle> objects;
    for (int i = 0; i < 256; ++i) objects.push_back(pool.allocate(40));
    EXPECT_EQ(pool.frames(), 3U);
    objects.push_back(pool.allocate(40));
    EXPECT_EQ(pool.frames(), 6U);
    pool.free(objects.back());
    EXPECT_EQ(pool.frames(), 3U);
    EXPECT_EQ(source.given, 3U);
    for (int i = 0; i < 256; ++i) pool.free(objects[static_cast<std::size_t>(i)]);
    EXPECT_EQ(pool.frames(), 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_zspages], 0U);
}

TEST(zsmalloc, takes_nothing_when_the_last_frame_of_a_zspage_is_missing) {
    auto m = a_machine().build();
    mem_map frames{page_count{256}};
    counted_frames source{frames};
    source.left = 2;
    zsmalloc pool{m->parts.cpu, source};
    EXPECT_EQ(pool.allocate(40), no_object);
    EXPECT_EQ(source.given, 2U);
    EXPECT_EQ(pool.frames(), 0U);
}

} // namespace
} // namespace pagesim
