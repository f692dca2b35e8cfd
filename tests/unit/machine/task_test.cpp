// SPDX-License-Identifier: MIT
#include <pagesim/machine/machine.hpp>
#include <pagesim/workload/ops.hpp>
#include <unit/workload/temp_file.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace pagesim {
namespace {

class some_task final : public task {
public:
    some_task() : task{1} {}
    step_result step() override { return step_done; }
    [[nodiscard]] std::string_view name() const override { return "some"; }
};

char letter_asleep(wait_reason reason, sleep_state ends = sleep_state::uninterruptible) {
    some_task t;
    t.asleep = true;
    t.waits_for = {.reason = reason};
    t.sleep_ends = ends;
    return state_letter(t);
}

TEST(state_letter, is_that_of_ps) {
    EXPECT_EQ(state_letter(some_task{}), 'R');
    EXPECT_EQ(letter_asleep(wait_reason::none, sleep_state::killable), 'S') << "nanosleep";
    EXPECT_EQ(letter_asleep(wait_reason::none), 'D');
    EXPECT_EQ(letter_asleep(wait_reason::kswapd_work), 'S');
    EXPECT_EQ(letter_asleep(wait_reason::flusher_work), 'I');
    EXPECT_EQ(letter_asleep(wait_reason::bio_freed), 'D');
    EXPECT_EQ(letter_asleep(wait_reason::page_unlocked), 'D');
    EXPECT_EQ(letter_asleep(wait_reason::dirty_pause, sleep_state::killable), 'D');
}

// How long it runs, and how many marks were told.
std::pair<std::uint64_t, std::size_t> run_with(ops_stream::performer p) {
    const testing::temp_file file{"anon a 10\nw a 0 10\nmark m\nw a 0 1\n"};
    ops_stream stream{file.path()};
    stream.performed_by(std::move(p));
    machine m{machine_with(page_count{512})};
    m.start(stream);
    m.run();
    return {m.now().ns, m.workload().marks().size()};
}

TEST(marks, take_the_time_of_who_reads_the_counters_asked_or_not) {
    const auto [alone, marks] = run_with({});
    const auto asked = run_with({.snapshot = microseconds(100)});
    EXPECT_EQ(asked.first - alone, 100'000U);
    const auto unasked = run_with({.snapshot = microseconds(100), .looks = {1, 3}});
    EXPECT_EQ(unasked.first - alone, 300'000U);
    EXPECT_EQ(marks, 1U);
    EXPECT_EQ(unasked.second, 1U) << "nobody keeps what the recorder looks at";
}

TEST(kworker, empties_the_per_cpu_lists_for_who_waits) {
    machine m{machine_with(page_count{65536})};
    machine_parts& parts = m.parts();
    kworker_task worker{9, parts};
    EXPECT_EQ(state_letter(worker), 'I');
    parts.home.drain_all_pages();
    const std::uint64_t free = parts.home.zones().front().nr_free_pages();
    page* const p =
        get_page_from_freelist(parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::none).frame;
    ASSERT_LT(parts.home.zones().front().nr_free_pages() + 1, free) << "a batch of them is on the list";
    parts.lru.pgdat.drain_queued = true;
    parts.lru.pgdat.tree_scanned = vmpressure_window - 1;
    EXPECT_EQ(worker.step().kind, step_kind::again) << "what it did takes time";
    EXPECT_EQ(parts.home.zones().front().nr_free_pages() + 1, free);
    EXPECT_FALSE(parts.lru.pgdat.drain_queued);
    EXPECT_EQ(parts.lru.pgdat.tree_scanned, vmpressure_window - 1) << "nobody told it of pressure";
    parts.lru.pgdat.tree_scanned = vmpressure_window;
    EXPECT_EQ(worker.step().kind, step_kind::again) << "told while it was at work";
    EXPECT_EQ(parts.lru.pgdat.tree_scanned, 0U);
    EXPECT_EQ(worker.step().channel.reason, wait_reason::kworker_work);
    p->set_refcount(0);
    parts.home.free_page(*p);
}

// How often rcu_sched ran while a process computes for so long, with marks that somebody reads.
unsigned turns_of_rcu_sched(const char* ops, sim_duration snapshot) {
    class counting final : public trace_sink {
    public:
        void on(const trace_event& /*e*/) override {}
        void on(sim_time /*time*/, const tracepoint& t) override {
            const auto* s = std::get_if<tracepoints::sched_switch>(&t);
            if (s != nullptr && s->next == 2) ++turns;
        }
        unsigned turns = 0;
    } sink;
    const testing::temp_file file{ops};
    ops_stream stream{file.path()};
    stream.performed_by({.snapshot = snapshot});
    machine m{machine_with(page_count{16384}), &sink};
    m.start(stream);
    EXPECT_EQ(m.task_of(2).name(), "rcu_sched");
    m.run();
    return sink.turns;
}

TEST(rcu_sched, wakes_at_the_two_ticks_of_a_grace_period) {
    const unsigned alone = turns_of_rcu_sched("anon a 12000\nw a 0 12000\nmark m\n", {});
    EXPECT_EQ(alone, 2U) << "for what came before the run";
    EXPECT_EQ(turns_of_rcu_sched("anon a 12000\nw a 0 5000\nmark m\nw a 5000 7000\n", microseconds(100)),
              alone + 2)
        << "the files that were read are freed";
}

TEST(rcu_sched, begins_the_next_grace_period_at_the_tick_that_ends_one) {
    // Read at 9.3, 14.9 and 20.6 ms: grace periods from 12 to 16, from 16 to 20 and from 24 to 28.
    EXPECT_EQ(turns_of_rcu_sched("anon a 12000\nw a 0 3000\nmark 1\nw a 3000 1800\nmark 2\nw a 4800 1800\n"
                                 "mark 3\nw a 6600 5400\n",
                                 microseconds(100)),
              2U + 5U);
}

} // namespace
} // namespace pagesim
