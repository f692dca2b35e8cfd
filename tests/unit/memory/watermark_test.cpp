// SPDX-License-Identifier: MIT
#include <pagesim/memory/pcp.hpp>
#include <pagesim/memory/watermark.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

constexpr page_count managed_256m{65536};
constexpr page_count managed_224m{57344};
constexpr page_count managed_512m{131072};
constexpr page_count managed_4g{1048576};

watermarks only_zone(page_count managed, std::uint64_t min_free_kbytes) {
    return compute_watermarks(managed, managed, min_free_kbytes, 10);
}

TEST(min_free_kbytes, is_the_root_of_sixteen_times_the_memory_in_kilobytes) {
    EXPECT_EQ(min_free_kbytes_for(managed_256m), 2048U);
    EXPECT_EQ(min_free_kbytes_for(managed_224m), 1915U);
    EXPECT_EQ(min_free_kbytes_for(managed_512m), 2896U);
    EXPECT_EQ(min_free_kbytes_for(managed_4g), 8192U);
    EXPECT_EQ(min_free_kbytes_for(page_count{55520}), 1885U);
}

TEST(min_free_kbytes, stays_between_128_kilobytes_and_256_megabytes) {
    EXPECT_EQ(min_free_kbytes_for(page_count{1}), 128U);
    EXPECT_EQ(min_free_kbytes_for(page_count{1ULL << 32U}), 262144U);
}

TEST(watermarks, step_by_a_quarter_of_min_on_small_machines) {
    EXPECT_EQ(only_zone(managed_256m, 2048), (watermarks{512, 640, 768}));
    EXPECT_EQ(only_zone(managed_224m, 1915), (watermarks{478, 597, 716}));
    EXPECT_EQ(only_zone(managed_512m, 2896), (watermarks{724, 905, 1086}));
    EXPECT_EQ(only_zone(page_count{55520}, 1885), (watermarks{471, 588, 705}));
}

TEST(watermarks, step_by_a_thousandth_of_the_zone_on_large_machines) {
    EXPECT_EQ(only_zone(managed_4g, 8192), (watermarks{2048, 3096, 4144}));
    EXPECT_EQ(only_zone(page_count{262144}, 4096), (watermarks{1024, 1286, 1548}));
}

TEST(watermarks, share_min_free_kbytes_by_the_size_of_the_zones) {
    EXPECT_EQ(compute_watermarks(page_count{786432}, managed_4g, 8192, 10), (watermarks{1536, 2322, 3108}));
    EXPECT_EQ(compute_watermarks(page_count{262144}, managed_4g, 8192, 10), (watermarks{512, 774, 1036}));
}

TEST(watermarks, follow_a_given_min_free_kbytes) {
    EXPECT_EQ(only_zone(managed_512m, 22528), (watermarks{5632, 7040, 8448}));
    EXPECT_EQ(compute_watermarks(page_count{262144}, managed_4g, 45056, 10), (watermarks{2816, 3520, 4224}));
}

TEST(lowmem_reserve, is_the_memory_above_divided_by_the_ratio) {
    const per_zone ratio{256, 256, 32, 0};
    const per_zone two{786432, 0, 262144, 0};
    EXPECT_EQ(compute_lowmem_reserve(zone_type::dma, two, ratio), (per_zone{0, 0, 1024, 1024}));
    EXPECT_EQ(compute_lowmem_reserve(zone_type::normal, two, ratio), (per_zone{0, 0, 0, 0}));
    const per_zone three{262144, 524288, 262144, 0};
    EXPECT_EQ(compute_lowmem_reserve(zone_type::dma, three, ratio), (per_zone{0, 2048, 3072, 3072}));
    EXPECT_EQ(compute_lowmem_reserve(zone_type::dma32, three, ratio), (per_zone{0, 0, 1024, 1024}));
    const per_zone guest{763220, 0, 241803, 0};
    EXPECT_EQ(compute_lowmem_reserve(zone_type::dma, guest, ratio), (per_zone{0, 0, 944, 944}));
}

TEST(lowmem_reserve, is_zero_for_a_ratio_of_zero_or_an_empty_zone) {
    EXPECT_EQ(compute_lowmem_reserve(zone_type::dma, {1000, 0, 1000, 0}, {0, 256, 32, 0}), per_zone{});
    EXPECT_EQ(compute_lowmem_reserve(zone_type::dma32, {1000, 0, 1000, 0}, {256, 256, 32, 0}), per_zone{});
}

TEST(totalreserve, is_the_largest_reserve_and_high) {
    EXPECT_EQ(zone_totalreserve(managed_256m, {}, 768), 768U);
    EXPECT_EQ(zone_totalreserve(page_count{786432}, {0, 0, 1024, 1024}, 3108) +
                  zone_totalreserve(page_count{262144}, {}, 1036),
              5168U);
    EXPECT_EQ(zone_totalreserve(page_count{100}, {}, 768), 100U);
}

TEST(pcp_size, of_linux_6_1_is_a_share_of_low) {
    constexpr auto rule = pcp_high_rule::low_watermark;
    EXPECT_EQ(default_pcp_size(rule, managed_256m, 640, 1), (pcp_size{640, 15}));
    EXPECT_EQ(default_pcp_size(rule, managed_256m, 640, 4), (pcp_size{160, 15}));
    EXPECT_EQ(default_pcp_size(rule, managed_224m, 597, 2), (pcp_size{298, 15}));
    EXPECT_EQ(default_pcp_size(rule, managed_512m, 905, 2), (pcp_size{452, 31}));
    EXPECT_EQ(default_pcp_size(rule, managed_512m, 7040, 2), (pcp_size{3520, 31}));
    EXPECT_EQ(default_pcp_size(rule, managed_4g, 3096, 4), (pcp_size{774, 63}));
    EXPECT_EQ(default_pcp_size(rule, page_count{786432}, 2322, 4), (pcp_size{580, 63}));
    EXPECT_EQ(default_pcp_size(rule, page_count{262144}, 774, 4), (pcp_size{252, 63}));
    EXPECT_EQ(default_pcp_size(rule, page_count{41272}, 503, 1), (pcp_size{503, 7}));
}

TEST(pcp_size, of_linux_5_8_is_six_batches) {
    constexpr auto rule = pcp_high_rule::six_batches;
    EXPECT_EQ(default_pcp_size(rule, managed_256m, 640, 1), (pcp_size{90, 15}));
    EXPECT_EQ(default_pcp_size(rule, managed_224m, 597, 2), (pcp_size{90, 15}));
    EXPECT_EQ(default_pcp_size(rule, managed_512m, 905, 2), (pcp_size{186, 31}));
    EXPECT_EQ(default_pcp_size(rule, managed_4g, 3096, 4), (pcp_size{378, 63}));
    EXPECT_EQ(default_pcp_size(rule, page_count{16384}, 320, 1), (pcp_size{18, 3}));
    EXPECT_EQ(default_pcp_size(rule, page_count{1024}, 40, 1), (pcp_size{0, 1}));
}

TEST(stat_threshold, grows_with_the_logarithms_of_cpus_and_memory) {
    EXPECT_EQ(stat_threshold(managed_256m, 1), 6U);
    EXPECT_EQ(stat_threshold(managed_256m, 4), 18U);
    EXPECT_EQ(stat_threshold(managed_224m, 2), 8U);
    EXPECT_EQ(stat_threshold(managed_512m, 2), 16U);
    EXPECT_EQ(stat_threshold(managed_4g, 4), 42U);
    EXPECT_EQ(stat_threshold(page_count{786432}, 4), 36U);
    EXPECT_EQ(stat_threshold(page_count{262144}, 4), 30U);
    EXPECT_EQ(stat_threshold(page_count{1ULL << 40U}, 256), 125U);
}

TEST(lowered_mark, halves_for_high_and_takes_another_quarter_from_who_cannot_wait) {
    EXPECT_EQ(lowered_mark(512, {}), 512U);
    EXPECT_EQ(lowered_mark(512, alloc_reserve::min_reserve), 256U);
    EXPECT_EQ(lowered_mark(512, {alloc_reserve::min_reserve, alloc_reserve::non_block}), 192U);
    EXPECT_EQ(lowered_mark(512, alloc_reserve::non_block), 512U);
    EXPECT_EQ(lowered_mark(512, alloc_reserve::oom), 256U);
}

TEST(integer_sqrt, rounds_down) {
    EXPECT_EQ(integer_sqrt(0), 0U);
    EXPECT_EQ(integer_sqrt(15), 3U);
    EXPECT_EQ(integer_sqrt(16), 4U);
    EXPECT_EQ(integer_sqrt(~0ULL), 0xffff'ffffU);
}

} // namespace
} // namespace pagesim
