// SPDX-License-Identifier: MIT
#include <pagesim/cache/bdi_writeback.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;

void pass(testing::small_machine& m, std::uint64_t jiffies) { m.parts.clock.charge(jiffy * jiffies); }

TEST(bdi_writeback, files_are_listed_in_order_of_their_first_dirtying) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    mapping& b = d.create("b", 10);
    d.dirty(b, 0);
    pass(*m, 10);
    d.dirty(a, 0);
    pass(*m, 10);
    d.dirty(b, 1);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: b a | io: - | more_io: -")
        << "writing again does not make it younger";
    m->check();
}

TEST(bdi_writeback, queue_io_takes_what_is_old_enough) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    mapping& b = d.create("b", 10);
    pass(*m, 5);
    d.dirty(a, 0);
    pass(*m, 1);
    d.dirty(b, 0);
    m->parts.bdi.queue_io(-100);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: a b | io: - | more_io: -");
    m->parts.bdi.queue_io(5);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: b | io: a | more_io: -");
    m->check();
}

TEST(bdi_writeback, a_file_goes_back_by_what_is_left_of_it) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    mapping& b = d.create("b", 10);
    bdi_writeback& bdi = m->parts.bdi;
    d.dirty(a, 0);
    d.dirty(b, 0);
    bdi.queue_io(100);
    EXPECT_EQ(bdi.take_next(), &a);
    EXPECT_TRUE(bdi.being_written(a));
    EXPECT_FALSE(bdi.put_back(a, bdi_writeback::slice::used_up, wb_work_kind::periodic));
    EXPECT_EQ(bdi.picture(), "dirty: - | io: b | more_io: a");
    EXPECT_EQ(bdi.take_next(), &b);
    EXPECT_FALSE(bdi.put_back(b, bdi_writeback::slice::not_used_up, wb_work_kind::periodic));
    EXPECT_EQ(bdi.picture(), "dirty: b | io: - | more_io: a") << "something else kept its page: later";
    bdi.queue_io(-1);
    EXPECT_EQ(bdi.picture(), "dirty: b | io: a | more_io: -");
    EXPECT_EQ(bdi.take_next(), &a);
    writepages_cursor c;
    while (!do_writepages(m->parts.wb, a, c).done()) {}
    EXPECT_TRUE(bdi.put_back(a, bdi_writeback::slice::not_used_up, wb_work_kind::periodic));
    EXPECT_EQ(bdi.picture(), "dirty: b | io: - | more_io: -");
    m->check();
}

TEST(bdi_writeback, an_older_file_that_comes_back_counts_as_dirtied_now) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    mapping& b = d.create("b", 10);
    bdi_writeback& bdi = m->parts.bdi;
    d.dirty(a, 0);
    bdi.queue_io(0);
    pass(*m, 10);
    d.dirty(b, 0);
    EXPECT_EQ(bdi.take_next(), &a);
    pass(*m, 10);
    EXPECT_FALSE(bdi.put_back(a, bdi_writeback::slice::not_used_up, wb_work_kind::periodic));
    EXPECT_EQ(bdi.picture(), "dirty: b a | io: - | more_io: -");
    bdi.queue_io(19);
    EXPECT_EQ(bdi.picture(), "dirty: a | io: b | more_io: -") << "a at 20, or the list were out of order";
    m->check();
}

TEST(bdi_writeback, a_file_dirtied_while_it_waits_to_be_written_stays_there) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    d.dirty(a, 0);
    m->parts.bdi.queue_io(100);
    d.dirty(a, 1);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: - | io: a | more_io: -");
}

TEST(bdi_writeback, chunks_are_half_a_second_or_an_eighth_of_the_limit_in_steps_of_1024) {
    auto m = a_machine().with_memory(200000).build();
    const bdi_writeback& bdi = m->parts.bdi;
    const std::uint64_t eighth = bdi.estimate().dirty_limit / 8;
    ASSERT_LT(eighth, 12800U);
    EXPECT_EQ(bdi.chunk_size({.kind = wb_work_kind::periodic, .nr_pages = 1 << 20}),
              static_cast<std::int64_t>(eighth / 1024 + 1) * 1024);
    EXPECT_EQ(bdi.chunk_size({.kind = wb_work_kind::periodic, .nr_pages = 10}), 1024);
    EXPECT_EQ(bdi.chunk_size({.kind = wb_work_kind::periodic, .nr_pages = 1024}), 2048);
    EXPECT_GT(bdi.chunk_size({.kind = wb_work_kind::sync, .nr_pages = 1}), 1LL << 60U);
}

TEST(completion_share, rises_with_completions_and_halves_every_three_seconds) {
    completion_share s;
    EXPECT_EQ(s.of(1000, 0), 0U) << "it has written nothing";
    for (int i = 0; i < 9; ++i) s.add(10);
    EXPECT_EQ(s.of(1000, 10), 900U) << "9 of 10";
    EXPECT_EQ(s.of(1000, 10 + 750), 800U) << "4 of 5";
    EXPECT_EQ(s.of(1000, 10 + 1500), 1000U) << "2 of 2";
    s.add(10 + 1500);
    EXPECT_EQ(s.of(1000, 10 + 2250), 1000U) << "1 of 1";
}

TEST(completion_share, a_device_at_rest_has_none_unless_rounding_left_it_one) {
    completion_share s;
    s.add(0);
    EXPECT_EQ(s.of(1000, 0), 500U);
    EXPECT_EQ(s.of(1000, 750), 0U) << "0 of 1";
    s.add(100000);
    EXPECT_EQ(s.of(1000, 100000), 500U);
}

TEST(bdi_writeback, the_flusher_is_woken_five_seconds_after_the_first_file_became_dirty) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    m->parts.clock.advance_to(sim_time{} + milliseconds(400));
    d.dirty(a, 0);
    d.dirty(d.create("b", 10), 0);
    EXPECT_EQ(m->parts.events.size(), 1U) << "one timer, not one for each file";
    EXPECT_EQ(m->parts.events.next_time(), sim_time{} + jiffy * 1408)
        << "jiffy 100 + 1250, on the timer wheel";
    m->parts.clock.advance_to(m->parts.events.next_time());
    m->parts.events.run_one(m->parts.clock.now());
    EXPECT_EQ(m->waker.last, bdi_writeback::flusher_channel);
    EXPECT_TRUE(m->parts.bdi.begin_run());
    EXPECT_FALSE(m->parts.bdi.begin_run());
    m->parts.bdi.end_run();
    EXPECT_EQ(m->parts.events.size(), 1U) << "files are dirty still: in five seconds again";
}

TEST(bdi_writeback, without_a_period_nobody_wakes_the_flusher) {
    auto m = a_machine().with_dirty({.writeback_centisecs = 0}).build();
    dirty_files d{*m};
    d.dirty(d.create("a", 10), 0);
    EXPECT_TRUE(m->parts.events.empty());
}

TEST(bdi_writeback, reclaim_asks_once_and_only_if_files_are_dirty) {
    auto m = a_machine().build();
    dirty_files d{*m};
    bdi_writeback& bdi = m->parts.bdi;
    bdi.wakeup_flusher_threads(wb_reason::vmscan);
    EXPECT_FALSE(bdi.begin_run()) << "nothing is dirty";
    d.dirty(d.create("a", 10), 0);
    bdi.wakeup_flusher_threads(wb_reason::vmscan);
    ASSERT_TRUE(bdi.begin_run());
    EXPECT_TRUE(bdi.next_start_all());
    bdi.wakeup_flusher_threads(wb_reason::vmscan);
    EXPECT_FALSE(bdi.begin_run()) << "it is pending still";
    bdi.finish_start_all();
    EXPECT_FALSE(bdi.next_start_all());
}

TEST(bdi_writeback, forgetting_a_file_takes_it_off_the_lists) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& a = d.create("a", 10);
    page& p = d.dirty(a, 0);
    p.set(page_flag::locked);
    ASSERT_TRUE(m->parts.cache.release_private(p));
    m->parts.cache.cancel_dirty(p);
    m->parts.cache.remove(p);
    p.clear(page_flag::locked);
    m->parts.batches.put_page(p);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: a | io: - | more_io: -") << "clean, but it does not know yet";
    m->parts.bdi.forget(a);
    EXPECT_FALSE(m->parts.bdi.has_dirty_io());
    m->parts.bdi.file_gone(a);
    m->parts.cache.destroy(a);
    m->check();
    mapping& b = d.create("b", 10);
    d.dirty(b, 0);
    EXPECT_EQ(m->parts.bdi.picture(), "dirty: b | io: - | more_io: -") << "it has the same number";
}

} // namespace
} // namespace pagesim
