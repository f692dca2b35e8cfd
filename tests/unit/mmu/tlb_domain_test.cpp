// SPDX-License-Identifier: MIT
#include "test_space.hpp"

#include <pagesim/mmu/mmu.hpp>
#include <pagesim/mmu/ptep.hpp>
#include <pagesim/mmu/tlb_domain.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::test_frames;
using testing::test_space;
using testing::written_page;

TEST(tlbi, instructions_with_range_operations) {
    const auto count = [](std::uint64_t n) { return tlbi_count(page_count{n}, tlb_range_ops::present); };
    EXPECT_EQ(count(1), 1U);
    EXPECT_EQ(count(2), 1U);
    EXPECT_EQ(count(100), 2U);
    EXPECT_EQ(count(256), 1U);
    EXPECT_EQ(count(257), 2U);
    EXPECT_EQ(count(511), 3U);
    EXPECT_EQ(count(512), 1U);
    EXPECT_EQ(count(1024), 1U);
    EXPECT_EQ(count(2097151), 5U);
    EXPECT_EQ(count(2097152), 0U) << "the whole space";
}

TEST(tlbi, instructions_without_range_operations) {
    for (const std::uint64_t n : {1U, 2U, 100U, 256U, 257U, 511U}) {
        EXPECT_EQ(tlbi_count(page_count{n}, tlb_range_ops::absent), n);
    }
    EXPECT_EQ(tlbi_count(page_count{512}, tlb_range_ops::absent), 0U);
    EXPECT_EQ(tlbi_count(page_count{1024}, tlb_range_ops::absent), 0U);
}

TEST(tlbi, operand_of_the_example_address) {
    EXPECT_EQ(tlbi_operand(asid{5}, vpn_of(virt_addr{0x7f12'3456'7abc})), 0x0005'0007'f123'4567U);
}

class tlb_domain_test : public ::testing::Test {
protected:
    tlb_domain_test() {
        domain.attach(first.entries());
        domain.attach(second.entries());
        for (std::uint64_t n = 0; n < 4; ++n) {
            one.set(vpn{n}, written_page(pfn{n}));
            two.set(vpn{n}, written_page(pfn{n + 100}));
        }
        touch_all();
    }
    void touch_all() {
        for (std::uint64_t n = 0; n < 4; ++n) {
            for (mmu* cpu : {&first, &second}) {
                for (test_space* s : {&one, &two}) {
                    EXPECT_TRUE(cpu->translate(s->table, s->id, vpn{n}, access_kind::read).ok());
                }
            }
        }
    }
    // How many of the 16 translations the memos and TLBs of both CPUs still hold.
    unsigned held() {
        unsigned n = 0;
        for (mmu* cpu : {&first, &second}) {
            cpu->entries().for_each_l1([&](translation_key, descriptor) { ++n; });
        }
        return n;
    }

    test_frames from;
    test_space one{from, asid{1}};
    test_space two{from, asid{2}};
    mmu first{cortex_a72};
    mmu second{neoverse_n1};
    tlb_domain domain;
};

TEST_F(tlb_domain_test, all_members_forget_a_page) {
    EXPECT_EQ(held(), 16U);
    domain.flush_page(asid{1}, vpn{2});
    EXPECT_EQ(held(), 14U);
    EXPECT_FALSE(first.memo_hit({asid{1}, vpn{2}}, access_kind::read));
    EXPECT_FALSE(second.memo_hit({asid{1}, vpn{2}}, access_kind::read));
    EXPECT_NE(first.entries().find_l1({asid{1}, vpn{3}}), nullptr);
    EXPECT_EQ(domain.stats().page_flushes, 1U);
    EXPECT_EQ(domain.stats().barriers, 1U);
}

TEST_F(tlb_domain_test, a_flush_that_nobody_waits_for_has_no_barrier_but_the_same_effect) {
    domain.flush_page(asid{1}, vpn{2}, tlb_wait::no);
    EXPECT_EQ(held(), 14U);
    EXPECT_EQ(domain.stats().page_flushes_nosync, 1U);
    EXPECT_EQ(domain.stats().barriers, 0U);
}

TEST_F(tlb_domain_test, a_short_range_spares_the_rest_of_the_space) {
    domain.flush_range(asid{1}, vpn{1}, vpn{3});
    EXPECT_EQ(held(), 12U);
    EXPECT_EQ(domain.stats().range_flushes, 1U);
    EXPECT_EQ(domain.stats().instructions, 2U);
    EXPECT_EQ(domain.stats().barriers, 1U);
}

TEST_F(tlb_domain_test, a_long_range_takes_the_space_with_it) {
    domain.flush_range(asid{1}, vpn{3}, vpn{3 + 600});
    EXPECT_EQ(held(), 8U);
    EXPECT_EQ(domain.stats().asid_flushes, 1U);
    EXPECT_EQ(domain.stats().range_flushes, 0U);
    EXPECT_EQ(domain.stats().instructions, 1U);
}

TEST_F(tlb_domain_test, an_empty_range_does_nothing) {
    domain.flush_range(asid{1}, vpn{3}, vpn{3});
    EXPECT_EQ(held(), 16U);
    EXPECT_EQ(domain.flushes(), 0U);
    EXPECT_EQ(domain.stats().instructions, 0U);
}

TEST_F(tlb_domain_test, a_space_or_everything) {
    domain.flush_asid(asid{2});
    EXPECT_EQ(held(), 8U);
    domain.flush_all();
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(domain.flushes(), 2U);
}

TEST_F(tlb_domain_test, long_range_with_range_operations_spares_the_rest_of_the_space) {
    tlb_domain ranged{tlb_range_ops::present};
    ranged.attach(first.entries());
    ranged.flush_range(asid{1}, vpn{3}, vpn{3 + 600});
    EXPECT_NE(first.entries().find_l1({asid{1}, vpn{2}}), nullptr);
    EXPECT_EQ(first.entries().find_l1({asid{1}, vpn{3}}), nullptr);
}

TEST_F(tlb_domain_test, reclaim_of_32_cold_pages_costs_32_flushes_with_barrier) {
    for (std::uint64_t n = 10; n < 42; ++n) {
        std::uint64_t word = written_page(pfn{n}).mkold().word();
        EXPECT_EQ(ptep_clear_flush(domain, {asid{1}, vpn{n}}, word), written_page(pfn{n}).mkold());
        EXPECT_EQ(word, 0U);
    }
    EXPECT_EQ(domain.stats().instructions, 32U);
    EXPECT_EQ(domain.stats().barriers, 32U);
}

TEST_F(tlb_domain_test, clearing_a_swap_entry_flushes_nothing) {
    std::uint64_t word = descriptor::swap({.offset = 3}).word();
    EXPECT_TRUE(ptep_clear_flush(domain, {asid{1}, vpn{1}}, word).is_swap());
    EXPECT_EQ(domain.flushes(), 0U);
}

TEST_F(tlb_domain_test, ageing_an_old_page_flushes_nothing) {
    std::uint64_t word = written_page(pfn{1}).mkold().word();
    EXPECT_FALSE(ptep_clear_flush_young(domain, {asid{1}, vpn{1}}, word));
    EXPECT_EQ(domain.flushes(), 0U);
}

TEST_F(tlb_domain_test, access_flags_are_merged_and_only_a_store_flushes) {
    const mapped_at where{asid{1}, vpn{1}};
    std::uint64_t word = descriptor::page(pfn{1}, page_prot::shared).mkold().word();
    const descriptor young = descriptor{word}.mkyoung();
    EXPECT_TRUE(ptep_set_access_flags(domain, where, word, young, access_kind::read));
    EXPECT_EQ(descriptor{word}, young);
    EXPECT_EQ(domain.flushes(), 0U);
    EXPECT_FALSE(ptep_set_access_flags(domain, where, word, young, access_kind::write))
        << "nothing to change";
    EXPECT_EQ(domain.flushes(), 0U);
    EXPECT_TRUE(ptep_set_access_flags(domain, where, word, young.mkdirty(), access_kind::write));
    EXPECT_EQ(descriptor{word}, young.mkdirty());
    EXPECT_EQ(domain.stats().page_flushes, 1U);
}

TEST_F(tlb_domain_test, merging_never_takes_away_what_hardware_set_meanwhile) {
    const descriptor clean = descriptor::page(pfn{1}, page_prot::shared);
    std::uint64_t word = clean.hw_mkdirty().word();
    EXPECT_TRUE(ptep_set_access_flags(domain, {asid{1}, vpn{1}}, word, clean.mkold(), access_kind::read));
    EXPECT_TRUE(descriptor{word}.young());
    EXPECT_TRUE(descriptor{word}.hw_dirty());
}

TEST_F(tlb_domain_test, consistency_is_checked_on_every_member) {
    domain.check_consistency(asid{1}, one.table);
    one.set(vpn{0}, descriptor{});
    first.entries().forget({asid{1}, vpn{0}});
    EXPECT_DEATH(domain.check_consistency(asid{1}, one.table), "assertion failed");
}

} // namespace
} // namespace pagesim
