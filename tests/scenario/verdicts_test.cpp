// SPDX-License-Identifier: MIT
// Every reason that judge_page can give has a witness here: a scenario that reaches it.
#include "verdicts_of_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace pagesim {
namespace {

using namespace testing; // NOLINT(google-build-using-namespace): the witnesses

struct witness {
    why reason;
    std::string_view name;
    void (*play)();
};

constexpr std::array<witness, nr_reasons> witnesses{{
    {why::locked, "a_page_being_read_stays_where_it_is", a_page_being_read_stays_where_it_is},
    {why::unevictable, "an_mlocked_page_becomes_unevictable", an_mlocked_page_becomes_unevictable},
    {why::may_not_unmap, "a_mapped_page_stays_when_the_pass_may_not_unmap",
     a_mapped_page_stays_when_the_pass_may_not_unmap},
    {why::writeback_immediate, "kswapd_counts_a_page_met_again_while_everything_is_being_written",
     kswapd_counts_a_page_met_again_while_everything_is_being_written},
    {why::writeback, "a_page_still_being_written_is_moved_away_and_marked",
     a_page_still_being_written_is_moved_away_and_marked},
    {why::range_locked, "a_page_of_a_locked_range_is_mlocked_on_the_spot",
     a_page_of_a_locked_range_is_mlocked_on_the_spot},
    {why::referenced_again, "the_second_reference_activates", the_second_reference_activates},
    {why::referenced, "the_first_reference_is_a_second_chance", the_first_reference_is_a_second_chance},
    {why::no_io, "without_io_no_slot_is_given", without_io_no_slot_is_given},
    {why::no_swap, "without_swap_an_old_page_is_activated", without_swap_an_old_page_is_activated},
    {why::unmap_failed, "a_page_that_cannot_be_unmapped_is_activated",
     a_page_that_cannot_be_unmapped_is_activated},
    {why::no_fs, "a_dirty_page_needs_leave_to_enter_the_file_system",
     a_dirty_page_needs_leave_to_enter_the_file_system},
    {why::no_writepage, "a_dirty_page_needs_leave_to_be_written", a_dirty_page_needs_leave_to_be_written},
    {why::pinned, "a_dirty_page_that_somebody_holds_is_not_written",
     a_dirty_page_that_somebody_holds_is_not_written},
    {why::written, "a_written_page_waits_for_its_device", a_written_page_waits_for_its_device},
    {why::redirtied, "a_page_whose_slot_nobody_wants_stays_dirty",
     a_page_whose_slot_nobody_wants_stays_dirty},
    {why::busy, "a_clean_page_that_somebody_holds_stays", a_clean_page_that_somebody_holds_stays},
    {why::reclaimed, "a_clean_page_is_freed_and_leaves_a_shadow", a_clean_page_is_freed_and_leaves_a_shadow},
    {why::referenced_exec, "an_executable_page_is_activated_at_its_first_use",
     an_executable_page_is_activated_at_its_first_use},
    {why::lazyfree_dirty, "a_page_given_up_but_stored_to_since_is_activated_as_anonymous",
     a_page_given_up_but_stored_to_since_is_activated_as_anonymous},
    {why::dirty_file, "a_dirty_file_page_is_left_to_the_flusher", a_dirty_file_page_is_left_to_the_flusher},
    {why::dirty_referenced, "a_dirty_page_that_read_used_lately_is_not_worth_a_write",
     a_dirty_page_that_read_used_lately_is_not_worth_a_write},
    {why::write_refused, "a_shmem_page_without_a_slot_is_activated",
     a_shmem_page_without_a_slot_is_activated},
    {why::no_mapping, "a_page_of_no_file_that_somebody_holds_stays",
     a_page_of_no_file_that_somebody_holds_stays},
    {why::lazyfreed, "a_page_given_up_is_freed_without_swap", a_page_given_up_is_freed_without_swap},
    {why::orphan_freed, "buffers_that_kept_a_truncated_page_go_with_it",
     buffers_that_kept_a_truncated_page_go_with_it},
    {why::buffers_busy, "metadata_whose_buffers_are_in_use_is_activated",
     metadata_whose_buffers_are_in_use_is_activated},
}};

class verdicts : public ::testing::TestWithParam<witness> {};

TEST_P(verdicts, has_a_witness) { GetParam().play(); }

INSTANTIATE_TEST_SUITE_P(every_reason, verdicts, ::testing::ValuesIn(witnesses),
                         [](const ::testing::TestParamInfo<witness>& i) {
                             return std::string{reason_name(i.param.reason)};
                         });

TEST(verdict_witnesses, cover_every_reason_once_and_in_order) {
    for (std::size_t r = 0; r < nr_reasons; ++r) EXPECT_EQ(static_cast<std::size_t>(witnesses[r].reason), r);
}

// The cells of the rows of docs/verdicts.md, by reason.
std::map<std::string, std::vector<std::string>> rows_of_the_table() {
    std::ifstream in{PAGESIM_SOURCE_DIR "/docs/verdicts.md"};
    std::map<std::string, std::vector<std::string>> rows;
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("| ", 0) != 0 || line.rfind("| ---", 0) == 0) continue;
        std::istringstream cells{line.substr(2)};
        std::vector<std::string> row;
        for (std::string cell; std::getline(cells, cell, '|');) {
            while (!cell.empty() && cell.back() == ' ') cell.pop_back();
            row.push_back(cell.substr(std::min(cell.find_first_not_of(' '), cell.size())));
        }
        if (row.at(0) == "reason") continue;
        EXPECT_TRUE(rows.emplace(row[0], row).second) << row[0] << " twice";
    }
    return rows;
}

TEST(verdict_witnesses, and_the_table_of_the_docs_agree_both_ways) {
    std::map<std::string, std::vector<std::string>> rows = rows_of_the_table();
    for (const witness& w : witnesses) {
        const auto it = rows.find(std::string{reason_name(w.reason)});
        ASSERT_NE(it, rows.end()) << reason_name(w.reason) << " has no row";
        ASSERT_EQ(it->second.size(), 4U) << it->first;
        EXPECT_EQ(it->second[3], w.name);
        rows.erase(it);
    }
    for (const auto& [reason, row] : rows) ADD_FAILURE() << reason << " is no reason";
}

} // namespace
} // namespace pagesim
