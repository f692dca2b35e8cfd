// SPDX-License-Identifier: MIT
#include "temp_file.hpp"

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/trace_format.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

namespace pagesim {
namespace {

using testing::temp_file;

class string_sink final : public byte_sink {
public:
    std::string write(std::span<const char> bytes) override {
        text.append(bytes.begin(), bytes.end());
        return {};
    }
    std::string finish() override { return {}; }
    std::string text;
};

const std::vector<access_record> three{{vpn{1}, run_writes::first, instruction_role::fetched_here, 5, 2},
                                       {vpn{2}, run_writes::none, instruction_role::fetched_here, 1, 0},
                                       {vpn{1}, run_writes::later, instruction_role::fetched_here, 9, 3}};

binary_trace_header small_header() {
    binary_trace_header h;
    h.counts = {.records = 20, .skipped = 1, .accesses = 20};
    h.touched = {2};
    h.source_hash = 0x1122334455667788;
    h.source_name = "three";
    h.ranges = {{.first = vpn{1}, .end = vpn{3}}};
    return h;
}

std::string small_trace() {
    string_sink sink;
    binary_trace_writer w{sink, small_header()};
    EXPECT_EQ(w.write(access_block{.records = three}, 20), "");
    EXPECT_EQ(w.write(end_of_stream{}, 20), "");
    return sink.text;
}

std::string content_of(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    std::stringstream s;
    s << in.rdbuf();
    return s.str();
}

// What the stream ends with.
std::string end_of(const std::string& bytes) {
    const temp_file f{bytes};
    binary_stream s{f.path()};
    for (;;) {
        const stream_item item = s.next();
        if (std::holds_alternative<end_of_stream>(item)) return "end";
        if (const auto* error = std::get_if<input_error>(&item)) {
            EXPECT_EQ(error->file, f.path());
            EXPECT_EQ(std::get<input_error>(s.next()), *error) << "the error stays";
            return error->reason;
        }
    }
}

std::string with_byte(std::string bytes, std::size_t at, char value) {
    bytes[at] = value;
    return bytes;
}

std::string with_u32(std::string bytes, std::size_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xffU);
    return bytes;
}

TEST(binary_trace, has_the_documented_bytes) {
    const std::string t = small_trace();
    ASSERT_EQ(t.size(), 104U + 24 + 24 + 24 + 16);
    const auto u64 = [&](std::size_t at) {
        std::uint64_t n = 0;
        for (unsigned i = 0; i < 8; ++i) n |= std::uint64_t{static_cast<unsigned char>(t[at + i])} << (8 * i);
        return n;
    };
    EXPECT_EQ(t.substr(0, 8), binary_trace_magic);
    EXPECT_EQ(u64(8), 104ULL << 32U | 1U);
    EXPECT_EQ(u64(16), 0U);
    EXPECT_EQ(u64(24), 20U);
    EXPECT_EQ(u64(32), 1U);
    EXPECT_EQ(u64(40), 20U);
    EXPECT_EQ(u64(48), 2U);
    EXPECT_EQ(u64(56), 0x1122334455667788U);
    EXPECT_EQ(u64(64), 5ULL << 32U | 1U);
    EXPECT_EQ(u64(72), 1U);
    EXPECT_EQ(u64(80), 3U);
    EXPECT_EQ(u64(88), 1U);
    EXPECT_EQ(t.substr(96, 8), std::string("three\0\0\0", 8));
    EXPECT_EQ(u64(104), 3ULL << 32U | 1U);
    EXPECT_EQ(u64(112), 20U);
    EXPECT_EQ(u64(120), 20U);
    EXPECT_EQ(u64(128), three[0].word());
    EXPECT_EQ(u64(128), 2ULL << 52U | 5ULL << 39U | 1ULL << 38U | 1ULL << 36U | 1U);
    EXPECT_EQ(u64(152), 16ULL << 32U);
    EXPECT_EQ(u64(176), 3U);
    EXPECT_EQ(u64(184), 0x9e6509908119e2b5U);
}

TEST(binary_trace, a_checksum_does_not_depend_on_how_the_records_come) {
    std::vector<access_record> many;
    for (unsigned i = 0; i < 23; ++i)
        many.emplace_back(vpn{i}, run_writes::none, instruction_role::fetched_here, i, 1);
    binary_checksum whole;
    whole.add(many);
    for (std::size_t cut = 0; cut <= many.size(); ++cut) {
        binary_checksum parts;
        parts.add(std::span{many}.first(cut));
        parts.add(std::span{many}.subspan(cut));
        EXPECT_EQ(parts.value(), whole.value()) << cut;
    }
    many[5] = many[6];
    binary_checksum other;
    other.add(many);
    EXPECT_NE(other.value(), whole.value());
}

// Both streams deliver the same items, block cuts included.
void expect_same(access_stream& a, access_stream& b) {
    for (;;) {
        const stream_item x = a.next();
        const stream_item y = b.next();
        ASSERT_EQ(x.index(), y.index());
        if (const auto* block = std::get_if<access_block>(&x)) {
            const auto& other = std::get<access_block>(y);
            ASSERT_TRUE(std::equal(block->records.begin(), block->records.end(), other.records.begin(),
                                   other.records.end()));
        } else if (const auto* op = std::get_if<op_anon>(&x)) {
            const auto& o = std::get<op_anon>(y);
            EXPECT_TRUE(op->name == o.name && op->first == o.first && op->pages == o.pages);
        } else if (const auto* gone = std::get_if<op_unmap>(&x)) {
            const auto& o = std::get<op_unmap>(y);
            EXPECT_TRUE(gone->name == o.name && gone->first == o.first && gone->pages == o.pages);
        } else if (const auto* lock = std::get_if<op_lock>(&x)) {
            const auto& o = std::get<op_lock>(y);
            EXPECT_TRUE(lock->name == o.name && lock->first == o.first && lock->pages == o.pages &&
                        lock->what == o.what);
        } else if (const auto* file = std::get_if<op_file>(&x)) {
            const auto& o = std::get<op_file>(y);
            EXPECT_TRUE(file->name == o.name && file->pages == o.pages);
        } else if (const auto* map = std::get_if<op_map>(&x)) {
            const auto& o = std::get<op_map>(y);
            EXPECT_TRUE(map->name == o.name && map->first == o.first && map->pages == o.pages);
        } else if (const auto* t = std::get_if<op_transfer>(&x)) {
            const auto& o = std::get<op_transfer>(y);
            EXPECT_TRUE(t->name == o.name && t->page == o.page && t->pages == o.pages && t->what == o.what);
        } else if (const auto* fd = std::get_if<op_descriptor>(&x)) {
            const auto& o = std::get<op_descriptor>(y);
            EXPECT_TRUE(fd->name == o.name && fd->what == o.what);
        } else if (const auto* advised = std::get_if<op_advise>(&x)) {
            const auto& o = std::get<op_advise>(y);
            EXPECT_TRUE(advised->name == o.name && advised->first == o.first && advised->pages == o.pages &&
                        advised->what == o.what);
        } else if (const auto* nap = std::get_if<op_sleep>(&x)) {
            EXPECT_EQ(nap->duration.ns, std::get<op_sleep>(y).duration.ns);
        } else if (const auto* mark = std::get_if<op_mark>(&x)) {
            EXPECT_EQ(mark->label, std::get<op_mark>(y).label);
        } else {
            return;
        }
        ASSERT_EQ(a.counts().records, b.counts().records);
    }
}

void copy(access_stream& from, binary_trace_writer& to) {
    for (;;) {
        const stream_item item = from.next();
        ASSERT_EQ(to.write(item, from.counts().records), "");
        if (std::holds_alternative<end_of_stream>(item)) return;
    }
}

TEST(binary_trace, gives_back_a_recorded_trace_item_by_item) {
    if (!can_decompress(compression::xz)) GTEST_SKIP() << "built without liblzma";
    const std::string path = PAGESIM_SOURCE_DIR "/examples/traces/sort.lackey.xz";
    const auto scanned = std::get<footprint>(scan_lackey(path));
    string_sink sink;
    binary_trace_header header;
    header.counts = scanned.counts;
    header.ranges = scanned.ranges;
    binary_trace_writer writer{sink, header};
    lackey_stream source{path};
    copy(source, writer);
    const temp_file f{sink.text};
    lackey_stream again{path};
    binary_stream binary{f.path()};
    expect_same(again, binary);
    EXPECT_EQ(again.counts(), binary.counts());
    EXPECT_EQ(binary.header().ranges, scanned.ranges);
}

TEST(binary_trace, gives_back_the_commands_of_an_ops_file) {
    const temp_file ops{"# a comment\nanon a 10\nw a 0 10\nsleep 3\nmlock a 2 3\nmark here\nr a 2\nmunlock a "
                        "3 1\nmadvise a 4 2 pageout\nmadvise a 0 1 normal\nunmap a\nanon bb 3\nfile f "
                        "20\npread f 3 16\npwrite f 19\nmap f\nw f 2\nfsync f\n"
                        "drop\nclose f\nunmap f\nfile f 20\n"};
    string_sink sink;
    binary_trace_writer writer{sink, {}};
    ops_stream source{ops.path()};
    copy(source, writer);
    const temp_file f{sink.text};
    ops_stream again{ops.path()};
    binary_stream binary{f.path()};
    expect_same(again, binary);
    EXPECT_EQ(end_of(sink.text), "end");
}

TEST(binary_trace, is_told_by_its_first_bytes_plain_or_compressed) {
    const temp_file plain{small_trace()};
    EXPECT_TRUE(is_binary_trace(plain.path()));
    EXPECT_EQ(std::get<trace_format>(detect_format(plain.path())), trace_format::binary);
    EXPECT_FALSE(is_binary_trace("/nonexistent"));
    EXPECT_FALSE(is_binary_trace(temp_file{"\x89page"}.path()));
    if (!can_decompress(compression::zstd)) GTEST_SKIP() << "built without libzstd";
    const temp_file name{""};
    const std::string path = name.path() + ".zst";
    auto opened = open_byte_sink(path, 3);
    auto& sink = *std::get<std::unique_ptr<byte_sink>>(opened);
    ASSERT_EQ(sink.write(small_trace()), "");
    ASSERT_EQ(sink.finish(), "");
    EXPECT_TRUE(is_binary_trace(path));
    EXPECT_EQ(end_of(content_of(path)), "end");
    const std::string compressed = content_of(path);
    EXPECT_NE(end_of(compressed.substr(0, compressed.size() - 1)).find("the zstd data end early"),
              std::string::npos)
        << "within the checksum behind the last block";
    const auto scanned = scan_binary_trace(path);
    EXPECT_EQ(std::get<binary_scan>(scanned).header.source_name, "three");
    std::filesystem::remove(path);
}

TEST(binary_trace, a_sink_that_can_not_be_opened_says_why) {
    const auto opened = open_byte_sink("/nonexistent/x", 3);
    EXPECT_NE(std::get<std::string>(opened).find("No such file"), std::string::npos);
}

struct damage {
    const char* what;
    std::string bytes;
    const char* reason;
};

std::vector<damage> damages() {
    const std::string good = small_trace();
    std::vector<damage> out{
        {"another magic", with_byte(good, 0, 'x'), "this is no binary trace"},
        {"a later version", with_byte(good, 8, 2), "the trace is of version 2"},
        {"a header too small", with_byte(good, 12, 96), "can't hold 1 ranges and a name of 5 bytes"},
        {"too many ranges", with_byte(good, 66, 1), "can't hold"},
        {"a range of no pages", with_byte(good, 80, 1), "range 0 is not one"},
        {"a range beyond 48 bits", with_byte(good, 85, 1), "range 0 is not one"},
        {"a range of an unknown kind", with_byte(good, 88, 2), "range 0 is not one"},
        {"more ranges than any", with_u32(with_u32(good, 64, 65531), 12, 72 + 24 * 65531 + 8),
         "can't hold 65531 ranges"},
        {"a long name", with_u32(with_u32(good, 68, 4097), 12, 72 + 24 + 4104), "a name of 4097 bytes"},
        {"a region of 3 bytes", with_byte(good, 104, 2), "a region without its pages"},
        {"advice of 3 bytes", with_byte(good, 104, 15), "a region without its pages"},
        {"a file of 3 bytes", with_byte(good, 104, 8), "a file without its pages"},
        {"a drop of 3 bytes", with_byte(good, 104, 14), "a drop that is none"},
        {"a long mark", with_u32(with_byte(good, 104, 5), 108, 4097), "a mark: a name of 4097 bytes"},
        {"a longer end", with_byte(good, 156, 17), "the end tells of 3 records"},
        {"an unknown item", with_byte(good, 104, 99), "an item of the unknown kind 99"},
        {"a block of none", with_byte(good, 108, 0), "a block of 0 records"},
        {"a block of too many", with_byte(good, 110, 1), "a block of 65539 records"},
        {"a record changed", with_byte(good, 128, 3), "checksum is wrong"},
        {"a wrong number of records", with_byte(good, 176, 4), "the end tells of 4 records, 3 came"},
        {"bytes behind the end", good + "x", "bytes follow the end"},
        {"no end", good.substr(0, 152), "the trace ends within an item's head, or has no end"},
        {"half a block", good.substr(0, 140), "the trace ends within a block of records"},
        {"half a header", good.substr(0, 50), "the trace ends within its header"},
        {"half its ranges", good.substr(0, 80), "the trace ends within its ranges"},
    };
    return out;
}

TEST(binary_trace, each_kind_of_damage_has_its_reason) {
    for (const damage& d : damages()) {
        const std::string told = end_of(d.bytes);
        EXPECT_NE(told.find(d.reason), std::string::npos) << d.what << ": " << told;
        EXPECT_EQ(told.rfind("at byte ", 0), 0U) << told;
    }
}

TEST(binary_trace, ranges_that_overlap_are_refused) {
    binary_trace_header h = small_header();
    h.ranges.push_back({.first = vpn{2}, .end = vpn{4}});
    string_sink sink;
    binary_trace_writer w{sink, h};
    EXPECT_NE(end_of(sink.text).find("range 1 is not one: pages 2 to 4"), std::string::npos);
}

std::string commands(const std::function<void(binary_trace_writer&)>& write) {
    string_sink sink;
    binary_trace_writer w{sink, small_header()};
    write(w);
    EXPECT_EQ(w.write(end_of_stream{}, 0), "");
    return sink.text;
}

TEST(binary_trace, commands_that_contradict_each_other_are_refused) {
    const op_anon a{.name = "a", .first = vpn{10}, .pages = {5}};
    const auto put = [](binary_trace_writer& w, const stream_item& i) { EXPECT_EQ(w.write(i, 0), ""); };
    const auto expect = [&](const std::vector<stream_item>& items, const char* reason) {
        const std::string told = end_of(commands([&](binary_trace_writer& w) {
            for (const stream_item& i : items) put(w, i);
        }));
        EXPECT_NE(told.find(reason), std::string::npos) << told;
    };
    expect({a, op_unmap{"a", vpn{10}, {5}}, a}, "end");
    expect({a, op_anon{"b", vpn{14}, {5}}}, "lies where another one is");
    expect({a, op_anon{"b", vpn{8}, {3}}}, "lies where another one is");
    expect({a, op_anon{"b", vpn{12}, {1}}}, "lies where another one is");
    expect({op_anon{"b", vpn{2}, {5}}}, "lies where another one is");
    expect({a, op_unmap{"a", vpn{10}, {4}}}, "no region 'a' of 4 pages");
    expect({op_unmap{"a", vpn{10}, {4}}}, "no region 'a' of 4 pages");
    expect({op_anon{"b", vpn{(1ULL << 36U) - 1}, {2}}}, "a region of 2 pages");
    expect({op_anon{"b", vpn{(1ULL << 36U) + 1}, {1}}}, "a region of 1 pages from page 68719476737");
    expect({op_anon{"b", vpn{10}, {0}}}, "a region of 0 pages");
    expect({a, op_lock{"a", vpn{11}, {4}}}, "end");
    expect({a, op_lock{"a", vpn{11}, {5}}}, "5 pages at page 11 are not within one region");
    expect({op_lock{"a", vpn{11}, {1}}}, "1 pages at page 11 are not within one region");
    expect({a, op_advise{"a", vpn{11}, {4}, advice::free}}, "end");
    expect({a, op_advise{"a", vpn{11}, {5}, advice::free}}, "5 pages at page 11 are not within one region");
    expect({a, op_advise{"a", vpn{11}, {1}, static_cast<advice>(9)}}, "advice 9, which is none");
    expect({op_sleep{milliseconds(2 * longest_sleep_ms)}}, "a sleep that is none");
    const op_file f{"f", {20}};
    const op_descriptor close{"f", op_descriptor::action::close};
    expect({f, f}, "file 'f' is open already");
    expect({f, close, op_file{"f", {21}}}, "file 'f' has 20 pages, not 21");
    expect({f, close, op_transfer{"f", 0, {1}, op_transfer::action::pread}}, "no open file 'f' here");
    expect({f, op_transfer{"f", 19, {2}, op_transfer::action::pwrite}},
           "2 pages at page 19 lead beyond file 'f'");
    expect({f, op_transfer{"f", 21, {1}, op_transfer::action::pread}},
           "1 pages at page 21 lead beyond file 'f'");
    expect({op_file{"g", {most_file_pages.value + 1}}}, "of a file from page 0 on");
    expect({op_file{"g", {0}}}, "0 pages of a file from page 0 on");
    expect({f, op_map{"f", vpn{(1ULL << 36U) + 1}, {20}}}, "20 pages of a file from page 68719476737");
    expect({f, op_map{"f", vpn{(1ULL << 36U) - 1}, {20}}}, "20 pages of a file from page 68719476735");
    expect({f, op_map{"f", vpn{10}, {19}}}, "a mapping of 19 pages of file 'f'");
    expect({f, a, op_map{"f", vpn{12}, {20}}}, "lies where another one is");
    expect({close}, "no open file 'f' here");
    std::string nap = commands([&](binary_trace_writer& w) { put(w, op_sleep{milliseconds(1)}); });
    EXPECT_NE(end_of(with_byte(nap, 108, 7)).find("a sleep that is none"), std::string::npos);
}

TEST(binary_trace, has_no_more_regions_than_a_process) {
    const std::string told = end_of(commands([](binary_trace_writer& w) {
        for (std::uint64_t i = 0; i <= most_regions; ++i)
            EXPECT_EQ(w.write(op_anon{"a", vpn{10 + 2 * i}, {1}}, 0), "");
    }));
    EXPECT_NE(told.find("more than 65530 regions"), std::string::npos) << told;
}

} // namespace
} // namespace pagesim
