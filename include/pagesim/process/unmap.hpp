// SPDX-License-Identifier: MIT
// A range of an address space goes away: munmap, and at exit every range (kernel: unmap_vmas, free_pgtables).
//
// Descriptor by descriptor: a page loses its mapping and the descriptor's reference (the last one frees
// it), a file page moreover learns from the descriptor that it was written and used, a swap entry gives its
// slot back, and a page that only the swap cache still holds goes with it. Then the tables that covered
// nothing else are freed. One call works through what one table of descriptors covers (2 MiB).
#pragma once

#include <pagesim/fault/fault_context.hpp>
#include <pagesim/mmu/descriptor.hpp>

namespace pagesim {

struct unmap_cursor {
    bool begun = false;
    vpn next{0};
};

// Why pages are zapped: that decides what it costs.
enum class zap_cause : std::uint8_t { unmap, dontneed };

// kernel: zap_pte_range(), for pages [from, to) of the range. The TLBs forget them first.
void zap_range(const fault_context& fc, mm& owner, const vma& range, vpn from, vpn to, zap_cause cause);
// A swap entry of the address space goes, and the page that only the swap cache still holds (kernel:
// free_swap_and_cache()).
void zap_swap_entry(const reclaim_context& rc, mm& owner, swap_entry e);
// A descriptor of a file page goes; its word is empty already and the TLBs have forgotten it.
void zap_file_page(const reclaim_context& rc, mm& owner, const vma& range, descriptor old, page& p);

// Unmaps the whole range and erases it from the address space. Call until done.
step_result unmap_range(const fault_context& fc, mm& owner, vma& range, unmap_cursor& c);

// Gives back every range and every table. When no page is left to have, the OOM killer is told (mm_flag::oom_skip).
// Call until done.
struct exit_cursor {
    unmap_cursor range;
};
step_result exit_mmap(const fault_context& fc, mm& owner, exit_cursor& c);

} // namespace pagesim
