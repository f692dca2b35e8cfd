// SPDX-License-Identifier: MIT
#include "temp_file.hpp"

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/ops.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pagesim {
namespace {

using namespace std::string_literals;
using testing::temp_file;

constexpr std::uint64_t top = raw(region_map::top);

// Pages are shown as their distance below the first region's end.
struct describe {
    std::string operator()(const access_block& b) const {
        std::string out = "[";
        for (const access_record r : b.records) {
            EXPECT_EQ(r.accesses(), 1U);
            EXPECT_FALSE(r.written_later());
            out += fmt::format("{}{}-{}:{}", out.size() > 1 ? " " : "", r.first_is_write() ? "w" : "r",
                               top - raw(r.vpn()), r.instructions());
        }
        return out + "]";
    }
    std::string operator()(const op_anon& o) const {
        return fmt::format("anon {} -{} {}", o.name, top - raw(o.first), o.pages.value);
    }
    std::string operator()(const op_unmap& o) const {
        return fmt::format("unmap {} -{} {}", o.name, top - raw(o.first), o.pages.value);
    }
    std::string operator()(const op_lock& o) const {
        const bool lock = o.what == op_lock::action::mlock;
        return fmt::format("{} {} -{} {}", lock ? "mlock" : "munlock", o.name, top - raw(o.first),
                           o.pages.value);
    }
    std::string operator()(const op_file& o) const {
        return fmt::format("file {} {}", o.name, o.pages.value);
    }
    std::string operator()(const op_map& o) const {
        return fmt::format("map {} -{} {}", o.name, top - raw(o.first), o.pages.value);
    }
    std::string operator()(const op_transfer& o) const {
        const bool read = o.what == op_transfer::action::pread;
        return fmt::format("{} {} {} {}", read ? "pread" : "pwrite", o.name, o.page, o.pages.value);
    }
    std::string operator()(const op_descriptor& o) const {
        return (o.what == op_descriptor::action::close ? "close " : "fsync ") + o.name;
    }
    std::string operator()(const op_drop& /*o*/) const { return "drop"; }
    std::string operator()(const op_advise& o) const {
        return fmt::format("madvise {} -{} {} {}", o.name, top - raw(o.first), o.pages.value,
                           static_cast<unsigned>(o.what));
    }
    std::string operator()(const op_sleep& o) const { return fmt::format("sleep {}", o.duration.ns); }
    std::string operator()(const op_mark& o) const {
        const std::string takes = o.takes.ns == 0 ? "" : fmt::format(" for {}", o.takes.ns);
        if (o.by == op_mark::asker::recorder) return "look" + takes;
        return (o.by == op_mark::asker::observer ? "observe " : "mark ") + o.label + takes;
    }
    std::string operator()(const end_of_stream& /*e*/) const { return "end"; }
    std::string operator()(const input_error& e) const { return fmt::format("{}: {}", e.line, e.reason); }
};

// All items, joined by "; ".
std::string items_of(std::string_view content, std::vector<ops_stream::observation> observed = {},
                     const ops_stream::performer& performer = {}) {
    const temp_file file{content};
    ops_stream s{file.path()};
    s.observe(std::move(observed));
    s.performed_by(performer);
    std::string out;
    for (;;) {
        const stream_item item = s.next();
        const std::string text = std::visit(describe{}, item);
        out += (out.empty() ? "" : "; ") + text;
        const bool last =
            std::holds_alternative<end_of_stream>(item) || std::holds_alternative<input_error>(item);
        if (!last) continue;
        EXPECT_EQ(std::visit(describe{}, s.next()), text) << "it stays";
        if (const auto* e = std::get_if<input_error>(&item)) {
            EXPECT_EQ(e->file, file.path());
        }
        return out;
    }
}

// What a line leads to behind "anon a 10".
std::string after_anon(std::string_view line) {
    const std::string all = items_of("anon a 10\n" + std::string{line} + "\n");
    const std::string first = "anon a -10 10; ";
    EXPECT_EQ(all.substr(0, first.size()), first);
    return all.substr(first.size());
}

TEST(ops_language, reads_each_of_its_words) {
    EXPECT_EQ(items_of("# ops v1\nanon a 10\nw a 9\nmark filled\nr a 0\nsleep 250\nunmap a\n"),
              "anon a -10 10; [w-1:169]; mark filled; [r-10:125]; sleep 250000000; unmap a -10 10; end");
}

TEST(ops_language, gives_each_further_page_its_own_cost) {
    EXPECT_EQ(after_anon("r a 2 4"), "[r-8:125 r-7:5 r-6:5 r-5:5]; end");
    EXPECT_EQ(after_anon("w a 2 5"), "[w-8:169 w-7:48 w-6:49 w-5:48 w-4:49]; end");
    EXPECT_EQ(after_anon("w a 2 2\nw a 2 2"), "[w-8:169 w-7:48 w-8:169 w-7:48]; end")
        << "each op begins anew";
}

TEST(ops_language, merges_accesses_into_a_block_up_to_a_command) {
    EXPECT_EQ(after_anon("r a 0\n# between\n\nw a 1\nmark x\nr a 2"),
              "[r-10:125 w-9:169]; mark x; [r-8:125]; end");
}

TEST(ops_language, parts_words_by_blanks_and_tabs) {
    EXPECT_EQ(items_of("  anon\ta \t 10 \r\n\t# comment\r\n \r\nr a  3"), "anon a -10 10; [r-7:125]; end");
}

TEST(ops_language, takes_any_word_for_a_name) {
    EXPECT_EQ(items_of("anon anon 1\nr anon 0\nmark r"), "anon anon -1 1; [r-1:125]; mark r; end");
}

TEST(ops_regions, lie_below_one_another_and_reuse_holes) {
    EXPECT_EQ(items_of("anon a 10\nanon b 4\nanon c 6\nunmap b\nanon d 5\nanon e 3\n"),
              "anon a -10 10; anon b -14 4; anon c -20 6; unmap b -14 4; anon d -25 5; anon e -13 3; end");
}

TEST(ops_regions, may_have_the_name_of_one_that_is_gone) {
    EXPECT_EQ(items_of("anon a 10\nunmap a\nanon a 3\nr a 2\n"),
              "anon a -10 10; unmap a -10 10; anon a -3 3; [r-1:125]; end");
}

TEST(ops_observations, come_before_the_op_of_their_number_and_count_for_none) {
    const std::string text = "# c\nanon a 10\nr a 0\n\nr a 1\nmark m\nr a 2\n";
    EXPECT_EQ(items_of(text, {{.before_op = 2, .label = "two"},
                              {.before_op = 2, .label = "again"},
                              {.before_op = 3, .label = "three"},
                              {.before_op = 5, .label = "end"}}),
              "anon a -10 10; [r-10:125]; observe two; observe again; [r-9:125]; observe three; mark m; "
              "[r-8:125]; observe end; end");
    EXPECT_EQ(
        items_of("anon a 10\n", {{.before_op = 0, .label = "start"}, {.before_op = 2, .label = "never"}}),
        "observe start; anon a -10 10; end");
}

TEST(ops_observations, leave_the_counts_as_they_are) {
    const temp_file file{"anon a 10\nr a 0\n"};
    ops_stream s{file.path()};
    s.observe({{.before_op = 1, .label = "one"}});
    while (!std::holds_alternative<end_of_stream>(s.next())) {}
    EXPECT_EQ(s.counts(), (stream_counts{.records = 2, .skipped = 0, .accesses = 1}));
}

TEST(ops_blocks, hold_at_most_256_kib_and_cut_long_ops) {
    const temp_file file{"anon a 100000\nw a 0 70000\nr a 5\nmark m\n"};
    ops_stream s{file.path()};
    EXPECT_TRUE(std::holds_alternative<op_anon>(s.next()));
    std::vector<std::size_t> sizes;
    std::uint64_t instructions = 0;
    vpn expected{top - 100000};
    for (;;) {
        const stream_item item = s.next();
        const auto* block = std::get_if<access_block>(&item);
        if (block == nullptr) {
            EXPECT_TRUE(std::holds_alternative<op_mark>(item));
            break;
        }
        sizes.push_back(block->records.size());
        for (const access_record r : block->records) {
            if (r.first_is_write()) {
                EXPECT_EQ(r.vpn(), expected);
                expected = expected + 1;
            }
            instructions += r.instructions();
        }
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{32768, 32768, 4465}));
    EXPECT_EQ(instructions, 169U + 35000U * 48U + 34999U * 49U + 125U) << "48.5 a page, across blocks";
    EXPECT_EQ(s.counts(), (stream_counts{.records = 4, .skipped = 0, .accesses = 70001}));
}

TEST(ops_errors, come_after_all_that_precedes_them) {
    EXPECT_EQ(items_of("anon a 10\nr a 1\nr a 2\n# c\nbad\nr a 3\n"),
              "anon a -10 10; [r-9:125 r-8:125]; 5: unknown op 'bad'");
}

TEST(ops_streams, advice_goes_by_the_kernels_numbers) {
    EXPECT_EQ(items_of("anon a 10\nmadvise a 2 3 cold\nmadvise a 0 10 dontneed\nmadvise a 9 1 free\n"),
              "anon a -10 10; madvise a -8 3 20; madvise a -10 10 4; madvise a -1 1 8; end");
    EXPECT_EQ(items_of("anon a 1\nmadvise a 0 1 normal\nmadvise a 0 1 random\nmadvise a 0 1 sequential\n"
                       "madvise a 0 1 willneed\nmadvise a 0 1 pageout\n"),
              "anon a -1 1; madvise a -1 1 0; madvise a -1 1 1; madvise a -1 1 2; madvise a -1 1 3; madvise "
              "a -1 1 21; end");
}

TEST(ops_errors, tell_how_madvise_is_written) {
    for (const char* line :
         {"madvise", "madvise a", "madvise a 0", "madvise a 0 1", "madvise a 0 1 cold 2"}) {
        EXPECT_EQ(after_anon(line), "2: expected: madvise NAME PAGE COUNT ADVICE") << line;
    }
    EXPECT_EQ(after_anon("madvise a 0 1 warm"), "2: unknown advice 'warm'");
    EXPECT_EQ(after_anon("madvise a 5 6 cold"),
              "2: PAGE 5 and COUNT 6 lead beyond region 'a', which has 10 pages");
    EXPECT_EQ(after_anon("madvise b 0 1 cold"), "2: no region 'b' here");
}

TEST(ops_streams, open_map_transfer_and_close_files) {
    EXPECT_EQ(
        items_of("file f 20\npread f 3 16\npwrite f 19\nmap f\nw f 2\nfsync f\nclose f\nr f 0\nunmap "
                 "f\nfile f 20\ndrop\n"),
        "file f 20; pread f 3 16; pwrite f 19 1; map f -20 20; [w-18:169]; fsync f; close f; [r-20:125]; "
        "unmap f -20 20; file f 20; drop; end");
}

TEST(ops_streams, tell_what_the_performer_looks_at_and_how_long) {
    const ops_stream::performer p{.snapshot = nanoseconds(9), .looks = {1, 2, 7}};
    EXPECT_EQ(items_of("mark a\nmark b\nmark c\n", {{.before_op = 1, .label = "o"}}, p),
              "mark a for 9; observe o; look for 9; mark b for 9; look for 9; mark c for 9; end");
}

TEST(ops_streams, put_regions_where_they_are_told) {
    constexpr vpn end{100 * 512 + 70};
    const ops_stream::performer at_pmd{.end = end, .file_alignment = {512}};
    const auto below = [](std::uint64_t at) { return top - at; };
    EXPECT_EQ(items_of("anon a 10", {}, {.end = end}),
              fmt::format("anon a -{} 10; end", below(raw(end) - 10)));
    EXPECT_EQ(items_of("file f 600\nmap f", {}, {.end = end}),
              fmt::format("file f 600; map f -{} 600; end", below(raw(end) - 600)));
    EXPECT_EQ(items_of("file f 600\nmap f", {}, at_pmd),
              fmt::format("file f 600; map f -{} 600; end", below(98 * 512)));
    EXPECT_EQ(items_of("file f 511\nmap f", {}, at_pmd),
              fmt::format("file f 511; map f -{} 511; end", below(raw(end) - 511)))
        << "smaller than the multiple";
    EXPECT_EQ(items_of("anon a 600", {}, at_pmd), fmt::format("anon a -{} 600; end", below(raw(end) - 600)))
        << "no file";
}

TEST(ops_streams, take_longer_for_stores_of_more_words) {
    EXPECT_EQ(items_of("anon a 10\nw a 0 2\nr a 0 2", {}, {.further_stores = 1000}),
              "anon a -10 10; [w-10:1169 w-9:1048 r-10:125 r-9:5]; end");
}

TEST(ops_errors, of_files_name_what_is_wrong) {
    EXPECT_EQ(items_of("file f"), "1: expected: file NAME PAGES");
    EXPECT_EQ(items_of("file f x"), "1: PAGES is not a number: 'x'");
    EXPECT_EQ(items_of("file f 0"), "1: a file has at least 1 page");
    EXPECT_EQ(items_of("file f 4294967297"), "1: a file has at most 4294967296 pages");
    EXPECT_EQ(items_of("drop 1"), "1: expected: drop");
    EXPECT_EQ(items_of("map f"), "1: no open file 'f' here");
    EXPECT_EQ(items_of("pread f 0"), "1: no region 'f' here");
    const auto after_file = [](std::string_view line) {
        const std::string all = items_of("file f 20\n" + std::string{line});
        return all.substr(all.find("; ") + 2);
    };
    EXPECT_EQ(after_file("file f 20"), "2: file 'f' is open already");
    EXPECT_EQ(after_file("anon f 20"), "2: region 'f' is declared already");
    EXPECT_EQ(after_file("r f 0"), "2: file 'f' is not mapped");
    EXPECT_EQ(after_file("mlock f 0 1"), "2: file 'f' is not mapped");
    EXPECT_EQ(after_file("unmap f"), "2: file 'f' is not mapped");
    EXPECT_EQ(after_file("pread f 20"), "2: PAGE 20 and COUNT 1 lead beyond file 'f', which has 20 pages");
    EXPECT_EQ(after_file("pwrite f 5 16"), "2: PAGE 5 and COUNT 16 lead beyond file 'f', which has 20 pages");
    EXPECT_EQ(after_file("fsync g"), "2: no open file 'g' here");
    EXPECT_EQ(after_file("close f\npread f 0"), "close f; 3: no open file 'f' here");
    EXPECT_EQ(after_file("close f\nfile f 21"), "close f; 3: file 'f' has 20 pages");
    EXPECT_EQ(items_of("anon a 1\npread a 0"), "anon a -1 1; 2: no open file 'a' here");
    EXPECT_EQ(items_of("anon a 1\nfile a 1"), "anon a -1 1; 2: 'a' is a region");
}

TEST(ops_errors, name_unknown_words) {
    EXPECT_EQ(after_anon("R a 0"), "2: unknown op 'R'");
    EXPECT_EQ(after_anon("\x01\x02"), "2: unknown op '\\x01\\x02'");
    EXPECT_EQ(after_anon("rr a 0"), "2: unknown op 'rr'");
    EXPECT_EQ(items_of("\0anon a 1\n"s), "1: unknown op '\\x00anon'");
}

TEST(ops_errors, say_what_an_op_looks_like) {
    for (const char* line : {"anon", "anon b", "anon b 1 2", "anon b 1 2 3 4 5 6"}) {
        EXPECT_EQ(after_anon(line), "2: expected: anon NAME PAGES") << line;
    }
    for (const char* line : {"r", "r a", "r a 0 1 2", "r a 0 1 # no comment"}) {
        EXPECT_EQ(after_anon(line), "2: expected: r NAME PAGE [COUNT]") << line;
    }
    EXPECT_EQ(after_anon("w a"), "2: expected: w NAME PAGE [COUNT]");
    EXPECT_EQ(after_anon("unmap"), "2: expected: unmap NAME");
    EXPECT_EQ(after_anon("unmap a a"), "2: expected: unmap NAME");
    for (const char* line : {"mlock", "mlock a", "mlock a 0", "mlock a 0 1 2"}) {
        EXPECT_EQ(after_anon(line), "2: expected: mlock NAME PAGE COUNT") << line;
    }
    EXPECT_EQ(after_anon("munlock a 0"), "2: expected: munlock NAME PAGE COUNT");
    EXPECT_EQ(after_anon("sleep"), "2: expected: sleep MS");
    EXPECT_EQ(after_anon("sleep 1 2"), "2: expected: sleep MS");
    EXPECT_EQ(after_anon("mark"), "2: expected: mark LABEL");
    EXPECT_EQ(after_anon("mark a b"), "2: expected: mark LABEL");
}

TEST(ops_errors, name_regions_that_are_not_there_or_there_already) {
    EXPECT_EQ(after_anon("r b 0"), "2: no region 'b' here");
    EXPECT_EQ(after_anon("w b 0 1"), "2: no region 'b' here");
    EXPECT_EQ(after_anon("unmap b"), "2: no region 'b' here");
    EXPECT_EQ(items_of("anon a 1\nunmap a\nr a 0\n"), "anon a -1 1; unmap a -1 1; 3: no region 'a' here");
    EXPECT_EQ(after_anon("anon a 10"), "2: region 'a' is declared already");
}

TEST(ops_errors, name_what_is_not_a_number) {
    for (const std::string bad : {"x", "-1", "+1", "1x", "0x10", "1.5", "99999999999999999999999"}) {
        EXPECT_EQ(after_anon("anon b " + bad), "2: PAGES is not a number: '" + bad + "'");
        EXPECT_EQ(after_anon("r a " + bad), "2: PAGE is not a number: '" + bad + "'");
        EXPECT_EQ(after_anon("w a 0 " + bad), "2: COUNT is not a number: '" + bad + "'");
        EXPECT_EQ(after_anon("sleep " + bad), "2: MS is not a number: '" + bad + "'");
    }
}

TEST(ops_errors, keep_accesses_inside_their_region) {
    EXPECT_EQ(after_anon("r a 10"), "2: PAGE 10 and COUNT 1 lead beyond region 'a', which has 10 pages");
    EXPECT_EQ(after_anon("w a 5 6"), "2: PAGE 5 and COUNT 6 lead beyond region 'a', which has 10 pages");
    EXPECT_EQ(after_anon("mlock a 5 6"), "2: PAGE 5 and COUNT 6 lead beyond region 'a', which has 10 pages");
    EXPECT_EQ(after_anon("munlock a 0 0"), "2: COUNT is at least 1");
    EXPECT_EQ(after_anon("mlock b 0 1"), "2: no region 'b' here");
    EXPECT_EQ(after_anon("w a 9 18446744073709551615"),
              "2: PAGE 9 and COUNT 18446744073709551615 lead beyond region 'a', which has 10 pages");
    EXPECT_EQ(after_anon("r a 0 0"), "2: COUNT is at least 1");
}

TEST(ops_errors, bound_what_an_op_may_ask_for) {
    EXPECT_EQ(after_anon("anon b 0"), "2: a region has at least 1 page");
    EXPECT_EQ(after_anon("anon b 1073741815"), "2: more than 1073741824 pages in all regions");
    EXPECT_EQ(after_anon("anon b 18446744073709551615"), "2: more than 1073741824 pages in all regions");
    EXPECT_EQ(after_anon("anon b 1073741814"), "anon b -1073741824 1073741814; end");
    EXPECT_EQ(after_anon("unmap a\nanon b 1073741824"), "unmap a -10 10; anon b -1073741824 1073741824; end");
    EXPECT_EQ(after_anon("sleep 1000000001"), "2: a sleep is at most 1000000000 ms");
    EXPECT_EQ(after_anon("sleep 1000000000"), "sleep 1000000000000000; end");
    EXPECT_EQ(after_anon("sleep 0"), "sleep 0; end");
}

TEST(ops_errors, bound_the_number_of_regions) {
    std::string content;
    for (unsigned i = 0; i <= most_regions; ++i) content += fmt::format("anon a{} 1\n", i);
    const std::string all = items_of(content);
    const std::string expected = "65531: more than 65530 regions";
    ASSERT_GT(all.size(), expected.size());
    EXPECT_EQ(all.substr(all.size() - expected.size()), expected);
}

TEST(ops_files, without_an_op_are_errors) {
    EXPECT_EQ(items_of(""), "0: no ops");
    EXPECT_EQ(items_of("# only\n\n# comments"), "0: no ops");
    const temp_file file{""};
    EXPECT_EQ(to_string(std::get<input_error>(scan_ops(file.path()))), file.path() + ": no ops");
}

TEST(ops_files, that_are_missing_are_errors) {
    EXPECT_EQ(to_string(std::get<input_error>(scan_ops("/nowhere"))),
              "/nowhere: can't be opened: No such file or directory");
}

TEST(ops_files, with_a_line_of_megabytes_are_errors) {
    EXPECT_EQ(items_of("anon a 1\n# " + std::string(3U << 20U, 'x')),
              "anon a -1 1; 2: the line is longer than 65536 bytes");
}

TEST(ops_stream_locks, are_commands_with_their_pages) {
    const temp_file file{"anon a 10\nmlock a 2 3\nmunlock a 4 1\n"};
    ops_stream s{file.path()};
    const auto region = std::get<op_anon>(s.next());
    const auto lock = std::get<op_lock>(s.next());
    EXPECT_TRUE(lock.name == "a" && lock.first == region.first + 2 && lock.pages == page_count{3});
    EXPECT_EQ(lock.what, op_lock::action::mlock);
    const auto unlock = std::get<op_lock>(s.next());
    EXPECT_TRUE(unlock.first == region.first + 4 && unlock.pages == page_count{1});
    EXPECT_EQ(unlock.what, op_lock::action::munlock);
}

} // namespace
} // namespace pagesim
