// SPDX-License-Identifier: MIT
// mmap, munmap and brk: ranges come and go.
//
//     mmap     1. what cannot be is refused, in the kernel's order (below)
//              2. a place: the one asked for (fixed: whatever is there goes first), a hint if it is free, or the
//                 highest gap below mmap_base that is large enough, keeping 256 pages below a stack
//              3. a new range, or a larger neighbour (process/address_space.hpp)
//              4. if it shall be populated or is locked: every page is faulted in
//     munmap   ranges are cut at both ends, what lies between loses its pages and then its tables (process/unmap.hpp)
//     brk      the end of the heap moves: up makes or extends a range, down is munmap; what cannot be leaves it as it is
//
// Refused is: no pages (EINVAL), more than an address space has (ENOMEM), an offset that wraps (EOVERFLOW), more ranges
// than a process may have (ENOMEM), no place (ENOMEM), a fixed place that must be free and is not (EEXIST), a file that
// is not open for what is asked (EACCES).
//
// Places are looked for range by range from the top, as the rule says and not as fast as the kernel's tree of gaps.
//
// Source: do_mmap, mmap_region, do_munmap, sys_brk, unmapped_area_topdown (mm/mmap.c), Linux 6.1. Left out:
// RLIMIT_AS, RLIMIT_DATA, overcommit, MAP_GROWSDOWN's other half (the stack is made by stack_range), randomisation.
#pragma once

#include <pagesim/process/address_space.hpp>
#include <pagesim/process/mlock.hpp>
#include <pagesim/process/unmap.hpp>

namespace pagesim {

// Where a mapping goes. fixed_noreplace: there, if nothing is.
enum class placement : std::uint8_t { anywhere, hint, fixed, fixed_noreplace };
enum class sharing : std::uint8_t { private_, shared };
enum class populating : std::uint8_t { no, yes };
// What a file was opened for.
enum class file_mode : std::uint8_t { read_only, write_only, read_write };

struct mmap_request {
    page_count pages;
    vm_flags access{vm_flag::read, vm_flag::write}; // PROT_*
    sharing kind = sharing::private_;
    placement place = placement::anywhere;
    vpn at{0};
    populating populate = populating::no;
    std::uint32_t file = 0; // number of the file's mapping; 0: anonymous
    file_mode mode = file_mode::read_write;
    std::uint64_t pgoff = 0; // in the file
    first_read on_read = first_read::zero_page;
};

struct munmap_cursor {
    bool begun = false;
    vpn next{0};
    unmap_cursor range;
    mm_error error = mm_error::none;
};
// Pages [first, end); nothing there is no error. Call until done.
step_result munmap(const fault_context& fc, mm& owner, vpn first, vpn end, munmap_cursor& c);

struct mmap_cursor {
    enum class phase : std::uint8_t { begin, clearing, populating };
    phase at = phase::begin;
    vm_flags flags;
    vpn first{0}; // the answer
    munmap_cursor clear;
    lock_cursor fill;
    mm_error error = mm_error::none;

    // out_of_memory: the task must die.
    [[nodiscard]] fault_outcome outcome() const { return fill.outcome; }
};
// Call until done; then c.error, and c.first is where the mapping is.
step_result mmap(const fault_context& fc, mm& owner, const mmap_request& q, mmap_cursor& c);

struct brk_cursor {
    enum class phase : std::uint8_t { begin, shrinking, populating };
    phase at = phase::begin;
    virt_addr wanted{0};
    munmap_cursor tail;
    lock_cursor fill; // of a heap that grew and is locked
};
// Moves the end of the heap, or does not: owner.brk says which. Call until done.
step_result set_brk(const fault_context& fc, mm& owner, virt_addr brk, brk_cursor& c);

// kernel: get_unmapped_area(). enomem, eexist or none; then `at` is the place.
struct free_area {
    mm_error error = mm_error::none;
    vpn at{0};
};
[[nodiscard]] free_area get_unmapped_area(mm& owner, page_count pages, placement place, vpn at);

// The stack of a new program: the highest pages, growing down (kernel: setup_arg_pages(), which extends it by 128 KiB).
vma& stack_range(const fault_context& fc, mm& owner, page_count pages = page_count{33});

} // namespace pagesim
