// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/reclaim/scan_balance.hpp>
#include <pagesim/reclaim/shrink_node.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;
using mapped_by = small_machine::mapped_by;

struct reference_row {
    unsigned ranges; // young ones
    bool referenced;
    bool exec;
    page_references outcome;
};

TEST(page_check_references, of_a_file_page_goes_by_the_table) {
    for (const kernel_profile& profile : {linux_5_8, linux_5_10, linux_6_1}) {
        for (const reference_row& row : {reference_row{0, false, false, page_references::reclaim},
                                         reference_row{0, true, false, page_references::reclaim_clean},
                                         reference_row{1, false, false, page_references::keep},
                                         reference_row{1, false, true, page_references::activate},
                                         reference_row{1, true, false, page_references::activate},
                                         reference_row{2, false, false, page_references::activate}}) {
            auto m = a_machine().with_profile(profile).build();
            page& p = m->file_page(0);
            for (unsigned i = 0; i < row.ranges; ++i) {
                m->map_file(p, row.exec ? vm_flags{vm_flag::read, vm_flag::exec} : vm_flags{vm_flag::read});
            }
            if (row.referenced) p.set(page_flag::referenced);
            EXPECT_EQ(page_check_references(m->parts.rc, p).outcome, row.outcome)
                << profile.name << ' ' << row.ranges << row.referenced << row.exec;
            EXPECT_EQ(p.test(page_flag::referenced), row.ranges > 0) << profile.name;
        }
    }
}

TEST(page_check_references, of_a_shmem_page_goes_by_the_rule_for_anonymous_ones) {
    auto m = a_machine().with_profile(linux_5_8).build();
    page& p = m->shmem_page(0);
    m->map_file(p, vm_flag::read);
    EXPECT_EQ(page_check_references(m->parts.rc, p).outcome, page_references::activate) << "at once";
    auto n = a_machine().build();
    page& q = n->shmem_page(0);
    n->map_file(q, {vm_flag::read, vm_flag::exec});
    EXPECT_EQ(page_check_references(n->parts.rc, q).outcome, page_references::keep) << "executable or not";
    EXPECT_EQ(page_check_references(n->parts.rc, q).outcome, page_references::reclaim) << "not: if clean";
}

// Judges the page alone; what was counted of it.
reclaim_stat judged(small_machine& m, page& p, scan_control& sc) {
    m.isolate(p);
    shrink_page_list_cursor c;
    c.input.push(p);
    io_plug plug;
    while (!shrink_page_list(m.parts.rc, sc, c, plug).done()) {}
    for (unsigned i = 0; i < c.kept.size; ++i) {
        static_cast<void>(putback_page(m.parts.cpu, m.parts.lru, m.parts.batches, *c.kept.pages[i]));
    }
    return c.stat;
}

TEST(shrink_page_list, counts_dirty_pages_of_the_file_lists_only) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    scan_control sc;
    page& dirty = m->file_page(0);
    m->parts.cache.set_page_dirty(dirty);
    const reclaim_stat a = judged(*m, dirty, sc);
    EXPECT_EQ(a.nr_dirty, 1U);
    EXPECT_EQ(a.nr_unqueued_dirty, 1U);
    EXPECT_EQ(a.nr_congested, 0U);

    page& written = m->file_page(1);
    m->parts.cache.start_writeback(written);
    const reclaim_stat b = judged(*m, written, sc);
    EXPECT_EQ(b.nr_dirty, 1U);
    EXPECT_EQ(b.nr_unqueued_dirty, 0U);
    EXPECT_EQ(b.nr_congested, 0U);
    EXPECT_EQ(b.nr_writeback, 1U);
    m->isolate(written);
    written.clear(page_flag::active);
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, written));
    EXPECT_EQ(judged(*m, written, sc).nr_congested, 1U) << "marked, and met again before the write was over";

    page& shmem = m->shmem_page(0);
    EXPECT_EQ(judged(*m, shmem, sc).nr_dirty, 0U) << "no flusher writes it";
}

TEST(shrink_page_list, a_page_found_dirty_by_unmapping_it_is_left_to_the_flusher_uncounted) {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    m->map_file(p, {vm_flag::read, vm_flag::write}, mapped_by::store);
    static_cast<void>(m->parts.map.page_referenced(p));
    scan_control sc;
    const reclaim_stat s = judged(*m, p, sc);
    EXPECT_EQ(s.nr_dirty, 0U) << "nobody knew";
    EXPECT_EQ(s.nr_activate[1], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_immediate_reclaim], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 1U);
    EXPECT_FALSE(p.mapped());
    m->check();
}

// How kswapd meets a dirty page when it meets it again and the node is full of such.
page& met_again(small_machine& m) {
    page& p = m.file_page(0);
    m.parts.cache.set_page_dirty(p);
    p.set(page_flag::reclaim);
    m.parts.lru.pgdat.dirty = true;
    return p;
}

TEST(pageout, a_file_page_is_written_by_kswapd_alone) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    page& p = met_again(*m);
    scan_control sc;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::dirty_file) << "a direct reclaimer leaves it";
    m->isolate(p);
    p.clear(page_flag::active);
    sc.who = reclaimer::kswapd;
    EXPECT_EQ(m->judge(p, sc), why::written);
    EXPECT_TRUE(p.test(page_flag::writeback) && p.test(page_flag::reclaim) && !p.test(page_flag::dirty));
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 1U);
    m->complete_io();
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 1U);
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::reclaimed);
    EXPECT_TRUE(m->file().slot(0).is_value()) << "its shadow";
    m->check();
}

TEST(pageout, a_file_page_with_buffers_is_written_and_freed_where_the_device_answers_at_once) {
    auto m = a_machine().build();
    page& p = met_again(*m);
    m->parts.cache.attach_private(p);
    scan_control sc;
    sc.who = reclaimer::kswapd;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::reclaimed);
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 0U) << "it was on no list";
    m->check();
}

TEST(pageout, an_extra_reference_beside_the_buffers_pins_it) {
    auto m = a_machine().build();
    page& p = met_again(*m);
    m->parts.cache.attach_private(p);
    p.get();
    scan_control sc;
    sc.who = reclaimer::kswapd;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::pinned);
    EXPECT_TRUE(p.test(page_flag::dirty));
    sc.gfp.clear(gfp_flag::fs);
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::no_fs) << "I/O alone is no leave to enter a file system";
}

TEST(pageout, a_shmem_page_goes_to_swap_and_leaves_its_entry_in_the_file) {
    auto m = a_machine().build();
    page& p = m->shmem_page(5);
    scan_control sc;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::written);
    EXPECT_TRUE(p.test(page_flag::swapcache) && !p.in_file());
    ASSERT_TRUE(m->shmem().slot(5).is_value());
    const auto e = swap_entry::from_packed(static_cast<std::uint32_t>(m->shmem().slot(5).value()));
    EXPECT_EQ(e, swap_space::entry_of(p));
    EXPECT_EQ(m->parts.swap.count(e), 1U) << "the file's";
    EXPECT_EQ(m->parts.stat[vm_item::nr_shmem], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_file_pages], 1U) << "the swap cache's";
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 1U);
    m->check();
    m->complete_io();
    m->parts.batches.lru_add_drain();
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::reclaimed);
    EXPECT_EQ(m->parts.swap.count(e), 1U);
    m->check();
}

TEST(remove_mapping, a_clean_shmem_page_leaves_no_shadow) {
    auto m = a_machine().build();
    page& p = m->shmem_page(5);
    p.clear(page_flag::dirty); // never stored to
    scan_control sc;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::reclaimed);
    EXPECT_TRUE(m->shmem().slot(5).empty());
    EXPECT_EQ(m->parts.lru.nonresident_age, 0U);
    m->check();
}

TEST(lazyfree, a_page_that_somebody_holds_comes_back_or_is_torn_off_by_kernel) {
    for (const kernel_profile& profile : {linux_5_8, linux_5_10, linux_6_1}) {
        auto m = a_machine().with_profile(profile).build();
        page& p = m->written(1);
        std::uint64_t& word = *m->space->table().leaf(vpn{1});
        word = descriptor{word}.mkold().mkclean().word();
        m->parts.tlbs.flush_page(m->space->id(), vpn{1});
        m->parts.batches.mark_page_lazyfree(p);
        m->parts.batches.lru_add_drain();
        p.get();
        scan_control sc;
        m->isolate(p);
        const bool any_clean = profile.lazyfree == lazyfree_rule::clean;
        EXPECT_EQ(m->judge(p, sc), any_clean ? why::busy : why::lazyfree_dirty) << profile.name;
        EXPECT_EQ(p.mapped(), !any_clean);
        m->check();
    }
}

class noting_flusher final : public flusher_control {
public:
    void wakeup_flusher_threads(wb_reason reason) override {
        ++wakes;
        last = reason;
    }
    unsigned wakes = 0;
    wb_reason last = wb_reason::periodic;
};

void shrink(small_machine& m, scan_control& sc, unsigned n) {
    shrink_inactive_cursor c;
    io_plug plug;
    while (!shrink_inactive_list(m.parts.rc, sc, c, n, lru_type::file, plug).done()) {}
}

TEST(shrink_inactive_list, wakes_the_flusher_when_all_of_a_batch_is_dirty) {
    auto m = a_machine().build();
    noting_flusher flusher;
    m->parts.rc.flusher = &flusher;
    for (std::uint64_t i = 0; i < 5; ++i) m->parts.cache.set_page_dirty(m->file_page(i));
    scan_control sc;
    shrink(*m, sc, 4);
    EXPECT_EQ(flusher.wakes, 1U);
    EXPECT_EQ(flusher.last, wb_reason::vmscan);
    EXPECT_EQ(sc.nr.unqueued_dirty, 4U);
    EXPECT_EQ(sc.nr.file_taken, 4U);
    m->file_page(9);
    shrink(*m, sc, 4);
    EXPECT_EQ(flusher.wakes, 1U) << "one of two was clean";
    shrink(*m, sc, 4);
    EXPECT_EQ(flusher.wakes, 1U) << "nothing was taken";
}

TEST(shrink_active_list, executable_file_pages_go_around_once_more) {
    auto m = a_machine().build();
    std::array<page*, 3> pages{};
    for (std::uint64_t i = 0; i < 3; ++i) {
        pages[i] = &m->file_page(i);
        m->map_file(*pages[i], i == 1 ? vm_flags{vm_flag::read} : vm_flags{vm_flag::read, vm_flag::exec});
        m->parts.batches.activate_page(*pages[i]);
    }
    m->parts.batches.lru_add_drain();
    pages[2]->set(page_flag::locked);
    const std::uint64_t clock = m->parts.lru.nonresident_age;
    const std::uint64_t activated = m->parts.stat[vm_item::pgactivate];
    scan_control sc;
    shrink_active_list(m->parts.rc, sc, 32, lru_type::file);
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: f2 f1 | af: f0 | un: -");
    EXPECT_EQ(m->parts.lru.nonresident_age, clock + 1);
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], 2U) << "who could not be asked goes, too";
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], activated);
    shrink_active_list(m->parts.rc, sc, 32, lru_type::file);
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: f0 f2 f1 | af: - | un: -") << "not used since";
    pages[2]->clear(page_flag::locked);
}

TEST(scan_balance, many_inactive_file_pages_spare_the_anonymous_ones) {
    auto m = a_machine().build();
    for (std::uint64_t i = 0; i < 300; ++i) m->touch(i, access_kind::write);
    for (std::uint64_t i = 0; i < 300; ++i) m->file_page(i);
    m->parts.batches.lru_add_drain();
    scan_control sc;
    sc.priority = 4;
    prepare_scan_count(m->parts.rc, sc);
    EXPECT_TRUE(sc.cache_trim_mode);
    const scan_targets nr = get_scan_count(m->parts.rc, sc);
    EXPECT_EQ(nr[index_of(lru_list::inactive_file)], 300U >> 4U);
    EXPECT_EQ(nr[index_of(lru_list::inactive_anon)], 0U);
    m->parts.stat.add(vm_item::workingset_activate_file,
                      100); // file pages come back: their working set moved
    prepare_scan_count(m->parts.rc, sc);
    EXPECT_FALSE(sc.cache_trim_mode);
    EXPECT_EQ(get_scan_count(m->parts.rc, sc)[index_of(lru_list::inactive_anon)], (300U >> 4U) * 60 / 200);
}

TEST(scan_balance, a_few_file_pages_are_spared_when_memory_is_full_of_anonymous_ones) {
    auto m = a_machine().build();
    for (std::uint64_t i = 0; i < 10; ++i) m->file_page(i);
    std::uint64_t n = 0;
    const auto full = [&] {
        std::uint64_t high = 0;
        for (const zone& z : m->parts.home.zones()) high += z.wmark_pages(wmark_level::high);
        return m->parts.stat[vm_item::nr_free_pages] + 10 <= high;
    };
    while (!full()) m->touch(n++, access_kind::write);
    m->parts.batches.lru_add_drain();
    scan_control sc;
    sc.priority = 6;
    prepare_scan_count(m->parts.rc, sc);
    EXPECT_TRUE(sc.file_is_tiny);
    sc.cache_trim_mode = true; // decided earlier
    const scan_targets nr = get_scan_count(m->parts.rc, sc);
    EXPECT_GT(nr[index_of(lru_list::inactive_anon)], 0U);
    EXPECT_EQ(nr[index_of(lru_list::inactive_file)], 0U);
}

} // namespace
} // namespace pagesim
