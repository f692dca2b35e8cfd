// SPDX-License-Identifier: MIT
#include "test_space.hpp"

#include <pagesim/mmu/mmu.hpp>
#include <pagesim/mmu/ptep.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace pagesim {
namespace {

using testing::test_frames;
using testing::test_space;
using testing::written_page;
using outcome = translation_outcome;

constexpr vpn at{0x12345};

class mmu_test : public ::testing::Test {
protected:
    void build(const cpu_model& model) {
        cpu = std::make_unique<mmu>(model);
        tlbs = std::make_unique<tlb_domain>(model.range_ops);
        tlbs->attach(cpu->entries());
    }
    void SetUp() override { build(cortex_a72); }

    translation touch(vpn n, access_kind kind = access_kind::read) {
        return cpu->translate(space.table, space.id, n, kind);
    }
    bool quick(vpn n, access_kind kind) const { return cpu->memo_hit({space.id, n}, kind); }
    [[nodiscard]] mapped_at where(vpn n) const { return {space.id, n}; }

    test_frames from;
    test_space space{from, asid{1}};
    std::unique_ptr<mmu> cpu;
    std::unique_ptr<tlb_domain> tlbs;
};

TEST_F(mmu_test, first_access_walks_the_next_hits_the_memo) {
    space.set(at, written_page(pfn{9}));
    EXPECT_FALSE(quick(at, access_kind::read));
    const translation t = touch(at);
    EXPECT_EQ(t.outcome, outcome::walk);
    EXPECT_EQ(t.steps, 4);
    EXPECT_EQ(t.frame, pfn{9});
    EXPECT_TRUE(quick(at, access_kind::read));
    EXPECT_TRUE(quick(at, access_kind::write));
    EXPECT_EQ(touch(at).outcome, outcome::l1_hit);
    EXPECT_EQ(touch(at).frame, pfn{9});
}

TEST_F(mmu_test, a_page_pushed_out_of_l1_is_found_in_l2) {
    for (std::uint64_t n = 0; n <= cortex_a72.tlb.l1_entries; ++n) {
        space.set(vpn{n}, written_page(pfn{n}));
        EXPECT_EQ(touch(vpn{n}).outcome, outcome::walk);
    }
    EXPECT_FALSE(quick(vpn{0}, access_kind::read));
    EXPECT_EQ(touch(vpn{0}).outcome, outcome::l2_hit);
    EXPECT_TRUE(quick(vpn{0}, access_kind::read));
    EXPECT_EQ(touch(vpn{0}).outcome, outcome::l1_hit);
    EXPECT_FALSE(quick(vpn{1}, access_kind::read)) << "it made room";
}

TEST_F(mmu_test, a_fault_leaves_the_tlb_alone) {
    EXPECT_EQ(touch(at).outcome, outcome::fault);
    space.set(at, written_page(pfn{1}).mkold());
    EXPECT_EQ(touch(at).fault, (mmu_fault{.kind = fault_kind::access_flag, .level = 3}));
    EXPECT_EQ(cpu->entries().memo().hit({space.id, at}, access_kind::read), false);
    unsigned entries = 0;
    cpu->entries().for_each_l2([&](translation_key, descriptor) { ++entries; });
    EXPECT_EQ(entries, 0U);
}

TEST_F(mmu_test, an_address_beyond_48_bits_never_aliases_another_space) {
    space.set(vpn{0}, written_page(pfn{1}));
    static_cast<void>(touch(vpn{0}));
    const translation t = touch(vpn{vpn_limit});
    EXPECT_EQ(t.outcome, outcome::fault);
    EXPECT_EQ(t.fault, (mmu_fault{.kind = fault_kind::translation, .level = 0}));
    EXPECT_EQ(t.steps, 0);
}

TEST_F(mmu_test, a_store_to_a_read_only_entry_faults_from_the_tlb_until_it_is_flushed) {
    space.set(at, descriptor::page(pfn{1}, page_prot::shared));
    static_cast<void>(touch(at));
    translation t = touch(at, access_kind::write);
    EXPECT_EQ(t.fault, (mmu_fault{.kind = fault_kind::permission, .level = 3}));
    EXPECT_EQ(t.steps, 0) << "no walk";
    space.slot(at) = space.get(at).mkdirty().word();
    EXPECT_EQ(touch(at, access_kind::write).outcome, outcome::fault) << "stale, as on hardware";
    tlbs->flush_page(space.id, at);
    EXPECT_EQ(touch(at, access_kind::write).outcome, outcome::walk);
}

TEST_F(mmu_test, a_store_that_hits_a_clean_writable_entry_walks_again_under_hd) {
    build(neoverse_n1);
    const descriptor clean = descriptor::page(pfn{1}, page_prot::shared);
    space.set(at, clean);
    static_cast<void>(touch(at));
    EXPECT_TRUE(quick(at, access_kind::read));
    EXPECT_FALSE(quick(at, access_kind::write));
    const translation t = touch(at, access_kind::write);
    EXPECT_EQ(t.outcome, outcome::walk);
    EXPECT_EQ(t.steps, 4);
    EXPECT_EQ(space.get(at), clean.hw_mkdirty());
    EXPECT_TRUE(quick(at, access_kind::write));
    EXPECT_EQ(touch(at, access_kind::write).outcome, outcome::l1_hit);
    EXPECT_EQ(cpu->stats().hw_dirty, 1U);
    cpu->check_consistency(space.id, space.table);
}

TEST_F(mmu_test, the_same_from_an_entry_that_only_l2_holds) {
    build(neoverse_n1);
    space.set(vpn{0}, descriptor::page(pfn{1}, page_prot::shared));
    static_cast<void>(touch(vpn{0}));
    for (std::uint64_t n = 1; n <= neoverse_n1.tlb.l1_entries; ++n) {
        space.set(vpn{n}, written_page(pfn{n}));
        static_cast<void>(touch(vpn{n}));
    }
    EXPECT_EQ(touch(vpn{0}, access_kind::write).outcome, outcome::walk);
    EXPECT_TRUE(space.get(vpn{0}).hw_dirty());
    cpu->check_consistency(space.id, space.table);
}

TEST_F(mmu_test, a_denied_entry_found_in_l2_comes_to_l1) {
    build({.name = "tiny", .tlb = {.l1_entries = 1, .l2_entries = 4, .l2_ways = 4}});
    space.set(vpn{0}, descriptor::page(pfn{1}, page_prot::readonly));
    space.set(vpn{1}, written_page(pfn{2}));
    static_cast<void>(touch(vpn{0}));
    static_cast<void>(touch(vpn{1}));
    EXPECT_EQ(touch(vpn{0}, access_kind::write).fault.kind, fault_kind::permission);
    EXPECT_EQ(touch(vpn{0}).outcome, outcome::l1_hit);
}

TEST_F(mmu_test, every_access_is_counted_once) {
    space.set(vpn{1}, written_page(pfn{1}));
    space.set(vpn{2}, descriptor::page(pfn{2}, page_prot::readonly));
    static_cast<void>(touch(vpn{1}));
    static_cast<void>(touch(vpn{1}));
    static_cast<void>(touch(vpn{2}, access_kind::write)); // walk, permission
    static_cast<void>(touch(vpn{2}, access_kind::write)); // TLB, permission
    static_cast<void>(touch(vpn{3}));                     // empty descriptor
    static_cast<void>(touch(vpn{vpn_limit - 1}));         // hole at level 0
    cpu->count_memo_hits(10);
    const mmu_stats& s = cpu->stats();
    EXPECT_EQ(s.l1_hits, 11U);
    EXPECT_EQ(s.walks, 4U);
    EXPECT_EQ(s.faulted_walks, 3U);
    EXPECT_EQ(s.walk_steps, 4U + 4U + 4U + 1U);
    EXPECT_EQ(s.faults_of(fault_kind::permission), 2U);
    EXPECT_EQ(s.faults_of(fault_kind::translation), 2U);
    EXPECT_EQ(s.accesses(), 16U);
}

// Five passes of ageing over a page that is used between them.
class ageing_loop : public mmu_test {
protected:
    unsigned young_seen() {
        space.set(at, written_page(pfn{1}).mkold());
        unsigned young = 0;
        for (int pass = 0; pass < 5; ++pass) {
            if (!touch(at).ok()) {
                ptep_set_access_flags(*tlbs, where(at), space.slot(at), space.get(at).mkyoung(),
                                      access_kind::read);
                EXPECT_TRUE(touch(at).ok());
            }
            young += ptep_clear_flush_young(*tlbs, where(at), space.slot(at)) ? 1 : 0;
        }
        return young;
    }
};

TEST_F(ageing_loop, with_hardware_access_flag_takes_no_fault) {
    build(neoverse_n1);
    EXPECT_EQ(young_seen(), 5U);
    EXPECT_EQ(tlbs->stats().page_flushes_nosync, 5U);
    EXPECT_EQ(tlbs->stats().instructions, 5U);
    EXPECT_EQ(tlbs->stats().barriers, 0U);
    EXPECT_EQ(cpu->stats().faults_of(fault_kind::access_flag), 0U);
    EXPECT_EQ(cpu->stats().hw_access_flag, 5U);
}

TEST_F(ageing_loop, without_it_every_use_of_an_old_page_faults) {
    EXPECT_EQ(young_seen(), 5U);
    EXPECT_EQ(tlbs->stats().page_flushes_nosync, 5U);
    EXPECT_EQ(tlbs->stats().barriers, 0U) << "reads need no flush";
    EXPECT_EQ(cpu->stats().faults_of(fault_kind::access_flag), 5U);
}

TEST_F(ageing_loop, clearing_without_a_flush_sees_the_page_once) {
    build(neoverse_n1);
    space.set(at, written_page(pfn{1}));
    unsigned young = 0;
    for (int pass = 0; pass < 5; ++pass) {
        EXPECT_TRUE(touch(at).ok());
        young += ptep_test_and_clear_young(space.slot(at)) ? 1 : 0;
    }
    EXPECT_EQ(young, 1U);
}

} // namespace
} // namespace pagesim
