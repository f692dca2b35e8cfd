// SPDX-License-Identifier: MIT
#include <comparison.hpp>
#include <unit/program/pairs.hpp>

#include <gtest/gtest.h>

namespace pagesim::program {
namespace {

using testing::pair_of;

TEST(bar, is_the_band_widened_by_32_where_3_percent_are_less) {
    compared c{.counter = "pgscan", .real = 500, .real_runs = {450, 520}, .simulated = 418};
    EXPECT_TRUE(c.inside());
    c.simulated = 417;
    EXPECT_FALSE(c.inside());
    c.simulated = 552;
    EXPECT_TRUE(c.inside());
    c.simulated = 553;
    EXPECT_FALSE(c.inside());
}

TEST(bar, is_the_band_widened_by_3_percent_of_the_real_value_where_that_is_more) {
    compared c{.counter = "pgscan", .real = 10000, .real_runs = {9000, 10000}, .simulated = 8700};
    EXPECT_TRUE(c.inside()) << "3 % of 10000, not of 9000";
    c.simulated = 8699;
    EXPECT_FALSE(c.inside());
    c.simulated = 10300;
    EXPECT_TRUE(c.inside());
    c.simulated = 10301;
    EXPECT_FALSE(c.inside());
}

TEST(error, is_relative_to_the_real_value_or_32) {
    EXPECT_DOUBLE_EQ(pair_of(200, 150).error(), 0.25);
    EXPECT_DOUBLE_EQ(pair_of(200, 250).error(), 0.25);
    EXPECT_DOUBLE_EQ(pair_of(0, 16).error(), 0.5) << "nothing is not infinitely far from something";
}

TEST(median, of_an_even_number_lies_between_two) {
    EXPECT_DOUBLE_EQ(median({}), 0);
    EXPECT_DOUBLE_EQ(median({7, 1, 3}), 3);
    EXPECT_DOUBLE_EQ(median({7, 1, 3, 5}), 4);
}

TEST(band_at_a_mark, has_the_width_of_the_end_in_proportion) {
    const band half = band_in_proportion(500, 1000, {900, 1400});
    EXPECT_DOUBLE_EQ(half.low, 450);
    EXPECT_DOUBLE_EQ(half.high, 700);
    const band of_nothing = band_in_proportion(40, 0, {0, 25});
    EXPECT_DOUBLE_EQ(of_nothing.low, 40);
    EXPECT_DOUBLE_EQ(of_nothing.high, 65) << "a counter that ends at 0 keeps the width itself";
}

TEST(tally, counts_pairs_and_names_the_worst_of_those_outside) {
    tally t;
    t.add("a", {pair_of(1000, 1000), pair_of(1000, 1500), pair_of(0, 30)});
    t.add("b", {pair_of(1000, 100)});
    EXPECT_EQ(t.inside(), 2U);
    EXPECT_EQ(t.all(), 4U);
    EXPECT_DOUBLE_EQ(t.median_error(), (0.5 + 0.9) / 2) << "0, 0.5, 0.9, 30 of 32";
    const auto worst = t.worst(5);
    ASSERT_EQ(worst.size(), 2U) << "30 of nothing is inside, however large its error";
    EXPECT_EQ(worst[0].where, "b");
    EXPECT_EQ(worst[1].where, "a");
    EXPECT_EQ(t.worst(1).size(), 1U);
}

course course_of(std::string_view counter, const std::vector<compared>& at) {
    return {.counter = counter, .at = at};
}

TEST(series, who_leaves_first_comes_first) {
    series_comparison s;
    s.moments.resize(3);
    s.courses = {course_of("stays", {pair_of(100, 100), pair_of(200, 210), pair_of(300, 290)}),
                 course_of("late", {pair_of(100, 100), pair_of(200, 200), pair_of(300, 600)}),
                 course_of("returns", {pair_of(100, 100), pair_of(200, 300), pair_of(300, 300)}),
                 course_of("early", {pair_of(100, 100), pair_of(200, 500), pair_of(300, 700)})};
    EXPECT_FALSE(s.courses[0].first_outside());
    EXPECT_EQ(s.courses[1].first_outside(), 2U);
    const auto left = s.departures();
    ASSERT_EQ(left.size(), 3U);
    EXPECT_EQ(left[0]->counter, "early") << "as soon as the next, and further off";
    EXPECT_EQ(left[1]->counter, "returns");
    EXPECT_EQ(left[2]->counter, "late");
    EXPECT_EQ(s.find("late"), &s.courses[1]);
    EXPECT_EQ(s.find("none"), nullptr);
}

} // namespace
} // namespace pagesim::program
