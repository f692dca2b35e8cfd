// SPDX-License-Identifier: MIT
#include <pagesim/workload/synthetic.hpp>

#include <pagesim/base/hash.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace pagesim {
namespace {

synthetic_config parsed(std::string_view text) {
    const auto result = parse_synthetic(text);
    const auto* wrong = std::get_if<std::string>(&result);
    EXPECT_EQ(wrong, nullptr) << *wrong;
    return wrong == nullptr ? std::get<synthetic_config>(result) : synthetic_config{};
}
std::string refusal_of(std::string_view text) {
    const auto result = parse_synthetic(text);
    const auto* wrong = std::get_if<std::string>(&result);
    return wrong == nullptr ? "accepted" : *wrong;
}

std::vector<access_record> all_records(synthetic_stream& s) {
    std::vector<access_record> out;
    for (stream_item item = s.next(); !std::holds_alternative<end_of_stream>(item); item = s.next()) {
        const auto* block = std::get_if<access_block>(&item);
        if (block != nullptr) out.insert(out.end(), block->records.begin(), block->records.end());
    }
    return out;
}
std::vector<std::uint64_t> pages_of(std::string_view text) {
    synthetic_stream s{parsed(text)};
    const std::vector<access_record> records = all_records(s);
    const std::uint64_t first = raw(scan_synthetic(parsed(text)).ranges.at(0).first);
    std::vector<std::uint64_t> out;
    for (const access_record r : records) out.push_back(raw(r.vpn()) - first);
    return out;
}

// ---- the text

TEST(synthetic_text, all_parameters_are_read) {
    const synthetic_config c =
        parsed("zipf:pages=100k,theta=0.75,writes=0.3,accesses=5M,gap=7,seed=9,untouched=zero");
    EXPECT_EQ(c.pages.value, 100'000U);
    EXPECT_EQ(c.theta.millionths, 750'000U);
    EXPECT_EQ(c.writes.value, 300'000U);
    EXPECT_EQ(c.accesses, 5'000'000U);
    EXPECT_EQ(c.gap, 7U);
    EXPECT_EQ(c.seed, 9U);
    EXPECT_EQ(c.untouched, untouched_pages::read_as_zero);
    const synthetic_config h = parsed("hotcold:hot=0.25,hot_accesses=1,phase=3k");
    EXPECT_EQ(h.hot.value, 250'000U);
    EXPECT_EQ(h.hot_accesses.value, 1'000'000U);
    EXPECT_EQ(h.phase, 3000U);
}

TEST(synthetic_text, says_the_same_when_read_back) {
    for (const std::string_view text :
         {"zipf:theta=0.99,seed=3", "uniform:writes=0.000001", "seqloop:untouched=zero",
          "hotcold:hot=0.5,hot_accesses=0.123456,phase=77"}) {
        const std::string spelled = to_string(parsed(text));
        EXPECT_EQ(to_string(parsed(spelled)), spelled);
    }
    EXPECT_NE(to_string(parsed("zipf:seed=1")), to_string(parsed("zipf:seed=2")));
}

TEST(synthetic_text, what_is_wrong_is_named) {
    EXPECT_EQ(refusal_of("uniform:pages=0"), "pages: 0 is not from 1 to 4294967295");
    EXPECT_EQ(refusal_of("zipf:pages=1G"), "pages: 1000000000 is not from 1 to 268435456");
    EXPECT_EQ(refusal_of("uniform:theta=1"), "uniform has no parameter 'theta'");
    EXPECT_EQ(refusal_of("zipf:pages"), "'pages' is not NAME=VALUE");
    EXPECT_EQ(refusal_of("zipf:gap=9000"), "gap: 9000 is not from 1 to 8191");
    EXPECT_EQ(refusal_of("zipf:writes=1.5"), "writes: '1.5' is not from 0 to 1");
    EXPECT_EQ(refusal_of("zipf:untouched=maybe"), "untouched: 'maybe' is neither data nor zero");
    for (const char* bad : {"zipf:pages=x", "zipf:pages=1T", "zipf:pages=", "zipf:pages=99999999999999999999",
                            "zipf:accesses=18446744073709551615G", "zipf:writes=.5", "zipf:writes=0.",
                            "zipf:writes=0.1234567", "zipf:theta=11", "hotcold:hot=-1", "pareto:pages=1"}) {
        EXPECT_NE(refusal_of(bad), "accepted") << bad;
    }
    EXPECT_TRUE(is_synthetic("zipf:") && !is_synthetic("zipf") && !is_synthetic("zipf.ops"));
}

// ---- Zipf's law

TEST(zipf, weights_are_powers_of_the_rank) {
    EXPECT_EQ(zipf_weight(1, {990'000}), 1ULL << 48U);
    EXPECT_EQ(zipf_weight(1'000'000, {0}), 1ULL << 48U);
    for (const std::uint64_t theta : {100'000U, 500'000U, 990'000U, 1'000'000U, 2'500'000U}) {
        for (const std::uint64_t k : {2U, 3U, 10U, 1000U, 99'999U}) {
            const double exact = std::pow(static_cast<double>(k), -static_cast<double>(theta) / 1e6);
            const double ours = std::ldexp(static_cast<double>(zipf_weight(k, {theta})), -48);
            EXPECT_NEAR(ours / exact, 1.0, 1e-7 + std::ldexp(1.0, -47) / exact) << k << "^-" << theta;
        }
    }
    EXPECT_EQ(zipf_weight((1ULL << 32U) - 1, {10'000'000}), 1U) << "every rank can be chosen";
}

// A million choices against the exact probabilities: the counts of each rank within five standard deviations.
void expect_zipf(std::uint64_t ranks, std::uint64_t theta) {
    const zipf_table t{ranks, {theta}};
    constexpr double throws = 1e6;
    std::map<std::uint64_t, double> counts;
    dice d{5};
    for (unsigned i = 0; i < 1'000'000; ++i) ++counts[t.choose(d)];
    double total = 0;
    for (std::uint64_t k = 1; k <= ranks; ++k)
        total += std::pow(static_cast<double>(k), -static_cast<double>(theta) / 1e6);
    EXPECT_LT(counts.rbegin()->first, ranks);
    for (const std::uint64_t r : {0ULL, 1ULL, 2ULL, 10ULL, 63ULL}) {
        const double p = std::pow(static_cast<double>(r + 1), -static_cast<double>(theta) / 1e6) / total;
        EXPECT_NEAR(counts[r], throws * p, 5 * std::sqrt(throws * p) + 1) << "rank " << r << " of " << ranks;
    }
}
TEST(zipf, ranks_come_as_often_as_the_law_says) {
    expect_zipf(64, 990'000);
    expect_zipf(1000, 500'000);
    expect_zipf(100, 3'000'000);
}

TEST(zipf, sums_of_many_equal_weights_do_not_overflow) {
    // 2^18 weights of 2^48 each.
    const zipf_table t{1ULL << 18U, {0}};
    dice d{1};
    double sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += static_cast<double>(t.choose(d));
    EXPECT_NEAR(sum / 100'000, (1 << 17), 1500) << "uniform";
}

TEST(zipf, one_rank_is_always_chosen) {
    const zipf_table t{1, {990'000}};
    dice d{1};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(t.choose(d), 0U);
}

// ---- the streams

TEST(synthetic_stream, zipf_scatters_its_ranks_over_all_pages) {
    std::map<std::uint64_t, unsigned> counts;
    for (const std::uint64_t p : pages_of("zipf:pages=1000,accesses=200k")) ++counts[p];
    std::vector<std::pair<unsigned, std::uint64_t>> by_count;
    for (const auto& [page, n] : counts) by_count.emplace_back(n, page);
    std::sort(by_count.rbegin(), by_count.rend());
    EXPECT_GT(counts.size(), 990U);
    EXPECT_LT(by_count.rend()[-1].second, 1000U);
    for (unsigned i = 1; i < 8; ++i) {
        const auto apart =
            static_cast<std::int64_t>(by_count[i].second) - static_cast<std::int64_t>(by_count[i - 1].second);
        EXPECT_GT(std::abs(apart), 100) << "popular pages are no neighbours";
    }
}

TEST(synthetic_stream, uniform_leaves_no_page_out) {
    std::vector<unsigned> counts(100);
    for (const std::uint64_t p : pages_of("uniform:pages=100,accesses=100k")) ++counts[p];
    for (const unsigned n : counts) EXPECT_NEAR(n, 1000, 5 * 32);
}

TEST(synthetic_stream, seqloop_goes_round) {
    const std::vector<std::uint64_t> pages = pages_of("seqloop:pages=3,accesses=8");
    EXPECT_EQ(pages, (std::vector<std::uint64_t>{0, 1, 2, 0, 1, 2, 0, 1}));
}

TEST(synthetic_stream, hotcold_moves_its_hot_part_at_each_phase) {
    const auto pages = pages_of("hotcold:pages=1000,hot=0.1,hot_accesses=0.9,phase=10k,accesses=30k");
    for (std::size_t phase = 0; phase < 3; ++phase) {
        unsigned hot = 0;
        for (std::size_t i = 0; i < 10'000; ++i) {
            const std::uint64_t p = pages[phase * 10'000 + i];
            ASSERT_LT(p, 1000U);
            if (p >= phase * 100 && p < phase * 100 + 100) ++hot;
        }
        EXPECT_NEAR(hot, 9000, 150) << "phase " << phase;
    }
}

TEST(synthetic_stream, hotcold_without_phase_changes_once_half_way) {
    const auto pages = pages_of("hotcold:pages=1000,hot=0.1,hot_accesses=1,accesses=2000");
    for (std::size_t i = 0; i < 2000; ++i) EXPECT_EQ(pages[i] / 100, i / 1000) << i;
}

TEST(synthetic_stream, stores_are_the_share_that_was_asked_for) {
    synthetic_stream s{parsed("uniform:pages=50,writes=0.3,accesses=100k,gap=42")};
    unsigned writes = 0;
    for (const access_record r : all_records(s)) {
        writes += r.first_is_write() ? 1U : 0U;
        ASSERT_EQ(r.instructions(), 42U);
        ASSERT_EQ(r.accesses(), 1U);
    }
    EXPECT_NEAR(writes, 30'000, 5 * 145);
    EXPECT_EQ(s.counts().accesses, 100'000U);
}

TEST(synthetic_stream, an_untouched_region_is_either_there_or_mapped_first) {
    synthetic_stream data{parsed("uniform:pages=5")};
    EXPECT_TRUE(std::holds_alternative<access_block>(data.next()));
    ASSERT_EQ(data.ranges().size(), 1U);
    EXPECT_EQ(data.ranges()[0].end - data.ranges()[0].first, 5U);
    synthetic_stream zero{parsed("uniform:pages=5,untouched=zero")};
    const stream_item first = zero.next();
    ASSERT_TRUE(std::holds_alternative<op_anon>(first));
    EXPECT_EQ(std::get<op_anon>(first).first, data.ranges()[0].first);
    EXPECT_TRUE(zero.ranges().empty());
}

TEST(synthetic_stream, the_footprint_is_what_is_touched) {
    const footprint f = scan_synthetic(parsed("seqloop:pages=1000,accesses=300"));
    EXPECT_EQ(f.touched.value, 300U);
    EXPECT_EQ(f.counts.accesses, 300U);
}

// Every machine, compiler and optimisation level makes the same stream.
TEST(synthetic_stream, is_the_same_everywhere) {
    const std::map<std::string_view, std::uint64_t> golden{
        {"zipf:pages=100000,theta=0.99,writes=0.3,accesses=300k,seed=1", 0x1aab0c9d09a3cfa0},
        {"zipf:pages=70000,theta=0.1,accesses=100k", 0xf0e5163390302da9},
        {"uniform:pages=5000,accesses=100k,seed=7", 0x20fc4ef8210d8540},
        {"hotcold:pages=5000,accesses=100k", 0x2bd0a4038f31049c}};
    for (const auto& [text, expected] : golden) {
        synthetic_stream s{parsed(text)};
        fnv1a h;
        for (const access_record r : all_records(s)) h.word(r.word());
        EXPECT_EQ(fmt::format("{:016x}", h.value()), fmt::format("{:016x}", expected)) << text;
    }
}

} // namespace
} // namespace pagesim
