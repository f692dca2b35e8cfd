// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/reclaim/alloc_slowpath.hpp>
#include <pagesim/reclaim/shrink_page_list.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

const zone& only_zone(const small_machine& m) { return m.parts.home.zones().front(); }

// No page is left for who may not use the reserves.
void take_down_to_min(small_machine& m) {
    while (only_zone(m).nr_free_pages() > only_zone(m).wmark_pages(wmark_level::min)) {
        ASSERT_NE(get_page_from_freelist(m.parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::none)
                      .frame,
                  nullptr);
    }
}

// So many pages that are old, isolated, and not yet in the swap cache.
std::vector<page*> old_pages(small_machine& m, std::uint64_t n) {
    std::vector<page*> out;
    for (std::uint64_t i = 0; i < n; ++i) {
        out.push_back(&m.written(i));
        m.age(i);
        m.isolate(*out.back());
    }
    return out;
}

// In the swap cache and ready to be written.
page& ready(small_machine& m, page& p) {
    p.set(page_flag::locked);
    EXPECT_EQ(add_to_swap(m.parts.rc, p), swap_slot_result::added);
    EXPECT_EQ(m.parts.map.try_to_unmap(p), unmap_result::unmapped);
    p.clear(page_flag::dirty);
    return p;
}

unsigned take_all(bio_pool& bios) {
    unsigned n = 0;
    while (bios.take() != no_slab_object) ++n;
    return n;
}

TEST(bio_pool, without_memory_boots_slab_and_the_pool_are_all_there_is) {
    auto m = a_machine().build();
    take_down_to_min(*m);
    EXPECT_EQ(take_all(m->parts.bios), 16U);
}

TEST(bio_pool, with_memory_the_next_16_take_a_page_and_the_pool_stays_full) {
    auto m = a_machine().build();
    for (unsigned i = 0; i < 14; ++i) static_cast<void>(m->parts.bios.take());
    const std::uint64_t free = only_zone(*m).nr_free_pages();
    EXPECT_EQ(m->parts.bios.cache().pages(), 0U);
    for (unsigned i = 0; i < 16; ++i) static_cast<void>(m->parts.bios.take());
    EXPECT_EQ(m->parts.bios.cache().pages(), 1U);
    EXPECT_LT(only_zone(*m).nr_free_pages(), free);
    EXPECT_EQ(m->parts.bios.kept(), 2U);
}

TEST(bio_pool, what_is_freed_fills_the_pool_first_and_wakes) {
    auto m = a_machine().build();
    take_down_to_min(*m);
    std::vector<slab_object> taken;
    for (unsigned i = 0; i < 16; ++i) taken.push_back(m->parts.bios.take());
    EXPECT_EQ(m->parts.bios.kept(), 0U);
    m->parts.bios.give(taken[0]);
    m->parts.bios.give(taken[1]);
    EXPECT_EQ(m->parts.bios.kept(), 2U);
    EXPECT_EQ(m->waker.times(wait_reason::bio_freed), 2U);
    m->parts.bios.give(taken[2]);
    EXPECT_EQ(m->waker.times(wait_reason::bio_freed), 2U) << "there was one to be had already";
    EXPECT_EQ(m->parts.bios.cache().objects(), 15U);
    m->parts.bios.give(no_slab_object);
    EXPECT_EQ(m->parts.bios.cache().objects(), 15U);
}

TEST(bio_pool, slabs_are_free_at_once_or_in_6_1_after_a_grace_period) {
    for (const kernel_profile& kernel : {linux_5_10, linux_6_1}) {
        auto m = a_machine().with_profile(kernel).build();
        m->parts.rcu.defer();
        std::vector<slab_object> taken;
        for (unsigned i = 0; i < 16U * 40U; ++i) taken.push_back(m->parts.bios.take());
        const std::uint64_t most = m->parts.bios.cache().pages();
        for (const slab_object bio : taken) m->parts.bios.give(bio);
        EXPECT_EQ(m->parts.bios.cache().pages() < most, kernel.bio_slabs == bio_slab::freed_at_once);
        for (int tick = 0; tick < 3; ++tick) m->parts.rcu.tick();
        EXPECT_LT(m->parts.bios.cache().pages(), most) << kernel.name;
        m->check();
    }
}

TEST(bio_pool, who_writes_without_memory_flushes_its_plug_and_sleeps_until_a_write_is_complete) {
    auto m = a_machine().build();
    const std::vector<page*> pages = old_pages(*m, 17);
    for (page* p : pages) ready(*m, *p);
    take_down_to_min(*m);
    task_signals kswapd{.kswapd = true};
    m->parts.cpu.current = &kswapd;
    io_plug plug;
    for (unsigned i = 0; i < 16; ++i) m->parts.io->write_page(*pages[i], plug);
    EXPECT_EQ(kswapd.io_wait, wait_channel{});
    m->parts.io->write_page(*pages[16], plug);
    EXPECT_EQ(kswapd.io_wait, bio_pool::freed);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 1U) << "one request of 16 neighbours";
    EXPECT_FALSE(plug.empty());
    kswapd.io_wait = {};
    EXPECT_FALSE(m->parts.io->resume(plug)) << "woken too early";
    EXPECT_EQ(kswapd.io_wait, bio_pool::freed);
    kswapd.io_wait = {};
    m->complete_io();
    EXPECT_GT(m->waker.times(wait_reason::bio_freed), 0U);
    EXPECT_TRUE(m->parts.io->resume(plug));
    EXPECT_EQ(kswapd.io_wait, wait_channel{});
    m->parts.io->flush(plug);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 1U);
    m->complete_io();
    EXPECT_EQ(m->parts.stat[vm_item::nr_written], 17);
}

TEST(bio_pool, a_batch_waits_for_its_last_page_too) {
    auto m = a_machine().build();
    const std::vector<page*> pages = old_pages(*m, 17);
    // Nodes of the swap cache take memory too.
    for (unsigned i = 0; i < 16; ++i) ready(*m, *pages[i]);
    ready(*m, *pages[16]).clear(page_flag::locked);
    pages[16]->set(page_flag::dirty);
    take_down_to_min(*m);
    task_signals current;
    m->parts.cpu.current = &current;
    io_plug plug;
    for (unsigned i = 0; i < 16; ++i) m->parts.io->write_page(*pages[i], plug);
    scan_control sc;
    shrink_page_list_cursor c;
    c.input.push(*pages[16]);
    EXPECT_FALSE(shrink_page_list(m->parts.rc, sc, c, plug).done());
    EXPECT_EQ(current.io_wait, bio_pool::freed);
    current.io_wait = {};
    EXPECT_FALSE(shrink_page_list(m->parts.rc, sc, c, plug).done()) << "woken too early";
    current.io_wait = {};
    m->complete_io();
    EXPECT_TRUE(shrink_page_list(m->parts.rc, sc, c, plug).done());
    m->parts.io->flush(plug);
    m->complete_io();
    EXPECT_EQ(m->parts.stat[vm_item::nr_written], 17);
}

TEST(bio_pool, a_read_does_not_wait) {
    auto m = a_machine().build();
    page& p =
        *get_page_from_freelist(m->parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::low).frame;
    take_down_to_min(*m);
    EXPECT_EQ(take_all(m->parts.bios), 16U);
    task_signals current;
    m->parts.cpu.current = &current;
    p.set(page_flag::locked);
    m->parts.io->read_page(p, {.offset = 1, .type = 0}, nullptr);
    EXPECT_EQ(current.io_wait, wait_channel{});
    m->complete_io();
    EXPECT_TRUE(p.test(page_flag::uptodate));
    EXPECT_EQ(m->parts.bios.cache().objects(), 16U) << "it had none to give back";
}

} // namespace
} // namespace pagesim
