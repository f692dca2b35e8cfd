// SPDX-License-Identifier: MIT
// Witnesses of the reasons that file pages, and pages given up by MADV_FREE, reach.
#pragma once

#include "verdicts_of_anon.hpp"

namespace pagesim::testing {

inline void an_executable_page_is_activated_at_its_first_use() {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    m->map_file(p, {vm_flag::read, vm_flag::exec});
    scan_control sc;
    expect_verdict(*m, p, sc, why::referenced_exec, "ia: - | aa: - | if: - | af: f0 | un: -");
    page& q = m->file_page(1);
    m->map_file(q, vm_flag::read);
    expect_verdict(*m, q, sc, why::referenced, "ia: - | aa: - | if: f1 | af: f0 | un: -");
    m->check();
}

// A page that its process gave up, on the inactive file list.
inline page& given_up(small_machine& m) {
    page& p = m.written(1);
    std::uint64_t& word = *m.space->table().leaf(vpn{1});
    word = descriptor{word}.mkold().mkclean().word();
    m.parts.tlbs.flush_page(m.space->id(), vpn{1});
    m.parts.batches.mark_page_lazyfree(p);
    m.parts.batches.lru_add_drain();
    EXPECT_EQ(m.picture(), "ia: - | aa: - | if: 1 | af: - | un: -");
    return p;
}

inline void a_page_given_up_but_stored_to_since_is_activated_as_anonymous() {
    auto m = a_machine().build();
    page& p = given_up(*m);
    m->touch(1, access_kind::write);
    m->age(1);
    scan_control sc;
    expect_verdict(*m, p, sc, why::lazyfree_dirty, "ia: - | aa: 1 | if: - | af: - | un: -");
    EXPECT_TRUE(m->entry(1).valid() && m->entry(1).dirty());
    EXPECT_TRUE(p.test(page_flag::swapbacked));
    EXPECT_EQ(m->parts.stat[vm_item::pglazyfreed], 0U);
    m->check();
}

inline void a_page_given_up_is_freed_without_swap() {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    page& p = given_up(*m);
    EXPECT_EQ(m->parts.stat[vm_item::pglazyfree], 1U);
    scan_control sc;
    expect_verdict(*m, p, sc, why::lazyfreed, "ia: - | aa: - | if: - | af: - | un: -");
    EXPECT_TRUE(m->entry(1).none()) << "the next touch finds zeros";
    EXPECT_EQ(m->parts.stat[vm_item::pglazyfreed], 1U);
    m->check();
}

inline void a_dirty_file_page_is_left_to_the_flusher() {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    m->parts.cache.set_page_dirty(p);
    scan_control sc;
    expect_verdict(*m, p, sc, why::dirty_file, "ia: - | aa: - | if: - | af: f0 | un: -");
    EXPECT_TRUE(p.test(page_flag::reclaim) && p.test(page_flag::dirty));
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_immediate_reclaim], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 0U);
    m->check();
}

// A dirty page as kswapd meets it for the second time, all others being dirty, too.
inline page& dirty_and_met_again(small_machine& m) {
    page& p = m.file_page(0);
    m.parts.cache.set_page_dirty(p);
    p.set(page_flag::reclaim);
    m.parts.lru.pgdat.dirty = true;
    return p;
}

inline void a_dirty_page_that_read_used_lately_is_not_worth_a_write() {
    auto m = a_machine().build();
    page& p = dirty_and_met_again(*m);
    m->parts.batches.mark_page_accessed(p);
    scan_control sc;
    sc.who = reclaimer::kswapd;
    expect_verdict(*m, p, sc, why::dirty_referenced, "ia: - | aa: - | if: f0 | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 0U);
    expect_verdict(*m, p, sc, why::reclaimed, "ia: - | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 1U) << "the mark was taken: now kswapd writes";
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 0U);
    m->check();
}

inline void a_shmem_page_without_a_slot_is_activated() {
    auto m = a_machine().with_swap_on(swap_device::none).build();
    page& p = m->shmem_page(0);
    scan_control sc;
    expect_verdict(*m, p, sc, why::write_refused, "ia: - | aa: s0 | if: - | af: - | un: -");
    EXPECT_TRUE(p.test(page_flag::dirty) && !p.test(page_flag::reclaim));
    EXPECT_EQ(m->parts.stat[vm_item::nr_vmscan_write], 0U);
    m->check();
}

// A page that was truncated while somebody held it: no longer any file's.
inline page& truncated(small_machine& m) {
    page& p = m.file_page(0);
    p.set(page_flag::locked);
    m.parts.cache.remove(p);
    p.clear(page_flag::locked);
    EXPECT_EQ(p.refcount(), 1) << "what was the page cache's";
    return p;
}

inline void a_page_of_no_file_that_somebody_holds_stays() {
    auto m = a_machine().build();
    page& p = truncated(*m);
    scan_control sc;
    expect_verdict(*m, p, sc, why::no_mapping, "ia: - | aa: - | if: ? | af: - | un: -");
    m->check();
}

inline void buffers_that_kept_a_truncated_page_go_with_it() {
    auto m = a_machine().build();
    page& p = m->file_page(0);
    m->parts.cache.attach_private(p);
    p.set(page_flag::locked);
    m->parts.cache.remove(p);
    p.clear(page_flag::locked);
    m->parts.batches.put_page(p);
    EXPECT_EQ(p.refcount(), 1) << "the buffers'";
    scan_control sc;
    expect_verdict(*m, p, sc, why::orphan_freed, "ia: - | aa: - | if: - | af: - | un: -");
    EXPECT_EQ(p.refcount(), 0);
    m->check();
}

inline void metadata_whose_buffers_are_in_use_is_activated() {
    auto m = a_machine().with_metadata(0, 1).build();
    page& p = m->metadata(0);
    scan_control sc;
    expect_verdict(*m, p, sc, why::buffers_busy, "ia: - | aa: - | if: - | af: f0 | un: -");
    EXPECT_EQ(m->parts.stat[vm_item::pgactivate], 1U);
    m->parts.cache.invalidate_bh_lrus(); // now the CPU keeps none
    expect_verdict(*m, p, sc, why::reclaimed, "ia: - | aa: - | if: - | af: - | un: -");
    m->check();
}

} // namespace pagesim::testing
