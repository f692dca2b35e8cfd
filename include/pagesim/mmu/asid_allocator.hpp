// SPDX-License-Identifier: MIT
// Numbers of address spaces: which are taken, and when one may be used again.
//
//     1, 2, 3, ...                      a new address space gets the next number
//     ... 65535, then from 1 again      past all that are still in use; and every TLB forgets everything first
//
// A TLB may keep entries of an address space that is gone until its number comes round again: so nothing needs to be
// flushed when a process ends (kernel: the generations of arch/arm64/mm/context.c). Left out: more address spaces at a
// time than there are numbers.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/mmu/tlb_domain.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

class asid_allocator {
public:
    // `bits`: ID_AA64MMFR0_EL1.ASIDBits, 8 or 16.
    explicit asid_allocator(unsigned bits = 16) : used_(std::size_t{1} << bits) { used_[0] = true; }

    [[nodiscard]] asid take(tlb_domain& tlbs) {
        for (std::size_t tried = 0; tried < used_.size(); ++tried) {
            if (next_ == used_.size()) {
                next_ = 1;
                tlbs.flush_all();
            }
            const std::size_t n = next_++;
            if (used_[n]) continue;
            used_[n] = true;
            return asid{static_cast<std::uint16_t>(n)};
        }
        constexpr bool a_number_is_left = false;
        PAGESIM_ASSERT(a_number_is_left);
        return asid{0};
    }
    void give(asid a) {
        PAGESIM_ASSERT(raw(a) != 0 && used_[raw(a)]);
        used_[raw(a)] = false;
    }

private:
    std::vector<bool> used_; // 0 is no process's
    std::size_t next_ = 1;
};

} // namespace pagesim
