// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/reclaim/alloc_slowpath.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

page* allocate(small_machine& m, gfp_flags gfp) {
    alloc_cursor c;
    while (!alloc_page_step(m.parts.rc, c, gfp).done()) {}
    EXPECT_EQ(c.result != nullptr, c.outcome == alloc_outcome::page);
    return c.result;
}

const zone& only_zone(small_machine& m) { return m.parts.home.zones().front(); }

// Takes pages until no more than `free` are left.
void take_down_to(small_machine& m, std::uint64_t free) {
    while (only_zone(m).nr_free_pages() > free) {
        ASSERT_NE(get_page_from_freelist(m.parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::none)
                      .frame,
                  nullptr);
    }
}

TEST(allocation, above_low_wakes_nobody) {
    auto m = a_machine().build();
    EXPECT_NE(allocate(*m, gfp::highuser_movable), nullptr);
    EXPECT_TRUE(m->parts.kswapd.sleeping);
    EXPECT_EQ(m->parts.stat[vm_item::pgalloc_dma], 1U);
}

TEST(allocation, below_low_wakes_kswapd_and_still_gets_a_page) {
    auto m = a_machine().build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::low));
    EXPECT_NE(allocate(*m, gfp::highuser_movable), nullptr);
    EXPECT_FALSE(m->parts.kswapd.sleeping);
    EXPECT_EQ(m->parts.kswapd.highest_zoneidx, zone_type::movable);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 0U);
}

TEST(allocation, below_min_reclaims_by_itself) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    for (std::uint64_t n = 0; n < 600; ++n) m->touch(n, access_kind::write);
    m->parts.batches.lru_add_drain();
    for (std::uint64_t n = 0; n < 600; ++n) m->age(n);
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    EXPECT_NE(allocate(*m, gfp::highuser_movable), nullptr);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 1U);
    EXPECT_GE(m->parts.stat[vm_item::pgsteal_direct], 32U);
}

TEST(allocation, a_kernel_request_stalls_under_its_own_name) {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    EXPECT_EQ(allocate(*m, gfp::kernel), nullptr);
    EXPECT_GT(m->parts.stat[vm_item::allocstall_normal], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 0U);
}

TEST(allocation, without_leave_to_reclaim_fails_at_min) {
    auto m = a_machine().build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    EXPECT_EQ(allocate(*m, gfp_flags{gfp_flag::kswapd_reclaim, gfp_flag::movable, gfp_flag::highmem}),
              nullptr);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 0U);
}

TEST(allocation, that_may_not_retry_reclaims_once) {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    gfp_flags once = gfp::highuser_movable;
    once.set(gfp_flag::noretry);
    EXPECT_EQ(allocate(*m, once), nullptr);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 1U);
}

TEST(allocation, gives_up_after_seventeen_rounds_without_progress) {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    m->parts.lru.pgdat.kswapd_failures = 16; // nobody waits for kswapd
    EXPECT_EQ(allocate(*m, gfp::highuser_movable), nullptr);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 17U);
}

TEST(allocation, within_reclaim_takes_the_last_page_and_never_reclaims) {
    auto m = a_machine().build();
    std::uint64_t got = 0;
    while (alloc_page_memalloc(m->parts.rc, gfp::highuser_movable) != nullptr) ++got;
    EXPECT_GT(got, 900U);
    EXPECT_EQ(only_zone(*m).nr_free_pages(), 0U);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 0U);
    EXPECT_FALSE(m->parts.kswapd.sleeping) << "but kswapd was woken";
}

TEST(allow_direct_reclaim, stops_at_half_of_min) {
    auto m = a_machine().build();
    const std::uint64_t half = only_zone(*m).wmark_pages(wmark_level::min) / 2;
    m->written(1);
    take_down_to(*m, half + 20); // refills come in batches: still above half
    EXPECT_TRUE(allow_direct_reclaim(m->parts.rc));
    take_down_to(*m, half);
    EXPECT_FALSE(allow_direct_reclaim(m->parts.rc));
    EXPECT_FALSE(m->parts.kswapd.sleeping) << "kswapd is to help";
    EXPECT_EQ(m->parts.kswapd.highest_zoneidx, zone_type::dma) << "not above normal";
    direct_reclaim_cursor c;
    c.sc.gfp = gfp::highuser_movable;
    const step_result r = try_to_free_pages(m->parts.rc, c);
    EXPECT_EQ(r.kind, step_kind::sleep);
    EXPECT_EQ(r.channel.reason, wait_reason::pfmemalloc);
    EXPECT_EQ(m->parts.stat[vm_item::pgscan_direct_throttle], 1U);
}

} // namespace
} // namespace pagesim
