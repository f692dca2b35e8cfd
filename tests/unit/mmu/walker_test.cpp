// SPDX-License-Identifier: MIT
#include "test_space.hpp"

#include <pagesim/mmu/walker.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::test_frames;
using testing::test_space;
using testing::written_page;

constexpr vpn here{0x12345};
constexpr auto every_feature = {hafdbs::none, hafdbs::access_flag, hafdbs::access_flag_and_dirty};
constexpr auto every_kind = {access_kind::read, access_kind::write, access_kind::fetch};

class walker_test : public ::testing::Test {
protected:
    walk_result walk_to(vpn n, access_kind kind = access_kind::read, hafdbs feature = hafdbs::none) {
        return walk(space.table, n, kind, feature);
    }
    static mmu_fault fault(fault_kind kind, std::uint8_t level) { return {.kind = kind, .level = level}; }

    test_frames from;
    test_space space{from, asid{1}};
};

TEST_F(walker_test, a_hole_faults_at_the_level_of_the_descriptor_that_is_missing) {
    for (int tables = 1; tables <= 3; ++tables) {
        space.table.install_table(here, tables - 1, from.table_frame());
        const walk_result r = walk_to(here);
        EXPECT_EQ(r.fault, fault(fault_kind::translation, static_cast<std::uint8_t>(tables - 1)));
        EXPECT_EQ(r.steps, tables);
        EXPECT_TRUE(r.leaf.none());
    }
    space.table.install_table(here, 3, from.table_frame());
    const walk_result r = walk_to(here);
    EXPECT_EQ(r.fault, fault(fault_kind::translation, 3));
    EXPECT_EQ(r.steps, 4);
}

TEST_F(walker_test, without_a_root_every_address_faults_at_level_0) {
    const walk_result r = walk_to(here);
    EXPECT_EQ(r.fault, fault(fault_kind::translation, 0));
    EXPECT_EQ(r.steps, 1);
}

TEST_F(walker_test, an_address_beyond_48_bits_faults_at_level_0_before_any_fetch) {
    space.set(vpn{0}, written_page(pfn{1}));
    for (const std::uint64_t n : {vpn_limit, vpn_limit + 1, ~std::uint64_t{0}}) {
        const walk_result r = walk_to(vpn{n});
        EXPECT_EQ(r.fault, fault(fault_kind::translation, 0));
        EXPECT_EQ(r.steps, 0);
    }
}

TEST_F(walker_test, swapped_and_protnone_pages_fault_at_level_3) {
    for (const descriptor d : {descriptor::swap({.offset = 5, .exclusive = true}),
                               descriptor::page(pfn{1}, page_prot::none), descriptor{1} /* reserved */}) {
        space.set(here, d);
        for (const hafdbs feature : every_feature) {
            const walk_result r = walk_to(here, access_kind::read, feature);
            EXPECT_EQ(r.fault, fault(fault_kind::translation, 3));
            EXPECT_EQ(r.steps, 4);
            EXPECT_TRUE(r.leaf.none());
            EXPECT_EQ(space.get(here), d) << "a fault changes nothing";
        }
    }
}

TEST_F(walker_test, a_young_page_is_found_in_four_steps) {
    space.set(here, written_page(pfn{77}));
    for (const access_kind kind : {access_kind::read, access_kind::write}) {
        const walk_result r = walk_to(here, kind);
        EXPECT_FALSE(r.fault.has_value());
        EXPECT_EQ(r.steps, 4);
        EXPECT_EQ(r.leaf.frame(), pfn{77});
        EXPECT_FALSE(r.set_access_flag);
    }
}

TEST_F(walker_test, an_old_page_faults_on_its_access_flag_before_permission) {
    const descriptor old = descriptor::page(pfn{1}, page_prot::readonly).mkold();
    space.set(here, old);
    for (const access_kind kind : every_kind) {
        const walk_result r = walk_to(here, kind, hafdbs::none);
        EXPECT_EQ(r.fault, fault(fault_kind::access_flag, 3));
        EXPECT_TRUE(r.leaf.none()) << "never cached";
        EXPECT_EQ(space.get(here), old);
    }
}

TEST_F(walker_test, hardware_sets_the_access_flag_in_the_descriptor) {
    space.set(here, written_page(pfn{1}).mkold());
    const walk_result r = walk_to(here, access_kind::read, hafdbs::access_flag);
    EXPECT_FALSE(r.fault.has_value());
    EXPECT_TRUE(r.set_access_flag);
    EXPECT_EQ(space.get(here), written_page(pfn{1}));
    EXPECT_EQ(r.leaf, written_page(pfn{1}));
}

TEST_F(walker_test, a_denied_store_still_leaves_the_access_flag) {
    space.set(here, descriptor::page(pfn{1}, page_prot::readonly).mkold());
    const walk_result r = walk_to(here, access_kind::write, hafdbs::access_flag_and_dirty);
    EXPECT_EQ(r.fault, fault(fault_kind::permission, 3));
    EXPECT_TRUE(space.get(here).young());
    EXPECT_FALSE(r.leaf.none()) << "such an entry may be cached";
}

TEST_F(walker_test, a_store_to_a_clean_writable_page_faults_unless_hardware_manages_dirt) {
    const descriptor clean = descriptor::page(pfn{1}, page_prot::shared);
    for (const hafdbs feature : {hafdbs::none, hafdbs::access_flag}) {
        space.set(here, clean);
        EXPECT_EQ(walk_to(here, access_kind::write, feature).fault, fault(fault_kind::permission, 3));
        EXPECT_EQ(space.get(here), clean);
    }
    const walk_result r = walk_to(here, access_kind::write, hafdbs::access_flag_and_dirty);
    EXPECT_FALSE(r.fault.has_value());
    EXPECT_TRUE(r.cleared_read_only);
    EXPECT_EQ(space.get(here), clean.hw_mkdirty());
    EXPECT_TRUE(space.get(here).hw_dirty());
    EXPECT_FALSE(space.get(here).sw_dirty());
}

TEST_F(walker_test, a_read_of_a_clean_writable_page_leaves_it_clean) {
    space.set(here, descriptor::page(pfn{1}, page_prot::shared));
    static_cast<void>(walk_to(here, access_kind::read, hafdbs::access_flag_and_dirty));
    EXPECT_FALSE(space.get(here).dirty());
}

TEST_F(walker_test, permissions_of_every_protection) {
    struct expectation {
        page_prot prot;
        bool read, write, fetch;
    };
    for (const expectation e : {expectation{page_prot::readonly, true, false, false},
                                expectation{page_prot::readonly_exec, true, false, true},
                                expectation{page_prot::shared, true, false, false},
                                expectation{page_prot::shared_exec, true, false, true},
                                expectation{page_prot::execonly, false, false, true}}) {
        space.set(here, descriptor::page(pfn{1}, e.prot));
        EXPECT_EQ(!walk_to(here, access_kind::read).fault.has_value(), e.read);
        EXPECT_EQ(!walk_to(here, access_kind::write).fault.has_value(), e.write);
        EXPECT_EQ(!walk_to(here, access_kind::fetch).fault.has_value(), e.fetch);
    }
}

} // namespace
} // namespace pagesim
