// SPDX-License-Identifier: MIT
#include <pagesim/workload/access_record.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

TEST(access_record_layout, keeps_every_field_at_its_limit_apart_from_the_others) {
    const vpn last{(1ULL << 36U) - 1};
    for (const auto writes :
         {run_writes::none, run_writes::first, run_writes::later, run_writes::first_and_later}) {
        for (const auto role : {instruction_role::time_only, instruction_role::fetched_here}) {
            for (const std::uint64_t instructions : {std::uint64_t{0}, access_record::max_instructions}) {
                for (const std::uint64_t data : {std::uint64_t{0}, access_record::max_data}) {
                    for (const vpn page : {vpn{0}, last}) {
                        const access_record r{page, writes, role, instructions, data};
                        EXPECT_EQ(r.vpn(), page);
                        EXPECT_EQ(r.first_is_write(),
                                  writes == run_writes::first || writes == run_writes::first_and_later);
                        EXPECT_EQ(r.written_later(),
                                  writes == run_writes::later || writes == run_writes::first_and_later);
                        EXPECT_EQ(r.instructions(), instructions);
                        EXPECT_EQ(r.data(), data);
                    }
                }
            }
        }
    }
}

TEST(access_record_layout, instructions_are_accesses_only_where_they_were_fetched) {
    const access_record fetched{vpn{1}, run_writes::none, instruction_role::fetched_here, 125, 2};
    const access_record timed{vpn{1}, run_writes::none, instruction_role::time_only, 125, 2};
    EXPECT_EQ(fetched.accesses(), 127U);
    EXPECT_EQ(timed.accesses(), 2U);
    EXPECT_EQ(timed.instructions(), 125U);
    EXPECT_NE(fetched, timed);
}

TEST(access_record_layout, can_be_made_at_compile_time) {
    constexpr access_record r{vpn{7}, run_writes::later, instruction_role::fetched_here, 3, 1};
    static_assert(r.vpn() == vpn{7} && r.accesses() == 4 && !r.first_is_write() && r.written_later());
    SUCCEED();
}

TEST(access_record_layout_death, refuses_what_does_not_fit) {
    const auto make = [](std::uint64_t page, std::uint64_t instructions, std::uint64_t data) {
        return access_record{vpn{page}, run_writes::none, instruction_role::time_only, instructions, data};
    };
    EXPECT_DEATH(static_cast<void>(make(1ULL << 36U, 0, 1)), "raw\\(page\\)");
    EXPECT_DEATH(static_cast<void>(make(0, access_record::max_instructions + 1, 1)), "instructions");
    EXPECT_DEATH(static_cast<void>(make(0, 0, access_record::max_data + 1)), "data");
}

TEST(access_record, is_split_with_nothing_lost) {
    const access_record r{vpn{7}, run_writes::later, instruction_role::fetched_here, 100, 30};
    const access_record rest = r.rest_after(60);
    EXPECT_EQ(rest.vpn(), vpn{7});
    EXPECT_EQ(rest.instructions(), 40U);
    EXPECT_EQ(rest.data(), 12U);
    EXPECT_TRUE(rest.first_is_write() && rest.written_later())
        << "a later write is taken to be in both parts";
    const access_record read{vpn{7}, run_writes::first, instruction_role::fetched_here, 10, 1};
    EXPECT_FALSE(read.rest_after(9).first_is_write()) << "the first write was in the first part";
    EXPECT_EQ(read.rest_after(9).accesses(), 1U);
}

TEST(access_record, that_is_only_time_leaves_only_time) {
    const access_record r{vpn{7}, run_writes::first, instruction_role::time_only, 169, 1};
    const access_record rest = r.rest_after(100);
    EXPECT_EQ(rest.instructions(), 69U);
    EXPECT_EQ(rest.accesses(), 0U);
    EXPECT_FALSE(rest.first_is_write());
}

} // namespace
} // namespace pagesim
