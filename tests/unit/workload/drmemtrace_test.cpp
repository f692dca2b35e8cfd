// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/drmemtrace.hpp>

namespace pagesim {
namespace {

// Records one behind the other.
class trace {
public:
    trace& entry(std::uint64_t type, std::uint64_t size, std::uint64_t address) {
        bytes_.u16(type).u16(size).u64(address);
        return *this;
    }
    trace& header() { return entry(25, 0, 7).entry(22, 0, 612).entry(24, 0, 612); }
    trace& fetch(std::uint64_t address, std::uint64_t size = 4) { return entry(10, size, address); }
    trace& read(std::uint64_t address, std::uint64_t size = 8) { return entry(0, size, address); }
    trace& write(std::uint64_t address, std::uint64_t size = 8) { return entry(1, size, address); }
    trace& footer() { return entry(23, 0, 612).entry(26, 0, 0); }
    [[nodiscard]] const std::string& bytes() const { return bytes_.bytes(); }

private:
    testing::packed bytes_;
};

std::string items_of(const trace& t) { return testing::items_of<drmemtrace_stream>(t.bytes()); }
std::string error_of(const trace& t) { return testing::error_of<drmemtrace_stream>(t.bytes()); }

TEST(drmemtraces, are_fetches_loads_and_stores) {
    EXPECT_EQ(items_of(trace{}.header().fetch(0x1000).read(0x5000).write(0x6000).footer()),
              "1:1+0 5:0+1 6f:0+1");
    trace kinds;
    kinds.header();
    for (unsigned type = 10; type <= 16; ++type) kinds.entry(type, 4, 0x1000);
    EXPECT_EQ(items_of(kinds.entry(48, 4, 0x1000).entry(49, 4, 0x1000).footer()), "1:9+0");
}

TEST(drmemtraces, straddle_pages) {
    EXPECT_EQ(items_of(trace{}.header().fetch(0x1ffe).read(0x5ffc).write(0x6ff8).footer()),
              "1:1+0 2:0+1 5:0+1 6l:0+2");
    EXPECT_EQ(items_of(trace{}.header().read(0x5000, 12288).footer()), "5:0+1 6:0+1 7:0+1");
}

TEST(drmemtraces, take_a_reference_of_unknown_size_for_one_byte) {
    EXPECT_EQ(items_of(trace{}.header().read(0x5fff, 0).footer()), "5:0+1");
    EXPECT_EQ(items_of(trace{}.header().read(0x5000, 0).footer()), "5:0+1");
}

TEST(drmemtraces, go_on_behind_the_last_instruction_in_a_bundle) {
    const trace t = trace{}.header().fetch(0x1ff0, 8).entry(17, 3, 0x080404).footer();
    EXPECT_EQ(items_of(t), "1:3+0 2:1+0") << "at 0x1ff8, 0x1ffc and 0x2000";
    EXPECT_EQ(error_of(trace{}.header().fetch(0x1000).entry(17, 9, 1)),
              "0: at byte 48: a bundle of 9 instructions");
    EXPECT_EQ(error_of(trace{}.header().fetch(0x1000).entry(17, 0, 1)),
              "0: at byte 48: a bundle of 0 instructions");
    EXPECT_EQ(error_of(trace{}.header().fetch(0x1000).entry(17, 2, 0x2104)),
              "0: at byte 48: an instruction of 33 bytes in a bundle");
    EXPECT_EQ(error_of(trace{}.header().fetch(0x1000).entry(17, 2, 0x04)),
              "0: at byte 48: an instruction of 0 bytes in a bundle");
}

TEST(drmemtraces, go_on_in_a_bundle_behind_an_instruction_that_was_skipped) {
    const trace t = trace{}.header().fetch(0x1000).fetch(0xffffffff81000000).entry(17, 1, 4).footer();
    const testing::replayed r = testing::replay_of<drmemtrace_stream>(t.bytes());
    EXPECT_EQ(r.items, "1:1+0");
    EXPECT_EQ(r.counts, (stream_counts{.records = 3, .skipped = 7, .accesses = 1}));
}

TEST(drmemtraces, pass_over_what_can_not_fault) {
    const trace t = trace{}
                        .header()
                        .entry(28, 2, 13349572800000000)
                        .entry(4, 64, 0x9000)
                        .entry(47, 8, 0x90)
                        .read(0x5000)
                        .footer();
    const testing::replayed r = testing::replay_of<drmemtrace_stream>(t.bytes());
    EXPECT_EQ(r.items, "5:0+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 1, .skipped = 8, .accesses = 1}));
    EXPECT_EQ(testing::skipped_of<drmemtrace_stream>(t.bytes()), "") << "nothing of it was to be performed";
}

TEST(drmemtraces, skip_other_processes_and_the_kernel) {
    const trace other =
        trace{}.header().read(0x5000).entry(24, 0, 9).read(0x6000).entry(24, 0, 612).read(0x7000).footer();
    EXPECT_EQ(items_of(other), "5:0+1 7:0+1");
    EXPECT_EQ(testing::skipped_of<drmemtrace_stream>(other.bytes()),
              "0: at byte 60: a reference of another process");
    const trace kernel = trace{}.header().read(0x5000).read(0xfffffffffff9, 8).fetch(~0ULL - 1).footer();
    EXPECT_EQ(items_of(kernel), "5:0+1");
    EXPECT_EQ(testing::skipped_of<drmemtrace_stream>(kernel.bytes()),
              "0: at byte 48: an address beyond 48 bits");
}

TEST(drmemtraces, need_their_header) {
    EXPECT_EQ(error_of(trace{}.read(0x5000)),
              "0: at byte 0: this is no header: not a drmemtrace, or one that was not processed (raw/ needs "
              "DynamoRIO's drraw2trace first)");
    EXPECT_EQ(error_of(trace{}.entry(25, 0, 0)), "0: at byte 0: the header is of version 0");
    EXPECT_EQ(error_of(trace{}.entry(25, 0, 256)), "0: at byte 0: the header is of version 256");
    EXPECT_EQ(
        error_of(trace{}.entry(25, 0, 7 | 22ULL << 32U)),
        "0: at byte 0: this is a 32-bit trace, whose records have 8 bytes; only 64-bit ones can be read");
}

TEST(drmemtraces, need_their_footer) {
    EXPECT_EQ(error_of(trace{}.header().read(0x5000)),
              "0: at byte 36: the trace ends without a footer: it was cut off");
    EXPECT_EQ(error_of(trace{}.header().read(0x5000).footer().read(0x5000)),
              "0: at byte 72: the trace ends without a footer: it was cut off");
    EXPECT_EQ(error_of(trace{}.header().read(0x5000).footer().header().read(0x5000).footer()), "");
    EXPECT_EQ(testing::error_of<drmemtrace_stream>(trace{}.header().bytes().substr(0, 30)),
              "0: at byte 24: the file ends within a record: 6 of 12 bytes");
    EXPECT_EQ(error_of(trace{}.header().footer()), "0: no accesses");
}

TEST(drmemtraces, say_which_record_is_none) {
    EXPECT_EQ(error_of(trace{}.header().entry(64, 0, 0)), "0: at byte 36: a record of the unknown type 64");
    EXPECT_EQ(error_of(trace{}.header().fetch(0x1000, 33)), "0: at byte 36: an instruction of 33 bytes");
    EXPECT_EQ(error_of(trace{}.header().fetch(0x1000, 0)), "0: at byte 36: an instruction of 0 bytes");
}

TEST(drmemtraces, are_told_by_their_header) {
    EXPECT_TRUE(looks_like_drmemtrace(trace{}.header().bytes()));
    EXPECT_TRUE(looks_like_drmemtrace(trace{}.entry(25, 0, 7 | 22ULL << 32U).bytes()))
        << "32 bits, to be refused";
    EXPECT_FALSE(looks_like_drmemtrace(trace{}.header().bytes().substr(0, 11)));
    EXPECT_FALSE(looks_like_drmemtrace(trace{}.entry(25, 0, 0).bytes()));
    EXPECT_FALSE(looks_like_drmemtrace(trace{}.entry(24, 0, 7).bytes()));
}

} // namespace
} // namespace pagesim
