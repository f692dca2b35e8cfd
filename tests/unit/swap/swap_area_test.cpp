// SPDX-License-Identifier: MIT
// Which slots a search finds: on areas that rotate, beside bad slots, and when swap is nearly full. Areas without seeks
// are in swap_test.cpp.
#include <pagesim/swap/swap_area.hpp>

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <set>
#include <vector>

namespace pagesim {
namespace {

swap_area rotating(std::uint64_t pages, std::vector<std::uint64_t> bad = {}) {
    return swap_area{
        {.pages = page_count{pages}, .medium = swap_medium::rotational, .bad_slots = std::move(bad)}};
}
std::vector<std::uint64_t> scan(swap_area& area, std::size_t n, slot_reclaimer* r = nullptr) {
    std::vector<std::uint64_t> out(n);
    out.resize(area.scan_slots(out, r));
    return out;
}
std::vector<std::uint64_t> run_of(std::uint64_t first, std::uint64_t n) {
    std::vector<std::uint64_t> out(n);
    std::iota(out.begin(), out.end(), first);
    return out;
}

TEST(rotating_area, hands_out_one_slot_after_the_other_from_the_first) {
    swap_area area = rotating(5000);
    EXPECT_EQ(scan(area, 64), run_of(1, 3))
        << "looking for the run of 512 has used two of its budgets up, but for 2";
    EXPECT_EQ(scan(area, 64), run_of(4, 64));
    EXPECT_EQ(scan(area, 64), run_of(68, 64));
    area.check_consistency();
}

TEST(rotating_area, goes_on_upward_past_freed_slots_until_the_countdown_is_over) {
    swap_area area = rotating(5000);
    scan(area, 3);
    for (std::uint64_t slot = 1; slot <= 3; ++slot) area.release(slot);
    EXPECT_EQ(scan(area, 64), run_of(4, 64)) << "the lower slots are free, and left alone";
}

TEST(rotating_area, looks_for_a_run_of_512_after_512_slots) {
    swap_area area = rotating(5000);
    // One search for one slot: the first slot of the run does not count down, the other 511 do.
    std::vector<std::uint64_t> got;
    for (int i = 0; i < 512; ++i) got.push_back(scan(area, 1).at(0));
    EXPECT_EQ(got, run_of(1, 512));
    // Free: 100 to 199, too short a run.
    for (std::uint64_t slot = 100; slot < 200; ++slot) area.release(slot);
    EXPECT_EQ(scan(area, 1).at(0), 513U);
    area.check_consistency();
}

TEST(rotating_area, begins_at_the_lowest_free_slot_when_no_run_is_left) {
    swap_area area = rotating(2000);
    while (!area.full()) scan(area, 64);
    // Every second slot of the lower half: plenty is free, but no run.
    for (std::uint64_t slot = 3; slot <= 1700; slot += 2) area.release(slot);
    std::uint64_t lowest = 2000;
    for (int i = 0; i < 520; ++i) lowest = std::min(lowest, scan(area, 1).at(0));
    EXPECT_EQ(lowest, 3U);
    area.check_consistency();
}

TEST(rotating_area, fills_a_request_even_when_fragmented) {
    swap_area area = rotating(600);
    while (!area.full()) scan(area, 64);
    for (std::uint64_t slot = 2; slot <= 200; slot += 2) area.release(slot);
    EXPECT_EQ(scan(area, 64).size(), 64U);
}

TEST(bad_slots, are_never_handed_out_and_do_not_count) {
    for (const swap_medium medium : {swap_medium::solid_state, swap_medium::rotational}) {
        swap_area area{{.pages = page_count{2000}, .medium = medium, .bad_slots = {1, 2, 700, 2000}}};
        EXPECT_EQ(area.total(), 1996U);
        std::set<std::uint64_t> seen;
        for (auto got = scan(area, 64); !got.empty(); got = scan(area, 64))
            seen.insert(got.begin(), got.end());
        EXPECT_EQ(seen.size(), 1996U);
        for (const std::uint64_t slot : {0U, 1U, 2U, 700U, 2000U}) {
            EXPECT_EQ(seen.count(slot), 0U);
            EXPECT_EQ(area.map(slot), swap_map_bad);
        }
        EXPECT_TRUE(area.full());
        area.check_consistency();
    }
}

TEST(bad_slots, keep_a_cluster_from_being_free) {
    swap_area area{{.pages = page_count{4095}, .bad_slots = {600}}};
    EXPECT_EQ(scan(area, 1).at(0), 1024U)
        << "the second cluster has a bad slot, the third is the first free one";
}

TEST(swap_count, sixty_two_fit_into_the_byte_and_the_63rd_stands_beside_it) {
    swap_area area{page_count{100}, 1};
    const std::uint64_t slot = scan(area, 1).at(0);
    for (int i = 0; i < 62; ++i) area.duplicate(slot);
    EXPECT_EQ(area.map(slot), 0x40 | 62);
    area.duplicate(slot);
    EXPECT_EQ(area.map(slot), 0x40 | 0x80) << "the units start again";
    EXPECT_EQ(area.count(slot), 63U);
    for (int i = 63; i < 1000; ++i) area.duplicate(slot);
    EXPECT_EQ(area.count(slot), 1000U);
    area.check_consistency();
    EXPECT_FALSE(area.drop_cache(slot));
    for (std::uint64_t left = 999; left > 0; --left) {
        ASSERT_FALSE(area.drop_count(slot));
        ASSERT_EQ(area.count(slot), left);
    }
    EXPECT_TRUE(area.drop_count(slot));
    area.release(slot);
    area.check_consistency();
}

TEST(swap_count, a_mark_on_a_slot_that_is_free_or_bad_is_refused) {
    swap_area area{{.pages = page_count{100}, .bad_slots = {7}}};
    EXPECT_EQ(area.prepare_cache(5), slot_mark::gone);
    EXPECT_EQ(area.prepare_cache(7), slot_mark::gone);
    const std::uint64_t slot = scan(area, 1).at(0);
    EXPECT_EQ(area.prepare_cache(slot), slot_mark::held_already);
    area.duplicate(slot);
    area.clear_cache_mark(slot);
    EXPECT_EQ(area.prepare_cache(slot), slot_mark::taken);
}

// Gives up the slots of a set.
class generous final : public slot_reclaimer {
public:
    generous(swap_area& area, std::set<std::uint64_t> slots) : area_{area}, slots_{std::move(slots)} {}
    [[nodiscard]] bool wanted() const override { return scarce; }
    bool try_to_reclaim(std::uint64_t offset) override {
        ++asked;
        if (slots_.erase(offset) == 0) return false;
        area_.release(offset);
        return true;
    }
    bool scarce = true;
    unsigned asked = 0;

private:
    swap_area& area_;
    std::set<std::uint64_t> slots_;
};

TEST(scarce_swap, a_search_takes_slots_that_only_the_swap_cache_holds) {
    swap_area area = rotating(300);
    while (!area.full()) scan(area, 1); // all are marked 0x40, as pages in the swap cache have them
    generous g{area, {5, 6}};
    const auto free_the_ends = [&] {
        area.release(1);
        area.release(300);
        EXPECT_EQ(scan(area, 1, &g).at(0), 1U); // the next search begins at slot 2
    };
    g.scarce = false;
    free_the_ends();
    EXPECT_EQ(scan(area, 1, &g).at(0), 300U) << "with plenty of swap only a free slot will do";
    EXPECT_EQ(g.asked, 0U);
    g.scarce = true;
    free_the_ends();
    EXPECT_EQ(scan(area, 1, &g).at(0), 5U);
    EXPECT_EQ(g.asked, 4U) << "2, 3 and 4 do not let go";
}

} // namespace
} // namespace pagesim
