// SPDX-License-Identifier: MIT
// Changes to a live descriptor together with the flush that arm64 pairs with each (kernel: ptep_*, Linux
// 6.1 and 5.8, which differ in what they flush: tlb_domain::rules()). `slot` is the descriptor's word in its table.
#pragma once

#include <pagesim/mmu/tlb_domain.hpp>

#include <utility>

namespace pagesim {

// Where a descriptor is mapped.
struct mapped_at {
    asid space{0};
    vpn page{0};
};

// Clears AF, returns what it was. No flush: a TLB that holds the page goes on using it unseen.
inline bool ptep_test_and_clear_young(std::uint64_t& slot) {
    const descriptor d{slot};
    slot = d.mkold().word();
    return d.young();
}

// kernel: ptep_clear_flush_young(). Flushes, without waiting, only if the page was young.
inline bool ptep_clear_flush_young(tlb_domain& tlbs, mapped_at at, std::uint64_t& slot) {
    const bool young = ptep_test_and_clear_young(slot);
    if (young) tlbs.flush_page(at.space, at.page, tlb_wait::no);
    return young;
}

// kernel: ptep_clear_flush(). 6.1 flushes whatever was valid; 5.8 knows that no TLB holds an old page.
inline descriptor ptep_clear_flush(tlb_domain& tlbs, mapped_at at, std::uint64_t& slot) {
    const descriptor old{std::exchange(slot, 0)};
    const bool may_be_held = old.young() || tlbs.rules().unmap == clear_flush::any_valid;
    if (old.valid() && may_be_held) tlbs.flush_page(at.space, at.page);
    return old;
}

// kernel: ptep_set_access_flags() of a fault: adds AF, WRITE and DIRTY of `entry`, takes RDONLY away if
// `entry` has it not. True if the descriptor changed; only then, and in 6.1 only for a store, it flushes.
inline bool ptep_set_access_flags(tlb_domain& tlbs, mapped_at at, std::uint64_t& slot, descriptor entry,
                                  access_kind cause) {
    namespace bit = descriptor_bit;
    if (slot == entry.word()) return false;
    const std::uint64_t added = entry.word() & (bit::af | bit::write | bit::dirty);
    const std::uint64_t rdonly = slot & entry.word() & bit::rdonly;
    slot = ((slot | added) & ~bit::rdonly) | rdonly;
    if (cause == access_kind::write || tlbs.rules().access == access_flags_flush::every_change)
        tlbs.flush_page(at.space, at.page);
    return true;
}

} // namespace pagesim
