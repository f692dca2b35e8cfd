// SPDX-License-Identifier: MIT
// One range of an address space (kernel: struct vm_area_struct).
//
//     first .. end    which pages of the address space
//     pgoff           the number that `first` has in what is mapped: in a file, or, for anonymous memory, in the
//                     family of anon_vmas. A page keeps its number when its range is split, joined, moved by mremap
//                     or inherited by a child, and so the reverse mapping finds it in all of them.
//     flags           what may be done now (read, write, exec), and what mprotect may grant (may_*)
//
// An anonymous range that has no page of its own yet has pgoff == first; that lets ranges which were mapped apart
// join as if they had been mapped at once.
#pragma once

#include <pagesim/base/flags.hpp>
#include <pagesim/base/units.hpp>
#include <pagesim/mmu/descriptor.hpp>

#include <boost/intrusive/set_hook.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

class mm;

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

// kernel: VM_ACCESS_FLAGS, and what a private mapping may become.
inline constexpr vm_flags vm_access{vm_flag::read, vm_flag::write, vm_flag::exec};
inline constexpr vm_flags vm_may_all{vm_flag::may_read, vm_flag::may_write, vm_flag::may_exec};
// Private and writable: what an mmap of anonymous memory usually asks for.
inline constexpr vm_flags vm_data = vm_flags{vm_flag::read, vm_flag::write} | vm_may_all;

[[nodiscard]] constexpr vm_flags without(vm_flags f, vm_flags taken) {
    return vm_flags::from_word(f.word() & ~taken.word());
}
// kernel: vma_is_accessible(): anything but PROT_NONE.
[[nodiscard]] constexpr bool is_accessible(vm_flags f) { return !(f & vm_access).empty(); }
// kernel: is_cow_mapping(): a store makes a private copy.
[[nodiscard]] constexpr bool is_cow_mapping(vm_flags f) {
    return f.has(vm_flag::may_write) && !f.has(vm_flag::shared);
}
// kernel: vm_get_page_prot() of arm64. A private range never gives write permission by itself: the fault does.
[[nodiscard]] constexpr page_prot vm_page_prot(vm_flags f) {
    if (!is_accessible(f)) return page_prot::none;
    const bool exec = f.has(vm_flag::exec);
    if (f.has(vm_flag::shared) && f.has(vm_flag::write)) {
        return exec ? page_prot::shared_exec : page_prot::shared;
    }
    return exec ? page_prot::readonly_exec : page_prot::readonly;
}

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
    vm_flags flags = vm_data;
    first_read on_read = first_read::zero_page;
    std::uint64_t pgoff = 0;    // page number of `first` in what is mapped (kernel: vm_pgoff)
    std::uint32_t file = 0;     // number of the open file that it maps; 0: anonymous
    std::uint32_t anon_vma = 0; // whose new pages are this range's; 0: no page of its own yet
    swap_readahead_state readahead{};

    // Whom the pages may belong to beside that, by inheritance: oldest first, the root leading
    // (kernel: anon_vma_chain). rmap/anon_vma.hpp keeps it.
    std::vector<std::uint32_t> chain{};
    mm* owner = nullptr; // kernel: vm_mm
    boost::intrusive::set_member_hook<> in_mm{};

    [[nodiscard]] bool contains(vpn n) const { return n >= first && n < end; }
    [[nodiscard]] std::uint64_t pages() const { return end - first; }
    // Between a page's address and its number in what is mapped.
    [[nodiscard]] std::uint64_t pgoff_of(vpn n) const { return pgoff + (n - first); }
    [[nodiscard]] vpn address_of(std::uint64_t number) const { return first + (number - pgoff); }
};

} // namespace pagesim
