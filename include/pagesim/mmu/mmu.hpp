// SPDX-License-Identifier: MIT
// The MMU of one CPU: from a virtual page to a frame, or to the exact reason why not.
//
//      access ──> memo ──miss──> L1 TLB ──miss──> L2 TLB ──miss──> walk of four tables
//                  │hit            │hit              │hit              │
//                  └───────────────┴── permission? ──┴─────────────────┤
//                                                                      ├─ translation fault, level 0..3
//                                                                      ├─ access flag fault, level 3
//                                                                      └─ permission fault, level 3
//
// The rule that makes ageing work: the access flag lives in the descriptor, but the walker looks at it only
// when it walks. So a page whose flag the kernel clears must leave every TLB, or later uses leave no trace
// and reclaim takes a busy page for an idle one. Hence three promises, which the property test holds
// against a model that walks each time:
//
//     1. Nothing enters a TLB unless its descriptor is valid and young.
//     2. What is flushed is gone before the next access, from L1, L2 and memo alike.
//     3. The memo only says what the L1 would say. An entry leaves the memo when it leaves the L1, and it is there for
//        stores only if a store needs no change of the descriptor.
//
// What a flush is needed for is the kernel half's business (mmu/ptep.hpp pairs them): taking away the
// frame, the access flag or write permission needs one; setting the access flag after an access flag fault
// does not, because such a page is in no TLB; giving write permission after a permission fault does,
// because there the read-only entry stays cached and would deny the store again.
//
// Two kinds of CPU:
//
//     event                       without HAFDBS (Cortex-A72)          with HAFDBS (Neoverse N1)
//     first use of an aged page   access flag fault                    the walker sets AF
//     first store to a clean,     permission fault                     the walker clears AP[2]: dirty by hardware;
//     writable page                                                    a TLB hit without write permission walks again
//
// The order in which an access is judged: address within 48 bits, tables, page valid, access flag,
// permission. A walk that fails at permission has already set AF and filled the TLB; earlier failures leave
// TLBs alone.
//
// Why a memo in front of a TLB model: an L1 hit is nearly every access, and the model's own look-up,
// however small, has a hash chain and an outcome to report. The memo is one load and one compare, and
// because replacement ignores hits, an access that it answers would have changed nothing. The caller counts
// its memo hits and hands them in afterwards (count_memo_hits), so the totals are those of the modelled
// TLB.
//
//     const translation_key key{space, page};
//     if (cpu.memo_hit(key, kind)) { ++hits; } else { const translation t = cpu.translate(table, space, page, kind); ... }
//
// Left out: separate TLBs for instructions and data (fetches use the same two levels), walk caches, blocks
// of 2 MiB and 1 GiB, the contiguous bit, global entries, kernel addresses, stage 2, memory types, tagged
// addresses.
#pragma once

#include <pagesim/mmu/cpu_model.hpp>
#include <pagesim/mmu/tlb.hpp>
#include <pagesim/mmu/walker.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

enum class translation_outcome : std::uint8_t { l1_hit, l2_hit, walk, fault };

// Larger than two registers on purpose: it is returned in memory, where each member is read as it was written.
struct translation {
    translation_outcome outcome = translation_outcome::fault;
    mmu_fault fault{};      // if outcome is fault
    pfn frame{0};           // unless outcome is fault
    std::uint8_t steps = 0; // descriptors fetched

    [[nodiscard]] bool ok() const { return outcome != translation_outcome::fault; }
};

// Every access is counted once among l1_hits, l2_hits, walks that succeeded and faults.
struct mmu_stats {
    std::uint64_t l1_hits = 0; // memo hits included, once handed in
    std::uint64_t l2_hits = 0;
    std::uint64_t walks = 0;         // begun; those that ended in a fault included
    std::uint64_t faulted_walks = 0; // of them
    std::uint64_t walk_steps = 0;
    std::uint64_t hw_access_flag = 0; // AF set by the walker
    std::uint64_t hw_dirty = 0;       // AP[2] cleared by the walker
    std::array<std::uint64_t, nr_fault_kinds> faults{};

    [[nodiscard]] std::uint64_t faults_of(fault_kind k) const { return faults[static_cast<unsigned>(k)]; }
    [[nodiscard]] std::uint64_t accesses() const {
        return l1_hits + l2_hits + (walks - faulted_walks) + faults[0] + faults[1] + faults[2];
    }
};

class mmu {
public:
    explicit mmu(const cpu_model& model) : model_{model}, tlb_{model.tlb} {}
    mmu(const mmu&) = delete;
    mmu& operator=(const mmu&) = delete;

    // The fast path: true if the access hits the L1 TLB and changes nothing.
    [[nodiscard]] bool memo_hit(translation_key key, access_kind kind) const {
        return tlb_.memo().hit(key, kind);
    }
    void count_memo_hits(std::uint64_t n) { stats_.l1_hits += n; }

    // Any access; correct also for one that memo_hit() would have answered.
    [[nodiscard]] translation translate(page_table& table, asid space, vpn n, access_kind kind);

    // For a tlb_domain.
    [[nodiscard]] tlb& entries() { return tlb_; }
    [[nodiscard]] const tlb& entries() const { return tlb_; }
    [[nodiscard]] const cpu_model& model() const { return model_; }
    [[nodiscard]] const mmu_stats& stats() const { return stats_; }

    void check_consistency(asid space, const page_table& table) const {
        tlb_.check_consistency(space, table);
    }

private:
    enum class held : std::uint8_t { nowhere, somewhere };

    [[nodiscard]] translation walk_and_fill(page_table& table, translation_key key, access_kind kind,
                                            held before);
    [[nodiscard]] translation refuse(mmu_fault f, std::uint8_t steps);

    cpu_model model_;
    tlb tlb_;
    mmu_stats stats_;
};

} // namespace pagesim
