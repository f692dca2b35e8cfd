// SPDX-License-Identifier: MIT
// An address space: its ranges and its page table (kernel: struct mm_struct).
//
//     mm ── ranges, by address, never overlapping             which addresses exist, and what they are
//        └─ page_table: L0 → L1 → L2 → L3 descriptors         where each page is right now
//
// A descriptor of the last level holds one of three things: nothing (never touched), a frame (present), or
// a swap entry (not present). The kernel's counters of the address space stand beside it: resident
// anonymous pages, file pages and shmem pages, swap entries; check_consistency() of the machine recounts them by walking.
//
//     0         heap ->                        <- new mappings, from mmap_base down        stack (grows down)   2^48
//     |  ...  [ start_brk .. brk )   ...  [ ][     ][  ]|        128 MiB at least           [          ]|
//
// Here a range is only inserted, found, cut and erased; what goes with it (its anon_vmas, whether neighbours join,
// how many ranges there may be) is the business of rmap and process.
#pragma once

#include <pagesim/mm/vma_set.hpp>
#include <pagesim/mmu/page_table.hpp>

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

inline constexpr std::uint64_t mmap_min_page = 16;      // vm.mmap_min_addr, 64 KiB
inline constexpr std::uint64_t stack_guard_pages = 256; // kernel: stack_guard_gap

// What a process may have (kernel: vm.max_map_count, RLIMIT_STACK).
struct mm_limits {
    std::uint64_t max_map_count = 65530;
    page_count stack{2048}; // 8 MiB
};

class mm {
public:
    mm(asid id, mem_map& frames, table_pool& pool) : asid_{id}, table_{frames, pool} {}
    mm(const mm&) = delete;
    mm& operator=(const mm&) = delete;
    ~mm();

    [[nodiscard]] asid id() const { return asid_; }
    [[nodiscard]] page_table& table() { return table_; }
    [[nodiscard]] const page_table& table() const { return table_; }

    // The range that holds the page, or null.
    [[nodiscard]] vma* find_vma(vpn n) {
        if (last_found_ != nullptr && last_found_->contains(n)) return last_found_;
        return look_up(n);
    }
    // The first range that ends above the page, whether it holds it or not (kernel: find_vma).
    [[nodiscard]] vma* first_above(vpn n) { return vmas_.first_above(n); }
    // The range before and the one after, however far away, or null.
    [[nodiscard]] vma* preceding(vma& v) { return vmas_.preceding(v); }
    [[nodiscard]] vma* following(vma& v) { return vmas_.following(v); }
    // The range that begins where `v` ends, or null.
    [[nodiscard]] vma* next_vma(vma& v) {
        vma* const next = following(v);
        return next != nullptr && next->first == v.end ? next : nullptr;
    }

    // Adds a copy of `v`, which must overlap none. An anonymous range without pages gets the pgoff that belongs there.
    // Reverse mappings are not copied.
    vma& insert_vma(const vma& v);
    // Forgets the range. Its pages must be gone, or be another range's.
    void erase_vma(vma& v);
    [[nodiscard]] const vma_set& vmas() const { return vmas_; }
    [[nodiscard]] vma_set& vmas() { return vmas_; }
    // kernel: map_count.
    [[nodiscard]] std::uint64_t map_count() const { return vmas_.size(); }

    std::uint64_t anon_pages = 0;   // MM_ANONPAGES
    std::uint64_t swap_entries = 0; // MM_SWAPENTS
    std::uint64_t file_pages = 0;   // MM_FILEPAGES
    std::uint64_t shmem_pages = 0;  // MM_SHMEMPAGES
    mm_flags flags{};
    vm_flags def_flags{}; // new ranges get these too: locked after mlockall(MCL_FUTURE)
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

    mm_limits limits;
    vpn mmap_base{vpn_limit - 32768}; // 128 MiB below the top, no randomisation
    virt_addr start_brk{0x10'0000'0000};
    virt_addr brk{0x10'0000'0000};

private:
    [[nodiscard]] vma* look_up(vpn n);

    asid asid_;
    page_table table_;
    vma_set vmas_;
    vma* last_found_ = nullptr;
};

} // namespace pagesim
