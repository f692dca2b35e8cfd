// SPDX-License-Identifier: MIT
// One 64-bit translation table descriptor of arm64, as Linux 6.1 fills it (4 KiB granule, 48-bit addresses).
//
//     bit   63      59 58  57  56  55  54  53  52  51  50 | 47 ........ 12 | 11  10  9:8  7   6   5  4:2  1  0
//           -  PXNTab  N   -   S   D  UXN PXN  -  DBM  GP |  output frame  | nG  AF  SH  RO EL0  -  attr  P  V
//
//     V P   11: page (level 3) or table (levels 0-2)    AF     accessed: "young"
//     RO    stores fault                                DBM    the owner may store: Linux's WRITE
//     D     dirty, set by software                      DBM and not RO: dirty, perhaps set by hardware
//     S     special: no struct page behind it           N      PROT_NONE, only with V = 0
//
// Not valid and not zero is a swap entry: offset in 57:8, type in 7:3, bit 2 "was exclusive"; the low two
// bits are 0. What type and offset mean is not known here.
//
// Every mk function returns a changed copy, as pte_mk* do (arch/arm64/include/asm/pgtable.h, 6.1.192).
// Linux 5.8 numbers memory attributes differently and has no exclusive bit (so has 5.10): its protections and swap
// encoding are given by name; which encoding a kernel uses is a field of its profile.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/base/units.hpp>

#include <cstdint>

namespace pagesim {

namespace descriptor_bit {

inline constexpr std::uint64_t valid = 1ULL << 0U;
inline constexpr std::uint64_t type_mask = 3; // 3: page or table
inline constexpr std::uint64_t attr_index = 7ULL << 2U;
inline constexpr std::uint64_t user = 1ULL << 6U;   // AP[1]
inline constexpr std::uint64_t rdonly = 1ULL << 7U; // AP[2]
inline constexpr std::uint64_t shared = 3ULL << 8U;
inline constexpr std::uint64_t af = 1ULL << 10U;
inline constexpr std::uint64_t ng = 1ULL << 11U;
inline constexpr std::uint64_t gp = 1ULL << 50U;
inline constexpr std::uint64_t write = 1ULL << 51U; // DBM
inline constexpr std::uint64_t pxn = 1ULL << 53U;
inline constexpr std::uint64_t uxn = 1ULL << 54U;
inline constexpr std::uint64_t dirty = 1ULL << 55U;
inline constexpr std::uint64_t special = 1ULL << 56U;
inline constexpr std::uint64_t prot_none = 1ULL << 58U;
inline constexpr std::uint64_t pxn_table = 1ULL << 59U;
inline constexpr std::uint64_t frame_mask = ((1ULL << 36U) - 1) << page_shift;

} // namespace descriptor_bit

// The attribute part of a user page's descriptor (kernel: PAGE_READONLY, ..., Linux 6.1). All are young.
enum class page_prot : std::uint64_t {
    readonly = 0x0060'0000'0000'0fc3,      // private mappings without exec, also writable ones: copy on write
    readonly_exec = 0x0020'0000'0000'0fc3, // private or read-only with exec
    shared = 0x0068'0000'0000'0fc3,        // shared and writable; clean
    shared_exec = 0x0028'0000'0000'0fc3,
    execonly = 0x0020'0000'0000'0f83, // exec without read, on a CPU with EPAN
    none = 0x0460'0000'0000'0f82,     // PROT_NONE
};

// The same in Linux 5.8, whose Normal memory is attribute index 4 instead of 0.
namespace prot_5_8 {

inline constexpr page_prot readonly{0x0060'0000'0000'0fd3};
inline constexpr page_prot readonly_exec{0x0020'0000'0000'0fd3};
inline constexpr page_prot shared{0x0068'0000'0000'0fd3};
inline constexpr page_prot shared_exec{0x0028'0000'0000'0fd3};
inline constexpr page_prot none{0x0460'0000'0000'0f92};

} // namespace prot_5_8

// What a swap entry carries inside a descriptor.
struct swap_bits {
    std::uint64_t offset = 0; // below 2^50
    std::uint8_t type = 0;    // below 32
    bool exclusive = false;   // the page was anon-exclusive when it was unmapped

    friend constexpr bool operator==(const swap_bits&, const swap_bits&) = default;
};

class descriptor {
    static constexpr std::uint64_t offset_limit = 1ULL << 50U;
    static constexpr std::uint64_t frame_limit = 1ULL << 36U;

public:
    constexpr descriptor() = default; // none
    explicit constexpr descriptor(std::uint64_t word) : word_{word} {}

    // kernel: pfn_pte().
    [[nodiscard]] static constexpr descriptor page(pfn n, page_prot prot) {
        PAGESIM_ASSERT(raw(n) < frame_limit);
        return descriptor{(raw(n) << page_shift) | static_cast<std::uint64_t>(prot)};
    }
    // The shared zero page: no struct page is counted for it (kernel: pte_mkspecial(pfn_pte(my_zero_pfn))).
    [[nodiscard]] static constexpr descriptor zero_page(pfn n, page_prot prot) {
        return page(n, prot).mkspecial();
    }
    // A user table of the next level; PXNTable as in 6.1.
    [[nodiscard]] static constexpr descriptor table(pfn n) {
        PAGESIM_ASSERT(raw(n) < frame_limit);
        return descriptor{(raw(n) << page_shift) | descriptor_bit::pxn_table | descriptor_bit::type_mask};
    }
    // kernel: swp_entry_to_pte(), 6.1. Type 0 with offset 0 (a device's header) would read as none and is
    // refused.
    [[nodiscard]] static constexpr descriptor swap(swap_bits s) {
        PAGESIM_ASSERT(s.offset < offset_limit && s.type < 32 && (s.offset | s.type) != 0);
        return descriptor{(s.offset << 8U) | (std::uint64_t{s.type} << 3U) | (s.exclusive ? 4ULL : 0ULL)};
    }
    // The same in 5.8: the type one bit lower, nothing known about exclusive.
    [[nodiscard]] static constexpr descriptor swap_5_8(swap_bits s) {
        PAGESIM_ASSERT(s.offset < offset_limit && s.type < 64 && (s.offset | s.type) != 0 && !s.exclusive);
        return descriptor{(s.offset << 8U) | (std::uint64_t{s.type} << 2U)};
    }
    [[nodiscard]] static constexpr descriptor swap(swap_bits s, swap_pte_layout layout) {
        return layout == swap_pte_layout::type_at_bit_3 ? swap(s) : swap_5_8(s);
    }

    [[nodiscard]] constexpr std::uint64_t word() const { return word_; }
    [[nodiscard]] constexpr bool none() const { return word_ == 0; }
    [[nodiscard]] constexpr bool valid() const { return has(descriptor_bit::valid); }
    [[nodiscard]] constexpr bool protnone() const { return has(descriptor_bit::prot_none) && !valid(); }
    [[nodiscard]] constexpr bool present() const { return valid() || has(descriptor_bit::prot_none); }
    [[nodiscard]] constexpr bool is_swap() const { return !none() && !present(); }
    // Whether hardware takes it for a page at level 3, or for a table above (01 is a block or reserved).
    [[nodiscard]] constexpr bool leaf_or_table() const {
        return (word_ & descriptor_bit::type_mask) == descriptor_bit::type_mask;
    }

    [[nodiscard]] constexpr bool young() const { return has(descriptor_bit::af); }
    [[nodiscard]] constexpr bool writable() const { return has(descriptor_bit::write); }
    [[nodiscard]] constexpr bool read_only() const { return has(descriptor_bit::rdonly); }
    [[nodiscard]] constexpr bool user() const { return has(descriptor_bit::user); }
    [[nodiscard]] constexpr bool user_exec() const { return !has(descriptor_bit::uxn); }
    [[nodiscard]] constexpr bool special() const { return has(descriptor_bit::special); }
    [[nodiscard]] constexpr bool sw_dirty() const { return has(descriptor_bit::dirty); }
    [[nodiscard]] constexpr bool hw_dirty() const { return writable() && !read_only(); }
    [[nodiscard]] constexpr bool dirty() const { return sw_dirty() || hw_dirty(); }

    // The frame of a page or of the next table.
    [[nodiscard]] constexpr pfn frame() const {
        return pfn{(word_ & descriptor_bit::frame_mask) >> page_shift};
    }
    // Precondition: is_swap().
    [[nodiscard]] constexpr swap_bits swap_entry() const {
        PAGESIM_ASSERT(is_swap());
        return {.offset = (word_ >> 8U) & (offset_limit - 1),
                .type = static_cast<std::uint8_t>((word_ >> 3U) & 31U),
                .exclusive = has(4)};
    }
    [[nodiscard]] constexpr swap_bits swap_entry_5_8() const {
        PAGESIM_ASSERT(is_swap());
        return {.offset = (word_ >> 8U) & (offset_limit - 1),
                .type = static_cast<std::uint8_t>((word_ >> 2U) & 63U)};
    }
    [[nodiscard]] constexpr swap_bits swap_entry(swap_pte_layout layout) const {
        return layout == swap_pte_layout::type_at_bit_3 ? swap_entry() : swap_entry_5_8();
    }

    // The same for another frame.
    [[nodiscard]] constexpr descriptor with_frame(pfn n) const {
        return descriptor{(word_ & ~descriptor_bit::frame_mask) | raw(n) << page_shift};
    }
    [[nodiscard]] constexpr descriptor mkold() const { return without(descriptor_bit::af); }
    [[nodiscard]] constexpr descriptor mkyoung() const { return with(descriptor_bit::af); }
    [[nodiscard]] constexpr descriptor mkspecial() const { return with(descriptor_bit::special); }
    [[nodiscard]] constexpr descriptor mkclean() const {
        return without(descriptor_bit::dirty).with(descriptor_bit::rdonly);
    }
    [[nodiscard]] constexpr descriptor mkdirty() const {
        const descriptor d = with(descriptor_bit::dirty);
        return writable() ? d.without(descriptor_bit::rdonly) : d;
    }
    // A clean entry stays read-only, so that the first store is noticed.
    [[nodiscard]] constexpr descriptor mkwrite() const {
        const descriptor d = with(descriptor_bit::write);
        return sw_dirty() ? d.without(descriptor_bit::rdonly) : d;
    }
    // Dirty by hardware becomes dirty by software first.
    [[nodiscard]] constexpr descriptor wrprotect() const {
        const descriptor d = hw_dirty() ? mkdirty() : *this;
        return d.without(descriptor_bit::write).with(descriptor_bit::rdonly);
    }
    // mprotect: frame, AF, dirty and special stay, the rest comes from `prot` (kernel: pte_modify()).
    [[nodiscard]] constexpr descriptor modify(page_prot prot) const {
        namespace bit = descriptor_bit;
        constexpr std::uint64_t mask = bit::user | bit::pxn | bit::uxn | bit::rdonly | bit::prot_none |
                                       bit::valid | bit::write | bit::gp | bit::attr_index;
        const descriptor folded = hw_dirty() ? mkdirty() : *this;
        const descriptor d{(folded.word_ & ~mask) | (static_cast<std::uint64_t>(prot) & mask)};
        return d.sw_dirty() ? d.mkdirty() : d;
    }
    // What the walker does to a store's descriptor under HD; software's dirty bit stays as it was.
    [[nodiscard]] constexpr descriptor hw_mkdirty() const { return without(descriptor_bit::rdonly); }

    friend constexpr bool operator==(descriptor, descriptor) = default;

private:
    [[nodiscard]] constexpr bool has(std::uint64_t bits) const { return (word_ & bits) != 0; }
    [[nodiscard]] constexpr descriptor with(std::uint64_t bits) const { return descriptor{word_ | bits}; }
    [[nodiscard]] constexpr descriptor without(std::uint64_t bits) const { return descriptor{word_ & ~bits}; }

    std::uint64_t word_ = 0;
};

static_assert(sizeof(descriptor) == 8);

// kernel: swp_entry_t, the form outside page tables: type in 62:58.
[[nodiscard]] constexpr std::uint64_t generic_swap_entry(swap_bits s) {
    PAGESIM_ASSERT(s.type < 32 && s.offset < (1ULL << 50U));
    return (std::uint64_t{s.type} << 58U) | s.offset;
}

} // namespace pagesim
