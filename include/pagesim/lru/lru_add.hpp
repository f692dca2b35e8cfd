// SPDX-License-Identifier: MIT
// The per-CPU batches in front of the LRU lists, and put_page.
//
// A page does not go to its list at once. It waits, with a reference, in an array of 15 until the array is
// full or somebody drains it; so lists change in bursts, and a page fresh from a fault has one reference
// more than one would think. When the 15th page arrives the whole array is applied in order of arrival: the
// last one ends nearest the head.
//
// There is a batch for each kind of move. The conditions are looked at when a batch is applied, for by then the page may
// have been isolated, mapped or locked:
//
//     add              to the head of its list
//     rotate           a written page that reclaim waits for: to the tail of its inactive list
//     deactivate_file  a page that could not be dropped from the page cache: to the tail of the inactive list; if it is
//                      dirty or being written, to the head, and it rotates when the write is over
//     deactivate       MADV_COLD: an active page, to the head of the inactive list
//     lazyfree         MADV_FREE: an anonymous page becomes one of the inactive file list, not swap-backed
//     activate         used again: to the head of the active list
//
// lru_add_drain applies them in this order.
//
// Locked memory has a batch of its own in 6.1 (kernel_profile::mlocks). PG_mlocked and nr_mlock change at once, the
// page moves when the batch is applied:
//
//     mlock      off its list, to the unevictable one       (unevictable_pgs_culled)
//     new page   straight to the unevictable list           (unevictable_pgs_culled)
//     munlock    no longer mlocked (unevictable_pgs_munlocked, or _stranded if it was off the lists), and back to
//                the list that its flags name (unevictable_pgs_rescued)
//
// How many ranges lock a page is counted while it is on the unevictable list (kernel: page->mlock_count): from one on if it
// was moved there because it was locked, from zero on if it came by the add batch, where nobody knows whether who locked
// it is still to be counted. So a page may be counted too low, also if it was off its lists when it was locked once
// more; then reclaim finds the range that still locks it. 5.8 and 5.10 do not count: who unlocks looks for others (rmap).
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/lru/lruvec.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <array>
#include <cstdint>
#include <map>

namespace pagesim {

inline constexpr unsigned pagevec_size = 15; // kernel: PAGEVEC_SIZE

// kernel: struct cpu_fbatches, mm/swap.c.
class lru_batches {
public:
    lru_batches(const cpu_context& cpu, lruvec& lru, mlock_rule rule) : cpu_{cpu}, lru_{lru}, rule_{rule} {}

    // kernel: folio_add_lru(). The page is on no list.
    void lru_cache_add(page& p);
    // kernel: folio_rotate_reclaimable(): to the tail of its inactive list, now that it is clean.
    void rotate_reclaimable_page(page& p);
    // kernel: folio_activate().
    void activate_page(page& p);
    // kernel: deactivate_file_page(), folio of 6.1.
    void deactivate_file_page(page& p);
    // kernel: deactivate_page(). Active pages only.
    void deactivate_page(page& p);
    // kernel: mark_page_lazyfree(). The page is clean.
    void mark_page_lazyfree(page& p);
    // kernel: mark_page_accessed(): the second time activates. A page that still waits to be added is then added to the
    // active list; one that somebody has isolated just loses the mark.
    void mark_page_accessed(page& p);
    // kernel: mlock_folio(); 5.8 mlock_vma_page(). A page of a locked range, wherever it is.
    void mlock_page(page& p);
    // kernel: mlock_new_folio(). Instead of lru_cache_add().
    void mlock_new_page(page& p);
    // kernel: munlock_page(); 5.8 munlock_vma_page().
    void munlock_page(page& p);
    // 5.8, 5.10: nothing maps the page any more (kernel: clear_page_mlock()).
    void clear_page_mlock(page& p);
    // kernel: mlock_page_drain_local(). Nothing for 5.8 and 5.10.
    void mlock_page_drain() { drain_mlock(); }
    // kernel: lru_add_drain(): applies all batches of this CPU.
    void lru_add_drain();

    // Drops one reference; the last one frees the page (kernel: put_page, __page_cache_release).
    void put_page(page& p);

    [[nodiscard]] std::uint64_t waiting() const {
        return add_.size + rotate_.size + deactivate_file_.size + deactivate_.size + lazyfree_.size +
               activate_.size + mlock_.size;
    }
    // How many batches hold this page (each holds a reference).
    [[nodiscard]] unsigned batches_with(const page& p) const;
    // Calls f(const page&) for each page in each of them.
    template <typename F>
    void for_each_waiting(F&& f) const {
        for (const batch* b :
             {&add_, &rotate_, &deactivate_file_, &deactivate_, &lazyfree_, &activate_, &mlock_}) {
            for (unsigned i = 0; i < b->size; ++i) f(*b->pages[i]);
        }
    }

private:
    struct batch {
        std::array<page*, pagevec_size> pages{};
        unsigned size = 0;

        [[nodiscard]] unsigned count(const page& p) const {
            unsigned n = 0;
            for (unsigned i = 0; i < size; ++i) n += pages[i] == &p ? 1U : 0U;
            return n;
        }
    };
    using apply_fn = void (lru_batches::*)(page&);

    enum class mlock_entry : std::uint8_t { mlock, new_page, munlock };

    void count_mlock(page& p);
    void append_mlock(page& p, mlock_entry what);
    void drain_mlock();
    void apply_mlock(page& p);
    void apply_mlock_new(page& p);
    void apply_munlock(page& p);
    void move_to_unevictable(page& p);
    void rescue(page& p);

    void append(batch& b, page& p, apply_fn apply);
    void drain(batch& b, apply_fn apply);
    [[nodiscard]] std::uint64_t frame_of(const page& p) const { return raw(lru_.home().frames().pfn_of(p)); }

    void apply_add(page& p);
    void apply_rotate(page& p);
    void apply_deactivate_file(page& p);
    void apply_deactivate(page& p);
    void apply_lazyfree(page& p);
    void apply_activate(page& p);

    const cpu_context& cpu_;
    lruvec& lru_;
    mlock_rule rule_;
    batch add_;
    batch rotate_;
    batch deactivate_file_;
    batch deactivate_;
    batch lazyfree_;
    batch activate_;
    batch mlock_;
    std::array<mlock_entry, pagevec_size> mlock_entries_{}; // what each page of mlock_ is there for
    // By frame: how many ranges lock a page of the unevictable list, unless it is one, as nearly always.
    std::map<std::uint64_t, unsigned> mlock_counts_;
};

} // namespace pagesim
