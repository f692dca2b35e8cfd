// SPDX-License-Identifier: MIT
// One range of an address space (kernel: struct vm_area_struct).
#pragma once

#include <pagesim/base/flags.hpp>
#include <pagesim/base/units.hpp>

#include <cstdint>

namespace pagesim {

// kernel: VM_*. The may_ flags say what mprotect may grant.
enum class vm_flag : std::uint8_t {
    read,
    write,
    exec,
    shared,
    may_read,
    may_write,
    may_exec,
    may_share,
    growsdown,
    locked,
    seq_read,
    rand_read,
};
using vm_flags = flag_set<vm_flag>;

// What a read of untouched memory maps: the shared zero page, or (recorded traces, whose pages had content
// of their own before the recording began) a private frame.
enum class first_read : std::uint8_t { zero_page, private_frame };

// VMA based swap readahead's memory (kernel: vma->swap_readahead_info).
struct swap_readahead_state {
    vpn previous{0};
    unsigned window = 0;
    unsigned hits = 4; // kernel: the value of a VMA that never swapped in
};

struct vma {
    vpn first{0};
    vpn end{0}; // one past the last page
    vm_flags flags{vm_flag::read, vm_flag::write};
    first_read on_read = first_read::zero_page;
    std::uint64_t pgoff = 0;    // page number of `first` in the file (kernel: vm_pgoff)
    std::uint32_t file = 0;     // number of the open file that it maps; 0: anonymous
    std::uint32_t anon_vma = 0; // 0: no page of its own yet
    swap_readahead_state readahead{};

    [[nodiscard]] bool contains(vpn n) const { return n >= first && n < end; }
    [[nodiscard]] std::uint64_t pages() const { return end - first; }
};

} // namespace pagesim
