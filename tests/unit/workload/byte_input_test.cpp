// SPDX-License-Identifier: MIT
#include "compressed_samples.hpp"
#include "temp_file.hpp"

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/byte_input.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::temp_file;

TEST(byte_inputs, deliver_records_one_after_the_other) {
    const temp_file file{"abcdefgh"};
    byte_input in{file.path()};
    EXPECT_EQ((std::string{in.next(3), 3}), "abc");
    EXPECT_EQ((std::string{in.next(5), 5}), "defgh");
    EXPECT_EQ(in.next(1), nullptr);
    EXPECT_FALSE(in.error());
}

TEST(byte_inputs, deliver_records_across_the_buffer) {
    std::string content;
    for (unsigned i = 0; i < 100000; ++i)
        content += {static_cast<char>(i), static_cast<char>(i >> 8U), 'x', 'y', 'z'};
    const temp_file file{content};
    byte_input in{file.path()};
    for (std::size_t at = 0; at < content.size(); at += 5) {
        const char* record = in.next(5);
        ASSERT_NE(record, nullptr);
        ASSERT_EQ((std::string{record, 5}), content.substr(at, 5));
    }
    EXPECT_EQ(in.next(5), nullptr);
    EXPECT_FALSE(in.error());
}

TEST(byte_inputs, that_end_within_a_record_say_where_it_begins) {
    const temp_file file{"abcdefgh"};
    byte_input in{file.path()};
    ASSERT_NE(in.next(6), nullptr);
    EXPECT_EQ(in.next(6), nullptr);
    ASSERT_TRUE(in.error());
    EXPECT_EQ(to_string(*in.error()),
              file.path() + ": at byte 6: the file ends within a record: 2 of 6 bytes");
    EXPECT_EQ(in.next(1), nullptr) << "it stays";
}

TEST(byte_inputs, name_the_record_delivered_last) {
    const temp_file file{"abcdefgh"};
    byte_input in{file.path()};
    ASSERT_NE(in.next(4), nullptr);
    ASSERT_NE(in.next(4), nullptr);
    EXPECT_EQ(in.error_here("odd").reason, "at byte 4: odd");
}

TEST(byte_inputs, deliver_what_precedes_the_damage) {
    if (!can_decompress(compression::gzip)) GTEST_SKIP();
    const std::string whole{reinterpret_cast<const char*>(testing::many_lines_gz.data()),
                            testing::many_lines_gz.size()};
    const temp_file file{whole.substr(0, whole.size() - 9)};
    byte_input in{file.path()};
    std::size_t records = 0;
    while (in.next(10) != nullptr) ++records;
    EXPECT_GT(records, 29000U);
    ASSERT_TRUE(in.error());
    EXPECT_NE(in.error()->reason.find("the gzip data end early"), std::string::npos);
}

TEST(byte_inputs, that_are_missing_are_errors) {
    byte_input in{"/nowhere"};
    EXPECT_EQ(in.next(1), nullptr);
    EXPECT_EQ(to_string(*in.error()), "/nowhere: can't be opened: No such file or directory");
}

TEST(byte_inputs, hash_the_whole_file) {
    const temp_file file{"abcdefgh"};
    byte_input in{file.path(), content_hash::fnv1a};
    ASSERT_NE(in.next(2), nullptr);
    fnv1a expected;
    expected.text("abcdefgh");
    EXPECT_EQ(in.hash(), expected.value());
}

} // namespace
} // namespace pagesim
