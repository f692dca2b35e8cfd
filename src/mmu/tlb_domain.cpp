// SPDX-License-Identifier: MIT
#include <pagesim/mmu/tlb_domain.hpp>

namespace pagesim {

std::uint64_t tlbi_count(page_count pages, tlb_range_ops ops) {
    constexpr std::uint64_t most_single = 512;        // kernel: MAX_TLBI_OPS
    constexpr std::uint64_t most_ranged = 1ULL << 21; // kernel: MAX_TLBI_RANGE_PAGES
    if (ops == tlb_range_ops::absent) return pages.value >= most_single ? 0 : pages.value;
    if (pages.value >= most_ranged) return 0;
    // One instruction for an odd page, then one for each non-zero group of five bits, lowest first.
    std::uint64_t count = pages.value % 2;
    for (std::uint64_t left = pages.value / 2; left != 0; left >>= 5U) count += left % 32 != 0 ? 1 : 0;
    return count;
}

void tlb_domain::flush_page(asid space, vpn n, tlb_wait wait) {
    const translation_key key{space, n};
    for (tlb* t : members_) t->forget(key);
    ++stats_.instructions;
    if (wait == tlb_wait::no) {
        ++stats_.page_flushes_nosync;
        return;
    }
    ++stats_.page_flushes;
    ++stats_.barriers;
}

void tlb_domain::flush_range(asid space, vpn first, vpn end) {
    if (first >= end) return;
    const std::uint64_t count = tlbi_count(page_count{end - first}, range_ops_);
    if (count == 0) {
        flush_asid(space);
        return;
    }
    for (tlb* t : members_) t->forget_range(space, first, end);
    ++stats_.range_flushes;
    stats_.instructions += count;
    ++stats_.barriers;
}

void tlb_domain::flush_asid(asid space) {
    for (tlb* t : members_) t->forget_space(space);
    ++stats_.asid_flushes;
    ++stats_.instructions;
    ++stats_.barriers;
}

void tlb_domain::flush_all() {
    for (tlb* t : members_) t->forget_all();
    ++stats_.all_flushes;
    ++stats_.instructions;
    ++stats_.barriers;
}

void tlb_domain::check_consistency(asid space, const page_table& table) const {
    for (const tlb* t : members_) t->check_consistency(space, table);
}

} // namespace pagesim
