// SPDX-License-Identifier: MIT
#include <pagesim/cache/writepages.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::small_machine;

a_machine on_flash() { return a_machine().with_files_on(file_device::flash); }

// Runs the walk until it is done, or sleeps.
step_result walk(small_machine& m, mapping& file, writepages_cursor& c) {
    step_result r = step_again;
    while (r.kind == step_kind::again) r = do_writepages(m.parts.wb, file, c);
    return r;
}
void finish(small_machine& m, mapping& file, writepages_cursor& c) { EXPECT_TRUE(walk(m, file, c).done()); }
writepages_cursor sync_walk() {
    writepages_cursor c;
    c.sync = wb_sync::all;
    c.walk = wb_walk::range;
    return c;
}
std::uint64_t channel_of(small_machine& m, const page& p) { return raw(m.parts.frames.pfn_of(p)); }

TEST(writepages, neighbours_go_in_one_request_and_a_gap_begins_another) {
    auto m = on_flash().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 3, 4);
    d.dirty(f, 9, 2);
    writepages_cursor c;
    EXPECT_TRUE(walk(*m, f, c).done());
    EXPECT_EQ(m->parts.files.requests_in_flight(), 2U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 6U);
    EXPECT_EQ(d.nr_dirty(), 0U);
    EXPECT_FALSE(f.tagged(3, cache_tag::dirty));
    EXPECT_FALSE(m->parts.cache.find(f, 3)->test(page_flag::locked)) << "unlocked while it is written";
    m->check();
    m->complete_io();
    EXPECT_EQ(d.written(), 6U);
    EXPECT_EQ(m->parts.stat[vm_item::pgpgout], 24U);
    m->check();
}

TEST(writepages, a_synchronous_device_is_through_at_once_and_costs_3600_a_page) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 5);
    const sim_time began = m->parts.clock.now();
    writepages_cursor c;
    EXPECT_TRUE(walk(*m, f, c).done());
    EXPECT_EQ(d.written(), 5U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 0U);
    EXPECT_EQ((m->parts.clock.now() - began).ns, 5U * 3600);
}

TEST(writepages, a_cyclic_walk_resumes_where_the_last_stopped_and_wraps_once) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 10, 10);
    writepages_cursor c;
    c.nr_to_write = 4;
    finish(*m, f, c);
    EXPECT_EQ(f.writeback_index, 14U);
    EXPECT_EQ(d.nr_dirty(), 6U);
    d.dirty(f, 2, 1);
    d.dirty(f, 60, 1);
    c = {};
    c.nr_to_write = 7;
    finish(*m, f, c);
    EXPECT_EQ(f.writeback_index, 61U) << "14 to 19 and 60; page 2 lies behind";
    EXPECT_TRUE(f.tagged(2, cache_tag::dirty));
    c = {};
    finish(*m, f, c);
    EXPECT_EQ(d.nr_dirty(), 0U) << "nothing up to the end, then from the start";
    EXPECT_EQ(f.writeback_index, 3U);
}

TEST(writepages, a_range_leaves_the_rest_and_the_index) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 10, 10);
    writepages_cursor c;
    c.walk = wb_walk::range;
    c.first = 12;
    c.last = 13;
    finish(*m, f, c);
    EXPECT_EQ(d.written(), 2U);
    EXPECT_TRUE(f.tagged(11, cache_tag::dirty) && f.tagged(14, cache_tag::dirty));
    EXPECT_EQ(f.writeback_index, 0U);

    c = sync_walk();
    c.first = 15;
    c.last = 16;
    EXPECT_EQ(do_writepages(m->parts.wb, f, c).kind, step_kind::again);
    EXPECT_EQ(f.tagged_pages(cache_tag::towrite), 1U)
        << "of 15 and 16 the first went out; others are not tagged";
    finish(*m, f, c);
    EXPECT_EQ(d.written(), 4U);
}

TEST(writepages, sync_writes_what_was_dirty_when_it_began) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 5, 2);
    writepages_cursor c = sync_walk();
    EXPECT_EQ(do_writepages(m->parts.wb, f, c).kind, step_kind::again);
    d.dirty(f, 50, 1); // a writer that is faster would keep it going for ever
    EXPECT_TRUE(walk(*m, f, c).done());
    EXPECT_EQ(d.nr_dirty(), 1U);
    EXPECT_EQ(f.tagged_pages(cache_tag::towrite), 0U);
}

TEST(writepages, a_page_dirtied_again_while_it_is_written_is_skipped_unless_for_sync) {
    auto m = on_flash().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.dirty(f, 5);
    writepages_cursor c;
    finish(*m, f, c);
    d.dirty(f, 5);
    EXPECT_TRUE(p.test(page_flag::writeback) && p.test(page_flag::dirty));
    c = {};
    EXPECT_TRUE(walk(*m, f, c).done());
    EXPECT_EQ(d.nr_dirty(), 1U) << "not twice at a time";

    c = sync_walk();
    const step_result r = walk(*m, f, c);
    EXPECT_EQ(r.kind, step_kind::sleep);
    EXPECT_EQ(r.channel, (wait_channel{wait_reason::page_written, channel_of(*m, p)}));
    EXPECT_TRUE(p.test(page_flag::locked)) << "nobody else may begin with it";
    m->complete_io();
    EXPECT_TRUE(walk(*m, f, c).done());
    m->complete_io();
    EXPECT_EQ(d.nr_dirty(), 0U);
    EXPECT_EQ(d.written(), 2U) << "both contents went out";
    EXPECT_EQ(p.refcount(), 2) << "cache and buffers";
    m->check();
}

TEST(writepages, a_locked_page_is_waited_for_and_what_was_collected_goes_out_before) {
    auto m = on_flash().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 4, 2);
    page& p = *m->parts.cache.find(f, 5);
    p.set(page_flag::locked);
    writepages_cursor c;
    const step_result r = walk(*m, f, c);
    EXPECT_EQ(r.channel, (wait_channel{wait_reason::page_unlocked, channel_of(*m, p)}));
    EXPECT_EQ(m->parts.files.requests_in_flight(), 1U) << "page 4";
    EXPECT_EQ(walk(*m, f, c).kind, step_kind::sleep) << "still locked";
    p.clear(page_flag::locked);
    EXPECT_TRUE(walk(*m, f, c).done());
    EXPECT_EQ(m->parts.files.requests_in_flight(), 2U);
    EXPECT_EQ(p.refcount(), 2);
}

TEST(writepages, a_page_that_was_truncated_while_its_lock_was_waited_for_is_let_go) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.dirty(f, 5);
    p.set(page_flag::locked);
    writepages_cursor c;
    EXPECT_EQ(walk(*m, f, c).kind, step_kind::sleep);
    ASSERT_TRUE(m->parts.cache.release_private(p));
    m->parts.cache.cancel_dirty(p);
    m->parts.cache.remove(p);
    p.clear(page_flag::locked);
    m->parts.batches.put_page(p); // the cache's reference: the walk has the last one
    const std::uint64_t free = m->parts.stat[vm_item::pgfree];
    EXPECT_TRUE(walk(*m, f, c).done());
    EXPECT_EQ(m->parts.stat[vm_item::pgfree], free + 1);
    EXPECT_EQ(d.written(), 0U);
}

TEST(fdatawait, waits_for_each_page_under_writeback_in_the_range) {
    auto m = on_flash().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 4, 2);
    writepages_cursor c;
    finish(*m, f, c);
    fdatawait_cursor w;
    w.last = 3;
    EXPECT_TRUE(filemap_fdatawait_range(m->parts.wb, f, w).done()) << "outside";
    w = {};
    const step_result r = filemap_fdatawait_range(m->parts.wb, f, w);
    EXPECT_EQ(r.channel,
              (wait_channel{wait_reason::page_written, channel_of(*m, *m->parts.cache.find(f, 4))}));
    m->complete_io();
    EXPECT_TRUE(filemap_fdatawait_range(m->parts.wb, f, w).done());
    m->check();
}

} // namespace
} // namespace pagesim
