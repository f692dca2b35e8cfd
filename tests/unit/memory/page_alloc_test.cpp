// SPDX-License-Identifier: MIT
#include "short_names.hpp"

#include <pagesim/memory/page_alloc.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace pagesim {
namespace {

constexpr gfp_flags user = gfp::highuser_movable;

class page_alloc_test : public ::testing::Test {
protected:
    node& build(std::vector<zone_config> zones) {
        home = std::make_unique<node>(frames, stat, zones, memory_config{}, linux_6_1);
        return *home;
    }
    static zone_config zone_with(zone_type type, std::uint64_t managed) {
        return {.type = type, .present = page_count{managed}, .managed = page_count{managed}};
    }
    // Leaves n pages in the buddy lists of the zone; the next allocation finds its per-CPU list empty.
    static void leave(zone& z, std::uint64_t n) {
        z.drain_pcp();
        z.take_initial(page_count{z.nr_free_pages() - n}, migratetype::movable);
    }
    page* get(gfp_flags gfp, alloc_mark mark) {
        return get_page_from_freelist(*home, gfp, single, mark).frame;
    }
    void TearDown() override { home->check_consistency(); }

    mem_map frames{page_count{1048576}};
    vmstat stat;
    std::unique_ptr<node> home;
};

TEST_F(page_alloc_test, each_page_counts_once) {
    build({zone_with(zone_type::dma, 65536)});
    const freelist_result first = get_page_from_freelist(*home, user, single, alloc_mark::low);
    ASSERT_NE(first.frame, nullptr);
    EXPECT_TRUE(first.refilled);
    EXPECT_FALSE(get_page_from_freelist(*home, user, single, alloc_mark::low).refilled);
    EXPECT_EQ(stat[vm_item::pgalloc_dma], 2U);
    EXPECT_EQ(stat[vm_item::numa_hit], 2U);
    EXPECT_EQ(stat[vm_item::numa_local], 2U);
}

TEST_F(page_alloc_test, a_block_counts_its_pages_but_one_hit) {
    build({zone_with(zone_type::dma, 65536)});
    ASSERT_NE(get_page_from_freelist(*home, gfp::kernel, page_order{2}, alloc_mark::low).frame, nullptr);
    EXPECT_EQ(stat[vm_item::pgalloc_dma], 4U);
    EXPECT_EQ(stat[vm_item::numa_hit], 1U);
}

TEST_F(page_alloc_test, the_fast_path_stops_at_low_and_the_slow_path_at_min) {
    zone& z = build({zone_with(zone_type::dma, 65536)}).zones().front();
    leave(z, 641);
    EXPECT_NE(get(user, alloc_mark::low), nullptr); // a refill: 626 are left
    EXPECT_EQ(get(user, alloc_mark::low), nullptr); // although the per-CPU list has pages
    EXPECT_NE(get(user, alloc_mark::min), nullptr);
    leave(z, 512);
    EXPECT_EQ(get(user, alloc_mark::min), nullptr);
    EXPECT_EQ(stat[vm_item::pgalloc_dma], 2U);
}

TEST_F(page_alloc_test, the_last_look_wants_more_than_high) {
    zone& z = build({zone_with(zone_type::dma, 65536)}).zones().front();
    leave(z, 768);
    EXPECT_EQ(get(user, alloc_mark::high), nullptr);
    EXPECT_NE(get(user, alloc_mark::low), nullptr);
}

TEST_F(page_alloc_test, high_requests_go_down_to_half_of_min) {
    zone& z = build({zone_with(zone_type::dma, 65536)}).zones().front();
    const gfp_flags high = user | gfp_flags{gfp_flag::high, gfp_flag::nomemalloc};
    leave(z, 257);
    EXPECT_EQ(get(user, alloc_mark::min), nullptr);
    EXPECT_NE(get(high, alloc_mark::min), nullptr);
    leave(z, 242); // 257 less the refill
    EXPECT_EQ(get(high, alloc_mark::min), nullptr);
    EXPECT_EQ(get(high, alloc_mark::low), nullptr);
}

TEST_F(page_alloc_test, a_high_request_that_cannot_wait_goes_down_to_three_eighths_of_min) {
    zone& z = build({zone_with(zone_type::dma, 65536)}).zones().front();
    constexpr gfp_flags atomic{gfp_flag::high, gfp_flag::kswapd_reclaim};
    leave(z, 193);
    EXPECT_NE(get(atomic, alloc_mark::min), nullptr);
    leave(z, 178);
    z.fill_pcp(page_count{3}, migratetype::unmovable);
    EXPECT_EQ(get(atomic, alloc_mark::min), nullptr);
}

TEST_F(page_alloc_test, who_cannot_wait_but_is_not_high_gets_no_reserve) {
    build({zone_with(zone_type::dma, 65536)});
    constexpr gfp_flags nowait{gfp_flag::kswapd_reclaim};
    EXPECT_EQ(lowered_mark(512, reserves_of(nowait, alloc_mark::min)), 512U);
    EXPECT_EQ(lowered_mark(512, reserves_of(nowait, alloc_mark::oom)), 256U);
    constexpr gfp_flags barred{gfp_flag::high, gfp_flag::nomemalloc, gfp_flag::kswapd_reclaim};
    EXPECT_EQ(lowered_mark(512, reserves_of(barred, alloc_mark::min)), 256U);
    EXPECT_TRUE(reserves_of(nowait | gfp_flags{gfp_flag::high}, alloc_mark::low).empty());
}

TEST_F(page_alloc_test, reclaim_itself_takes_the_last_page) {
    zone& z = build({zone_with(zone_type::dma, 65536)}).zones().front();
    leave(z, 2);
    EXPECT_NE(get(user, alloc_mark::none), nullptr);
    EXPECT_NE(get(user, alloc_mark::none), nullptr);
    EXPECT_EQ(get(user, alloc_mark::none), nullptr);
}

TEST_F(page_alloc_test, high_zones_are_emptied_before_low_ones) {
    build({zone_with(zone_type::dma, 786432), zone_with(zone_type::normal, 262144)});
    zone& dma = home->zones()[0];
    zone& normal = home->zones()[1];
    EXPECT_EQ(home->zone_of(*get(user, alloc_mark::low)).type(), zone_type::normal);
    leave(normal, 774);
    EXPECT_EQ(home->zone_of(*get(user, alloc_mark::low)).type(), zone_type::dma);
    EXPECT_EQ(stat[vm_item::pgalloc_normal], 1U);
    EXPECT_EQ(stat[vm_item::pgalloc_dma], 1U);
    leave(dma, 2322 + 1024); // low and what the zone keeps from those that could use Normal
    EXPECT_EQ(get(user, alloc_mark::low), nullptr);
    leave(dma, 2322 + 1023);
    EXPECT_NE(get(user, alloc_mark::min), nullptr);
}

TEST_F(page_alloc_test, kernel_memory_never_comes_from_the_movable_zone) {
    build({zone_with(zone_type::dma, 65536), zone_with(zone_type::movable, 65536)});
    EXPECT_EQ(home->zone_of(*get(gfp::kernel, alloc_mark::low)).type(), zone_type::dma);
    EXPECT_EQ(home->zone_of(*get(user, alloc_mark::low)).type(), zone_type::movable);
    EXPECT_EQ(stat[vm_item::pgalloc_movable], 1U);
}

TEST_F(page_alloc_test, a_steal_reports_the_boosted_zone_once) {
    zone& z = build({zone_with(zone_type::dma, 65536)}).zones().front();
    leave(z, 1000);
    z.take_initial(page_count{100}, migratetype::movable);
    const freelist_result steal = get_page_from_freelist(*home, gfp::kernel, page_order{8}, alloc_mark::none);
    ASSERT_NE(steal.frame, nullptr);
    EXPECT_FALSE(steal.boosted); // a whole pageblock was there
    leave(z, 300);
    const freelist_result small = get_page_from_freelist(
        *home, gfp_flags{gfp_flag::reclaimable} | gfp::kernel, page_order{1}, alloc_mark::none);
    ASSERT_NE(small.frame, nullptr);
    EXPECT_EQ(small.boosted, zone_type::dma);
    EXPECT_EQ(z.watermark_boost(), 512U);
    EXPECT_FALSE(get_page_from_freelist(*home, user, single, alloc_mark::none).boosted);
}

//  Normal has only small movable blocks left, DMA whole pageblocks: the first round goes to DMA rather than mix
TEST_F(page_alloc_test, the_first_try_rather_uses_a_lower_zone_than_mixes_types) {
    build({zone_with(zone_type::dma, 786432), zone_with(zone_type::normal, 262144)});
    zone& normal = home->zones()[1];
    while (normal.rmqueue(page_order{9}, migratetype::movable) != nullptr) {}
    for (std::uint64_t n = 0; n < 40; ++n) { // 40 blocks of 64 in pageblocks that are otherwise in use
        page& p = frames[normal.start_pfn() + n * 512];
        p.set_refcount(0);
        for (unsigned i = 0; i < 64; ++i) normal.free_page(frames[normal.start_pfn() + (n * 512 + i)]);
    }
    normal.drain_pcp();
    leave(normal, 2000);
    EXPECT_EQ(home->zone_of(*get(gfp::kernel, alloc_mark::low)).type(), zone_type::dma);
    EXPECT_EQ(normal.watermark_boost(), 0U);
    EXPECT_EQ(home->zone_of(*get(gfp::kernel, alloc_mark::min)).type(), zone_type::normal);
    EXPECT_EQ(normal.watermark_boost(), 512U);
}

TEST_F(page_alloc_test, without_another_zone_the_first_try_mixes_types_in_its_second_round) {
    zone& normal = build({zone_with(zone_type::normal, 65536)}).zones().front();
    leave(normal, 300);
    normal.drain_pcp();
    const freelist_result r = get_page_from_freelist(*home, gfp::kernel, page_order{0}, alloc_mark::low);
    EXPECT_EQ(r.frame, nullptr); // below low
    leave(normal, 0);
    for (std::uint64_t n = 0; n < 1000; ++n) {
        page& p = frames[pfn{n * 32}];
        p.set_refcount(0);
        normal.free_page(p);
    }
    normal.drain_pcp();
    const freelist_result mixed = get_page_from_freelist(*home, gfp::kernel, page_order{0}, alloc_mark::low);
    ASSERT_NE(mixed.frame, nullptr);
    EXPECT_EQ(mixed.boosted, zone_type::normal);
}

} // namespace
} // namespace pagesim
