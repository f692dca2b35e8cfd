// SPDX-License-Identifier: MIT
#include <pagesim/cache/invalidate.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::small_machine;

step_result truncate(small_machine& m, mapping& file, truncate_cursor& c) {
    step_result r = step_again;
    while (r.kind == step_kind::again) r = truncate_inode_pages(m.parts.wb, file, c);
    return r;
}
truncate_cursor from(std::uint64_t first) {
    truncate_cursor c;
    c.first = first;
    return c;
}

TEST(invalidate_mapping_pages, leaves_metadata_whose_buffers_are_in_use) {
    auto m = a_machine().with_metadata(1, 1).build();
    mapping& metadata = m->parts.cache.file_of(m->metadata(0));
    for (const std::uint64_t left : {2U, 1U}) {
        invalidate_cursor c{};
        step_result r = step_again;
        while (r.kind == step_kind::again) r = invalidate_mapping_pages(m->parts.wb, metadata, c);
        EXPECT_EQ(metadata.nrpages(), left);
        EXPECT_EQ(c.failed, left);
        m->parts.batches.lru_add_drain();
        m->parts.cache.invalidate_bh_lrus();
    }
    m->check();
}

TEST(truncate_inode_pages, forgets_dirty_pages_without_writing_them) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 40);
    truncate_cursor c = from(10);
    EXPECT_TRUE(truncate(*m, f, c).done());
    EXPECT_EQ(f.nrpages(), 10U);
    EXPECT_EQ(d.nr_dirty(), 10U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_zone_write_pending], 10U);
    EXPECT_EQ(d.written(), 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirtied], 40U) << "that they were dirtied stays counted";
    m->check();
}

TEST(truncate_inode_pages, waits_for_a_page_under_writeback) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 3);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    d.dirty(f, 1); // and it is dirty again
    truncate_cursor c = from(1);
    const step_result r = truncate(*m, f, c);
    ASSERT_EQ(r.kind, step_kind::sleep);
    page& p = *m->parts.cache.find(f, 1);
    EXPECT_EQ(r.channel, (wait_channel{wait_reason::page_written, raw(m->parts.frames.pfn_of(p))}));
    EXPECT_TRUE(p.test(page_flag::locked));
    m->complete_io();
    EXPECT_TRUE(truncate(*m, f, c).done());
    EXPECT_EQ(f.nrpages(), 1U);
    EXPECT_EQ(d.nr_dirty(), 0U);
    m->check();
}

TEST(truncate_inode_pages, waits_for_a_locked_page_and_drops_shadows) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.clean(f, 7);
    page& evicted = d.clean(f, 8);
    evicted.set(page_flag::locked);
    ASSERT_TRUE(m->parts.cache.release_private(evicted));
    m->parts.cache.remove(evicted, cache_slot::of_value(5));
    evicted.clear(page_flag::locked);
    m->parts.batches.put_page(evicted);
    p.set(page_flag::locked);
    truncate_cursor c = from(0);
    EXPECT_EQ(truncate(*m, f, c).channel.reason, wait_reason::page_unlocked);
    EXPECT_TRUE(f.slot(8).empty());
    p.clear(page_flag::locked);
    EXPECT_TRUE(truncate(*m, f, c).done());
    EXPECT_EQ(f.next_used(0), mapping::none);
    m->check();
}

TEST(evict_page, takes_only_pages_that_are_clean_written_and_unused) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& dirty = d.dirty(f, 0);
    page& held = d.clean(f, 1);
    page& free = d.clean(f, 2);
    held.get();
    for (page* p : {&dirty, &held, &free}) p->set(page_flag::locked);
    EXPECT_EQ(evict_page(m->parts.wb, dirty), evicted::no);
    EXPECT_EQ(evict_page(m->parts.wb, held), evicted::no);
    EXPECT_TRUE(held.test(page_flag::private_)) << "its buffers stay as they are";
    EXPECT_EQ(evict_page(m->parts.wb, free), evicted::yes);
    EXPECT_EQ(f.nrpages(), 2U);
    EXPECT_TRUE(f.slot(2).empty()) << "no shadow";
    held.clear(page_flag::locked);
    dirty.clear(page_flag::locked);
    m->parts.batches.put_page(held);
    m->check();
}

} // namespace
} // namespace pagesim
