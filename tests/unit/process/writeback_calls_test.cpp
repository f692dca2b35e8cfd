// SPDX-License-Identifier: MIT
#include <pagesim/process/writeback_calls.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::small_machine;

constexpr std::uint64_t call_cost = cost_table{}.writeback_call.ns;

// Steps a call; whenever it sleeps the flusher runs and the device answers. Returns how often it slept.
template <typename F>
unsigned run(dirty_files& d, F&& call) {
    unsigned sleeps = 0;
    for (;;) {
        const step_result r = call();
        if (r.done()) return sleeps;
        if (r.kind == step_kind::again) continue;
        ++sleeps;
        d.run_for(milliseconds(1));
        if (sleeps > 1000) return sleeps;
    }
}

TEST(fsync, writes_the_dirty_pages_of_the_file_and_waits) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    mapping& other = d.create("other", 100);
    d.dirty(f, 0, 10);
    d.dirty(other, 0, 3);
    fsync_cursor c;
    EXPECT_GT(run(d, [&] { return fsync_file(m->parts.wb, f, c); }), 0U);
    EXPECT_EQ(d.written(), 10U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 0U);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: other | io: - | more_io: -")
        << "the flusher has no more to do with it";
    m->check();
}

TEST(fsync, costs_a_call_and_3600_a_page_on_a_synchronous_device) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 10);
    const sim_time began = m->parts.clock.now();
    fsync_cursor c;
    EXPECT_EQ(run(d, [&] { return fsync_file(m->parts.wb, f, c); }), 0U) << "nothing to wait for";
    EXPECT_EQ((m->parts.clock.now() - began).ns, call_cost + 36000);
}

TEST(fsync, waits_for_writes_that_others_began) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 10);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    ASSERT_EQ(d.nr_dirty(), 0U);
    fsync_cursor c;
    EXPECT_GT(run(d, [&] { return fsync_file(m->parts.wb, f, c); }), 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 0U);
}

TEST(sync, has_the_flusher_write_every_file_and_waits_for_all) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    d.dirty(d.create("a", 100), 0, 10);
    d.dirty(d.create("b", 100), 0, 10);
    sync_cursor c;
    step_result r = step_again;
    while (r.kind == step_kind::again) r = sync_files(m->parts.wb, c);
    EXPECT_EQ(r.channel.reason, wait_reason::flusher_work);
    EXPECT_GT(run(d, [&] { return sync_files(m->parts.wb, c); }), 0U);
    EXPECT_EQ(d.written(), 20U);
    EXPECT_EQ(d.nr_dirty(), 0U);
    EXPECT_FALSE(m->parts.bdi.has_dirty_io());
    m->check();
}

TEST(sync, waits_for_pages_that_were_dirtied_again_while_they_were_written) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 2);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    d.dirty(f, 0, 2);
    sync_cursor c;
    run(d, [&] { return sync_files(m->parts.wb, c); });
    EXPECT_EQ(d.written(), 4U);
    EXPECT_EQ(d.nr_dirty() + m->parts.stat[vm_item::nr_writeback], 0U);
}

TEST(drop_caches, drops_clean_pages_and_leaves_dirty_ones) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 3);
    for (std::uint64_t i = 10; i < 20; ++i) d.clean(f, i);
    const std::uint64_t free = m->parts.stat[vm_item::pgfree];
    drop_caches_cursor c;
    run(d, [&] { return drop_caches(m->parts.wb, m->parts.rc, drop_what::both, c); });
    EXPECT_EQ(f.nrpages(), 3U) << "it does not write";
    EXPECT_EQ(d.nr_dirty(), 3U);
    EXPECT_EQ(m->parts.stat[vm_item::pgfree], free + 10);
    EXPECT_EQ(m->parts.stat[vm_item::pgsteal_file], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::drop_pagecache], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::drop_slab], 1U);
    m->check();
}

TEST(drop_caches, slab_alone_leaves_pages) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.clean(f, 1);
    drop_caches_cursor c;
    run(d, [&] { return drop_caches(m->parts.wb, m->parts.rc, drop_what::slab, c); });
    EXPECT_EQ(f.nrpages(), 1U);
    EXPECT_EQ(m->parts.stat[vm_item::drop_pagecache], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::drop_slab], 1U);
}

TEST(drop_caches, drops_shadows_too) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.clean(f, 5);
    p.set(page_flag::locked);
    ASSERT_TRUE(m->parts.cache.release_private(p));
    m->parts.cache.remove(p, cache_slot::of_value(77));
    p.clear(page_flag::locked);
    m->parts.batches.put_page(p);
    ASSERT_EQ(m->parts.stat[vm_item::workingset_nodes], 1U);
    drop_caches_cursor c;
    run(d, [&] { return drop_caches(m->parts.wb, m->parts.rc, drop_what::pagecache, c); });
    EXPECT_TRUE(f.slot(5).empty());
    EXPECT_EQ(m->parts.stat[vm_item::workingset_nodes], 0U);
}

TEST(drop_caches, a_page_that_somebody_holds_is_deactivated) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.clean(f, 5);
    d.clean(f, 6);
    m->parts.batches.activate_page(p);
    m->parts.batches.lru_add_drain();
    p.get();
    drop_caches_cursor c;
    run(d, [&] { return drop_caches(m->parts.wb, m->parts.rc, drop_what::pagecache, c); });
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(f.nrpages(), 1U);
    EXPECT_FALSE(p.test(page_flag::active));
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], 1U);
    m->parts.batches.put_page(p);
}

TEST(drop_caches, a_locked_page_is_passed_by) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.clean(f, 5);
    p.set(page_flag::locked);
    drop_caches_cursor c;
    run(d, [&] { return drop_caches(m->parts.wb, m->parts.rc, drop_what::pagecache, c); });
    EXPECT_EQ(f.nrpages(), 1U);
    EXPECT_EQ(m->parts.batches.batches_with(p), 0U);
}

TEST(drop_caches, pages_under_writeback_are_hastened_only_by_older_kernels) {
    for (const kernel_profile& profile : {linux_6_1, linux_5_10}) {
        auto m = a_machine().with_profile(profile).with_files_on(file_device::flash).build();
        dirty_files d{*m};
        mapping& f = d.create("f", 100);
        page& p = d.dirty(f, 5);
        m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
        d.run_flusher();
        drop_caches_cursor c;
        while (!drop_caches(m->parts.wb, m->parts.rc, drop_what::pagecache, c).done()) {}
        m->parts.batches.lru_add_drain();
        EXPECT_EQ(p.test(page_flag::reclaim), profile.name == linux_5_10.name);
        EXPECT_EQ(f.nrpages(), 1U);
    }
}

} // namespace
} // namespace pagesim
