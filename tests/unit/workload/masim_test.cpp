// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/masim.hpp>

#include <set>

namespace pagesim {
namespace {

masim_config config_of(const std::string& content) {
    const testing::temp_file file{content};
    auto read = read_masim(file.path());
    EXPECT_TRUE(std::holds_alternative<masim_config>(read));
    return std::get<masim_config>(std::move(read));
}
std::string error_of(const std::string& content) {
    const testing::temp_file file{content};
    const auto read = read_masim(file.path());
    const auto* e = std::get_if<input_error>(&read);
    return e == nullptr ? "" : std::to_string(e->line) + ": " + e->reason;
}
// Regions a (3 pages) and b (1 byte), one phase with these patterns.
std::string phase(const std::string& patterns, const std::string& ms = "1") {
    return "a, 12288\nb, 1\n\nphase 1\n" + ms + "\n" + patterns;
}

// The accesses of all blocks.
struct accesses {
    std::map<std::uint64_t, std::uint64_t> by_page; // from the region's end down
    std::vector<access_record> records;
    std::string commands;
};
accesses run(const std::string& content) {
    masim_stream s{config_of(content)};
    accesses out;
    for (;;) {
        const stream_item item = s.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            for (const access_record r : block->records) {
                out.by_page[raw(r.vpn())] += r.data();
                out.records.push_back(r);
            }
            if (out.commands.empty() || out.commands.back() != '.') out.commands += '.';
        } else if (const auto* anon = std::get_if<op_anon>(&item)) {
            out.commands += fmt::format("map({} {})", anon->name, anon->pages.value);
        } else if (const auto* sleep = std::get_if<op_sleep>(&item)) {
            out.commands += fmt::format("sleep({})", sleep->duration.ns / 1'000'000);
        } else {
            EXPECT_TRUE(std::holds_alternative<end_of_stream>(item));
            return out;
        }
    }
}

TEST(masim_text, is_regions_and_phases_in_paragraphs) {
    const masim_config c =
        config_of("# regions\na, 12288\n# in between\nb , 1 , none\n\n\n# phases\nfirst one\n1000\n"
                  "a, 1, 64, 3, ro\nb, 0, 1, 2\n\nlast\n5\nb, 0, 1, 2, rw");
    ASSERT_EQ(c.regions.size(), 2U);
    EXPECT_EQ(c.regions[1].name, "b");
    EXPECT_EQ(c.regions[0].pages(), page_count{3});
    ASSERT_EQ(c.phases.size(), 2U);
    EXPECT_EQ(c.phases[0].name, "first one");
    EXPECT_EQ(c.phases[0].milliseconds, 1000U);
    EXPECT_EQ(c.phases[0].weights(), 5U);
    EXPECT_EQ(c.phases[0].patterns[0].order, masim_order::random);
    EXPECT_EQ(c.phases[0].patterns[0].mode, masim_mode::read_only);
    EXPECT_EQ(c.phases[0].patterns[1].mode, masim_mode::write_only) << "as masim has it";
    EXPECT_EQ(c.phases[1].patterns[0].mode, masim_mode::read_write);
    EXPECT_EQ(c.accesses(), 100'500'000U);
    EXPECT_EQ(config_of(phase("a, 0, 18446744073709551615, 1\n")).phases[0].patterns[0].stride, 12288U)
        << "no further than to the region's end";
    EXPECT_EQ(config_of("\n\n" + phase("a, 0, 1, 1\n")).regions.size(), 2U) << "empty lines come first";
    EXPECT_EQ(c.comments, 6U);
}

TEST(masim_text, says_what_is_wrong) {
    EXPECT_EQ(error_of(""), "0: no regions");
    EXPECT_EQ(error_of("a\n"), "1: 'a' is not a region: NAME, BYTES");
    EXPECT_EQ(error_of("a, 1, none, more\n"), "1: 'a, 1, none, more' is not a region: NAME, BYTES");
    EXPECT_EQ(error_of("a, x\n"), "1: 'a, x' is not a region: NAME, BYTES");
    EXPECT_EQ(error_of("a, 1\na, 1\n"), "2: region 'a' has no name of its own");
    EXPECT_EQ(error_of(", 1\n"), "1: region '' has no name of its own");
    EXPECT_EQ(error_of("a, 0\n"), "1: a region has 1 byte to 4 TiB, not 0");
    EXPECT_EQ(error_of("a, 4398046511105\n"), "1: a region has 1 byte to 4 TiB, not 4398046511105");
    EXPECT_EQ(error_of("a, 4398046511104\nb, 1\n"), "2: more than 65530 regions, or more than 4 TiB in all");
    EXPECT_EQ(error_of("a, 1\n\n"), "2: no phases");
    EXPECT_EQ(error_of("a, 1\n\np\n"), "3: the phase has no time");
    EXPECT_EQ(error_of("a, 1\n\np\n\n"), "4: the phase has no time");
    EXPECT_EQ(error_of("a, 1\n\np\nlong\n"), "4: 'long' is not a time in milliseconds, to 1000000000");
    EXPECT_EQ(error_of("a, 1\n\np\n1000000001\n"),
              "4: '1000000001' is not a time in milliseconds, to 1000000000");
    EXPECT_EQ(error_of("a, 1\n\np\n1\n\n"), "5: the phase has no pattern");
    EXPECT_EQ(error_of(phase("c, 0, 1, 1\n")), "6: no region 'c'");
    for (const std::string p : {"a, 2, 1, 1", "a, 0, x, 1", "a, 0, 1", "a, 0, 1, 1000000001", "a"})
        EXPECT_EQ(error_of(phase(p)),
                  "6: '" + p + "' is not a pattern: REGION, 0 or 1, STRIDE, WEIGHT, ro or wo or rw");
    EXPECT_EQ(error_of(phase("a, 0, 1, 1, ww\n")), "6: 'ww' is neither ro nor wo nor rw");
    EXPECT_EQ(error_of(phase("a, 0, 1, 1, ro, wo\n")), "6: 'ro' is neither ro nor wo nor rw");
    EXPECT_EQ(error_of(phase("a, 0, 1, 0\n")), "0: no accesses");
    EXPECT_EQ(error_of(phase("a, 0, 1, 1\n") + std::string(70000, 'x')),
              "7: the line is longer than 65536 bytes");
}

TEST(masim_streams, map_their_regions_and_run_their_phases) {
    const accesses a = run(phase("a, 0, 4096, 1\n"));
    EXPECT_EQ(a.commands, "map(a 3)map(b 1).");
    ASSERT_EQ(a.by_page.size(), 3U);
    std::uint64_t sum = 0;
    for (const auto& [page, n] : a.by_page) sum += n;
    EXPECT_EQ(sum, 100'000U) << "a millisecond of accesses of 10 instructions";
}

TEST(masim_streams, walk_by_the_stride_and_begin_again) {
    const accesses a = run(phase("a, 0, 4096, 1\n"));
    const std::uint64_t first = a.by_page.begin()->first;
    std::string order;
    for (std::size_t i = 0; i < 6; ++i) order += std::to_string(raw(a.records[i].vpn()) - first);
    EXPECT_EQ(order, "120120") << "masim adds the stride first";
}

TEST(masim_streams, fold_a_small_stride) {
    const accesses a = run(phase("a, 0, 64, 1, wo\n"));
    EXPECT_EQ(a.records[1].data(), 64U);
    EXPECT_TRUE(a.records[1].first_is_write() && a.records[1].written_later());
    EXPECT_EQ(run("c, 4196\n\np\n1\nc, 0, 64, 1\n").records[1].data(), 2U) << "the region's last bytes";
    EXPECT_EQ(run(phase("a, 0, 0, 1, wo\n")).by_page.size(), 1U) << "a stride of 0 stays";
    for (const access_record r : run(phase("b, 0, 1, 1\n")).records) EXPECT_LE(r.instructions(), 8191U);
}

TEST(masim_streams, read_write_or_both) {
    EXPECT_FALSE(run(phase("a, 1, 1, 1, ro\n")).records[0].first_is_write());
    EXPECT_TRUE(run(phase("a, 1, 1, 1, wo\n")).records[0].first_is_write());
    const access_record both = run(phase("a, 1, 1, 1, rw\n")).records[0];
    EXPECT_FALSE(both.first_is_write());
    EXPECT_TRUE(both.written_later());
    EXPECT_EQ(both.data(), 2U);
}

TEST(masim_streams, draw_patterns_by_weight) {
    const accesses a = run(phase("a, 1, 1, 3\nb, 1, 1, 1\n", "100"));
    EXPECT_EQ(a.by_page.size(), 4U);
    const std::uint64_t b = a.by_page.begin()->second; // mapped below a
    EXPECT_GT(b, 1'000'000U);
    EXPECT_LT(b, 4'000'000U);
    const accesses never = run(phase("a, 1, 1, 3\nb, 1, 1, 0\n", "100"));
    EXPECT_EQ(never.by_page.size(), 3U);
}

TEST(masim_streams, sleep_where_no_pattern_has_a_weight) {
    EXPECT_EQ(run(phase("a, 0, 1, 1\n") + "\nrest\n7\na, 0, 1, 0\n\nmore\n1\na, 0, 1, 1\n").commands,
              "map(a 3)map(b 1).sleep(7).");
    EXPECT_EQ(run(phase("a, 0, 1, 0\n") + "\nmore\n1\na, 0, 1, 1\n").commands, "map(a 3)map(b 1)sleep(1).");
}

TEST(masim_streams, are_counted_without_being_run) {
    const testing::temp_file file{phase("a, 0, 4096, 1\nb, 1, 1, 1\n", "1000000000")};
    const scan_result r = scan_masim(file.path());
    const auto& f = std::get<footprint>(r);
    EXPECT_EQ(f.touched, page_count{4});
    EXPECT_EQ(f.counts.records, 100'000'000'000'000U);
    EXPECT_EQ(config_of(phase("a, 0, 8192, 1\n")).reachable(), page_count{2});
    EXPECT_EQ(config_of(phase("a, 0, 0, 1\n")).reachable(), page_count{1});
}

TEST(masim_streams, tell_a_bad_file_at_their_first_item) {
    const testing::temp_file file{"a, 1\n\n"};
    masim_stream s{file.path()};
    EXPECT_EQ(std::get<input_error>(s.next()).reason, "no phases");
}

} // namespace
} // namespace pagesim
