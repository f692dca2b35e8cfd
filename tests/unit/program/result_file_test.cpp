// SPDX-License-Identifier: MIT
#include <pagesim/machine/report.hpp>
#include <result_file.hpp>
#include <unit/program/made_result.hpp>
#include <usage_error.hpp>

#include <gtest/gtest.h>

namespace pagesim::program {
namespace {

using nlohmann::json;
using testing::made_result;
using testing::result_folder;

// What the file is refused with; empty if it is not.
std::string refusal(const json& result) {
    const result_folder folder;
    try {
        static_cast<void>(result_file{folder.with(result)}.marks());
    } catch (const usage_error& e) {
        return e.what();
    }
    return {};
}

TEST(result_file, names_the_marks_with_their_ops_and_times) {
    const result_folder folder;
    const result_file r{folder.with(made_result())};
    const std::vector<real_mark> marks = r.marks();
    ASSERT_EQ(marks.size(), 2U);
    EXPECT_EQ(marks[0].label, "auto1");
    EXPECT_EQ(marks[1].label, "filled");
    EXPECT_EQ(marks[1].op, 2U);
    EXPECT_DOUBLE_EQ(marks[1].ms, 7);
    EXPECT_EQ(r.ops_count(), 4U);
    EXPECT_DOUBLE_EQ(r.end_ms(), 12.5);
}

TEST(result_file, forms_sums_and_gauges_at_a_mark) {
    const result_folder folder;
    const result_file r{folder.with(made_result())};
    EXPECT_DOUBLE_EQ(r.real_at("pgscan", 1), 600) << "kswapd and direct";
    EXPECT_DOUBLE_EQ(r.real_at("after.nr_free_pages", 1), 60);
    EXPECT_DOUBLE_EQ(r.real_at("pgactivate", 1), 0) << "what did not change is not in the file";
    EXPECT_DOUBLE_EQ(r.real("pgscan"), 1500);
}

TEST(result_file, takes_the_band_at_a_mark_from_the_end_if_one_run_alone_has_marks) {
    const result_folder folder;
    json result = made_result();
    result["band"]["pgscan"] = {1200, 1800};
    const result_file r{folder.with(result)};
    EXPECT_DOUBLE_EQ(r.band_at("pgscan", 1).low, 480) << "600 of 1500";
    EXPECT_DOUBLE_EQ(r.band_at("pgscan", 1).high, 720);
    EXPECT_DOUBLE_EQ(r.band_at("pgscan_direct", 1).low, 100) << "no band: the value itself";
    EXPECT_DOUBLE_EQ(r.band_at("pgscan_direct", 1).high, 100);
}

TEST(result_file, takes_the_band_at_a_mark_from_all_runs_that_have_it) {
    const result_folder folder;
    json result = made_result();
    result["band"]["pgscan"] = {1200, 1800};
    for (const int scanned : {450, 530}) {
        json other = result["runs"][0];
        other["series"][1]["delta"]["pgscan_kswapd"] = scanned;
        result["runs"].push_back(other);
    }
    json elsewhere = result["runs"][0];
    elsewhere["series"][1]["op"] = 3;
    elsewhere["series"][1]["delta"]["pgscan_kswapd"] = 9000;
    result["runs"].push_back(elsewhere);
    result["runs"].push_back({{"same_delta_as_first", true}});
    const result_file r{folder.with(result)};
    EXPECT_DOUBLE_EQ(r.band_at("pgscan", 1).low, 550);
    EXPECT_DOUBLE_EQ(r.band_at("pgscan", 1).high, 630);
}

TEST(result_file, knows_what_the_program_had_mapped_above_its_regions) {
    const result_folder folder;
    json result = made_result();
    result["ops_count"] = 90009;
    const vpn gap_end{0xfffff8000};
    EXPECT_EQ(result_file{folder.with(result)}.regions_end(6), gap_end - (3 + 8192 + 352));
    result["ops_count"] = 252; // 4032 bytes, and the header 64
    EXPECT_EQ(result_file{folder.with(result)}.regions_end(0), gap_end - (3 + 8192 + 1));
    EXPECT_EQ(result_file{folder.with(result)}.regions_end(1), gap_end - (3 + 8192 + 2));
    result["regions_end"] = 0xfffff5ffd000;
    EXPECT_EQ(result_file{folder.with(result)}.regions_end(0), vpn{0xfffff5ffd}) << "it tells";
    result["regions_end"] = 0;
    EXPECT_EQ(result_file{folder.with(result)}.regions_end(0), gap_end - (3 + 8192 + 1))
        << "it does not know";
}

TEST(result_file, knows_the_file_systems_own_pages_by_meminfo) {
    const result_folder folder;
    json result = made_result();
    result["runs"][0]["meminfo_before"]["Buffers"] = 20;
    EXPECT_EQ(result_file{folder.with(result)}.machine().start.metadata.by_mount, page_count{0})
        << "it has no files";
    result["files"]["f"] = 100;
    EXPECT_EQ(result_file{folder.with(result)}.machine().start.metadata.by_mount, page_count{2});
    EXPECT_EQ(result_file{folder.with(result)}.machine().start.metadata.by_bh_lru, page_count{4})
        << "with the one that comes with the first file";
    result["runs"][0].erase("meminfo_before");
    EXPECT_EQ(result_file{folder.with(result)}.machine().start.metadata.by_mount, page_count{0});
    result["runs"][0]["meminfo_before"]["Buffers"] = "many";
    EXPECT_THROW(static_cast<void>(result_file{folder.with(result)}.machine()), usage_error);
}

TEST(result_file, knows_when_the_last_tick_was) {
    const result_folder folder;
    json result = made_result();
    EXPECT_EQ(result_file{folder.with(result)}.machine().start.since_tick, sim_duration{})
        << "it does not tell";
    result["runs"][0]["start_ns"] = 4'104'001'700ULL;
    EXPECT_EQ(result_file{folder.with(result)}.machine().start.since_tick, nanoseconds(1700));
    result["runs"][0]["start_ns"] = "early";
    EXPECT_THROW(static_cast<void>(result_file{folder.with(result)}.machine()), usage_error);
}

TEST(result_file, knows_how_long_stores_of_more_words_take) {
    const result_folder folder;
    json result = made_result();
    EXPECT_EQ(result_file{folder.with(result)}.further_stores(), 0U) << "one word";
    result["fill"] = 1360;
    EXPECT_EQ(result_file{folder.with(result)}.further_stores(), 1267U);
    result["fill"] = 1U << 20U;
    EXPECT_EQ(result_file{folder.with(result)}.further_stores(), 3832U) << "no more than the page";
}

TEST(result_file, knows_when_the_program_read_the_counters_and_how_long_that_took) {
    using numbers = std::vector<std::uint64_t>;
    const result_folder folder;
    json result = made_result();
    result["ops_count"] = 9;
    EXPECT_EQ(result_file{folder.with(result)}.looks(), numbers{});
    result["ops_count"] = 30;
    EXPECT_EQ(result_file{folder.with(result)}.looks(), (numbers{3, 6, 9, 12, 15, 18, 21, 24, 27}));
    result["ops_count"] = 13;
    EXPECT_EQ(result_file{folder.with(result)}.looks(), (numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    result["ops_count"] = 29; // 28 is half a step from the end
    EXPECT_EQ(result_file{folder.with(result)}.looks(),
              (numbers{2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28}));
    EXPECT_EQ(result_file{folder.with(result)}.snapshot_time(), nanoseconds(152500));
}

TEST(result_file, without_a_series_says_so) {
    json none = made_result();
    none["runs"][0].erase("series");
    EXPECT_NE(refusal(none).find("result.json: holds no series"), std::string::npos) << refusal(none);
    json empty = made_result();
    empty["runs"][0]["series"] = json::array();
    EXPECT_NE(refusal(empty).find("holds no series"), std::string::npos);
    EXPECT_EQ(refusal(made_result()), "");
}

TEST(result_file, refuses_a_series_that_is_none) {
    json unnumbered = made_result();
    unnumbered["runs"][0]["series"][0].erase("op");
    EXPECT_NE(refusal(unnumbered).find("its series is none"), std::string::npos);
    json textual = made_result();
    textual["runs"][0]["series"][0]["delta"]["pgscan_kswapd"] = "many";
    EXPECT_NE(refusal(textual).find("its series is none"), std::string::npos);
    json backwards = made_result();
    backwards["runs"][0]["series"][0]["op"] = 3;
    EXPECT_NE(refusal(backwards).find("not in the order"), std::string::npos);
}

// What liblz4 makes of the pages that the laboratory's program fills: 39.5, 37, 201, 955 and 2820 bytes on average.
TEST(result_file, knows_what_the_workloads_pages_compress_to) {
    const result_folder folder;
    json result = made_result();
    const auto compressed = [&](std::uint64_t fill) {
        result["fill"] = fill;
        return result_file{folder.with(result)}.machine().swap.zram.compressed_bytes;
    };
    EXPECT_EQ(compressed(8), 40U);
    EXPECT_NEAR(compressed(16), 37, 1);
    EXPECT_NEAR(compressed(256), 201, 2);
    EXPECT_NEAR(compressed(1360), 955, 2);
    EXPECT_NEAR(compressed(4096), 2820, 6);
}

TEST(result_file, builds_the_machine_without_a_look_at_what_was_counted) {
    const result_folder folder;
    json other = made_result();
    json& run = other["runs"][0];
    run["delta"] = {{"pgscan_kswapd", 7}};
    run["gauges_after"] = {{"nr_free_pages", 7}};
    run["series"] = json::array();
    other["band"]["pgscan"] = {1, 2};
    const std::uint64_t hash = config_hash(result_file{folder.with(made_result())}.machine());
    EXPECT_EQ(config_hash(result_file{folder.with(other)}.machine()), hash);
    run["zoneinfo_before"]["node0/DMA"]["free"] = 1800;
    EXPECT_NE(config_hash(result_file{folder.with(other)}.machine()), hash) << "what stood before it, though";
}

} // namespace
} // namespace pagesim::program
