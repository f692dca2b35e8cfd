// SPDX-License-Identifier: MIT
#include <pagesim/memory/node.hpp>
#include <pagesim/memory/xarray_nodes.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace pagesim {
namespace {

// Frames without a machine around them; may run out.
class plain_source final : public slab_source {
public:
    page* take_slab(page_order order, migratetype type) override {
        asked.push_back(order);
        types.push_back(type);
        if (raw(order) > highest) return nullptr;
        ++given;
        return &frames[pfn{next++ * 8}];
    }
    void give_slab(page& /*head*/, page_order order) override { back.push_back(order); }

    mem_map frames{page_count{4096}};
    std::vector<page_order> asked;
    std::vector<migratetype> types;
    std::vector<page_order> back;
    unsigned highest = 3;
    unsigned given = 0;
    std::uint64_t next = 0;
};

class nobody final : public waker {
public:
    unsigned wake_all(wait_channel /*channel*/) override { return 0; }
    [[nodiscard]] bool anyone_waits(wait_reason /*reason*/) const override { return false; }
};

class kmem_cache_test : public ::testing::Test {
protected:
    sim_clock clock;
    cost_table cost;
    vmstat stat;
    event_queue events;
    nobody wakes;
    cpu_context cpu{.clock = clock, .cost = cost, .stat = stat, .events = events, .wakes = wakes};
    plain_source source;
};

// As /proc/slabinfo of a kernel with one CPU says.
TEST_F(kmem_cache_test, orders_are_those_of_one_cpu) {
    EXPECT_EQ(raw(kmem_cache::order_for(8)), 0);
    EXPECT_EQ(raw(kmem_cache::order_for(104)), 0);
    EXPECT_EQ(raw(kmem_cache::order_for(576)), 1);
    EXPECT_EQ(raw(kmem_cache::order_for(1024)), 1);
}

TEST_F(kmem_cache_test, a_new_slab_takes_time_and_an_object_of_it_none) {
    kmem_cache cache{cpu, source, {.object_bytes = 256}};
    for (unsigned i = 0; i < 17; ++i) static_cast<void>(cache.allocate());
    EXPECT_EQ(clock.now().ns, 2 * (cost.new_slab.ns + 16 * cost.slab_object.ns));
}

TEST_F(kmem_cache_test, slabs_of_a_typesafe_cache_go_after_a_grace_period) {
    rcu_callbacks rcu;
    rcu.defer();
    cpu.rcu = &rcu;
    kmem_cache cache{cpu, source, {.object_bytes = 256, .typesafe_by_rcu = true}};
    std::vector<slab_object> all;
    for (unsigned i = 0; i < 16U * 100U; ++i) all.push_back(cache.allocate());
    for (slab_object o : all) cache.free(o);
    EXPECT_EQ(cache.pages(), 100U);
    EXPECT_TRUE(source.back.empty());
    for (int tick = 0; tick < 3; ++tick) rcu.tick();
    EXPECT_EQ(source.back.size() + cache.pages(), 100U);
    EXPECT_GT(source.back.size(), 0U);
    EXPECT_EQ(stat[vm_item::nr_slab_unreclaimable], static_cast<std::int64_t>(cache.pages()));
    cache.check_consistency();
}

TEST_F(kmem_cache_test, room_that_boot_left_is_used_first_takes_no_page_and_stays) {
    kmem_cache cache{cpu, source, {.object_bytes = 256, .boot_room = 3}};
    std::vector<slab_object> all;
    for (unsigned i = 0; i < 3; ++i) all.push_back(cache.allocate());
    EXPECT_EQ(source.given, 0U);
    EXPECT_EQ(cache.pages(), 0U);
    for (unsigned i = 0; i < 16U * 100U; ++i) all.push_back(cache.allocate());
    EXPECT_EQ(cache.pages(), 100U);
    EXPECT_EQ(stat[vm_item::nr_slab_unreclaimable], 100);
    // The first of boot's three, all others, and the two that are left when it is on the node's list.
    std::swap(all[1], all[all.size() - 1]);
    std::swap(all[2], all[all.size() - 2]);
    for (slab_object o : all) cache.free(o);
    cache.check_consistency();
    EXPECT_EQ(source.back.size() + cache.pages(), 100U);
    EXPECT_GT(source.back.size(), 0U);
    const unsigned given = source.given;
    for (unsigned i = 0; i < 16U * cache.pages() + 3U; ++i) static_cast<void>(cache.allocate());
    EXPECT_EQ(source.given, given) << "boot's slab is still there";
}

TEST_F(kmem_cache_test, a_slab_of_tree_nodes_is_two_pages_for_14) {
    kmem_cache cache{cpu, source, radix_tree_node};
    for (unsigned n = 0; n < 14; ++n) EXPECT_NE(cache.allocate(), no_slab_object);
    EXPECT_EQ(cache.pages(), 2U);
    EXPECT_NE(cache.allocate(), no_slab_object);
    EXPECT_EQ(cache.pages(), 4U);
    EXPECT_EQ(stat[vm_item::nr_slab_reclaimable], 4U);
    EXPECT_EQ(stat[vm_item::nr_slab_unreclaimable], 0U);
    EXPECT_EQ(source.types, (std::vector{migratetype::reclaimable, migratetype::reclaimable}));
    cache.check_consistency();
}

TEST_F(kmem_cache_test, without_a_block_a_single_page_will_do) {
    source.highest = 0;
    kmem_cache cache{cpu, source, radix_tree_node};
    for (unsigned n = 0; n < 8; ++n) EXPECT_NE(cache.allocate(), no_slab_object);
    EXPECT_EQ(cache.pages(), 2U); // of 7 each
    EXPECT_EQ(source.given, 2U);
}

TEST_F(kmem_cache_test, no_memory_no_object) {
    class : public slab_source {
        page* take_slab(page_order /*order*/, migratetype /*type*/) override { return nullptr; }
        void give_slab(page& /*head*/, page_order /*order*/) override {}
    } none;
    kmem_cache cache{cpu, none, radix_tree_node};
    EXPECT_EQ(cache.allocate(), no_slab_object);
    cache.free(no_slab_object);
    EXPECT_EQ(cache.objects(), 0U);
}

// Slabs of 8 objects, all full.
std::vector<slab_object> filled(kmem_cache& cache, unsigned slabs) {
    std::vector<slab_object> all;
    for (unsigned n = 0; n < 8 * slabs; ++n) all.push_back(cache.allocate());
    return all;
}

TEST_F(kmem_cache_test, slabs_that_the_cpu_holds_stay_when_they_are_empty) {
    kmem_cache cache{cpu, source, {.object_bytes = 512}};   // 52 * 2 / 8: 13 slabs
    const std::vector<slab_object> all = filled(cache, 14); // the last one is the CPU's own
    for (const slab_object o : all) cache.free(o);
    EXPECT_EQ(cache.pages(), 14U);
    EXPECT_TRUE(source.back.empty());
    cache.check_consistency();
}

TEST_F(kmem_cache_test, one_more_sends_those_of_the_cpu_to_the_node_where_five_stay_if_they_are_empty) {
    kmem_cache cache{cpu, source, {.object_bytes = 512}};
    const std::vector<slab_object> all = filled(cache, 15);
    for (const slab_object o : all) cache.free(o); // the 14th finds 13
    EXPECT_EQ(cache.pages(), 15U - (13 - kmem_cache::min_partial));
    EXPECT_EQ(source.back.size(), 13 - kmem_cache::min_partial);
    EXPECT_EQ(stat[vm_item::nr_slab_unreclaimable], static_cast<std::int64_t>(cache.pages()));
    cache.check_consistency();
}

TEST_F(kmem_cache_test, the_cpu_of_5_10_counts_the_objects_that_were_free_when_a_slab_came) {
    kmem_cache cache{cpu, source, {.object_bytes = 512}, cpu_partial_rule::by_objects}; // 13 objects
    const std::vector<slab_object> all = filled(cache, 20);
    for (unsigned slab = 0; slab < 15; ++slab) cache.free(all[8 * slab]); // one each: the 15th finds 14
    for (unsigned slab = 0; slab < 14; ++slab) {
        for (unsigned n = 1; n < 8; ++n) cache.free(all[8 * slab + n]);
    }
    // 14 went to the node when the 15th came, and of those all but four go back when they become empty.
    EXPECT_EQ(source.back.size(), 14 - (kmem_cache::min_partial - 1));
    cache.check_consistency();
}

TEST_F(kmem_cache_test, a_slab_of_the_node_goes_back_when_it_becomes_empty_and_four_others_have_room) {
    kmem_cache cache{cpu, source, {.object_bytes = 512}};
    const std::vector<slab_object> all = filled(cache, 20);
    for (unsigned slab = 0; slab < 14; ++slab) cache.free(all[8 * slab]); // 13 to the node
    for (unsigned n = 1; n < 8; ++n) cache.free(all[n]);
    EXPECT_EQ(source.back.size(), 1U);
    cache.check_consistency();
}

TEST_F(kmem_cache_test, objects_come_from_the_cpus_last_slab_then_from_the_nodes_first) {
    kmem_cache cache{cpu, source, {.object_bytes = 512}};
    const std::vector<slab_object> all = filled(cache, 20);
    for (unsigned slab = 0; slab < 14; ++slab) cache.free(all[8 * slab]);
    EXPECT_EQ(cache.allocate(), all[8 * 13U]) << "the CPU's";
    EXPECT_EQ(cache.allocate(), all[8 * 12U]) << "the node's first is the last that the CPU had";
    // 13 / 2 + 1 more came to the CPU then, the last of them is next
    EXPECT_EQ(cache.allocate(), all[8 * 5U]);
    EXPECT_EQ(cache.pages(), 20U);
    cache.check_consistency();
}

TEST_F(kmem_cache_test, room_is_filled_before_a_new_slab_is_made) {
    kmem_cache cache{cpu, source, {.object_bytes = 512}};
    std::vector<slab_object> all;
    for (unsigned n = 0; n < 16; ++n) all.push_back(cache.allocate());
    cache.free(all[3]);
    static_cast<void>(cache.allocate());
    EXPECT_EQ(cache.pages(), 2U);
    cache.check_consistency();
}

TEST_F(kmem_cache_test, a_tree_has_a_node_for_each_64_entries_and_for_each_64_nodes) {
    kmem_cache cache{cpu, source, radix_tree_node};
    xarray_nodes tree{10'000}; // three levels
    tree.fill(0, cache);
    EXPECT_EQ(cache.objects(), 3U);
    tree.fill(63, cache);
    EXPECT_EQ(cache.objects(), 3U);
    tree.fill(64, cache);
    EXPECT_EQ(cache.objects(), 4U);
    tree.fill(4096, cache);
    EXPECT_EQ(cache.objects(), 6U);
    tree.empty(64, cache);
    EXPECT_EQ(cache.objects(), 5U);
    tree.empty(0, cache);
    EXPECT_EQ(cache.objects(), 5U);
    tree.empty(63, cache);
    tree.empty(4096, cache);
    EXPECT_EQ(cache.objects(), 0U);
}

TEST_F(kmem_cache_test, what_is_cleared_gives_its_nodes_back) {
    kmem_cache cache{cpu, source, radix_tree_node};
    xarray_nodes tree{64};
    tree.fill(5, cache);
    EXPECT_EQ(cache.objects(), 1U); // one level
    tree.clear(cache);
    EXPECT_EQ(cache.objects(), 0U);
}

// The free blocks of a kernel that has booted: nothing merges, and each type has its own pageblocks.
TEST(lay_out, leaves_just_the_blocks_asked_for) {
    mem_map frames{page_count{16384}};
    vmstat stat;
    const zone_config z{.type = zone_type::dma, .present = page_count{16384}, .managed = page_count{16384}};
    node home{frames, stat, std::vector{z}, {}, linux_6_1};
    free_layout wanted;
    wanted.blocks[0] = {8, 13, 13, 7, 8, 8, 3, 0, 1, 1, 0};
    wanted.blocks[1] = {2, 2, 1, 2, 3, 4, 2, 4, 3, 3, 4};
    wanted.blocks[2] = {0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0};
    ASSERT_TRUE(home.settle(std::nullopt, page_count{20}, wanted));
    EXPECT_EQ(home.nr_free_pages(), wanted.pages());
    home.check_consistency();
    for (unsigned o = 0; o < max_order; ++o) {
        const std::uint32_t all = wanted.blocks[0][o] + wanted.blocks[1][o] + wanted.blocks[2][o];
        EXPECT_EQ(home.zones().front().free_area().free_blocks(page_order{static_cast<std::uint8_t>(o)}), all)
            << o;
    }
}

TEST(lay_out, refuses_what_does_not_fit) {
    mem_map frames{page_count{4096}};
    vmstat stat;
    const zone_config z{.type = zone_type::dma, .present = page_count{4096}, .managed = page_count{4096}};
    node home{frames, stat, std::vector{z}, {}, linux_6_1};
    free_layout wanted;
    wanted.blocks[1][10] = 5;
    EXPECT_FALSE(home.settle(std::nullopt, page_count{0}, wanted));
}

} // namespace
} // namespace pagesim
