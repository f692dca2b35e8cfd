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

// Reclaimed pages wait on the per-CPU list, so that the zone stays below min until it is emptied.
class short_allocation {
public:
    explicit short_allocation(const kernel_profile& profile) {
        machine_config config =
            a_machine().with_profile(profile).with_memory(65536).with_swap_on(swap_device::zram).config();
        config.memory.watermark_boost_factor = 0;
        m = std::make_unique<small_machine>(config);
        for (std::uint64_t n = 0; n < 600; ++n) m->touch(n, access_kind::write);
        m->parts.batches.lru_add_drain();
        for (std::uint64_t n = 0; n < 600; ++n) m->age(n);
        m->parts.home.drain_all_pages();
        take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    }
    // Until it is done or sleeps.
    step_result run() {
        step_result r = step_again;
        while (r.kind == step_kind::again) r = alloc_page_step(m->parts.rc, c, gfp::highuser_movable);
        return r;
    }

    std::unique_ptr<small_machine> m;
    alloc_cursor c;
};

TEST(allocation, of_5_10_waits_for_the_worker_that_empties_the_per_cpu_lists) {
    short_allocation a{linux_5_10};
    bool& queued = a.m->parts.lru.pgdat.drain_queued;
    const step_result r = a.run();
    ASSERT_FALSE(r.done());
    EXPECT_EQ(r.channel.reason, wait_reason::pcp_drained);
    EXPECT_TRUE(queued);
    EXPECT_EQ(a.m->waker.times(wait_reason::kworker_work), 1U);
    EXPECT_FALSE(a.run().done()) << "not yet";
    EXPECT_EQ(a.m->waker.times(wait_reason::kworker_work), 1U) << "woken once";
    a.m->parts.home.drain_all_pages();
    queued = false;
    EXPECT_TRUE(a.run().done());
    EXPECT_NE(a.c.result, nullptr);
}

TEST(allocation, of_5_10_does_not_wait_for_a_worker_that_is_on_its_way_for_another) {
    short_allocation a{linux_5_10};
    a.m->parts.lru.pgdat.drain_queued = true;
    EXPECT_TRUE(a.run().done());
    EXPECT_EQ(a.m->waker.times(wait_reason::kworker_work), 0U);
}

TEST(allocation, of_6_1_empties_the_per_cpu_lists_itself) {
    short_allocation a{linux_6_1};
    EXPECT_TRUE(a.run().done());
    EXPECT_NE(a.c.result, nullptr);
    EXPECT_FALSE(a.m->parts.lru.pgdat.drain_queued);
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

TEST(allocation, of_a_slab_uses_the_reserves_where_it_may) {
    auto m = a_machine().build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    const auto slab = [&](slab_reserves r, std::uint8_t order = 0) {
        return alloc_slab_pages(m->parts.rc, page_order{order}, migratetype::unmovable, r);
    };
    EXPECT_EQ(slab(slab_reserves::forbidden), nullptr);
    EXPECT_FALSE(m->parts.kswapd.sleeping) << "woken all the same";
    EXPECT_NE(slab(slab_reserves::allowed), nullptr);
    EXPECT_NE(slab(slab_reserves::allowed, 1), nullptr);
    EXPECT_EQ(slab(slab_reserves::forbidden, 1), nullptr);
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

// Answers as the killer would, and remembers how often it was asked.
class fake_killer final : public oom_handler {
public:
    explicit fake_killer(oom_progress answer, task_signals* victim = nullptr)
        : answer_{answer}, victim_{victim} {}
    oom_progress out_of_memory(const oom_request& /*request*/) override {
        ++asked;
        if (victim_ != nullptr) *victim_ = {.sigkill = true, .oom_victim = true};
        return answer_;
    }
    unsigned asked = 0;

private:
    oom_progress answer_;
    task_signals* victim_;
};

std::unique_ptr<small_machine> exhausted(const kernel_profile& p = linux_6_1) {
    auto m = a_machine().with_profile(p).with_swap_on(swap_device::none).build();
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    m->parts.lru.pgdat.kswapd_failures = 16; // nobody waits for kswapd
    return m;
}

TEST(oom, a_request_tries_again_as_long_as_the_killer_makes_progress) {
    auto m = exhausted();
    fake_killer killer{oom_progress::made};
    m->parts.rc.oom = &killer;
    alloc_cursor c;
    while (killer.asked < 3) ASSERT_FALSE(alloc_page_step(m->parts.rc, c, gfp::highuser_movable).done());
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 3U * 17) << "from the start each time";
}

TEST(oom, of_5_8_comes_after_the_first_round_where_nothing_can_be_reclaimed) {
    auto m = exhausted(linux_5_8);
    fake_killer killer{oom_progress::none};
    m->parts.rc.oom = &killer;
    EXPECT_EQ(allocate(*m, gfp::highuser_movable), nullptr);
    EXPECT_EQ(killer.asked, 1U);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 1U);
}

TEST(oom, memory_that_comes_in_the_last_round_saves_a_life) {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    std::vector<page*> others;
    while (others.size() < 300) others.push_back(alloc_page_memalloc(m->parts.rc, gfp::kernel));
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min));
    m->parts.lru.pgdat.kswapd_failures = 16;
    fake_killer killer{oom_progress::none};
    m->parts.rc.oom = &killer;
    alloc_cursor c;
    while (m->parts.stat[vm_item::allocstall_movable] < 17)
        ASSERT_FALSE(alloc_page_step(m->parts.rc, c, gfp::highuser_movable).done());
    for (page* p : others) m->parts.batches.put_page(*p);
    while (!alloc_page_step(m->parts.rc, c, gfp::highuser_movable).done()) {}
    EXPECT_NE(c.result, nullptr);
    EXPECT_EQ(killer.asked, 0U);
}

TEST(oom, the_victim_gets_half_of_the_reserve_and_then_gives_up) {
    auto m = exhausted();
    task_signals self;
    m->parts.cpu.current = &self;
    fake_killer killer{oom_progress::made, &self};
    m->parts.rc.oom = &killer;
    const std::uint64_t min = only_zone(*m).wmark_pages(wmark_level::min);
    std::uint64_t got = 0;
    while (allocate(*m, gfp::highuser_movable) != nullptr) ++got;
    EXPECT_EQ(killer.asked, 2U) << "once to be chosen, once when the reserve was used up";
    EXPECT_GT(got, 0U);
    EXPECT_LE(only_zone(*m).nr_free_pages(), min / 2);
    EXPECT_GT(only_zone(*m).nr_free_pages(), 0U);
}

TEST(oom, a_request_that_may_not_retry_kills_nobody) {
    auto m = exhausted();
    fake_killer killer{oom_progress::made};
    m->parts.rc.oom = &killer;
    gfp_flags once = gfp::highuser_movable;
    once.set(gfp_flag::noretry);
    EXPECT_EQ(allocate(*m, once), nullptr);
    EXPECT_EQ(killer.asked, 0U);
}

TEST(throttle_direct_reclaim, lets_a_dying_task_pass_and_one_that_is_killed_pretends_progress) {
    auto m = a_machine().build();
    m->written(1);
    take_down_to(*m, only_zone(*m).wmark_pages(wmark_level::min) / 2);
    task_signals self;
    m->parts.cpu.current = &self;
    direct_reclaim_cursor c;
    c.sc.gfp = gfp::highuser_movable;
    const step_result r = try_to_free_pages(m->parts.rc, c);
    EXPECT_EQ(r.channel.reason, wait_reason::pfmemalloc);
    EXPECT_EQ(r.state, sleep_state::killable);
    self.sigkill = true;
    EXPECT_TRUE(try_to_free_pages(m->parts.rc, c).done());
    EXPECT_EQ(c.result, 1U);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 0U) << "but nothing was reclaimed";

    c = {};
    c.sc.gfp = gfp::highuser_movable;
    EXPECT_NE(try_to_free_pages(m->parts.rc, c).channel.reason, wait_reason::pfmemalloc);
    EXPECT_EQ(m->parts.stat[vm_item::allocstall_movable], 1U) << "the dying reclaim without waiting";
    EXPECT_EQ(m->parts.stat[vm_item::pgscan_direct_throttle], 1U);
}

} // namespace
} // namespace pagesim
