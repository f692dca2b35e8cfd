// SPDX-License-Identifier: MIT
#include <boots.hpp>

#include <gtest/gtest.h>

namespace pagesim::program {
namespace {

constexpr std::uint64_t frames_of_192_mib = 49152;

TEST(boots, know_both_kernels_with_both_devices_with_and_without_files) {
    for (const char* kernel : {"5.10", "6.1"}) {
        for (const char* swap : {"zram", "nullb"}) {
            for (const bool files : {false, true}) {
                const boot* b = boot_of(kernel, swap, files);
                ASSERT_NE(b, nullptr) << kernel << ' ' << swap;
                const memory_map map = map_of(*b);
                EXPECT_EQ(frames_of(map), frames_of_192_mib);
                std::uint64_t locked = 0;
                std::uint64_t free = 0;
                for (const frame_run& r : map) {
                    if (r.use == frame_use::locked || r.use == frame_use::locked_file) locked += r.frames;
                    if (is_free(r.use)) free += r.frames;
                }
                EXPECT_EQ(locked, 273U);
                EXPECT_GT(free, 34'000U);
                EXPECT_LT(free, 37'000U);
            }
        }
    }
    EXPECT_EQ(boot_of("6.12", "zram", false), nullptr);
}

TEST(boots, tell_which_blocks_of_another_machine_are_unmovable_and_reclaimable) {
    const auto layout =
        free_blocks_of("Node 0, zone      DMA 6 1 2 2 2 5 4 5 3 4 47", *boot_of("6.1", "zram", false));
    ASSERT_TRUE(layout);
    const auto of = [&](migratetype t) { return layout->blocks[static_cast<std::size_t>(t)]; };
    EXPECT_EQ(of(migratetype::unmovable)[9], 1U);
    EXPECT_EQ(of(migratetype::movable)[9], 3U);
    EXPECT_EQ(of(migratetype::movable)[10], 47U);
    EXPECT_EQ(of(migratetype::reclaimable)[5], 1U);
    EXPECT_FALSE(free_blocks_of("something else", *boot_of("6.1", "zram", false)));
}

} // namespace
} // namespace pagesim::program
