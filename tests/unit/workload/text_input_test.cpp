// SPDX-License-Identifier: MIT
#include "compressed_samples.hpp"
#include "temp_file.hpp"

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/text_input.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <vector>

namespace pagesim {
namespace {

using namespace std::string_literals;
using testing::temp_file;

struct all_lines {
    std::vector<std::string> lines;
    std::optional<input_error> error;
};

all_lines read(const std::string& path) {
    text_input input{path};
    all_lines all;
    while (const auto line = input.next()) all.lines.emplace_back(*line);
    EXPECT_FALSE(input.next()) << "nothing comes behind the end or an error";
    all.error = input.error();
    return all;
}

std::vector<std::string> lines_of(std::string_view content) {
    const temp_file file{content};
    const all_lines all = read(file.path());
    EXPECT_FALSE(all.error) << to_string(*all.error);
    return all.lines;
}

std::string error_of(const temp_file& file) {
    const auto error = read(file.path()).error;
    if (!error) return "none";
    EXPECT_EQ(error->file, file.path());
    return std::to_string(error->line) + ": " + error->reason;
}

using strings = std::vector<std::string>;

TEST(text_lines, end_by_newline_or_by_the_end_of_the_file) {
    EXPECT_EQ(lines_of("a\nb\n"), (strings{"a", "b"}));
    EXPECT_EQ(lines_of("a\nb"), (strings{"a", "b"}));
    EXPECT_EQ(lines_of("a\n\n\nb\n\n"), (strings{"a", "", "", "b", ""}));
    EXPECT_EQ(lines_of("\n"), strings{""});
    EXPECT_EQ(lines_of(""), strings{});
}

TEST(text_lines, lose_one_carriage_return_at_their_end) {
    EXPECT_EQ(lines_of("a\r\nb\r\r\n\r\nc\rd\r"), (strings{"a", "b\r", "", "c\rd"}));
}

TEST(text_lines, may_contain_zero_bytes) { EXPECT_EQ(lines_of("a\0b\n\0\n"s), (strings{"a\0b"s, "\0"s})); }

TEST(text_lines, are_numbered) {
    const temp_file file{"a\n\nb"};
    text_input input{file.path()};
    EXPECT_EQ(input.line(), 0U);
    for (std::uint64_t n = 1; n <= 3; ++n) {
        ASSERT_TRUE(input.next());
        EXPECT_EQ(input.line(), n);
    }
    EXPECT_FALSE(input.next());
    EXPECT_EQ(input.line(), 3U);
    EXPECT_EQ(to_string(input.error_here("odd")), file.path() + ":3: odd");
}

TEST(text_lines, lie_across_buffers_of_the_reader_at_every_offset) {
    // Lines of 1009 bytes (a prime): the buffer's end falls on other places of a line each time.
    std::string content;
    strings expected;
    for (unsigned i = 0; i < 2000; ++i) {
        std::string line = std::to_string(i);
        line.resize(1008, static_cast<char>('a' + i % 26));
        content += line + "\n";
        expected.push_back(line);
    }
    EXPECT_GT(content.size(), 4 * text_input::buffer_bytes);
    EXPECT_EQ(lines_of(content), expected);
}

TEST(text_lines, keep_their_carriage_return_rule_where_a_buffer_ends) {
    for (std::size_t pad = text_input::buffer_bytes - 3; pad <= text_input::buffer_bytes; ++pad) {
        std::string content;
        while (content.size() + 1000 < pad) content += std::string(999, 'p') + "\n";
        content += std::string(pad - content.size(), 'q') + "\r\nlast";
        const strings lines = lines_of(content);
        ASSERT_GE(lines.size(), 2U);
        EXPECT_EQ(lines.back(), "last");
        EXPECT_EQ(lines[lines.size() - 2].find('\r'), std::string::npos);
    }
}

TEST(text_lines, have_a_greatest_length) {
    const std::string longest(text_input::longest_line, 'x');
    EXPECT_EQ(lines_of(longest + "\nb\n"), (strings{longest, "b"}));
    EXPECT_EQ(lines_of(longest + "\r\n"), strings{longest});
    EXPECT_EQ(lines_of(longest), strings{longest});
    const std::string too_long = "the line is longer than 65536 bytes";
    EXPECT_EQ(error_of(temp_file{"a\n" + longest + "x\nb\n"}), "2: " + too_long);
    EXPECT_EQ(error_of(temp_file{longest + "x"}), "1: " + too_long);
    EXPECT_EQ(error_of(temp_file{longest + "xx\r\n"}), "1: " + too_long);
}

TEST(text_lines, of_megabytes_are_an_error_and_no_memory) {
    EXPECT_EQ(error_of(temp_file{"a\nb\n" + std::string(5U << 20U, 'x') + "\nc\n"}),
              "3: the line is longer than 65536 bytes");
    EXPECT_EQ(error_of(temp_file{std::string(5U << 20U, '\0')}), "1: the line is longer than 65536 bytes");
}

TEST(text_files, that_can_not_be_read_say_why) {
    const temp_file file{""};
    EXPECT_EQ(to_string(*read("/nowhere/x.ops").error),
              "/nowhere/x.ops: can't be opened: No such file or directory");
    EXPECT_EQ(to_string(*read("/").error), "/: is a directory");
    EXPECT_EQ(to_string(*read("/dev/null").error),
              "/dev/null: is not a regular file (an input is read twice)");
    EXPECT_EQ(to_string(*read(file.path() + "/x").error),
              file.path() + "/x: can't be opened: Not a directory");
    EXPECT_EQ(to_string(*read("").error), ": can't be opened: No such file or directory");
}

TEST(text_files, without_permission_say_so) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
    const temp_file file{"a\n"};
    ASSERT_EQ(::chmod(file.path().c_str(), 0), 0);
    EXPECT_EQ(error_of(file), "0: can't be opened: Permission denied");
}

TEST(text_files, that_are_a_fifo_do_not_block) {
    const temp_file place{""};
    const std::string fifo = place.path() + ".fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(read(fifo).error->reason, "is not a regular file (an input is read twice)");
    std::filesystem::remove(fifo);
}

TEST(text_files, have_the_hash_of_all_their_bytes_wherever_reading_stopped) {
    const std::string content = "a\nb\n" + std::string(5U << 20U, 'x');
    fnv1a expected;
    expected.text(content);
    const temp_file file{content};
    text_input input{file.path(), content_hash::fnv1a};
    ASSERT_TRUE(input.next());
    EXPECT_EQ(input.hash(), expected.value());
    text_input to_the_end{file.path(), content_hash::fnv1a};
    while (to_the_end.next()) {}
    EXPECT_EQ(to_the_end.hash(), expected.value());
}

TEST(text_files, compressed_by_others_are_named) {
    EXPECT_EQ(error_of(temp_file{"BZh91AY"}),
              "0: is compressed by bzip2; only gzip, xz and zstd can be read");
}

// The same for all formats.
struct format {
    compression kind;
    std::string name;
    std::string two_lines;  // compressed
    std::string many_lines; // compressed
};

template <typename Bytes>
std::string bytes_of(const Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class compressed_text : public ::testing::TestWithParam<format> {
protected:
    void SetUp() override {
        if (!can_decompress(GetParam().kind)) GTEST_SKIP() << "this build can't read " << GetParam().name;
    }
    const strings two_{"I  0401ab70,3", " L 1fff000708,8"};
};

TEST_P(compressed_text, is_read_as_the_text_that_it_contains) {
    EXPECT_EQ(lines_of(GetParam().two_lines), two_);
    const strings many = lines_of(GetParam().many_lines);
    ASSERT_EQ(many.size(), 20000U);
    EXPECT_EQ(many.front(), two_[0]);
    EXPECT_EQ(many.back(), two_[1]);
}

TEST_P(compressed_text, may_be_several_one_after_the_other) {
    const strings lines = lines_of(GetParam().two_lines + GetParam().many_lines + GetParam().two_lines);
    ASSERT_EQ(lines.size(), 20004U);
    EXPECT_EQ(lines.back(), two_[1]);
}

TEST_P(compressed_text, is_hashed_as_it_lies_on_disk) {
    fnv1a expected;
    expected.text(GetParam().many_lines);
    const temp_file file{GetParam().many_lines};
    text_input input{file.path(), content_hash::fnv1a};
    ASSERT_TRUE(input.next());
    EXPECT_EQ(input.hash(), expected.value());
}

TEST_P(compressed_text, that_ends_early_is_an_error_at_whatever_byte) {
    const std::string& whole = GetParam().two_lines;
    for (std::size_t size = 6; size < whole.size(); ++size) {
        const temp_file file{whole.substr(0, size)};
        const all_lines all = read(file.path());
        ASSERT_TRUE(all.error) << size << " bytes";
        EXPECT_EQ(all.error->reason, "the " + GetParam().name + " data end early");
        EXPECT_EQ(all.error->line, all.lines.size() + 1);
    }
}

TEST_P(compressed_text, that_ends_early_delivers_the_lines_before) {
    const std::string both = GetParam().two_lines + GetParam().two_lines;
    const temp_file file{both.substr(0, both.size() - 1)};
    const all_lines all = read(file.path());
    ASSERT_TRUE(all.error);
    ASSERT_GE(all.lines.size(), 2U);
    EXPECT_EQ(all.lines[0], two_[0]);
    EXPECT_EQ(all.lines[1], two_[1]);
    EXPECT_EQ(all.error->line, all.lines.size() + 1);
}

TEST_P(compressed_text, that_was_damaged_never_passes_for_more_than_it_was) {
    const std::string& whole = GetParam().two_lines;
    for (std::size_t i = 6; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
        const temp_file file{damaged};
        const all_lines all = read(file.path());
        // zstd without a checksum can't tell every change, nor gzip one in its header; xz can.
        const bool in_gzip_header = GetParam().kind == compression::gzip && i < 10;
        EXPECT_TRUE(all.error || GetParam().kind == compression::zstd || in_gzip_header) << "byte " << i;
        EXPECT_EQ(all.error ? all.error->line : all.lines.size() + 1, all.lines.size() + 1);
    }
}

INSTANTIATE_TEST_SUITE_P(formats, compressed_text,
                         ::testing::Values(format{compression::xz, "xz", bytes_of(testing::two_lines_xz),
                                                  bytes_of(testing::many_lines_xz)},
                                           format{compression::zstd, "zstd", bytes_of(testing::two_lines_zst),
                                                  bytes_of(testing::many_lines_zst)},
                                           format{compression::gzip, "gzip", bytes_of(testing::two_lines_gz),
                                                  bytes_of(testing::many_lines_gz)}),
                         [](const auto& of) { return of.param.name; });

TEST(compressed_text_files, that_this_build_can_not_read_are_refused) {
    if (!can_decompress(compression::xz)) {
        EXPECT_EQ(error_of(temp_file::of(testing::two_lines_xz)),
                  "0: is compressed by xz, which this build can't read (it was built without liblzma)");
    }
    if (!can_decompress(compression::zstd)) {
        EXPECT_EQ(error_of(temp_file::of(testing::two_lines_zst)),
                  "0: is compressed by zstd, which this build can't read (it was built without libzstd)");
    }
}

TEST(xz_text, says_what_is_wrong) {
    if (!can_decompress(compression::xz)) GTEST_SKIP();
    const std::string whole = bytes_of(testing::two_lines_xz);
    EXPECT_EQ(error_of(temp_file{whole + "garbage that is longer than a header"}),
              "3: the xz data are damaged");
    EXPECT_EQ(error_of(temp_file::of(testing::huge_dictionary_xz)),
              "1: the xz data need more than 256 MiB to be decompressed");
    std::string damaged = whole;
    damaged[40] = static_cast<char>(damaged[40] ^ 0x55);
    const temp_file file{damaged};
    EXPECT_EQ(read(file.path()).error->reason, "the xz data are damaged");
    std::string option = whole; // an unknown flag in the header, and the header's right sum
    option.replace(6, 6, "\x01\x04\xa7\xe7\xaf\x5f", 6);
    EXPECT_EQ(error_of(temp_file{option}), "1: the xz data use an option that liblzma does not know");
}

TEST(zstd_text, says_what_is_wrong) {
    if (!can_decompress(compression::zstd)) GTEST_SKIP();
    const std::string whole = bytes_of(testing::two_lines_zst);
    EXPECT_EQ(error_of(temp_file{whole + "garbage that is longer than a header"}),
              "3: the zstd data are damaged (Unknown frame descriptor)");
}

TEST(zstd_text, may_begin_by_a_frame_that_is_to_be_skipped) {
    if (!can_decompress(compression::zstd)) GTEST_SKIP();
    const std::string skipped{"\x50\x2a\x4d\x18\x03\0\0\0abc", 11};
    EXPECT_EQ(lines_of(skipped + bytes_of(testing::two_lines_zst)).size(), 2U);
}

TEST(gzip_text, may_be_followed_by_zeros_and_by_nothing_else) {
    if (!can_decompress(compression::gzip)) GTEST_SKIP();
    const std::string whole = bytes_of(testing::two_lines_gz);
    EXPECT_EQ(lines_of(whole + std::string(100, '\0')).size(), 2U);
    EXPECT_EQ(error_of(temp_file{whole + "garbage"}), "3: the gzip data are damaged");
}

class zip_text : public ::testing::Test {
protected:
    void SetUp() override {
        if (!can_decompress(compression::gzip)) GTEST_SKIP();
    }
    // The archive with some bytes changed.
    [[nodiscard]] std::string with(std::size_t at, const std::string& bytes) const {
        std::string changed = archive_;
        return changed.replace(at, bytes.size(), bytes);
    }
    const std::string archive_ = bytes_of(testing::two_members_zip);
};

TEST_F(zip_text, is_that_of_its_members_one_after_the_other) {
    const strings lines = lines_of(archive_);
    ASSERT_EQ(lines.size(), 41U);
    EXPECT_EQ(lines.front(), "I  0401ab70,3");
    EXPECT_EQ(lines.back(), " L 1fff000708,8");
    EXPECT_EQ(lines_of(bytes_of(testing::piped_zip)).size(), 2U);
}

TEST_F(zip_text, that_ends_before_its_directory_is_cut_off) {
    const std::size_t directory = archive_.find("PK\x01\x02");
    for (std::size_t size = 6; size < directory + 4; ++size) {
        const temp_file file{archive_.substr(0, size)};
        const all_lines all = read(file.path());
        ASSERT_TRUE(all.error) << size << " bytes";
        EXPECT_EQ(all.error->reason, "the zip data end early");
    }
}

// A stored member "a", of "x\ny\n", whose size is told in this field of its header or behind it in `extra`.
std::string stored_member(const std::string& size, const std::string& extra) {
    const std::string head = "PK\x03\x04" + std::string(10, '\0') + "\x18\xf9\x70\x9c" + std::string(4, '\0');
    return head + size + "\1\0"s + static_cast<char>(extra.size()) + "\0a"s + extra + "x\ny\n" + "PK\x01\x02";
}

TEST_F(zip_text, may_tell_a_size_behind_its_header) {
    const std::string elsewhere = "\xff\xff\xff\xff";
    const std::string size = "\4\0\0\0"s;
    const std::string other = "\7\0\2\0ab"s; // a field of no concern
    const strings two{"x", "y"};
    EXPECT_EQ(lines_of(stored_member(size, "")), two);
    EXPECT_EQ(lines_of(stored_member(size, other)), two);
    EXPECT_EQ(lines_of(stored_member(elsewhere, other + "\1\0\x10\0"s + size + std::string(12, '\0'))), two);
    EXPECT_EQ(lines_of(stored_member(size, "\1\0\x08\0zzzzzzzz"s)), two) << "only if it is not in the header";
    EXPECT_EQ(lines_of(stored_member(size, "\1\0\x08"s)), two) << "what is cut off is no field";
    EXPECT_EQ(lines_of(stored_member(size, "\1\0\x20\0"s)), two);
    EXPECT_EQ(read(temp_file{stored_member(elsewhere, "\1\0\4\0\4\0\0\0"s)}.path()).error->reason,
              "the zip data end early")
        << "four bytes are no size";
}

TEST_F(zip_text, may_tell_long_sizes_behind_its_data) {
    std::string piped = bytes_of(testing::piped_zip);
    piped.insert(piped.find("PK\x07\x08") + 8, std::string(8, '\0'));
    piped.insert(31, "\1\0\x10\0"s + std::string(16, '\0'));
    piped[28] = 20;
    EXPECT_EQ(lines_of(piped), lines_of(bytes_of(testing::piped_zip)));
}

TEST_F(zip_text, says_what_is_wrong) {
    const std::size_t second = archive_.find("PK\x03\x04", 4);
    const auto reason_of = [](const std::string& content) {
        const temp_file file{content};
        const all_lines all = read(file.path());
        return all.error ? all.error->reason : "nothing";
    };
    EXPECT_EQ(reason_of(with(6, "\x01")), "the zip archive's member 'chunk.0000' is encrypted");
    EXPECT_EQ(reason_of(with(8, "\x0c")),
              "the zip archive's member 'chunk.0000' is compressed by method 12; only deflate can be read");
    EXPECT_EQ(reason_of(with(14, "zz")),
              "the zip archive's member 'chunk.0000' is damaged (its checksum is wrong)");
    EXPECT_EQ(reason_of(with(40, "\xff\xff\xff\xff")), "the zip archive's member 'chunk.0000' is damaged");
    EXPECT_EQ(reason_of(with(second, "XK")), "the zip data are damaged: a member should begin");
    EXPECT_EQ(reason_of(with(second + 6, "\x08")),
              "the zip archive's member 'chunk.0001' is stored without its size");
    EXPECT_EQ(reason_of("PK\x05\x06" + std::string(18, '\0')), "is a zip archive without a member");
    std::string piped = bytes_of(testing::piped_zip);
    piped[piped.find("PK\x07\x08") + 5] ^= 1;
    EXPECT_EQ(reason_of(piped), "the zip archive's member 'a' is damaged (its checksum is wrong)");
}

} // namespace
} // namespace pagesim
