// SPDX-License-Identifier: MIT
// Several areas: priorities, turns, the entry's type, and what happens when one goes away.
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

swap_config area_of(std::uint64_t pages, std::optional<int> priority = std::nullopt) {
    return {.pages = page_count{pages}, .priority = priority, .bad_slots = {}, .failures = {}};
}
// The areas of the next `n` slots, each run of one as "type x length".
std::string areas_of_next(swap_space& swap, unsigned n) {
    std::string out;
    unsigned run = 0;
    std::uint8_t last = 0;
    const auto put = [&] {
        if (run > 0) out += std::to_string(last) + "x" + std::to_string(run) + " ";
        run = 0;
    };
    for (unsigned i = 0; i < n; ++i) {
        const std::optional<swap_entry> e = swap.alloc_slot();
        if (!e) break;
        if (e->type != last) put();
        last = e->type;
        ++run;
    }
    put();
    return out;
}

TEST(swap_areas, equals_take_turns_by_64_slots) {
    auto m = a_machine().with_swap(area_of(4096, 5)).and_swap_on(area_of(4096, 5)).build();
    EXPECT_EQ(areas_of_next(m->parts.swap, 256), "0x64 1x64 0x64 1x64 ");
}

TEST(swap_areas, equals_take_turns_slot_by_slot_while_the_slot_cache_is_off) {
    auto m = a_machine().with_swap(area_of(100, 5)).and_swap_on(area_of(100, 5)).build();
    EXPECT_EQ(areas_of_next(m->parts.swap, 4), "0x1 1x1 0x1 1x1 ");
}

TEST(swap_areas, the_highest_priority_is_used_up_first) {
    auto m =
        a_machine().with_swap(area_of(640, 1)).and_swap_on(area_of(128, 7)).and_swap_on(area_of(640)).build();
    EXPECT_EQ(areas_of_next(m->parts.swap, 300), "1x128 0x172 ");
    m->check();
}

TEST(swap_areas, defaults_are_worth_less_in_the_order_of_swapon) {
    auto m = a_machine()
                 .with_swap(area_of(128))
                 .and_swap_on(area_of(128))
                 .and_swap_on(area_of(128, 0))
                 .and_swap_on(area_of(128))
                 .build();
    swap_space& swap = m->parts.swap;
    EXPECT_EQ(swap.priority(0), -2);
    EXPECT_EQ(swap.priority(1), -3);
    EXPECT_EQ(swap.priority(2), 0);
    EXPECT_EQ(swap.priority(3), -4);
    EXPECT_EQ(areas_of_next(swap, 384), "2x128 0x128 1x128 ");
}

TEST(swap_areas, an_area_that_gets_a_slot_back_is_asked_again) {
    auto m = a_machine().with_swap(area_of(50, 9)).and_swap_on(area_of(50, 1)).build();
    swap_space& swap = m->parts.swap;
    const swap_entry first = *swap.alloc_slot();
    EXPECT_EQ(areas_of_next(swap, 50), "0x49 1x1 ");
    swap.return_slot(first);
    swap.return_slot({.offset = first.offset + 1});
    EXPECT_EQ(areas_of_next(swap, 2), "0x2 ");
    m->check();
}

TEST(swap_areas, slots_come_back_sorted_by_area) {
    auto m = a_machine().with_swap(area_of(4096, 5)).and_swap_on(area_of(4096, 5)).build();
    swap_space& swap = m->parts.swap;
    std::vector<swap_entry> entries;
    for (int i = 0; i < 128; ++i) entries.push_back(*swap.alloc_slot());
    for (std::size_t i = 0; i < 33; ++i) { // from both in turn
        swap.return_slot(entries[i]);
        swap.return_slot(entries[i + 64]);
    }
    EXPECT_EQ(swap.area(0).in_use(), 32U) << "the 65th gave 64 back, 32 of each";
    EXPECT_EQ(swap.area(1).in_use(), 32U);
    m->check();
}

TEST(swap_areas, share_one_count_of_free_slots) {
    auto m = a_machine().with_swap(area_of(100)).and_swap_on(area_of(101)).build();
    const swap_space& swap = m->parts.swap;
    EXPECT_EQ(swap.total_swap_pages(), 201U);
    for (int i = 0; i < 100; ++i) static_cast<void>(m->parts.swap.alloc_slot());
    EXPECT_FALSE(swap.vm_swap_full()) << "100 of 201";
    static_cast<void>(m->parts.swap.alloc_slot());
    EXPECT_TRUE(swap.vm_swap_full());
}

TEST(swap_areas, a_page_knows_its_area_everywhere) {
    auto m = a_machine()
                 .with_page_cluster(0)
                 .with_swap(area_of(100, 5))
                 .and_swap_on({.device = swap_device::zram,
                               .pages = page_count{100},
                               .priority = 5,
                               .bad_slots = {},
                               .failures = {}})
                 .build();
    for (const std::uint64_t n : {1U, 2U}) {
        m->written(n);
        m->swap_out(n);
    }
    const swap_entry one = entry_in(m->entry(1), linux_6_1.swap_pte);
    const swap_entry two = entry_in(m->entry(2), linux_6_1.swap_pte);
    EXPECT_EQ(one.type, 0U);
    EXPECT_EQ(two.type, 1U);
    EXPECT_EQ(m->parts.store(1)->stored_pages(), 1U);
    EXPECT_EQ(m->parts.store(0), nullptr);
    m->check();
    m->touch(1, access_kind::read);
    m->touch(2, access_kind::read);
    EXPECT_TRUE(m->page_at(1).test(page_flag::swapcache)) << "flash: through the swap cache";
    EXPECT_FALSE(m->page_at(2).test(page_flag::swapcache)) << "zram: past it";
    EXPECT_EQ(swap_space::entry_of(m->page_at(1)), one);
    m->check();
}

TEST(swap_areas, requests_to_two_areas_never_merge) {
    swap_config disk = area_of(100, 5);
    disk.medium = swap_medium::rotational;
    auto m = a_machine().with_swap(disk).and_swap_on(disk).build();
    io_plug plug;
    for (std::uint64_t n = 1; n <= 6; ++n) {
        page& p = m->written(n);
        m->age(n);
        m->isolate(p);
        p.set(page_flag::locked);
        ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
        ASSERT_EQ(m->parts.map.try_to_unmap(p), unmap_result::unmapped);
        p.clear(page_flag::dirty);
        m->parts.io->write_page(p, plug);
    }
    m->parts.io->flush(plug);
    EXPECT_EQ(m->parts.io->requests_in_flight(), 2U) << "slots 1, 2, 3 of each area";
    m->complete_io();
}

TEST(scarce_swap, makes_pages_in_the_swap_cache_give_up_their_slots) {
    auto m = a_machine().with_page_cluster(0).with_swap(area_of(20)).build();
    // Ten pages came back and keep their slots; five others go out.
    for (std::uint64_t n = 0; n < 10; ++n) {
        m->written(n);
        m->swap_out(n);
        m->touch(n, access_kind::read);
    }
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::nr_swapcached], 10U);
    for (std::uint64_t n = 100; n < 105; ++n) {
        m->written(n);
        m->swap_out(n);
        EXPECT_TRUE(m->entry(n).is_swap());
    }
    EXPECT_LT(m->parts.stat[vm_item::nr_swapcached], 10U) << "though free slots were left";
    for (std::uint64_t n = 0; n < 10; ++n)
        EXPECT_EQ(m->page_at(n).test(page_flag::dirty), !m->page_at(n).test(page_flag::swapcache)) << n;
    m->check();
}

TEST(scarce_swap, a_mapped_page_whose_last_entry_goes_loses_its_slot_only_then) {
    for (const std::uint64_t pages : {100U, 3U}) {
        auto m = a_machine().with_page_cluster(0).with_swap(area_of(pages)).build();
        page& p = m->written(1);
        m->isolate(p);
        p.set(page_flag::locked);
        ASSERT_EQ(add_to_swap(m->parts.rc, p), swap_slot_result::added);
        p.clear(page_flag::locked);
        const swap_entry e = swap_space::entry_of(p);
        m->parts.swap.duplicate(e); // as if a second process had it swapped out
        static_cast<void>(m->parts.swap.alloc_slot());
        m->parts.swap.free_swap_and_cache(e);
        EXPECT_EQ(p.test(page_flag::swapcache), pages == 100) << pages;
    }
}

} // namespace
} // namespace pagesim
