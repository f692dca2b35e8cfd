// SPDX-License-Identifier: MIT
// Where mmap puts a region: the highest hole that is large enough, at its upper end (kernel:
// vm_unmapped_area with VM_UNMAPPED_AREA_TOPDOWN, without address space randomisation).
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>
#include <map>
#include <optional>

namespace pagesim {

class region_map {
public:
    // The end of the first region: the top of a 48-bit address space, less the least gap for the stack (128
    // MiB) and eight pages that a process has there from the start.
    static constexpr vpn top{(((1ULL << 48U) - (128ULL << 20U)) >> page_shift) - 8};
    // vm.mmap_min_addr, 64 KiB.
    static constexpr vpn bottom{16};

    // All below `end` is free.
    explicit region_map(vpn end = top);

    // First page of `pages` > 0 free pages, which are now taken; nothing if no hole is that large.
    [[nodiscard]] std::optional<vpn> take(page_count pages);
    // The same, but beginning at a multiple of `alignment` > 1 pages: at the first one in the upper end of the highest
    // hole that has room for `pages` and `alignment`, whatever the hole's own end (kernel: __thp_get_unmapped_area).
    [[nodiscard]] std::optional<vpn> take_aligned(page_count pages, std::uint64_t alignment);
    // Gives back a region that take() or take_aligned() returned.
    void give_back(vpn first, page_count pages);

private:
    std::map<std::uint64_t, std::uint64_t> holes_; // first page -> end; never adjacent, never empty
};

} // namespace pagesim
