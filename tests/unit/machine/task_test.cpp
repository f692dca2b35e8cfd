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

} // namespace
} // namespace pagesim
