// SPDX-License-Identifier: MIT
// From a page to whoever maps it.
//
//     page.mapping ──> anon_vma ──> mm         page.index = page number from the anon_vma's base on
//                                    │
//                                    ├─> range       its flags: locked? read in sequence?
//                                    └─> page table ──> the descriptor, if it still names this page
//
// An anonymous page belongs to one anon_vma, made at the first write into its range. A range that is split
// (mlock of a part) shares it, and its pages keep their index. (Without fork there is one
// mm.) Reclaim asks two things through it:
//
//     page_referenced   was the page used since we last asked? Clears every access flag on the way; the TLB forgets
//                       the page, or the next use would leave no trace.
//     try_to_unmap      replace every descriptor by the page's swap entry.
//
//     page.mapping ──> file ──> i_mmap ──> the ranges that map page.index of it, of whatever address space
//
// A file page is found in every range that maps its place of the file (src/rmap/file_rmap.cpp); its descriptors just
// go, since the page cache still knows where it is. A descriptor that was written through makes the page dirty then.
//
// A page that MADV_FREE gave up (anonymous, no longer swap-backed) has no slot either: its descriptor goes if nothing was
// stored since, otherwise the page becomes swap-backed again.
//
// Map counts: a new mapping adds one, and nr_anon_pages or nr_mapped counts a page when the first mapping comes and
// when the last goes. The raw count of an unmapped page is -1.
//
// Source: mm/rmap.c of Linux 6.1 and 5.8 (kernel_profile); arm64 flushes per descriptor (arch_tlbbatch is not
// selected there).
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/page_cache.hpp>
#include <pagesim/lru/lru_add.hpp>
#include <pagesim/mm/mm.hpp>
#include <pagesim/mmu/tlb_domain.hpp>
#include <pagesim/sim/cpu_context.hpp>
#include <pagesim/swap/swap_space.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

struct anon_vma {
    mm* owner = nullptr; // null: the entry is unused
    vpn base{0};         // index 0
    unsigned users = 0;  // ranges
};

// What page_referenced found: how many ranges used the page.
struct references {
    unsigned ranges = 0;
    bool locked_range = false; // met VM_LOCKED: the walk stopped (6.1: and the page was mlocked)
    vm_flags flags{};          // of the ranges counted, together
};

// Whether whoever asks holds the page's lock. If not, a file page is locked for the walk; if that fails the page counts as
// referenced once, by nobody known.
enum class caller_lock : std::uint8_t { held, not_held };

enum class unmap_result : std::uint8_t { unmapped, failed };
enum class exclusivity : std::uint8_t { shared, exclusive };

class rmap {
public:
    rmap(const cpu_context& cpu, const kernel_profile& profile, mem_map& frames, tlb_domain& tlbs,
         swap_space& swap, lru_batches& batches, page_cache& cache)
        : cpu_{cpu}, profile_{profile}, frames_{frames}, tlbs_{tlbs}, swap_{swap}, batches_{batches},
          cache_{cache}, anon_vmas_(1) {}

    // kernel: anon_vma_prepare(): gives the range an anon_vma if it has none.
    void anon_vma_prepare(mm& owner, vma& range);
    // The range was split off another one (kernel: anon_vma_clone()).
    void share_anon_vma(const vma& range);
    // The range goes away; its pages must be unmapped, or in another range that shares the anon_vma.
    void release_anon_vma(vma& range);

    // kernel: page_add_new_anon_rmap(): a page that nobody has seen yet.
    void page_add_new_anon_rmap(page& p, const vma& range, vpn at);
    // kernel: page_add_anon_rmap(): a page from the swap cache, or from a private read. A locked range locks it.
    void page_add_anon_rmap(page& p, const vma& range, vpn at, exclusivity e);
    // kernel: page_add_file_rmap(). 6.1 locks a page of a locked range on the way.
    void page_add_file_rmap(page& p, const vma& range);
    // kernel: page_remove_rmap(). The caller drops the descriptor's reference. A locked range unlocks the page.
    void page_remove_rmap(page& p, const vma& range);

    // Tells the host that the page's descriptor will be wanted: a batch of pages waits for memory once, not in turn.
    void prefetch_descriptor(const page& p) const {
        if (p.mapped() && p.anon()) anon_vmas_[p.mapping()].owner->table().prefetch_leaf(vpn_of(p));
    }
    // kernel: folio_referenced().
    [[nodiscard]] references page_referenced(page& p, caller_lock lock = caller_lock::held) {
        if (!p.mapped()) return {};
        if (p.anon()) return ask_descriptors(p);
        return p.in_file() ? ask_file_descriptors(p, lock) : references{};
    }
    // kernel: try_to_unmap(). The page is locked, and if it is anonymous and swap-backed, in the swap cache. Fails for a
    // locked range, in 5.8 if the page was used since page_referenced looked, and for a page of MADV_FREE that was
    // written since.
    [[nodiscard]] unmap_result try_to_unmap(page& p);

    [[nodiscard]] const anon_vma& operator[](std::uint32_t id) const { return anon_vmas_[id]; }
    // The page's virtual page number in its anon_vma's range.
    [[nodiscard]] vpn vpn_of(const page& p) const { return anon_vmas_[p.mapping()].base + p.index(); }

private:
    [[nodiscard]] references ask_descriptors(page& p);
    [[nodiscard]] references ask_file_descriptors(page& p, caller_lock lock);
    [[nodiscard]] unmap_result unmap_file_page(page& p);
    // One descriptor of a file page: false ends the walk.
    [[nodiscard]] bool unmap_from(page& p, const file_range& r, std::uint64_t& slot);
    [[nodiscard]] bool may_discard(const page& p) const;
    // The descriptor that maps the page, or null.
    [[nodiscard]] std::uint64_t* mapped_descriptor(const page& p, const anon_vma& av) const;
    void set_owner(page& p, const vma& range, vpn at);
    void add_mapping(page& p, const vma& range, vpn at, exclusivity e);
    [[nodiscard]] const vma& range_of(const page& p, const anon_vma& av) const;

    const cpu_context& cpu_;
    const kernel_profile& profile_;
    mem_map& frames_;
    tlb_domain& tlbs_;
    swap_space& swap_;
    lru_batches& batches_;
    page_cache& cache_;
    std::vector<anon_vma> anon_vmas_; // id = index; 0 is none
    std::vector<std::uint32_t> free_ids_;
};

} // namespace pagesim
