// SPDX-License-Identifier: MIT
#include <commands.hpp>
#include <conform_output.hpp>
#include <conform_run.hpp>
#include <unit/program/made_result.hpp>
#include <unit/program/pairs.hpp>
#include <usage_error.hpp>

#include <gtest/gtest.h>

namespace pagesim::program {
namespace {

using nlohmann::json;
using testing::made_result;
using testing::pair_of;
using testing::result_folder;

series_comparison three_moments(const std::vector<compared>& at) {
    series_comparison s;
    s.moments = {{.label = "one", .op = 10}, {.label = "two", .op = 20}, {.label = "(end)", .op = 30}};
    s.courses = {{.counter = "pgscan", .at = at}};
    return s;
}

TEST(departure, lies_between_the_last_mark_inside_and_the_first_outside) {
    const auto s = three_moments({pair_of(100, 100), pair_of(200, 400), pair_of(300, 600)});
    const auto d = find_departure(s, {});
    ASSERT_TRUE(d);
    EXPECT_EQ(d->of, &s.courses[0]);
    EXPECT_EQ(d->from, 0U);
    EXPECT_EQ(d->to, 1U);
    EXPECT_EQ(d->stretch(s).from, 0U);
    EXPECT_EQ(d->stretch(s).to, 1U);
}

TEST(departure, may_reach_from_the_start_or_to_the_end) {
    const auto early = three_moments({pair_of(100, 400), pair_of(200, 200), pair_of(300, 300)});
    EXPECT_EQ(find_departure(early, "pgscan")->from, std::nullopt);
    EXPECT_EQ(find_departure(early, "pgscan")->stretch(early).to, 0U);
    const auto late = three_moments({pair_of(100, 100), pair_of(200, 200), pair_of(300, 600)});
    EXPECT_EQ(find_departure(late, {})->stretch(late).from, 1U);
    EXPECT_EQ(find_departure(late, {})->stretch(late).to, std::nullopt) << "the end is no observation";
}

TEST(departure, is_none_of_a_counter_that_stays) {
    const auto s = three_moments({pair_of(100, 100), pair_of(200, 200), pair_of(300, 300)});
    EXPECT_FALSE(find_departure(s, {}));
    EXPECT_FALSE(find_departure(s, "pgscan"));
    EXPECT_FALSE(find_departure(s, "pgsteal"));
}

TEST(run_case, counts_the_same_with_and_without_marks_and_listener) {
    const result_folder folder;
    const result_file r{folder.with(made_result())};
    const simulated_case alone = run_case(r, folder.path());
    EXPECT_GT(alone.end.delta[vm_item::pswpout], 500U);
    EXPECT_TRUE(alone.marks.empty());
    reclaim_log log{{}};
    const simulated_case watched = run_case(r, folder.path(), r.marks(), listening(log));
    EXPECT_EQ(watched.end.delta, alone.end.delta);
    EXPECT_DOUBLE_EQ(watched.end.ms, alone.end.ms);
    ASSERT_EQ(watched.marks.size(), 2U);
    EXPECT_EQ(watched.marks[0].delta[vm_item::pgfault], 3000U) << "before op 2: all is written, nothing read";
    EXPECT_GT(watched.marks[0].delta[vm_item::pswpout], 0U);
    EXPECT_LT(watched.marks[0].ms, watched.end.ms);
}

TEST(run_case, refuses_a_mark_behind_the_last_op) {
    const result_folder folder;
    json result = made_result();
    result["runs"][0]["series"][1]["op"] = 5;
    const result_file r{folder.with(result)};
    try {
        static_cast<void>(run_case(r, folder.path(), r.marks()));
        ADD_FAILURE() << "it is accepted";
    } catch (const usage_error& e) {
        EXPECT_NE(std::string{e.what()}.find("'filled' before op 5"), std::string::npos) << e.what();
    }
}

TEST(compare_series, holds_ours_at_each_mark_against_the_real_run_there_and_ends_with_the_end) {
    const result_folder folder;
    const result_file r{folder.with(made_result())};
    const simulated_case s = run_case(r, folder.path(), r.marks());
    const series_comparison c = compare_series(r, r.marks(), s);
    ASSERT_EQ(c.moments.size(), 3U);
    EXPECT_EQ(c.moments[1].label, "filled");
    EXPECT_EQ(c.moments[2].op, 4U);
    EXPECT_DOUBLE_EQ(c.moments[2].real_ms, 12.5);
    const course* const scans = c.find("pgscan");
    ASSERT_NE(scans, nullptr);
    EXPECT_DOUBLE_EQ(scans->at[1].real, 600);
    EXPECT_DOUBLE_EQ(scans->at[1].simulated, simulated_value(s.marks[1], "pgscan"));
    EXPECT_DOUBLE_EQ(scans->at[2].real, 1500);
    EXPECT_DOUBLE_EQ(scans->at[2].simulated, simulated_value(s.end, "pgscan"));
    const course* const free = c.find("after.nr_free_pages");
    EXPECT_DOUBLE_EQ(free->at[0].real, 50);
    EXPECT_DOUBLE_EQ(free->at[0].simulated, static_cast<double>(s.marks[0].now[vm_item::nr_free_pages]));
}

TEST(conform, without_a_series_is_refused_with_status_2_where_one_is_asked_for) {
    const result_folder folder;
    json result = made_result();
    result["runs"][0].erase("series");
    conform_options o;
    o.ops_dir = folder.path();
    o.results = {folder.with(result)};
    const auto status_and_error = [&o] {
        ::testing::internal::CaptureStderr();
        ::testing::internal::CaptureStdout();
        const int status = conform_command(o);
        static_cast<void>(::testing::internal::GetCapturedStdout());
        return std::pair{status, ::testing::internal::GetCapturedStderr()};
    };
    EXPECT_EQ(status_and_error(), (std::pair{0, std::string{}})) << "nobody asks for it";
    o.series = true;
    EXPECT_EQ(status_and_error(),
              (std::pair{2, "pagesim: " + o.results[0] +
                                ": holds no series, the counters at the marks of the run\n"}));
    o.series = false;
    o.explain = "first";
    EXPECT_EQ(status_and_error().first, 2);
}

TEST(conform, explains_headline_counters_only) {
    const result_folder folder;
    conform_options o;
    o.ops_dir = folder.path();
    o.explain = "pgscna";
    o.results = {folder.with(made_result())};
    EXPECT_THROW(static_cast<void>(conform_command(o)), usage_error);
}

TEST(explanation, tells_the_stretch_in_text_and_json) {
    const result_folder folder;
    const result_file r{folder.with(made_result())};
    const simulated_case s = run_case(r, folder.path(), r.marks());
    const series_comparison c = compare_series(r, r.marks(), s);
    const auto d = find_departure(c, "pgsteal"); // the real run freed nothing
    ASSERT_TRUE(d);
    reclaim_log log{d->stretch(c)};
    static_cast<void>(run_case(r, folder.path(), r.marks(), listening(log)));
    const std::string text = explanation_text(c, *d, log);
    EXPECT_NE(text.find("pgsteal leaves the bar between the start and mark 1 (auto1, op 2)"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("SCAN_"), std::string::npos);
    const json j = json::parse(explanation_json(c, *d, log).dump());
    EXPECT_EQ(j.at("from"), nullptr);
    EXPECT_EQ(j.at("to"), 0);
    std::uint64_t freed = 0;
    for (const json& row : j.at("by_priority"))
        freed += row.at("freed").at(0).get<std::uint64_t>() + row.at("freed").at(1).get<std::uint64_t>();
    EXPECT_EQ(static_cast<double>(freed), c.find("pgsteal")->at[0].simulated);
    EXPECT_LE(j.at("passes").size(), 24U);
    EXPECT_EQ(j.at("counted").at("pgsteal").at("real"), 0);
}

} // namespace
} // namespace pagesim::program
