// SPDX-License-Identifier: MIT
#include "compressed_samples.hpp"
#include "trace_picture.hpp"

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/trace_format.hpp>

namespace pagesim {
namespace {

using testing::packed;
using testing::temp_file;

std::string format_of(std::string_view content) {
    const temp_file file{content};
    const auto f = detect_format(file.path());
    if (const auto* error = std::get_if<input_error>(&f)) {
        EXPECT_EQ(error->file, file.path());
        return std::to_string(error->line) + ": " + error->reason;
    }
    return std::string{name_of(std::get<trace_format>(f))};
}

TEST(trace_formats, are_told_by_the_first_line_that_is_not_empty) {
    EXPECT_EQ(format_of("I  0401ab70,3\n"), "lackey");
    EXPECT_EQ(format_of(" L 0401ab70,3\n"), "lackey");
    EXPECT_EQ(format_of("\r\n S 0401ab70,3\n"), "lackey");
    EXPECT_EQ(format_of(" M 0401ab70,3"), "lackey");
    EXPECT_EQ(format_of("==12== Lackey\n"), "lackey");
    EXPECT_EQ(format_of("--12-- warning\n"), "lackey");
    EXPECT_EQ(format_of("# comment\n"), "ops");
    EXPECT_EQ(format_of("\n \t\n  anon a 3\n"), "ops");
    EXPECT_EQ(format_of("file f 3\n"), "ops");
    EXPECT_EQ(format_of("mark x"), "ops");
}

TEST(trace_formats, of_others_are_told_by_their_first_line) {
    EXPECT_EQ(format_of("17\n"), "pages");
    EXPECT_EQ(format_of("# pages\n0x17 w\n"), "pages");
    EXPECT_EQ(format_of("time,obj_id,obj_size\n0,1,2\n"), "csv");
    EXPECT_EQ(format_of("0,1,2\n"), "csv");
    EXPECT_EQ(format_of("#regions\na, 4096\n\np\n"), "masim");
    EXPECT_EQ(format_of("a, 4096, none\n"), "masim");
    EXPECT_EQ(format_of("  sort 1/1 1.000000: page-faults: 5000\n"), "perf");
    EXPECT_EQ(format_of("file 1/1 1.000000: page-faults: 5000\n"), "perf")
        << "a program named like a word of ops";
    EXPECT_EQ(format_of("k 1 [0] 1.000000: damon:damon_aggregated: target_id=0\n"), "damon");
    EXPECT_EQ(format_of("# tracer: nop\n k-1 [0] ..... 1.000000: damon_aggregated: x\n"), "damon");
}

TEST(trace_formats, of_records_are_told_by_what_is_plausible) {
    packed champsim;
    champsim.u64(0x401000).u8(1).u8(1).u16(0).u32(0);
    for (unsigned i = 0; i < 6; ++i) champsim.u64(0x5000 * (i % 2));
    EXPECT_EQ(format_of(champsim.bytes()), "champsim");
    EXPECT_EQ(format_of(packed{}.u32(0).u64(77).u32(4096).u64(~0ULL).bytes()), "oracleGeneral");
    EXPECT_EQ(format_of(packed{}.u16(25).u16(0).u64(7).bytes()), "drmemtrace");
    EXPECT_EQ(format_of(std::string{binary_trace_magic}), "binary");
}

TEST(trace_formats, are_told_of_compressed_files_too) {
    if (!can_decompress(compression::gzip)) GTEST_SKIP();
    const auto text = [](const auto& bytes) {
        return std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    };
    EXPECT_EQ(format_of(text(testing::two_lines_gz)), "lackey");
    EXPECT_EQ(format_of(text(testing::two_members_zip)), "lackey");
}

TEST(trace_formats, that_are_none_are_an_error) {
    const std::string known =
        "begins no format that is known by its content (known are: lackey, ops, binary, drmemtrace, "
        "champsim, cloudsuite, oracleGeneral, csv, perf, damon, masim, pages)";
    EXPECT_EQ(format_of("\nhello\n"), "2: 'hello' " + known);
    for (const std::string line : {"17, 4096", ", 4096", "a, 4096, none, 1", "17 w 3", "17 x"})
        EXPECT_EQ(format_of(line), "1: '" + line + "' " + known);
    EXPECT_EQ(format_of("\x01\x02"), "1: '\\x01\\x02' " + known);
    EXPECT_EQ(format_of(""), "0: is empty");
    EXPECT_EQ(format_of("\n\n"), "0: is empty");
    const auto f = detect_format("/nowhere");
    EXPECT_EQ(to_string(std::get<input_error>(f)), "/nowhere: can't be opened: No such file or directory");
}

TEST(trace_format_choices, are_names) {
    for (const trace_format_name& n : trace_format_names)
        EXPECT_EQ(std::get<format_choice>(parse_format(n.name)).format, n.format);
    EXPECT_EQ(std::get<format_choice>(parse_format("csv:obj-id-col=5")).columns.object, 5U);
    EXPECT_EQ(std::get<std::string>(parse_format("csv:x=5")).substr(0, 16), "'x' is not known");
    EXPECT_EQ(std::get<std::string>(parse_format("perf:x=5")), "'perf' takes nothing behind a colon");
    EXPECT_EQ(std::get<std::string>(parse_format("elf")).substr(0, 44),
              "'elf' is not known; known are: auto, lackey,");
}

} // namespace
} // namespace pagesim
