// SPDX-License-Identifier: MIT
#include "compressed_samples.hpp"
#include "temp_file.hpp"

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/lackey.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pagesim {
namespace {

using namespace std::string_literals;
using testing::temp_file;

// A record as text: page, then f/l for a write that comes first or later, then instructions+data.
std::string picture(access_record r) {
    return fmt::format("{:x}{}{}:{}+{}", raw(r.vpn()), r.first_is_write() ? "f" : "",
                       r.written_later() ? "l" : "", r.instructions(), r.data());
}

struct replay {
    std::string records;
    std::string error; // "LINE: reason"
    stream_counts counts;
    std::vector<std::size_t> blocks;
    std::uint64_t hash = 0; // of all records
};

replay run(const temp_file& file) {
    lackey_stream s{file.path()};
    replay out;
    fnv1a hash;
    for (;;) {
        const stream_item item = s.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            EXPECT_FALSE(block->records.empty());
            out.blocks.push_back(block->records.size());
            for (const access_record r : block->records) {
                if (out.blocks.size() == 1 && out.records.size() < 2000) {
                    out.records += fmt::format("{}{}", out.records.empty() ? "" : " ", picture(r));
                }
                hash.text(picture(r));
            }
            continue;
        }
        if (const auto* e = std::get_if<input_error>(&item)) {
            EXPECT_EQ(e->file, file.path());
            out.error = std::to_string(e->line) + ": " + e->reason;
            EXPECT_EQ(std::get<input_error>(s.next()), *e) << "it stays";
        } else {
            EXPECT_TRUE(std::holds_alternative<end_of_stream>(item));
            EXPECT_TRUE(std::holds_alternative<end_of_stream>(s.next())) << "it stays";
        }
        out.counts = s.counts();
        out.hash = hash.value();
        return out;
    }
}

replay run(const std::string& content) { return run(temp_file{content}); }
std::string records_of(const std::string& content) {
    const replay r = run(content);
    EXPECT_EQ(r.error, "");
    return r.records;
}
std::string error_of(const std::string& content) { return run(content).error; }

footprint scanned(const std::string& content) {
    const temp_file file{content};
    const scan_result r = scan_lackey(file.path());
    EXPECT_TRUE(std::holds_alternative<footprint>(r));
    return std::get<footprint>(r);
}

TEST(lackey_folding, makes_one_record_of_a_run_on_one_page) {
    EXPECT_EQ(records_of("I  00001000,3\nI  00001003,2\n L 00001ff8,8\nI  00002000,1\n"), "1:2+1 2:1+0");
}

TEST(lackey_folding, begins_a_record_when_the_page_changes_and_comes_back) {
    EXPECT_EQ(records_of("I  1000,3\n L 2000,8\nI  1003,2\n"), "1:1+0 2:0+1 1:1+0");
}

TEST(lackey_folding, tells_a_first_write_from_a_later_one) {
    EXPECT_EQ(records_of(" S 1000,8\n L 2000,8\n S 2000,8\n S 3000,8\n M 3000,8\n L 4000,4\n"),
              "1f:0+1 2l:0+2 3fl:0+2 4:0+1");
}

TEST(lackey_folding, takes_a_modify_for_one_write) { EXPECT_EQ(records_of(" M 1000,8\n"), "1f:0+1"); }

TEST(lackey_folding, lets_a_straddling_access_touch_both_pages) {
    EXPECT_EQ(records_of(" L 1ffc,8\n"), "1:0+1 2:0+1");
    EXPECT_EQ(records_of(" S 1fff,2\n"), "1f:0+1 2f:0+1");
    EXPECT_EQ(records_of(" L 1ff8,8\n"), "1:0+1") << "it ends with the page";
    EXPECT_EQ(records_of(" L 1001,4096\n"), "1:0+1 2:0+1");
}

TEST(lackey_folding, counts_a_straddling_fetch_as_one_instruction) {
    const replay r = run("I  1ffe,5\n"s);
    EXPECT_EQ(r.records, "1:1+0 2:0+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 1, .skipped = 0, .accesses = 2}));
}

TEST(lackey_folding, splits_a_run_that_its_counts_can_not_hold) {
    std::string fetches;
    std::string loads;
    for (unsigned i = 0; i < 8192; ++i) fetches += "I  1000,3\n";
    for (unsigned i = 0; i < 4096; ++i) loads += i == 4095 ? " S 1000,8\n" : " L 1000,8\n";
    EXPECT_EQ(records_of(fetches), "1:8191+0 1:1+0");
    EXPECT_EQ(records_of(loads), "1:0+4095 1f:0+1");
}

TEST(lackey_folding, reaches_from_page_0_to_the_end_of_48_bits) {
    EXPECT_EQ(records_of(" L 0,1\n L fffffffffff8,8\n"), "0:0+1 fffffffff:0+1");
    EXPECT_EQ(records_of(" S 00000000,1\n"), "0f:0+1");
}

TEST(lackey_lines, of_valgrind_itself_and_empty_ones_are_skipped_and_counted) {
    const replay r = run("==12== Lackey\n==12==\n--12-- warning\n\nI  1000,3\n==12== total\n\n"s);
    EXPECT_EQ(r.error, "");
    EXPECT_EQ(r.records, "1:1+0");
    EXPECT_EQ(r.counts, (stream_counts{.records = 1, .skipped = 6, .accesses = 1}));
}

TEST(lackey_lines, do_not_end_a_run_by_being_skipped) {
    EXPECT_EQ(records_of("I  1000,3\n==12== note\nI  1003,3\n"), "1:2+0");
}

TEST(lackey_lines, may_end_as_on_windows_or_not_at_all) {
    EXPECT_EQ(records_of("I  1000,3\r\n L 1000,4"), "1:1+1");
}

TEST(lackey_lines, that_are_neither_record_nor_banner_are_errors) {
    const auto not_a_record = [](const std::string& shown) {
        return "1: '" + shown + "' is not a lackey record (I, L, S or M)";
    };
    for (const std::string line :
         {"X  1000,3", "I 1000,3", "I", " L", "L  1000,3", "  L 1000,3", " l 1000,3", "hello", " ", "=12= x",
          "==x== y", "==12=- y", "== 12 ==", "==12", "==12=", "-=12== x", "==== x", "**12** x"}) {
        EXPECT_EQ(error_of(line + "\n"), not_a_record(line));
    }
    EXPECT_EQ(error_of("\0I  1000,3\n"s), not_a_record("\\x00I  1000,3"));
}

TEST(lackey_lines, need_an_address) {
    const auto no_address = [](const std::string& shown) {
        return "1: '" + shown + "': no address of 1 to 16 hexadecimal digits and a comma behind it";
    };
    for (const std::string line : {"I  ,3", "I  1000", "I  ", " L 1000 8", " S 0x1000,8", " M 1G00,8",
                                   " L 1FFF,8", " L  1000,8", " L 00000000000001000,8", " L -1,8"}) {
        EXPECT_EQ(error_of(line + "\n"), no_address(line));
    }
    EXPECT_EQ(error_of("I  10\0,3\n"s), no_address("I  10\\x00,3"));
}

TEST(lackey_lines, need_an_address_of_48_bits) {
    EXPECT_EQ(error_of(" L 1000000000000,1\n"), "1: ' L 1000000000000,1': ends beyond 48 bits of address");
    EXPECT_EQ(error_of(" L ffffffffffff,2\n"), "1: ' L ffffffffffff,2': ends beyond 48 bits of address");
    EXPECT_EQ(error_of(" L ffffffffffffffff,4096\n"),
              "1: ' L ffffffffffffffff,4096': ends beyond 48 bits of address");
    EXPECT_EQ(records_of(" L 0000fffffffffff8,8\n"), "fffffffff:0+1");
}

TEST(lackey_lines, need_a_size) {
    for (const std::string line : {"I  1000,", "I  1000,0", "I  1000,4097", "I  1000,99999999999999999999999",
                                   "I  1000,3 ", "I  1000,3,4", "I  1000,+3", "I  1000,a", "I  1000,-1"}) {
        EXPECT_EQ(error_of(line + "\n"), "1: '" + line + "': no size from 1 to 4096 at its end");
    }
    EXPECT_EQ(records_of("I  1000,003\n L 1000,4096\n"), "1:1+1");
}

TEST(lackey_lines, that_are_bad_come_after_all_that_precedes_them) {
    const replay r = run("I  1000,3\n==1== x\n L 2000,8\nbad\nI  3000,1\n"s);
    EXPECT_EQ(r.records, "1:1+0 2:0+1");
    EXPECT_EQ(r.error, "4: 'bad' is not a lackey record (I, L, S or M)");
    EXPECT_EQ(r.counts, (stream_counts{.records = 2, .skipped = 1, .accesses = 2}));
}

TEST(lackey_lines, of_megabytes_are_errors) {
    EXPECT_EQ(error_of("I  1000,3\n" + std::string(3U << 20U, 'x')),
              "2: the line is longer than 65536 bytes");
}

TEST(lackey_complaints, say_nothing_about_a_good_record) { EXPECT_EQ(lackey_complaint("I  1000,3"), ""); }

TEST(lackey_files, without_an_access_are_errors) {
    for (const std::string& content : {""s, "\n\n"s, "==12== Lackey\n==12== Exit code: 0\n"s}) {
        EXPECT_EQ(error_of(content), "0: no accesses");
        const temp_file file{content};
        EXPECT_EQ(to_string(std::get<input_error>(scan_lackey(file.path()))), file.path() + ": no accesses");
    }
}

TEST(lackey_files, that_are_missing_are_errors) {
    lackey_stream s{"/nowhere"};
    EXPECT_EQ(to_string(std::get<input_error>(s.next())),
              "/nowhere: can't be opened: No such file or directory");
    EXPECT_EQ(to_string(std::get<input_error>(scan_lackey("/nowhere"))),
              "/nowhere: can't be opened: No such file or directory");
}

// Two pages by turns, so that each line is a record of its own.
std::string alternating(std::size_t lines) {
    std::string content;
    for (std::size_t i = 0; i < lines; ++i) content += i % 2 == 0 ? "I  1000,3\n" : " S 2000,8\n";
    return content;
}

TEST(lackey_blocks, hold_at_most_256_kib) {
    const replay r = run(alternating(70000));
    EXPECT_EQ(r.blocks, (std::vector<std::size_t>{32767, 32767, 4466}));
    EXPECT_EQ(r.counts.accesses, 70000U);
    std::string straddling;
    for (unsigned i = 0; i < 40000; ++i) straddling += " L 1ffc,8\n";
    for (const std::size_t size : run(straddling).blocks) EXPECT_LE(size, block_records);
}

TEST(lackey_blocks, do_not_cut_a_run) {
    std::string content = alternating(32766);
    for (unsigned i = 0; i < 100; ++i) content += "I  5000,3\n";
    const replay r = run(content);
    EXPECT_EQ(r.counts.records, 32866U);
    std::size_t records = 0;
    for (const std::size_t size : r.blocks) records += size;
    EXPECT_EQ(records, 32767U);
}

TEST(lackey_blocks, are_the_same_each_time) {
    const temp_file file{alternating(70000) + " L 1ffc,8\nbad\n"};
    const replay first = run(file);
    const replay second = run(file);
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_EQ(first.blocks, second.blocks);
    EXPECT_EQ(first.error, second.error);
}

TEST(lackey_footprints, list_the_touched_pages_as_ranges) {
    const std::string content = "==1== x\nI  00001000,3\n L 00012000,8\n S 1fff000ffc,8\n L 00001004,4\n";
    const footprint f = scanned(content);
    EXPECT_EQ(f.touched, page_count{4});
    EXPECT_EQ(f.ranges, (std::vector<page_range>{{vpn{0x1}, vpn{0x13}}, {vpn{0x1fff000}, vpn{0x1fff002}}}))
        << "16 pages between 1 and 0x12 belong to the range";
    EXPECT_EQ(f.counts, (stream_counts{.records = 4, .skipped = 1, .accesses = 5}));
    fnv1a hash;
    hash.text(content);
    EXPECT_EQ(f.hash, hash.value());
    EXPECT_FALSE(f.stopped_by);
}

TEST(lackey_footprints, part_ranges_17_pages_apart) {
    EXPECT_EQ(scanned(" L 1000,8\n L 13000,8\n").ranges,
              (std::vector<page_range>{{vpn{1}, vpn{2}}, {vpn{0x13}, vpn{0x14}}}));
}

TEST(lackey_footprints, reach_to_the_first_bad_line_and_hash_the_whole_file) {
    const std::string content = "I  1000,3\nbad\nI  9000,3\n";
    const footprint f = scanned(content);
    EXPECT_EQ(f.touched, page_count{1});
    ASSERT_TRUE(f.stopped_by);
    EXPECT_EQ(f.stopped_by->line, 2U);
    fnv1a hash;
    hash.text(content);
    EXPECT_EQ(f.hash, hash.value());
}

TEST(lackey_footprints, of_a_file_that_begins_by_a_bad_line_are_errors) {
    const temp_file file{"==1== x\nbad\nI  9000,3\n"};
    EXPECT_EQ(to_string(std::get<input_error>(scan_lackey(file.path()))),
              file.path() + ":2: 'bad' is not a lackey record (I, L, S or M)");
}

TEST(lackey_files, may_be_compressed) {
    if (!can_decompress(compression::xz)) GTEST_SKIP();
    const temp_file file = temp_file::of(testing::many_lines_xz);
    const replay r = run(file);
    EXPECT_EQ(r.error, "");
    EXPECT_EQ(r.counts.records, 20000U);
    const temp_file cut{std::string{reinterpret_cast<const char*>(testing::many_lines_xz.data()),
                                    testing::many_lines_xz.size() - 30}};
    const replay broken = run(cut);
    EXPECT_EQ(broken.counts.records, 20000U) << "all lines lie before the cut";
    EXPECT_EQ(broken.error, "20001: the xz data end early");
}

} // namespace
} // namespace pagesim
