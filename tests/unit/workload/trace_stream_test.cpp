// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/trace_stream.hpp>

#include <functional>

namespace pagesim {
namespace {

// A reader whose lines are what the test says.
class scripted final : public text_trace {
public:
    using act = std::function<std::string(scripted&, std::string_view)>;
    scripted(const std::string& path, act a)
        : text_trace{path, content_hash::none, comments::none}, act_{std::move(a)} {}

    using text_trace::count_record;
    using text_trace::pass_over;
    using text_trace::pass_time;
    using text_trace::refer;
    using text_trace::skip_here;
    using text_trace::sweep;

private:
    std::string take(std::string_view line) override {
        count_record();
        return act_(*this, line);
    }
    act act_;
};

testing::replayed run(const std::string& content, const scripted::act& a) {
    return testing::replay_of<scripted>(content, a);
}
// Lines of one letter: a page; in capitals, a store.
std::string letters(scripted& s, std::string_view line) {
    const char c = line.front();
    if (c == '!') return "a bad line";
    const bool capital = c >= 'A' && c <= 'Z';
    s.refer(static_cast<std::uint64_t>(capital ? c - 'A' : c - 'a'),
            capital ? reference_kind::store : reference_kind::load);
    return {};
}

TEST(trace_streams, fold_and_tell_first_writes_from_later_ones) {
    EXPECT_EQ(run("a\nb\nb\nC\nc\nd\nD\nd\n", letters).items, "0:100+1 1:200+2 2f:200+2 3l:300+3");
}

TEST(trace_streams, split_a_run_that_its_counts_can_not_hold) {
    std::string content;
    for (unsigned i = 0; i < 82; ++i) content += "a\n";
    EXPECT_EQ(run(content, letters).items, "0:8100+81 0:100+1");
}

TEST(trace_streams, deliver_what_precedes_a_bad_line) {
    const testing::replayed r = run("a\nb\n!\nc\n", letters);
    EXPECT_EQ(r.items, "0:100+1 1:100+1");
    EXPECT_EQ(r.error, "3: a bad line");
    EXPECT_EQ(r.counts, (stream_counts{.records = 3, .skipped = 0, .accesses = 2}));
}

TEST(trace_streams, sleep_before_what_happens_then) {
    const auto timed = [](scripted& s, std::string_view line) {
        s.pass_time(sim_time{} + milliseconds(static_cast<std::uint64_t>(line[1] - '0')));
        return letters(s, line);
    };
    EXPECT_EQ(run("a0\na0\nb2\nb2\nb3\na1\nc9\n", timed).items,
              "0:200+2 sleep(2) 1:200+2 sleep(1) 1:100+1 0:100+1 sleep(6) 2:100+1");
}

TEST(trace_streams, sleep_at_most_eleven_days) {
    std::uint64_t days = 0;
    const auto timed = [&days](scripted& s, std::string_view line) {
        s.pass_time(sim_time{days * 86'400'000'000'000});
        days += 100;
        return letters(s, line);
    };
    EXPECT_EQ(run("a\nb\n", timed).items, "0:100+1 sleep(1000000000) 1:100+1");
}

TEST(trace_streams, sweep_over_pages_across_blocks) {
    const auto sweeping = [](scripted& s, std::string_view line) {
        s.sweep(line == "x" ? 1 : 100000, {line == "x" ? 70000U : 1U}, reference_kind::store, 2);
        return std::string{};
    };
    const testing::replayed r = run("x\ny\n", sweeping);
    EXPECT_EQ(r.counts.accesses, 140002U);
    std::size_t records = 0;
    for (const std::size_t size : r.blocks) records += size;
    EXPECT_EQ(records, 70001U);
    EXPECT_EQ(r.blocks.size(), 3U);
    EXPECT_EQ(r.items.substr(0, 19), "1f:200+2 2f:200+2 3");
}

TEST(trace_streams, sleep_before_a_sweep) {
    std::uint64_t ms = 0;
    const auto sweeping = [&ms](scripted& s, std::string_view) {
        s.pass_time(sim_time{} + milliseconds(ms));
        ms += 5;
        s.sweep(1, {2}, reference_kind::load);
        return std::string{};
    };
    EXPECT_EQ(run("x\ny\n", sweeping).items, "1:100+1 2:100+1 sleep(5) 1:100+1 2:100+1");
}

TEST(trace_streams, remember_the_first_that_was_skipped) {
    const auto skipping = [](scripted& s, std::string_view line) {
        if (line.front() < 'm') return letters(s, line);
        s.skip_here(line);
        return std::string{};
    };
    const testing::temp_file file{"a\nz\n\ny\n"};
    scripted s{file.path(), skipping};
    EXPECT_EQ(testing::replay(s).counts, (stream_counts{.records = 3, .skipped = 3, .accesses = 1}));
    EXPECT_EQ(to_string(*s.first_skipped()), file.path() + ":2: z");
    EXPECT_EQ(run("z\ny\n", skipping).error, "1: z, and no other of the 2 records could be performed");
}

TEST(inferred_ranges, join_pages_that_are_16_apart) {
    page_set pages;
    for (const std::uint64_t n : {1U, 18U, 36U}) pages.insert(vpn{n});
    EXPECT_EQ(infer_ranges(pages), (std::vector<page_range>{{vpn{1}, vpn{19}}, {vpn{36}, vpn{37}}}));
}

TEST(inferred_ranges, are_no_more_than_a_process_may_have) {
    page_set pages;
    for (std::uint64_t n = 0; n < 100000; ++n) pages.insert(vpn{n * (n % 2 == 0 ? 100 : 1000)});
    const std::vector<page_range> ranges = infer_ranges(pages);
    EXPECT_LE(ranges.size(), 65530U);
    EXPECT_GT(ranges.size(), 1U);
}

} // namespace
} // namespace pagesim
