// SPDX-License-Identifier: MIT
#include <pagesim/base/dice.hpp>
#include <pagesim/workload/window_fold.hpp>

#include <gtest/gtest.h>

#include <map>

namespace pagesim {
namespace {

access_record load(std::uint64_t page, std::uint64_t instructions = 1, std::uint64_t data = 1) {
    return {vpn{page}, run_writes::none, instruction_role::fetched_here, instructions, data};
}
access_record save(std::uint64_t page) {
    return {vpn{page}, run_writes::first, instruction_role::fetched_here, 1, 1};
}

std::vector<access_record> folded(const std::vector<access_record>& in, std::uint64_t window) {
    window_fold f{window};
    std::vector<access_record> out;
    for (const access_record r : in) f.add(r, out);
    f.flush(out);
    return out;
}

TEST(window_fold, joins_references_to_the_pages_touched_last) {
    //                                          1  2  1  2  3: pushes out 1
    const std::vector<access_record> out = folded({load(1), load(2), load(1), load(2), load(3)}, 2);
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(out[0], load(1, 2, 2));
    EXPECT_EQ(out[1], load(2, 2, 2));
    EXPECT_EQ(out[2], load(3));
}

TEST(window_fold, the_page_touched_longest_ago_leaves_first) {
    const std::vector<access_record> out = folded({load(1), load(2), load(1), load(3), load(2)}, 2);
    ASSERT_EQ(out.size(), 4U);
    EXPECT_EQ(out[0].vpn(), vpn{2}) << "1 was touched again";
    EXPECT_EQ(out[1], load(1, 2, 2));
}

TEST(window_fold, a_write_behind_the_first_reference_is_a_later_one) {
    const std::vector<access_record> out = folded({load(1), load(2), save(1), save(2), load(2)}, 2);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_TRUE(!out[0].first_is_write() && out[0].written_later());
    const std::vector<access_record> first = folded({save(1), load(2), load(1)}, 2);
    EXPECT_TRUE(first[1].first_is_write() && !first[1].written_later());
}

TEST(window_fold, a_full_record_is_written_and_the_next_begins) {
    const std::vector<access_record> out =
        folded({load(1, access_record::max_instructions, 1), load(2), load(1)}, 4);
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(out[0].instructions(), access_record::max_instructions);
}

TEST(window_fold, records_of_different_roles_stay_apart) {
    const access_record time{vpn{1}, run_writes::none, instruction_role::time_only, 5, 1};
    EXPECT_EQ(folded({load(1), time, load(1)}, 4).size(), 3U);
}

// References and whether written, by page.
std::map<std::uint64_t, std::pair<std::uint64_t, bool>> sums_of(const std::vector<access_record>& records) {
    std::map<std::uint64_t, std::pair<std::uint64_t, bool>> sums;
    for (const access_record r : records) {
        auto& [accesses, written] = sums[raw(r.vpn())];
        accesses += r.accesses();
        written = written || r.first_is_write() || r.written_later();
    }
    return sums;
}

TEST(window_fold, loses_no_page_reference_or_written_state) {
    dice d{7};
    std::vector<access_record> in;
    for (int i = 0; i < 5000; ++i) in.push_back(d.ratio(1, 3) ? save(d.below(60)) : load(d.below(60)));
    for (const std::uint64_t window : {1U, 3U, 16U, 100U}) {
        const std::vector<access_record> out = folded(in, window);
        EXPECT_EQ(sums_of(out), sums_of(in)) << window;
        EXPECT_TRUE(window < 100 || out.size() == 60);
    }
}

} // namespace
} // namespace pagesim
