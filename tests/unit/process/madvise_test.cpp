// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <pagesim/process/madvise.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

advice_outcome advise_pages(small_machine& m, advice what, std::uint64_t first, std::uint64_t end) {
    advise_cursor c;
    for (step_result r = step_again; !r.done();) {
        r = advise(m.parts.fc, *m.space, what, vpn{first}, vpn{end}, c);
        if (r.kind == step_kind::sleep) m.complete_io();
    }
    return c.outcome;
}

std::unique_ptr<small_machine> with_pages(const a_machine& how, std::uint64_t n) {
    auto m = how.build();
    for (std::uint64_t i = 0; i < n; ++i) m->written(i);
    return m;
}

TEST(madvise_dontneed, takes_the_pages_and_their_slots) {
    auto m = with_pages(a_machine(), 4);
    m->swap_out(3);
    const std::uint64_t free = m->parts.stat[vm_item::pgfree];
    EXPECT_EQ(advise_pages(*m, advice::dontneed, 1, 4), advice_outcome::done);
    EXPECT_EQ(m->picture(), "ia: 0 | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pgfree], free + 2);
    EXPECT_EQ(m->space->swap_entries, 0U);
    m->touch(1, access_kind::read);
    EXPECT_TRUE(m->entry(1).special()) << "zeros";
    m->check();
}

TEST(madvise_dontneed, tells_a_file_page_that_it_was_stored_to) {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    const vma& v = m->map_file(p, {vm_flag::read, vm_flag::write}, small_machine::mapped_by::store);
    EXPECT_EQ(advise_pages(*m, advice::dontneed, raw(v.first), raw(v.end)), advice_outcome::done);
    EXPECT_TRUE(m->entry_of(v).none() && p.test(page_flag::dirty) && !p.mapped());
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: f0 | af: - | un: -") << "the page cache keeps it";
    m->check();
}

TEST(madvise_cold, deactivates_and_ages) {
    auto m = with_pages(a_machine(), 3);
    m->parts.batches.activate_page(m->page_at(0));
    m->parts.batches.activate_page(m->page_at(1));
    m->page_at(2).set(page_flag::referenced);
    EXPECT_EQ(advise_pages(*m, advice::cold, 1, 3), advice_outcome::done);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 1 2 | aa: 0 | if: - | af: - | un: -") << "1 moves, 2 stays where it is";
    EXPECT_EQ(m->parts.stat[vm_item::pgdeactivate], 1U);
    EXPECT_TRUE(m->entry(0).young() && !m->entry(1).young() && !m->entry(2).young());
    EXPECT_FALSE(m->page_at(2).test(page_flag::referenced));
    EXPECT_EQ(
        m->parts.cpu_mmu.translate(m->space->table(), m->space->id(), vpn{1}, access_kind::read).fault.kind,
        fault_kind::access_flag)
        << "the TLB forgot it";
    m->check();
}

TEST(madvise_cold, leaves_alone_what_another_range_maps_too) {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    const vma& v = m->map_file(p, vm_flag::read);
    m->map_file(p, vm_flag::read);
    m->parts.batches.activate_page(p);
    for (const advice what : {advice::cold, advice::pageout}) {
        EXPECT_EQ(advise_pages(*m, what, raw(v.first), raw(v.end)), advice_outcome::done);
        m->parts.batches.lru_add_drain();
        EXPECT_TRUE(m->entry_of(v).young());
        EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: f0 | un: -");
    }
}

TEST(madvise_free, makes_pages_clean_and_lets_them_wait_on_the_file_list) {
    auto m = with_pages(a_machine(), 3);
    m->swap_out(2);
    EXPECT_EQ(advise_pages(*m, advice::free, 0, 3), advice_outcome::done);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: 1 0 | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pglazyfree], 2U);
    EXPECT_TRUE(m->entry(0).valid() && !m->entry(0).dirty() && !m->entry(0).young());
    EXPECT_TRUE(m->entry(2).none()) << "a swap entry goes at once";
    EXPECT_EQ(m->space->swap_entries, 0U);
    m->check();
}

TEST(madvise_free, takes_a_page_out_of_the_swap_cache) {
    auto m = with_pages(a_machine(), 1);
    m->swap_out(0);
    m->touch(0, access_kind::read);
    page& p = m->page_at(0);
    ASSERT_TRUE(p.test(page_flag::swapcache));
    EXPECT_EQ(advise_pages(*m, advice::free, 0, 1), advice_outcome::done);
    m->parts.batches.lru_add_drain();
    EXPECT_FALSE(p.test(page_flag::swapcache) || p.test(page_flag::dirty) || p.test(page_flag::swapbacked));
    m->check();
}

TEST(madvise_free, leaves_a_page_that_is_being_written) {
    auto m = with_pages(a_machine(), 1);
    m->swap_out(0);
    m->touch(0, access_kind::read);
    page& p = m->page_at(0);
    p.set(page_flag::writeback);
    EXPECT_EQ(advise_pages(*m, advice::free, 0, 1), advice_outcome::done);
    EXPECT_EQ(m->parts.batches.waiting(), 0U);
    EXPECT_TRUE(p.test(page_flag::swapbacked) && p.test(page_flag::swapcache));
    p.clear(page_flag::writeback);
    m->check();
}

TEST(madvise_pageout, writes_and_frees_without_a_scan) {
    auto m = with_pages(a_machine().with_swap_on(swap_device::zram), 600);
    EXPECT_EQ(advise_pages(*m, advice::pageout, 10, 590), advice_outcome::done);
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 580U);
    EXPECT_EQ(m->space->swap_entries, 580U);
    EXPECT_EQ(m->parts.lru.size(lru_list::inactive_anon), 20U);
    for (const vm_item none : {vm_item::pgscan_direct, vm_item::pgscan_anon, vm_item::pgsteal_direct,
                               vm_item::pgsteal_anon, vm_item::nr_isolated_anon})
        EXPECT_EQ(m->parts.stat[none], 0U) << vm_item_name(none);
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 580U);
    m->check();
}

TEST(madvise_pageout, puts_back_who_stays_by_way_of_the_add_batch) {
    auto m = with_pages(a_machine(), 3);
    m->parts.batches.activate_page(m->page_at(2));
    m->parts.batches.lru_add_drain();
    page& held = m->page_at(1);
    held.get();
    EXPECT_EQ(advise_pages(*m, advice::pageout, 0, 3), advice_outcome::done);
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.batches.waiting(), 3U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 2U) << "active or not; submitted when the call is over";
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 2 1 0 | aa: - | if: - | af: - | un: -");
    m->complete_io();
    m->parts.batches.put_page(held);
    m->parts.batches.lru_add_drain();
    m->check();
}

TEST(madvise_pageout, puts_nobody_back_before_all_of_a_table_are_judged) {
    auto m = with_pages(a_machine(), 100);
    advise_cursor c;
    std::size_t most = 0;
    while (!advise(m->parts.fc, *m->space, advice::pageout, vpn{0}, vpn{100}, c).done()) {
        most = std::max(most, c.kept.size());
        if (c.isolated.empty()) continue;
        EXPECT_EQ(m->parts.batches.waiting(), 0U);
    }
    EXPECT_EQ(most, 96U) << "the last batch follows at once";
    m->complete_io();
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.lru.size(lru_list::inactive_anon), 100U);
    m->check();
}

TEST(madvise_pageout, without_swap_activates_what_it_meets) {
    auto m = with_pages(a_machine().with_swap_on(swap_device::none), 2);
    EXPECT_EQ(advise_pages(*m, advice::pageout, 0, 2), advice_outcome::done);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: 1 0 | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 2U);
}

TEST(madvise_pageout, of_a_file_frees_clean_pages_and_leaves_dirty_ones_to_the_flusher) {
    auto m = a_machine().build();
    page& clean = m->file_page(0);
    page& dirty = m->file_page(1);
    const vma& a = m->map_file(clean, vm_flag::read);
    const vma& b = m->map_file(dirty, {vm_flag::read, vm_flag::write}, small_machine::mapped_by::store);
    EXPECT_EQ(advise_pages(*m, advice::pageout, raw(a.first), raw(a.end)), advice_outcome::done);
    EXPECT_EQ(advise_pages(*m, advice::pageout, raw(b.first), raw(b.end)), advice_outcome::done);
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: - | aa: - | if: - | af: f1 | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_immediate_reclaim], 1U);
    m->check();
}

TEST(madvise_willneed, reads_what_is_in_swap_into_the_swap_cache) {
    for (const swap_device device : {swap_device::zram, swap_device::flash}) {
        auto m = with_pages(a_machine().with_swap_on(device), 6);
        for (std::uint64_t i = 1; i < 5; ++i) m->swap_out(i);
        EXPECT_EQ(advise_pages(*m, advice::willneed, 0, 6), advice_outcome::done);
        EXPECT_EQ(m->parts.stat[vm_item::pswpin], 4U);
        EXPECT_EQ(m->parts.stat[vm_item::swap_ra], 0U) << "it is no guess";
        EXPECT_EQ(m->parts.stat[vm_item::nr_swapcached], 4U);
        EXPECT_TRUE(m->entry(2).is_swap()) << "nothing is mapped";
        m->complete_io();
        m->touch(2, access_kind::read);
        EXPECT_EQ(m->parts.stat[vm_item::pgmajfault], 0U);
        EXPECT_EQ(m->parts.stat[vm_item::pswpin], 4U);
        m->check();
    }
}

TEST(madvise_willneed, reads_a_file_ahead_of_use) {
    auto m = a_machine().with_memory(2048).build();
    page& p = m->file_page(0);
    vma& v = m->map_file(p, vm_flag::read);
    const std::uint64_t read = m->parts.stat[vm_item::pgpgin];
    m->parts.cache.unlink_range(v);
    v.end = v.first + 400; // the rest is not cached
    open_file& f = m->parts.cache.open(m->file());
    v.file = f.id;
    m->parts.cache.link_range(*m->space, v);
    EXPECT_EQ(advise_pages(*m, advice::willneed, raw(v.first), raw(v.end)), advice_outcome::done);
    EXPECT_EQ(m->file().nrpages(), 320U) << "what the device takes at once";
    EXPECT_EQ(m->parts.stat[vm_item::pgpgin], read + std::uint64_t{319} * 4);
    m->check();
}

TEST(madvise_willneed, reads_what_a_shmem_file_has_in_swap) {
    auto m = a_machine().build();
    page& p = m->shmem_page(0);
    vma& v = m->map_file(p, vm_flag::read);
    EXPECT_EQ(advise_pages(*m, advice::pageout, raw(v.first), raw(v.end)), advice_outcome::done);
    m->complete_io();
    m->parts.batches.lru_add_drain();
    ASSERT_TRUE(m->shmem().slot(0).is_value());
    page* cached =
        m->parts.swap.lookup(swap_entry::from_packed(static_cast<std::uint32_t>(m->shmem().slot(0).value())));
    scan_control sc;
    m->isolate(*cached);
    ASSERT_EQ(m->judge(*cached, sc), why::reclaimed);
    EXPECT_EQ(advise_pages(*m, advice::willneed, raw(v.first), raw(v.end)), advice_outcome::done);
    EXPECT_EQ(m->parts.stat[vm_item::pswpin], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_swapcached], 1U);
    m->complete_io();
    m->check();
}

TEST(madvise_random, splits_ranges_and_normal_joins_them) {
    auto m = with_pages(a_machine(), 10);
    EXPECT_EQ(advise_pages(*m, advice::random, 2, 5), advice_outcome::done);
    EXPECT_EQ(m->space->vmas().size(), 3U);
    EXPECT_TRUE(m->space->find_vma(vpn{2})->flags.has(vm_flag::rand_read));
    EXPECT_FALSE(m->space->find_vma(vpn{5})->flags.has(vm_flag::rand_read));
    EXPECT_EQ(advise_pages(*m, advice::sequential, 3, 8), advice_outcome::done);
    EXPECT_EQ(m->space->vmas().size(), 4U);
    EXPECT_FALSE(m->space->find_vma(vpn{4})->flags.has(vm_flag::rand_read)) << "it is one or the other";
    EXPECT_TRUE(m->space->find_vma(vpn{4})->flags.has(vm_flag::seq_read));
    m->check();
    EXPECT_EQ(advise_pages(*m, advice::normal, 0, 10), advice_outcome::done);
    EXPECT_EQ(m->space->vmas().size(), 1U);
    m->check();
}

TEST(madvise_random, that_would_make_too_many_ranges_changes_nothing) {
    auto m = with_pages(a_machine(), 10);
    m->space->limits.max_map_count = m->space->map_count() + 1;
    EXPECT_EQ(advise_pages(*m, advice::random, 2, 5), advice_outcome::unmapped);
    EXPECT_FALSE(m->space->find_vma(vpn{2})->flags.has(vm_flag::rand_read));
    m->check();
}

TEST(madvise, is_refused_for_a_locked_range_and_goes_no_further) {
    for (const advice what : {advice::dontneed, advice::free, advice::cold, advice::pageout}) {
        auto m = with_pages(a_machine(), 2);
        m->range->flags.set(vm_flag::locked);
        const std::string before = m->picture();
        EXPECT_EQ(advise_pages(*m, what, 0, 2), advice_outcome::invalid);
        m->parts.batches.lru_add_drain();
        EXPECT_EQ(m->picture(), before);
        EXPECT_TRUE(m->entry(0).dirty());
    }
}

TEST(madvise, free_is_not_for_files) {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    const vma& v = m->map_file(p, vm_flag::read);
    EXPECT_EQ(advise_pages(*m, advice::free, raw(v.first), raw(v.end)), advice_outcome::invalid);
    EXPECT_TRUE(m->entry_of(v).young());
}

TEST(madvise, skips_a_hole_and_says_so) {
    auto m = with_pages(a_machine(), 1);
    page& p = m->file_page(0);
    const vma& v = m->map_file(p, vm_flag::read);
    EXPECT_EQ(advise_pages(*m, advice::dontneed, 0, raw(v.end)), advice_outcome::unmapped);
    EXPECT_TRUE(m->entry(0).none() && m->entry_of(v).none()) << "on both sides of it";
    EXPECT_EQ(advise_pages(*m, advice::dontneed, raw(v.end), raw(v.end) + 5), advice_outcome::unmapped);
}

} // namespace
} // namespace pagesim
