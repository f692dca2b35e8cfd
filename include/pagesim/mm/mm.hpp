// SPDX-License-Identifier: MIT
// An address space: its ranges and its page table (kernel: struct mm_struct).
//
//     mm ── vmas, sorted by address, never overlapping        which addresses exist, and what they are
//        └─ page_table: L0 → L1 → L2 → L3 descriptors         where each page is right now
//
// A descriptor of the last level holds one of three things: nothing (never touched), a frame (present), or
// a swap entry (not present). The kernel's counters of the address space stand beside it: resident
// anonymous pages, file pages and shmem pages, swap entries; check_consistency() recounts them by walking.
//
// Left out for now: merging of neighbouring ranges, permissions beyond read and write, files.
#pragma once

#include <pagesim/mm/vma.hpp>
#include <pagesim/mmu/page_table.hpp>

#include <memory>
#include <vector>

namespace pagesim {

// kernel: MMF_*.
enum class mm_flag : std::uint8_t {
    oom_reap_queued, // the OOM reaper will come, once
    unstable,        // it came: pages are gone, and no new ones are mapped
    oom_skip,        // nothing more is to be had here: the OOM killer looks elsewhere
};
using mm_flags = flag_set<mm_flag, std::uint8_t>;

// Who changes ranges holds the lock for writing, and the OOM reaper then can't come in (kernel: mmap_lock).
enum class mmap_lock : std::uint8_t { free, written };

class mm {
public:
    mm(asid id, mem_map& frames, table_pool& pool) : asid_{id}, table_{frames, pool} {}
    mm(const mm&) = delete;
    mm& operator=(const mm&) = delete;

    [[nodiscard]] asid id() const { return asid_; }
    [[nodiscard]] page_table& table() { return table_; }
    [[nodiscard]] const page_table& table() const { return table_; }

    // The range that holds the page, or null (kernel: find_vma, exact).
    [[nodiscard]] vma* find_vma(vpn n);
    // Adds a range; it must overlap none.
    vma& insert_vma(const vma& v);
    // Splits the range at `at`, which lies within it; returns the new upper part.
    vma& split_vma(vma& v, vpn at);
    // The range that begins where `v` ends, or null.
    [[nodiscard]] vma* next_vma(const vma& v);
    // Forgets the range that starts at `first`. Its pages must be gone.
    void erase_vma(vpn first);
    [[nodiscard]] const std::vector<std::unique_ptr<vma>>& vmas() const { return vmas_; }

    std::uint64_t anon_pages = 0;   // MM_ANONPAGES
    std::uint64_t swap_entries = 0; // MM_SWAPENTS
    std::uint64_t file_pages = 0;   // MM_FILEPAGES
    std::uint64_t shmem_pages = 0;  // MM_SHMEMPAGES
    mm_flags flags{};
    mmap_lock lock = mmap_lock::free;

    // Which of them a resident page is in (kernel: mm_counter()).
    [[nodiscard]] std::uint64_t& rss(const page& p) {
        if (p.anon()) return anon_pages;
        return p.test(page_flag::swapbacked) ? shmem_pages : file_pages;
    }

    // kernel: get_mm_rss(): resident pages of all kinds.
    [[nodiscard]] std::uint64_t rss() const { return anon_pages + file_pages + shmem_pages; }
    // kernel: mm->total_vm, pages.
    [[nodiscard]] std::uint64_t total_vm() const;
    // kernel: mm_pgtables_bytes() / PAGE_SIZE: the tables below the root.
    [[nodiscard]] std::uint64_t table_pages() const {
        return table_.table_count(1) + table_.table_count(2) + table_.table_count(3);
    }
    // The first range that ends above `n`, or null (kernel: find_vma).
    [[nodiscard]] vma* find_vma_above(vpn n);

private:
    asid asid_;
    page_table table_;
    std::vector<std::unique_ptr<vma>> vmas_; // sorted by address; stable addresses
    vma* last_found_ = nullptr;
};

} // namespace pagesim
