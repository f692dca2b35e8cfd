// SPDX-License-Identifier: MIT
#include <pagesim/cache/readahead.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

// A file of which only is known which pages are cached.
struct reader {
    shadow_nodes nodes;
    mapping file{1, "f", page_count{100'000}, file_kind::regular};
    file_ra_state ra;

    void cache(std::uint64_t first, std::uint64_t end) {
        for (std::uint64_t n = first; n < end; ++n) file.store(n, cache_slot::of_frame(pfn{n}), nodes);
    }
    std::optional<readahead_window> ask(std::uint64_t index, std::uint64_t request, readahead_cause cause,
                                        const kernel_profile& profile = linux_6_1) {
        const auto w = ondemand_readahead(file, ra, index, request, cause, profile);
        if (w) cache(w->start, w->start + w->pages);
        return w;
    }
    std::optional<readahead_window> miss(std::uint64_t index, std::uint64_t request = 1) {
        return ask(index, request, readahead_cause::miss);
    }
    std::optional<readahead_window> marker(std::uint64_t index, std::uint64_t request = 1) {
        return ask(index, request, readahead_cause::marker);
    }
};

using window = readahead_window;

TEST(readahead, a_sequential_reader_of_single_pages_gets_4_8_16_and_then_32) {
    reader r;
    EXPECT_EQ(r.miss(0), (window{0, 4, 3}));
    EXPECT_EQ(r.marker(1), (window{4, 8, 8}));
    EXPECT_EQ(r.marker(4), (window{12, 16, 16}));
    EXPECT_EQ(r.marker(12), (window{28, 32, 32}));
    EXPECT_EQ(r.marker(28), (window{60, 32, 32}));
}

TEST(readahead, a_reader_of_16_pages_at_a_time_starts_with_the_largest_window) {
    reader r;
    EXPECT_EQ(r.miss(0, 16), (window{0, 32, 16}));
    EXPECT_EQ(r.marker(16, 16), (window{32, 32, 32}));
}

TEST(readahead, a_random_miss_is_read_as_it_is_and_leaves_the_window_alone) {
    reader r;
    EXPECT_EQ(r.miss(0), (window{0, 4, 3}));
    const file_ra_state before = r.ra;
    EXPECT_EQ(r.miss(5000, 2), (window{5000, 2, 0}));
    EXPECT_EQ(r.ra.start, before.start);
    EXPECT_EQ(r.ra.size, before.size);
}

TEST(readahead, a_miss_right_behind_the_last_read_page_starts_a_window) {
    reader r;
    r.ra.prev_pos = 500 * 4096; // 6.1: just past page 499
    EXPECT_EQ(r.miss(501), (window{501, 4, 3}));
    reader far;
    far.ra.prev_pos = 500 * 4096;
    EXPECT_EQ(far.miss(502), (window{502, 1, 0}));
}

TEST(readahead, a_stream_without_a_window_is_known_by_the_pages_before_it) {
    reader r;
    r.cache(100, 110);
    EXPECT_EQ(r.miss(110), (window{110, 11, 1}));
    reader from_start;
    from_start.cache(0, 10);
    from_start.ra.start = 5000; // some other window
    EXPECT_EQ(from_start.miss(10), (window{10, 21, 1})) << "history that reaches the start counts double";
}

TEST(readahead, a_marker_without_a_window_goes_on_at_the_next_hole) {
    reader r;
    r.cache(1000, 1010);
    EXPECT_EQ(r.marker(1002), (window{1010, 18, 18})) << "8 pages ahead and 1 wanted, doubled";
    reader none;
    none.cache(1000, 1040);
    EXPECT_FALSE(none.marker(1002)) << "no hole within reach";
}

TEST(readahead, a_window_that_goes_on_never_shrinks_in_6_1_but_may_in_5_10) {
    for (const auto* profile : {&linux_6_1, &linux_5_10}) {
        reader r;
        r.ra = {.start = 64, .size = 512, .async_size = 256};
        const auto w = r.ask(64 + 256, 1, readahead_cause::marker, *profile);
        ASSERT_TRUE(w);
        EXPECT_EQ(w->pages, profile == &linux_6_1 ? 512U : 32U);
    }
}

TEST(readahead, a_missed_mapping_is_read_around_until_misses_outweigh_hits) {
    file_ra_state ra;
    EXPECT_EQ(mmap_read_around(ra, 1000), (window{984, 32, 8}));
    EXPECT_EQ(mmap_read_around(ra, 3), (window{0, 32, 8}));
    ra.mmap_miss = 99;
    EXPECT_TRUE(mmap_read_around(ra, 1000));
    EXPECT_FALSE(mmap_read_around(ra, 1000)) << "101 misses";
}

TEST(readahead, a_window_ends_with_the_file_and_keeps_its_marker_s_distance) {
    const mapping file{1, "f", page_count{40}, file_kind::regular};
    EXPECT_EQ(clip_to_file(file, {28, 32, 32}), (window{28, 12, 32})) << "32 > 12: there will be no marker";
    EXPECT_EQ(clip_to_file(file, {40, 4, 3}).pages, 0U);
}

} // namespace
} // namespace pagesim
