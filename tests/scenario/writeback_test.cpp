// SPDX-License-Identifier: MIT
// What becomes of dirty pages of files.
#include <pagesim/machine/machine.hpp>
#include <support/dirty_files.hpp>
#include <support/script.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::script;

sim_duration seconds(std::uint64_t n) { return milliseconds(1000 * n); }

TEST(writeback, the_flusher_writes_what_is_older_than_thirty_seconds_at_a_tick_of_five) {
    auto m = a_machine().with_memory(8192).build();
    dirty_files d{*m};
    d.warm_up(500);
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 10);
    const std::uint64_t before = d.written();
    d.run_for(seconds(29));
    EXPECT_EQ(d.written(), before) << "five ticks went by";
    d.run_for(seconds(7));
    EXPECT_EQ(d.written(), before + 10);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: - | io: - | more_io: -");
    m->check();
}

TEST(writeback, a_younger_file_waits_for_a_later_tick) {
    auto m = a_machine().with_memory(8192).build();
    dirty_files d{*m};
    d.warm_up(500);
    d.dirty(d.create("old", 100), 0, 10);
    d.run_for(seconds(20));
    d.dirty(d.create("young", 100), 0, 10);
    d.run_for(seconds(16));
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: young | io: - | more_io: -");
    d.run_for(seconds(20));
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: - | io: - | more_io: -");
}

TEST(writeback, a_device_that_has_written_nothing_lately_has_no_share_and_the_first_tick_writes_all) {
    auto m = a_machine().with_memory(8192).build();
    dirty_files d{*m};
    d.dirty(d.create("f", 100), 0, 10);
    d.run_for(milliseconds(4999));
    EXPECT_EQ(d.written(), 0U);
    d.run_for(seconds(1));
    EXPECT_EQ(d.written(), 10U) << "10 dirty pages are more than its share of the background threshold: 0";
}

TEST(writeback, in_the_background_stops_below_the_threshold) {
    auto m = a_machine()
                 .with_memory(16384)
                 .with_dirty({.bytes = 4000 * page_size, .background_bytes = 1500 * page_size})
                 .build();
    dirty_files d{*m};
    d.warm_up(1400);
    mapping& f = d.create("f", 3000);
    d.dirty(f, 0, 2600);
    m->parts.bdi.start_background();
    const std::uint64_t before = d.written();
    d.run_flusher();
    EXPECT_EQ(d.written() - before, 2048U)
        << "two slices of 1024: 1576 pages were still too many, 552 are not";
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: - | io: - | more_io: f");
    EXPECT_EQ(f.writeback_index, 2048U);
    d.run_for(seconds(6));
    EXPECT_EQ(d.nr_dirty(), 0U) << "what had its slice is next at the tick, however young";
    m->check();
}

TEST(writeback, large_files_take_turns) {
    auto m = a_machine()
                 .with_memory(16384)
                 .with_dirty({.bytes = 8000 * page_size, .background_bytes = 100 * page_size})
                 .build();
    dirty_files d{*m};
    mapping& a = d.create("a", 3000);
    mapping& b = d.create("b", 3000);
    d.dirty(a, 0, 2000);
    d.dirty(b, 0, 2000);
    m->parts.bdi.start_background();
    while (d.written() < 1500) static_cast<void>(flusher_step(m->parts.wb, d.flusher));
    EXPECT_EQ(a.tagged_pages(cache_tag::dirty), 976U) << "a slice of a, then b";
    EXPECT_LT(b.tagged_pages(cache_tag::dirty), 2000U);
    d.run_flusher();
    EXPECT_EQ(d.nr_dirty(), 0U);
}

TEST(writeback, reclaim_makes_the_flusher_write_everything_that_is_dirty) {
    auto m = a_machine().with_memory(8192).build();
    dirty_files d{*m};
    d.warm_up(200);
    d.dirty(d.create("a", 100), 0, 10);
    d.dirty(d.create("b", 100), 0, 10);
    m->parts.rc.flusher->wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    EXPECT_EQ(d.nr_dirty(), 0U);
}

TEST(writeback, a_page_dirtied_again_while_it_is_written_is_written_again) {
    auto m = a_machine().with_memory(8192).with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& p = d.dirty(f, 7);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::sync);
    d.run_flusher();
    EXPECT_TRUE(p.test(page_flag::writeback));
    d.dirty(f, 7);
    d.run_for(milliseconds(1));
    EXPECT_EQ(d.written(), 1U);
    EXPECT_TRUE(p.test(page_flag::dirty));
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: f | io: - | more_io: -");
    m->parts.bdi.wakeup_flusher_threads(wb_reason::sync);
    d.run_flusher();
    d.run_for(milliseconds(1));
    EXPECT_EQ(d.written(), 2U);
    EXPECT_EQ(d.nr_dirty(), 0U);
    m->check();
}

// reclaim.md calls it "the three cases": PG_reclaim takes a page to the tail when its write ends, unless it was
// dirtied again.
TEST(writeback, a_page_that_reclaim_marked_goes_to_the_tail_when_it_is_written) {
    auto m = a_machine().with_memory(8192).with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    page& marked = d.dirty(f, 0);
    d.clean(f, 50);
    m->parts.batches.activate_page(marked);
    m->parts.batches.lru_add_drain();
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    marked.set(page_flag::reclaim);
    const std::uint64_t deactivated = m->parts.stat[vm_item::pgdeactivate];
    d.run_for(milliseconds(1));
    m->parts.batches.lru_add_drain();
    EXPECT_FALSE(marked.test(page_flag::active));
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], deactivated);
    EXPECT_EQ(&m->parts.lru.list(lru_list::inactive_file).back(), &marked);

    m->parts.cache.set_page_dirty(marked);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    marked.set(page_flag::reclaim);
    m->parts.cache.dirty_by_write(marked);
    d.run_for(milliseconds(1));
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 1U) << "dirty when its write ended: not rotated";
}

// The same as a task of a machine, which has no time to spare for it while nobody is dirty.
TEST(writeback, the_flusher_is_a_task_that_uses_the_cpu) {
    for (const kernel_profile& profile : {linux_6_1, linux_5_8}) {
        machine_config config = machine_with(page_count{8192});
        config.profile = profile;
        machine m{config};
        script s;
        s.sleep(seconds(7)).mark("written");
        m.start(s);
        mapping& f = m.parts().cache.create("f", page_count{100}, file_kind::regular);
        page* p =
            get_page_from_freelist(m.parts().home, gfp::highuser_movable, page_order{0}, alloc_mark::none)
                .frame;
        m.parts().cache.add_to_page_cache_lru(f, *p, 0, added_for::writing, swap_room::available);
        p->set(page_flag::uptodate);
        p->clear(page_flag::locked);
        m.parts().cache.dirty_by_write(*p);
        m.parts().batches.put_page(*p);
        const sim_duration others = m.other_time();
        m.run();
        EXPECT_EQ(m.stat()[vm_item::nr_written], 1U);
        EXPECT_EQ(m.stat()[vm_item::nr_dirty], 0U);
        EXPECT_GT(m.other_time(), others);
        EXPECT_GT(m.workload().marks().front().stat[vm_item::nr_dirty_threshold], 1000U);
        EXPECT_EQ(m.workload().cpu_time + m.kswapd().cpu_time + m.other_time() + m.idle_time(),
                  m.now() - sim_time{});
        m.check_consistency();
    }
}

// Recorded: Linux 6.1, 192 MiB, ext4 on pmem; 12000 pages by pwrite in turns of 500. The kernel wrote 9 slices of 1024
// (and 10 pages of the file system's own), left 2784 dirty, and wrote them at the tick of 5 s since the file had had its
// slice.
TEST(writeback, a_writer_of_a_large_file_is_followed_in_slices_as_recorded) {
    machine_config config = machine_with(page_count{41272});
    config.start.free_pages = page_count{34913};
    machine m{config};
    script s;
    s.file("f", 12000);
    for (std::uint64_t i = 0; i < 24; ++i) s.pwrite("f", i * 500, 500);
    s.mark("written").sleep(milliseconds(4900)).mark("before the tick").sleep(seconds(1)).mark("after it");
    m.start(s);
    m.run();
    const auto& marks = m.workload().marks();
    // The last slice may still be on its way when the writer is done.
    EXPECT_NEAR(static_cast<double>(marks[0].stat[vm_item::nr_dirty]), 2784, 1024);
    EXPECT_NEAR(static_cast<double>(marks[0].stat[vm_item::nr_written]), 9216, 1024);
    EXPECT_EQ(marks[1].stat[vm_item::nr_written], 9216U);
    EXPECT_EQ(marks[1].stat[vm_item::nr_dirty], 2784U);
    EXPECT_EQ(marks[2].stat[vm_item::nr_dirty], 0U);
    EXPECT_EQ(marks[2].stat[vm_item::nr_written], 12000U);
    m.check_consistency();
}

TEST(writeback, a_run_may_end_while_data_is_dirty) {
    machine m{machine_with(page_count{8192})};
    script s;
    s.sleep(seconds(1));
    m.start(s);
    mapping& f = m.parts().cache.create("f", page_count{100}, file_kind::regular);
    page* p =
        get_page_from_freelist(m.parts().home, gfp::highuser_movable, page_order{0}, alloc_mark::none).frame;
    m.parts().cache.add_to_page_cache_lru(f, *p, 0, added_for::writing, swap_room::available);
    p->clear(page_flag::locked);
    m.parts().cache.dirty_by_write(*p);
    m.run();
    EXPECT_LT(m.now(), sim_time{} + seconds(2));
    EXPECT_EQ(m.stat()[vm_item::nr_dirty], 1U);
}

} // namespace
} // namespace pagesim
