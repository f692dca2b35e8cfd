// SPDX-License-Identifier: MIT
// The samples in tests/data/traces, each through its reader.
#include "trace_picture.hpp"

#include <pagesim/workload/text_input.hpp>
#include <pagesim/workload/trace_reader.hpp>

namespace pagesim {
namespace {

using testing::packed;
using testing::temp_file;

scanned_trace scanned(const std::string& path, trace_format f) {
    const auto r = scan_trace(path, {.format = f, .columns = {}});
    EXPECT_TRUE(std::holds_alternative<scanned_trace>(r));
    return std::get<scanned_trace>(r);
}

struct sample {
    std::string file;
    trace_format format;
    stream_counts counts;
    std::uint64_t pages;
    std::uint64_t folded;
    object_placement placement = object_placement::by_number;
};

class trace_samples : public ::testing::TestWithParam<sample> {
protected:
    [[nodiscard]] static std::string path() {
        return PAGESIM_SOURCE_DIR "/tests/data/traces/" + GetParam().file;
    }
    void SetUp() override {
        const bool by_zlib = path().ends_with(".gz") || path().ends_with(".zip");
        if (by_zlib && !can_decompress(compression::gzip)) GTEST_SKIP();
    }
};

TEST_P(trace_samples, are_seen_for_what_they_are) {
    EXPECT_EQ(std::get<trace_format>(detect_format(path())), GetParam().format);
}

TEST_P(trace_samples, have_their_footprint) {
    const scanned_trace s = scanned(path(), GetParam().format);
    EXPECT_EQ(s.found.counts, GetParam().counts);
    EXPECT_EQ(s.found.touched, page_count{GetParam().pages});
    EXPECT_EQ(s.found.folded, GetParam().folded);
    EXPECT_EQ(s.placement, GetParam().placement);
    EXPECT_FALSE(s.found.stopped_by);
}

TEST_P(trace_samples, run_within_their_ranges) {
    if (GetParam().format == trace_format::masim) GTEST_SKIP() << "it maps its own";
    const scanned_trace s = scanned(path(), GetParam().format);
    const auto stream = open_trace(path(), {.format = GetParam().format, .columns = {}}, s.placement);
    for (stream_item item = stream->next(); !std::holds_alternative<end_of_stream>(item);
         item = stream->next()) {
        ASSERT_FALSE(std::holds_alternative<input_error>(item));
        const auto* block = std::get_if<access_block>(&item);
        if (block == nullptr) continue;
        for (const access_record r : block->records) {
            const bool inside =
                std::any_of(s.found.ranges.begin(), s.found.ranges.end(), [r](const page_range& range) {
                    return r.vpn() >= range.first && r.vpn() < range.end;
                });
            ASSERT_TRUE(inside) << std::hex << raw(r.vpn());
        }
    }
    EXPECT_EQ(stream->counts(), GetParam().counts);
}

INSTANTIATE_TEST_SUITE_P(
    all, trace_samples,
    ::testing::Values(sample{"loop.champsim", trace_format::champsim, {40, 0, 60}, 11, 41},
                      sample{"loop.champsim.gz", trace_format::champsim, {40, 0, 60}, 11, 41},
                      sample{"objects.oracleGeneral",
                             trace_format::oracle_general,
                             {10, 0, 27},
                             12,
                             27,
                             object_placement::in_order},
                      sample{"requests.csv", trace_format::csv, {10, 1, 10}, 4, 10},
                      sample{"numbers.pages", trace_format::pages, {11, 1, 11}, 5, 11},
                      sample{"faults.perf", trace_format::perf, {6, 2, 4}, 4, 4},
                      sample{"regions.damon", trace_format::damon, {5, 1, 52}, 3, 5},
                      sample{"two_chunks.drmemtrace.zip", trace_format::drmemtrace, {32, 19, 41}, 13, 41},
                      sample{"stairs.masim", trace_format::masim, {200000, 4, 200000}, 320, 0}),
    [](const auto& of) {
        std::string name = of.param.file;
        std::replace(name.begin(), name.end(), '.', '_');
        return name;
    });

TEST(trace_scans, take_a_cache_s_trace_for_one_of_pages_while_they_can) {
    const std::string pages = packed{}.u32(0).u64(7).u32(4096).u64(~0ULL).bytes();
    const std::string object = packed{}.u32(0).u64(8).u32(9000).u64(~0ULL).bytes();
    const temp_file first{pages};
    EXPECT_EQ(scanned(first.path(), trace_format::oracle_general).placement, object_placement::by_number);
    const temp_file second{pages + object};
    const scanned_trace s = scanned(second.path(), trace_format::oracle_general);
    EXPECT_EQ(s.placement, object_placement::in_order);
    EXPECT_EQ(s.found.ranges, (std::vector<page_range>{{vpn{0x10000}, vpn{0x10004}}}));
}

TEST(trace_scans, of_a_bad_line_after_good_ones_reach_to_it) {
    const temp_file file{"7\n8\nbad\n"};
    const scanned_trace s = scanned(file.path(), trace_format::pages);
    EXPECT_EQ(s.found.touched, page_count{2});
    EXPECT_EQ(s.found.stopped_by->line, 3U);
}

TEST(trace_scans, of_nothing_that_can_be_performed_are_errors) {
    const temp_file file{"t 1 1.000000: cycles: 0\nbad\n"};
    const auto r = scan_trace(file.path(), {.format = trace_format::perf, .columns = {}});
    EXPECT_EQ(std::get<input_error>(r).line, 2U);
    const auto none = scan_trace("/nowhere", {.format = trace_format::champsim, .columns = {}});
    EXPECT_EQ(to_string(std::get<input_error>(none)), "/nowhere: can't be opened: No such file or directory");
}

} // namespace
} // namespace pagesim
