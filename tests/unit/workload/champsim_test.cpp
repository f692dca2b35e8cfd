// SPDX-License-Identifier: MIT
#include "trace_picture.hpp"

#include <pagesim/workload/champsim.hpp>

#include <array>

namespace pagesim {
namespace {

struct instruction {
    std::uint64_t ip = 0x401000;
    unsigned is_branch = 0;
    unsigned taken = 0;
    std::array<std::uint64_t, 4> written{}; // two of them in a standard record
    std::array<std::uint64_t, 4> read{};
};

std::string standard(const instruction& i) {
    testing::packed p;
    p.u64(i.ip).u8(i.is_branch).u8(i.taken).u8(1).u8(2).u32(0x04030201);
    p.u64(i.written[0]).u64(i.written[1]);
    for (const std::uint64_t a : i.read) p.u64(a);
    return p.bytes();
}

std::string cloudsuite(const instruction& i) {
    testing::packed p;
    p.u64(i.ip).u8(i.is_branch).u8(i.taken).u32(0).u32(0x04030201).u16(0).u32(0);
    for (const std::uint64_t a : i.written) p.u64(a);
    for (const std::uint64_t a : i.read) p.u64(a);
    return p.u64(1).bytes();
}

std::string items_of(const std::string& content) { return testing::items_of<champsim_stream>(content); }
std::string error_of(const std::string& content) { return testing::error_of<champsim_stream>(content); }

TEST(champsim_traces, fetch_then_read_then_write) {
    EXPECT_EQ(items_of(standard({.written = {0x5000, 0x6000}, .read = {0x7000, 0, 0x8000, 0x9000}})),
              "401:1+0 7:0+1 8:0+1 9:0+1 5f:0+1 6f:0+1");
}

TEST(champsim_traces, fold_what_stays_on_a_page) {
    EXPECT_EQ(
        items_of(standard({}) + standard({.ip = 0x401004, .read = {0x401010}}) + standard({.ip = 0x402000})),
        "401:2+1 402:1+0");
}

TEST(champsim_traces, have_records_of_96_bytes_if_they_are_asked_for) {
    const std::string trace = cloudsuite({.written = {0, 0, 0, 0x5000}, .read = {0x7000, 0, 0, 0x8000}}) +
                              cloudsuite({.ip = 0x402000});
    EXPECT_EQ(testing::items_of<champsim_stream>(trace, champsim_record::cloudsuite),
              "401:1+0 7:0+1 8:0+1 5f:0+1 402:1+0");
}

TEST(champsim_traces, skip_what_is_the_kernel_s) {
    const std::string trace = standard({}) + standard({.ip = 0xffffffff81000000, .read = {0x5000}}) +
                              standard({.read = {0x1000000000000, 0x6000}});
    const testing::replayed r = testing::replay_of<champsim_stream>(trace);
    EXPECT_EQ(r.items, "401:2+0 6:0+1");
    EXPECT_EQ(r.counts, (stream_counts{.records = 3, .skipped = 2, .accesses = 3}));
    EXPECT_EQ(testing::skipped_of<champsim_stream>(trace),
              "0: at byte 64: an instruction beyond 48 bits of address");
    EXPECT_EQ(items_of(standard({}) + standard({.ip = 0x1000000000000})), "401:1+0");
}

TEST(champsim_traces, of_nothing_that_can_be_performed_are_errors) {
    const std::string kernel = standard({.ip = 0xffffffff81000000});
    EXPECT_EQ(error_of(kernel + kernel),
              "0: at byte 0: an instruction beyond 48 bits of address, and no other of the "
              "2 records could be performed");
    EXPECT_EQ(error_of(""), "0: no accesses");
}

TEST(champsim_traces, say_which_record_is_none) {
    EXPECT_EQ(error_of(standard({}) + standard({.is_branch = 2})),
              "0: at byte 64: this is no ChampSim record (ip 0x401000, is_branch 2, taken 0)");
    EXPECT_EQ(error_of(standard({.taken = 9})),
              "0: at byte 0: this is no ChampSim record (ip 0x401000, is_branch 0, taken 9)");
    EXPECT_EQ(error_of(standard({.ip = 0})),
              "0: at byte 0: this is no ChampSim record (ip 0x0, is_branch 0, taken 0)");
}

TEST(champsim_traces, that_are_cut_off_deliver_what_precedes_the_cut) {
    const testing::replayed r =
        testing::replay_of<champsim_stream>((standard({}) + standard({.ip = 0x402000})).substr(0, 100));
    EXPECT_EQ(r.items, "401:1+0");
    EXPECT_EQ(r.error, "0: at byte 64: the file ends within a record: 36 of 64 bytes");
}

TEST(champsim_traces, are_told_by_flags_and_addresses) {
    const std::string good =
        standard({.written = {0x5000}}) + standard({.ip = 0xffffffff81000000, .is_branch = 1});
    EXPECT_TRUE(looks_like_champsim(good));
    EXPECT_TRUE(looks_like_champsim(good + "cut"));
    EXPECT_FALSE(looks_like_champsim(good.substr(0, 63)));
    EXPECT_FALSE(looks_like_champsim(good + standard({.is_branch = 3})));
    EXPECT_FALSE(looks_like_champsim(good + standard({.taken = 3})));
    EXPECT_FALSE(looks_like_champsim(standard({.ip = 0})));
    EXPECT_FALSE(looks_like_champsim(standard({.ip = 0x1234567812345678})));
    EXPECT_FALSE(looks_like_champsim(standard({.read = {0, 0, 0, 0x1234567812345678}})));
}

} // namespace
} // namespace pagesim
