// SPDX-License-Identifier: MIT
// The TLBs that must forget together: those of all CPUs that may have used an address space. arm64
// broadcasts its invalidations, so there are no interrupts between CPUs, only instructions to count.
//
// An invalidation takes effect at once, also where the kernel does not wait for it (tlb_wait::no: the
// ageing flush of reclaim, TLBI without the DSB); only the count tells them apart.
//
// Source: arch/arm64/include/asm/tlbflush.h of Linux 6.1. There is no batching of unmap flushes on arm64.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/mmu/cpu_model.hpp>
#include <pagesim/mmu/tlb.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

enum class tlb_wait : std::uint8_t { yes, no };

struct tlb_flush_stats {
    std::uint64_t page_flushes = 0; // flush_page, waited for
    std::uint64_t page_flushes_nosync = 0;
    std::uint64_t range_flushes = 0; // that did not become an address space flush
    std::uint64_t asid_flushes = 0;
    std::uint64_t all_flushes = 0;
    std::uint64_t instructions = 0; // TLBI issued
    std::uint64_t barriers = 0;     // DSB that waited for them
};

// TLBI instructions for a range of 4 KiB pages; 0 if the whole address space is flushed instead
// (kernel: __flush_tlb_range_op(), __flush_tlb_range()).
[[nodiscard]] std::uint64_t tlbi_count(page_count pages, tlb_range_ops ops);

// The register operand of TLBI VALE1IS, without a level hint.
[[nodiscard]] constexpr std::uint64_t tlbi_operand(asid space, vpn n) {
    return (std::uint64_t{raw(space)} << 48U) | raw(n);
}

// When a change to one descriptor is flushed (kernel_profile::unmap_flush, access_flush).
struct flush_rules {
    clear_flush unmap = clear_flush::any_valid;
    access_flags_flush access = access_flags_flush::stores;
};

class tlb_domain {
public:
    explicit tlb_domain(tlb_range_ops ops = tlb_range_ops::absent, flush_rules rules = {})
        : range_ops_{ops}, rules_{rules} {}
    tlb_domain(const tlb_domain&) = delete;
    tlb_domain& operator=(const tlb_domain&) = delete;

    // `t` must outlive the domain.
    void attach(tlb& t) { members_.push_back(&t); }

    // kernel: flush_tlb_page(), flush_tlb_page_nosync().
    void flush_page(asid space, vpn n, tlb_wait wait = tlb_wait::yes);
    // kernel: flush_tlb_range() over [first, end). Long ranges take the whole address space with them: from
    // 512 pages without range instructions, from 2^21 with them.
    void flush_range(asid space, vpn first, vpn end);
    // kernel: flush_tlb_mm().
    void flush_asid(asid space);
    // kernel: flush_tlb_all().
    void flush_all();

    [[nodiscard]] const flush_rules& rules() const { return rules_; }
    [[nodiscard]] const tlb_flush_stats& stats() const { return stats_; }
    [[nodiscard]] std::uint64_t flushes() const {
        return stats_.page_flushes + stats_.page_flushes_nosync + stats_.range_flushes + stats_.asid_flushes +
               stats_.all_flushes;
    }

    void check_consistency(asid space, const page_table& table) const;

private:
    tlb_range_ops range_ops_;
    flush_rules rules_;
    std::vector<tlb*> members_;
    tlb_flush_stats stats_;
};

} // namespace pagesim
