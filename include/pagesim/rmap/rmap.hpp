// SPDX-License-Identifier: MIT
// From a page to whoever maps it.
//
//     page.mapping ──> anon_vma ──> links, by number of page ──> range   its flags: locked? read in sequence?
//     page.index   ──> the number                                └─────> page table ──> the descriptor, if it still
//                                                                                       names this page
//
// A page names the anon_vma of the range that it was new in, or, if it may have been another's, that range's root
// (rmap/anon_vma.hpp); and it keeps that name until it is freed or somebody becomes its only user. Its index is its
// number counted from the family's base. Reclaim asks two things through it:
//
//     page_referenced   how many ranges used the page since we last asked? Clears every access flag on the way; the
//                       TLB forgets the page, or the next use would leave no trace.
//     try_to_unmap      replace every descriptor by the page's swap entry. It may end half-way, at a locked range; what
//                       was replaced stays so.
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
// when the last goes, however many processes count it as resident. The raw count of an unmapped page is -1.
//
// Both cost what they were measured to cost with one mapping, once for each mapping.
//
// Source: mm/rmap.c of Linux 6.1, 5.10 and 5.8 (kernel_profile); arm64 flushes per descriptor (arch_tlbbatch is not
// selected there).
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/page_cache.hpp>
#include <pagesim/lru/lru_add.hpp>
#include <pagesim/mm/mm.hpp>
#include <pagesim/mmu/ptep.hpp>
#include <pagesim/rmap/anon_vma.hpp>
#include <pagesim/sim/cpu_context.hpp>
#include <pagesim/swap/swap_space.hpp>

#include <cstdint>

namespace pagesim {

// What page_referenced found: how many ranges used the page, and what they are.
struct references {
    unsigned ranges = 0;
    bool locked_range = false; // met VM_LOCKED: the walk stopped (6.1: and the page was mlocked)
    vm_flags flags{};          // of the ranges counted, together
};

// Whether whoever asks holds the page's lock. If not, a file page is locked for the walk; if that fails the page counts as
// referenced once, by nobody known.
enum class caller_lock : std::uint8_t { held, not_held };

// One descriptor that maps a page.
struct page_mapping {
    vma& range;
    vpn at;
    std::uint64_t& word;

    [[nodiscard]] mapped_at place() const { return {range.owner->id(), at}; }
};

enum class exclusivity : std::uint8_t { shared, exclusive };

// What mapped a page before it was unmapped to be moved (kernel: a migration entry, in the descriptor itself; here nobody
// runs until the descriptors are back).
struct migration_entry {
    vma* range;
    vpn at;
    std::uint64_t* slot;
    std::uint64_t word; // that was there
    exclusivity exclusive;
};
using migration_entries = boost::container::small_vector<migration_entry, 1>;

enum class unmap_result : std::uint8_t { unmapped, failed };

class rmap {
public:
    rmap(const cpu_context& cpu, const kernel_profile& profile, mem_map& frames, tlb_domain& tlbs,
         swap_space& swap, lru_batches& batches, page_cache& cache)
        : cpu_{cpu}, profile_{profile}, frames_{frames}, tlbs_{tlbs}, swap_{swap}, batches_{batches},
          cache_{cache}, anon_{profile.anon_vmas} {}

    // Ranges and their families.
    [[nodiscard]] anon_vma_table& anon_vmas() { return anon_; }
    [[nodiscard]] const anon_vma_table& anon_vmas() const { return anon_; }

    // kernel: page_add_new_anon_rmap(): a page that nobody has seen yet.
    void page_add_new_anon_rmap(page& p, const vma& range, vpn at);
    // kernel: page_add_anon_rmap(): a page from the swap cache, or from a private read. A locked range locks it.
    void page_add_anon_rmap(page& p, const vma& range, vpn at, exclusivity e);
    // kernel: page_add_file_rmap(). 6.1 locks a page of a locked range on the way.
    void page_add_file_rmap(page& p, const vma& range);
    // kernel: page_dup_rmap(), page_try_dup_anon_rmap(): a child's descriptor for a page of its parent's. It takes a
    // reference.
    static void page_dup_rmap(page& p);
    // kernel: page_move_anon_rmap(): the page has no other user any more, so only this range's family need be searched.
    void page_move_anon_rmap(page& p, const vma& range);
    // kernel: page_remove_rmap(). The caller drops the descriptor's reference. A locked range unlocks the page.
    void page_remove_rmap(page& p, const vma& range);
    // kernel: munlock_vma_page(): a range stops locking the page. 5.8 and 5.10 look for another range that locks it.
    void munlock_vma_page(page& p);

    // Tells the host that the page's descriptor will be wanted: a batch of pages waits for memory once, not in turn.
    void prefetch_descriptor(const page& p) const {
        if (!p.mapped() || !p.anon()) return;
        const anon_vma& av = anon_[p.mapping()];
        const std::uint64_t number = number_in(av, p);
        const anon_link& l = av.links.front();
        if (number >= l.first && number < l.end) l.owner->table().prefetch_leaf(l.address_of(number));
    }
    // kernel: folio_referenced().
    [[nodiscard]] references page_referenced(page& p, caller_lock lock = caller_lock::held) {
        references found;
        if (!p.mapped()) return found;
        if (p.anon()) {
            ask_descriptors(p, found);
        } else if (p.in_file()) {
            ask_file_descriptors(p, lock, found);
        }
        return found;
    }
    // kernel: try_to_unmap(). The page is locked, and if it is anonymous and swap-backed, in the swap cache. Fails for a
    // locked range, in 5.8 if the page was used since page_referenced looked, and for a page of MADV_FREE that was
    // written since.
    [[nodiscard]] unmap_result try_to_unmap(page& p);

    // kernel: try_to_migrate(), in 5.8 and 5.10 try_to_unmap(TTU_MIGRATION | TTU_IGNORE_MLOCK). Unmaps everything, locked
    // ranges too; the page is no longer mlocked then, and dirty if a descriptor was.
    [[nodiscard]] migration_entries try_to_migrate(page& p);
    // kernel: remove_migration_ptes(): the page that took over the name of the other one is mapped where that was. Locked
    // ranges lock it.
    void remove_migration_ptes(page& p, const migration_entries& entries);

    // The page's number in its family: its virtual page number where it was new, unless mremap moved it.
    // A page of a file: its number there.
    [[nodiscard]] vpn vpn_of(const page& p) const {
        return vpn{p.anon() ? number_in(anon_[p.mapping()], p) : std::uint64_t{p.index()}};
    }
    // How many descriptors a walk finds.
    [[nodiscard]] std::int32_t count_mappings(const page& p) const;

private:
    [[nodiscard]] static std::uint64_t number_in(const anon_vma& av, const page& p) {
        return av.base + static_cast<std::uint64_t>(static_cast<std::int32_t>(p.index()));
    }
    // Calls visit(const page_mapping&) for each descriptor that maps the page, until it answers visit_result::stop.
    template <typename Visit>
    void for_each_mapping(const page& p, Visit visit) const;
    // Filled in place: returned, they would be put together from bytes in memory, on which the host waits.
    void ask_descriptors(page& p, references& found);
    void ask_file_descriptors(page& p, caller_lock lock, references& found);
    [[nodiscard]] unmap_result unmap_file_page(page& p);
    // One descriptor of a file page: false ends the walk.
    [[nodiscard]] bool unmap_from(page& p, const file_range& r, std::uint64_t& slot);
    [[nodiscard]] bool may_discard(const page& p) const;
    [[nodiscard]] visit_result unmap_one(page& p, const page_mapping& m);
    [[nodiscard]] bool locked_elsewhere(const page& p) const;
    void set_owner(page& p, const vma& range, vpn at, exclusivity e);
    void add_mapping(page& p, const vma& range, vpn at, exclusivity e);

    const cpu_context& cpu_;
    const kernel_profile& profile_;
    mem_map& frames_;
    tlb_domain& tlbs_;
    swap_space& swap_;
    lru_batches& batches_;
    page_cache& cache_;
    anon_vma_table anon_;
};

} // namespace pagesim
