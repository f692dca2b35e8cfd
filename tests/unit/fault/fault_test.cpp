// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace pagesim {
namespace {

using testing::a_machine;

std::uint64_t count(testing::small_machine& m, vm_item i) { return m.parts.stat[i]; }

TEST(anonymous_fault, a_read_of_untouched_memory_maps_the_zero_page) {
    auto m = a_machine().build();
    const std::uint64_t tables_before = count(*m, vm_item::pgalloc_dma);
    m->touch(5, access_kind::read);
    m->touch(6, access_kind::read);
    EXPECT_TRUE(m->entry(5).special());
    EXPECT_FALSE(m->entry(5).writable());
    EXPECT_EQ(count(*m, vm_item::pgfault), 2U);
    EXPECT_EQ(count(*m, vm_item::nr_anon_pages), 0U);
    EXPECT_EQ(count(*m, vm_item::pgalloc_dma) - tables_before, 3U) << "three tables on the way, no page";
    EXPECT_EQ(count(*m, vm_item::nr_page_table_pages), 2U) << "PMD and PTE pages count, PUD pages do not";
}

TEST(anonymous_fault, a_write_gets_a_frame_of_its_own_young_and_dirty) {
    auto m = a_machine().build();
    page& p = m->written(5);
    EXPECT_TRUE(m->entry(5).young() && m->entry(5).dirty() && m->entry(5).writable());
    EXPECT_TRUE(p.test(page_flag::swapbacked) && p.test(page_flag::uptodate) &&
                p.test(page_flag::anon_exclusive));
    EXPECT_FALSE(p.test(page_flag::dirty)) << "the dirtiness is in the descriptor";
    EXPECT_EQ(p.refcount(), 1);
    EXPECT_EQ(p.raw_mapcount(), 0);
    EXPECT_EQ(count(*m, vm_item::nr_anon_pages), 1U);
    EXPECT_EQ(m->space->anon_pages, 1U);
}

TEST(anonymous_fault, a_write_to_the_zero_page_copies) {
    auto m = a_machine().build();
    m->touch(5, access_kind::read);
    m->touch(5, access_kind::write);
    EXPECT_FALSE(m->entry(5).special());
    EXPECT_EQ(count(*m, vm_item::pgfault), 2U);
    EXPECT_EQ(count(*m, vm_item::nr_anon_pages), 1U);
    EXPECT_EQ(count(*m, vm_item::pgreuse), 0U);
    m->check();
}

TEST(anonymous_fault, a_range_without_zero_page_gives_a_read_a_frame) {
    auto m = a_machine().build();
    m->range->on_read = first_read::private_frame;
    m->touch(5, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::nr_anon_pages), 1U);
    EXPECT_FALSE(m->entry(5).special());
}

TEST(anonymous_fault, an_address_in_no_range_is_bad) {
    auto m = a_machine().build();
    EXPECT_EQ(m->touch(1ULL << 30U, access_kind::read), fault_outcome::map_error);
    EXPECT_EQ(count(*m, vm_item::pgfault), 0U);
}

TEST(access_flag_fault, the_first_use_of_an_aged_page_faults_once_without_hardware_help) {
    auto m = a_machine().build();
    m->written(5);
    const std::uint64_t before = count(*m, vm_item::pgfault);
    m->age(5);
    m->touch(5, access_kind::read);
    m->touch(5, access_kind::read);
    EXPECT_TRUE(m->entry(5).young());
    EXPECT_EQ(count(*m, vm_item::pgfault) - before, 1U);
}

TEST(access_flag_fault, is_silent_with_hardware_access_flag) {
    auto m = a_machine().with_cpu(neoverse_n1).build();
    m->written(5);
    const std::uint64_t before = count(*m, vm_item::pgfault);
    m->age(5);
    m->touch(5, access_kind::read);
    EXPECT_TRUE(m->entry(5).young());
    EXPECT_EQ(count(*m, vm_item::pgfault), before);
    EXPECT_EQ(m->parts.cpu_mmu.stats().hw_access_flag, 1U);
}

TEST(swap_fault, zram_is_read_without_the_swap_cache) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    m->written(5);
    m->swap_out(5);
    EXPECT_EQ(count(*m, vm_item::pswpout), 1U);
    EXPECT_EQ(count(*m, vm_item::pgrotated), 0U) << "written and freed in one pass";
    EXPECT_EQ(m->space->swap_entries, 1U);
    m->touch(5, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::pgmajfault), 1U);
    EXPECT_EQ(count(*m, vm_item::pswpin), 1U);
    EXPECT_EQ(count(*m, vm_item::nr_swapcached), 0U);
    EXPECT_EQ(count(*m, vm_item::workingset_refault_anon), 1U);
    EXPECT_FALSE(m->page_at(5).test(page_flag::swapcache));
    m->check();
}

TEST(swap_fault, a_page_read_back_and_written_is_reused) {
    auto m = a_machine().with_swap_on(swap_device::zram).build();
    m->written(5);
    m->swap_out(5);
    m->touch(5, access_kind::read);
    EXPECT_FALSE(m->entry(5).writable());
    m->touch(5, access_kind::write);
    EXPECT_EQ(count(*m, vm_item::pgreuse), 1U);
    EXPECT_TRUE(m->entry(5).writable() && m->entry(5).dirty());
}

TEST(swap_fault, a_slow_device_is_read_through_the_swap_cache_and_the_fault_counts_twice) {
    auto m = a_machine().build();
    m->written(5);
    m->swap_out(5);
    const std::uint64_t before = count(*m, vm_item::pgfault);
    m->touch(5, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::pgfault) - before, 2U) << "readahead window of 8: the fault is retried";
    EXPECT_EQ(count(*m, vm_item::pgmajfault), 1U);
    page& p = m->page_at(5);
    EXPECT_TRUE(p.test(page_flag::swapcache)) << "kept, clean, with its slot";
    EXPECT_FALSE(p.test(page_flag::dirty));
    EXPECT_EQ(p.refcount(), 2);
    EXPECT_EQ(m->parts.swap.area().map(swap_space::entry_of(p).offset), 0x40);
    m->check();
}

TEST(swap_fault, a_single_page_is_waited_for_in_place) {
    auto m = a_machine().with_page_cluster(0).build();
    m->written(5);
    m->swap_out(5);
    const std::uint64_t before = count(*m, vm_item::pgfault);
    m->touch(5, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::pgfault) - before, 1U);
    EXPECT_EQ(count(*m, vm_item::pgmajfault), 1U);
}

TEST(swap_fault, who_is_to_run_runs_when_the_frame_is_there_and_before_the_read) {
    for (const auto& [device, cluster] : {std::pair{swap_device::zram, 3U}, std::pair{swap_device::flash, 0U},
                                          std::pair{swap_device::flash, 3U}}) {
        auto m = a_machine().with_swap_on(device).with_page_cluster(cluster).build();
        m->written(5);
        m->swap_out(5);
        const std::uint64_t frames = count(*m, vm_item::pgalloc_dma);
        m->waker.another_is_to_run = true;
        fault_cursor f;
        f.where = vpn{5};
        f.kind = access_kind::read;
        unsigned times = 0;
        for (step_result r = step_again; !r.done();) {
            r = handle_mm_fault(m->parts.fc, *m->space, f);
            if (r.kind == step_kind::sleep) m->complete_io();
            const bool has_frame = count(*m, vm_item::pgalloc_dma) > frames;
            times += has_frame && count(*m, vm_item::pswpin) == 0 ? 1U : 0U;
        }
        EXPECT_EQ(times, 1U) << cluster;
        EXPECT_EQ(count(*m, vm_item::pswpin), 1U) << cluster;
        m->check();
    }
}

TEST(swap_fault, a_write_frees_the_slot_at_once) {
    auto m = a_machine().with_page_cluster(0).build();
    m->written(5);
    m->swap_out(5);
    m->touch(5, access_kind::write);
    EXPECT_FALSE(m->page_at(5).test(page_flag::swapcache));
    EXPECT_TRUE(m->page_at(5).test(page_flag::dirty));
    EXPECT_TRUE(m->entry(5).writable());
    EXPECT_EQ(count(*m, vm_item::pgreuse), 0U);
}

TEST(swap_fault, a_clean_page_read_back_is_evicted_again_without_a_write_to_the_same_slot) {
    auto m = a_machine().with_page_cluster(0).build();
    m->written(5);
    m->swap_out(5);
    const std::uint64_t slot = m->entry(5).swap_entry().offset;
    m->touch(5, access_kind::read);
    m->parts.batches.lru_add_drain();
    m->swap_out(5);
    EXPECT_EQ(count(*m, vm_item::pswpout), 1U);
    EXPECT_EQ(m->entry(5).swap_entry().offset, slot);
}

TEST(swap_fault, a_page_written_after_it_was_read_back_goes_to_the_same_slot_in_6_1) {
    auto m = a_machine().with_page_cluster(0).build();
    m->written(5);
    m->swap_out(5);
    const std::uint64_t slot = m->entry(5).swap_entry().offset;
    m->touch(5, access_kind::read);
    m->touch(5, access_kind::write);
    EXPECT_EQ(count(*m, vm_item::pgreuse), 1U);
    EXPECT_TRUE(m->page_at(5).test(page_flag::swapcache))
        << "exclusive: reused without touching the swap cache";
    m->parts.batches.lru_add_drain();
    m->swap_out(5);
    EXPECT_EQ(count(*m, vm_item::pswpout), 2U);
    EXPECT_EQ(m->entry(5).swap_entry().offset, slot);
}

TEST(swap_fault, neighbours_come_along_and_are_found_in_the_swap_cache) {
    auto m = a_machine().build();
    for (std::uint64_t n = 100; n < 108; ++n) m->written(n);
    for (std::uint64_t n = 100; n < 108; ++n) m->swap_out(n);
    m->touch(103, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::swap_ra), 7U);
    EXPECT_EQ(count(*m, vm_item::pswpin), 8U);
    m->touch(104, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::swap_ra_hit), 1U);
    EXPECT_EQ(count(*m, vm_item::pgmajfault), 1U);
    m->check();
}

TEST(swap_fault, a_page_still_being_written_is_mapped_again_without_io) {
    auto m = a_machine().build();
    page& p = m->written(5);
    m->age(5);
    m->isolate(p);
    scan_control sc;
    ASSERT_EQ(m->judge(p, sc), why::written);
    m->touch(5, access_kind::read);
    EXPECT_EQ(count(*m, vm_item::pswpin), 0U);
    EXPECT_EQ(count(*m, vm_item::swap_ra_hit), 1U) << "PG_reclaim is PG_readahead: taken for a hit";
    EXPECT_TRUE(m->page_at(5).test(page_flag::writeback));
    m->complete_io();
    m->check();
}

TEST(exit, gives_back_pages_slots_and_tables) {
    auto m = a_machine().with_page_cluster(0).build();
    const std::uint64_t free_before = m->parts.stat[vm_item::nr_free_pages];
    for (std::uint64_t n = 0; n < 40; ++n) m->written(n * 700);
    for (std::uint64_t n = 0; n < 40; n += 2) m->swap_out(n * 700);
    m->touch(0, access_kind::read);
    exit_cursor gone;
    while (!exit_mmap(m->parts.fc, *m->space, gone).done()) {}
    m->parts.batches.lru_add_drain();
    m->parts.home.drain_all_pages();
    EXPECT_EQ(count(*m, vm_item::nr_anon_pages), 0U);
    EXPECT_EQ(count(*m, vm_item::nr_page_table_pages), 0U);
    EXPECT_EQ(count(*m, vm_item::nr_swapcached), 0U);
    // A slab of the swap cache's nodes stays: slots that wait to be given back in a batch keep their shadows.
    const std::uint64_t slabs = m->parts.nodes.pages();
    EXPECT_EQ(slabs, 2U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_free_pages], free_before + 1 - slabs) << "and the root table";
    m->parts.home.check_consistency();
    m->parts.swap.check_consistency();
}

TEST(munmap, frees_the_tables_that_cover_nothing_else) {
    auto m = a_machine().build();
    vma& other = m->space->insert_vma({.first = vpn{1U << 21U}, .end = vpn{(1U << 21U) + 10}});
    m->touch(3, access_kind::write);
    m->touch(raw(other.first), access_kind::write);
    EXPECT_EQ(count(*m, vm_item::nr_page_table_pages), 4U);
    unmap_cursor c;
    while (!unmap_range(m->parts.fc, *m->space, other, c).done()) {}
    EXPECT_EQ(count(*m, vm_item::nr_page_table_pages), 2U);
    EXPECT_EQ(m->space->find_vma(vpn{1U << 21U}), nullptr);
    m->check();
}

} // namespace
} // namespace pagesim
