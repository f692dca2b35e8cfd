// SPDX-License-Identifier: MIT
// The life of one anonymous page, moment by moment, as struct page shows it: on a device that answers later, for both
// kernels. Reference count, raw map count and flags; then the same in the words of older documents.
#include <support/kernels.hpp>
#include <support/small_machine.hpp>

#include <pagesim/memory/page_state.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using f = page_flag;

class life : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    life() : m{a_machine().with_profile(*GetParam()).with_page_cluster(0).build()} {}

    [[nodiscard]] bool old_kernel() const { return GetParam() == &linux_5_8; }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return m->parts.stat[i]; }

    // Flags without anon_exclusive, which only 6.1 has and only while the page is mapped.
    void expect(int refs, int raw_mapcount, page_flags flags, const char* moment) {
        EXPECT_EQ(p->refcount(), refs) << moment;
        EXPECT_EQ(p->raw_mapcount(), raw_mapcount) << moment;
        page_flags shown = p->flags();
        EXPECT_EQ(shown.has(f::anon_exclusive), !old_kernel() && raw_mapcount >= 0) << moment;
        shown.clear(f::anon_exclusive);
        EXPECT_EQ(flag_names(shown), flag_names(flags)) << moment;
    }
    // The view of older documents: held says whether reclaim holds the page isolated.
    void expect_documented(page_flags flags, bool held, const char* stage) {
        page_flags shown = p->flags();
        if (held) shown.set(f::lru);
        if (shown.has(f::swapcache) && shown.has(f::writeback)) shown.set(f::dirty);
        for (const page_flag hidden : {f::workingset, f::referenced, f::active, f::anon_exclusive})
            shown.clear(hidden);
        EXPECT_EQ(flag_names(shown), flag_names(flags)) << stage;
    }
    void isolate() { m->isolate(*p); }

    // A0 to A2: born, on a list, and inactive after a turn on the active one.
    void be_born() {
        m->touch(1, access_kind::write);
        p = &m->page_at(1);
        page_flags born{f::uptodate, f::swapbacked};
        if (old_kernel()) born.set(f::active);
        expect(2, 0, born, "A0 in the lru_add batch");
        EXPECT_EQ(count(vm_item::nr_inactive_anon) + count(vm_item::nr_active_anon), 0U);
        EXPECT_EQ(count(vm_item::nr_anon_pages), 1U);
        m->parts.batches.lru_add_drain();
        born.set(f::lru);
        expect(1, 0, born, "A1 on its list");
        EXPECT_EQ(m->picture(), old_kernel() ? "ia: - | aa: 1 | if: - | af: - | un: -"
                                             : "ia: 1 | aa: - | if: - | af: - | un: -");
        if (!old_kernel()) {
            m->parts.batches.activate_page(*p);
            m->parts.batches.lru_add_drain();
        }
        scan_control sc;
        shrink_active_list(m->parts.rc, sc, swap_cluster_max, lru_type::anon);
        expect(1, 0, {f::lru, f::uptodate, f::swapbacked, f::workingset}, "A2 deactivated");
        EXPECT_FALSE(m->entry(1).young());
        EXPECT_EQ(count(vm_item::pgdeactivate), 1U);
    }

    // A3 to A6: isolated, a slot, unmapped, the write submitted.
    void be_written(io_plug& plug) {
        isolate();
        expect(2, 0, {f::uptodate, f::swapbacked, f::workingset}, "A3 isolated");
        p->set(f::locked);
        ASSERT_EQ(add_to_swap(m->parts.rc, *p), swap_slot_result::added);
        slot = swap_space::entry_of(*p).offset;
        expect(3, 0, {f::locked, f::dirty, f::swapcache, f::swapbacked, f::uptodate, f::workingset},
               "A4 cached");
        expect_documented({f::lru, f::swapbacked, f::swapcache, f::dirty, f::uptodate, f::locked}, true,
                          "(1)");
        EXPECT_EQ(m->parts.swap.area().map(slot), 0x40);
        ASSERT_EQ(m->parts.map.try_to_unmap(*p), unmap_result::unmapped);
        expect(2, -1, {f::locked, f::dirty, f::swapcache, f::swapbacked, f::uptodate, f::workingset},
               "A5 unmapped");
        EXPECT_EQ(m->parts.swap.area().map(slot), 0x41);
        EXPECT_EQ(m->entry(1).swap_entry().exclusive, !old_kernel());
        EXPECT_EQ(count(vm_item::nr_anon_pages), 0U);
        ASSERT_EQ(pageout(m->parts.rc, *p, plug), pageout_result::success);
        m->parts.io->flush(plug);
        expect(2, -1, {f::writeback, f::reclaim, f::swapcache, f::swapbacked, f::uptodate, f::workingset},
               "A6");
        expect_documented(
            {f::lru, f::swapbacked, f::swapcache, f::dirty, f::uptodate, f::reclaim, f::writeback}, true,
            "(3)");
        EXPECT_EQ(count(vm_item::pswpout), 1U);
        EXPECT_EQ(count(vm_item::nr_vmscan_write), 1U);
        EXPECT_EQ(count(vm_item::nr_writeback), 1U);
    }

    // A10 to A12: isolated again, out of the swap cache, free.
    void leave() {
        isolate();
        p->set(f::locked);
        expect(2, -1, {f::locked, f::swapcache, f::swapbacked, f::uptodate, f::workingset},
               "A10 isolated again");
        ASSERT_EQ(remove_mapping(m->parts.rc, *p), remove_result::removed);
        p->clear(f::locked);
        expect(0, -1, {f::swapbacked, f::uptodate, f::workingset}, "A11 out of the swap cache");
        expect_documented({f::swapbacked, f::uptodate}, false, "(4)");
        EXPECT_EQ(m->parts.swap.area().map(slot), 0x01);
        EXPECT_EQ(m->parts.swap.shadow_at({.offset = slot}).has_value(), !old_kernel());
        EXPECT_EQ(m->parts.lru.nonresident_age, 1U);
        m->parts.home.free_page(*p);
        EXPECT_EQ(p->refcount(), 0);
    }

    std::unique_ptr<testing::small_machine> m;
    page* p = nullptr;
    std::uint64_t slot = 0;
};

TEST_P(life, from_the_first_touch_to_the_free_frame) {
    be_born();
    io_plug plug;
    be_written(plug);
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, *p));
    expect(1, -1, {f::lru, f::writeback, f::reclaim, f::swapcache, f::swapbacked, f::uptodate, f::workingset},
           "A7 put back");
    m->complete_io();
    expect(2, -1, {f::lru, f::swapcache, f::swapbacked, f::uptodate, f::workingset}, "A8 write complete");
    EXPECT_EQ(count(vm_item::nr_written), 1U);
    EXPECT_EQ(count(vm_item::pgrotated), 0U);
    m->parts.batches.lru_add_drain();
    expect(1, -1, {f::lru, f::swapcache, f::swapbacked, f::uptodate, f::workingset}, "A9 rotated");
    EXPECT_EQ(count(vm_item::pgrotated), 1U);
    leave();
}

TEST_P(life, a_device_that_answers_before_the_put_back_rotates_nothing) {
    be_born();
    io_plug plug;
    be_written(plug);
    m->complete_io();
    expect(2, -1, {f::swapcache, f::swapbacked, f::uptodate, f::workingset}, "written while isolated");
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, *p));
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(count(vm_item::pgrotated), 0U);
    leave();
}

TEST_P(life, comes_back_young_and_still_has_its_slot) {
    be_born();
    io_plug plug;
    be_written(plug);
    static_cast<void>(putback_page(m->parts.cpu, m->parts.lru, m->parts.batches, *p));
    m->complete_io();
    m->parts.batches.lru_add_drain();
    leave();
    m->touch(1, access_kind::read);
    p = &m->page_at(1);
    page_flags back{f::uptodate, f::swapbacked, f::swapcache};
    if (old_kernel())
        back.set(f::workingset); // the page waits in the batch: activate_page finds it on no list
    expect(3, 0, back, "read through the swap cache: descriptor, cache, batch");
    EXPECT_TRUE(m->entry(1).young());
    EXPECT_FALSE(m->entry(1).dirty() || m->entry(1).writable());
    EXPECT_EQ(m->parts.swap.area().map(slot), 0x40) << "the slot stays for a later eviction without a write";
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->picture(), "ia: 1 | aa: - | if: - | af: - | un: -");
    m->check();
}

INSTANTIATE_TEST_SUITE_P(kernels, life, ::testing::Values(&linux_5_8, &linux_6_1), kernel_of);

TEST(short_life, a_page_of_6_1_touched_only_at_birth_needs_two_scans) {
    auto m = a_machine().build();
    page& p = m->written(1);
    scan_control sc;
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::referenced);
    m->isolate(p);
    EXPECT_EQ(m->judge(p, sc), why::written);
}

} // namespace
} // namespace pagesim
