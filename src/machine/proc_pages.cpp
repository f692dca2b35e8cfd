// SPDX-License-Identifier: MIT
#include <pagesim/machine/proc_pages.hpp>

#include <array>

namespace pagesim {

namespace {

struct copied_flag {
    page_flag from;
    kpf to;
};

constexpr std::array<copied_flag, 15> copied_flags{{{page_flag::locked, kpf::locked},
                                                    {page_flag::error, kpf::error},
                                                    {page_flag::referenced, kpf::referenced},
                                                    {page_flag::uptodate, kpf::uptodate},
                                                    {page_flag::dirty, kpf::dirty},
                                                    {page_flag::lru, kpf::lru},
                                                    {page_flag::active, kpf::active},
                                                    {page_flag::writeback, kpf::writeback},
                                                    {page_flag::reclaim, kpf::reclaim},
                                                    {page_flag::swapbacked, kpf::swapbacked},
                                                    {page_flag::unevictable, kpf::unevictable},
                                                    {page_flag::mlocked, kpf::mlocked},
                                                    {page_flag::anon_exclusive, kpf::mappedtodisk},
                                                    {page_flag::private_, kpf::private_},
                                                    {page_flag::swapcache, kpf::owner_private}}};

// Anywhere in a free block (kernel: is_free_buddy_page()).
bool in_free_block(const mem_map& frames, pfn n) {
    if (frames[n].refcount() != 0) return false;
    for (unsigned order = 0; order < max_order; ++order) {
        const page& head = frames[pfn{raw(n) & ~((1ULL << order) - 1)}];
        if (head.test(page_flag::buddy) && head.private_data() >= order) return true;
    }
    return false;
}

} // namespace

std::uint64_t stable_page_flags(const machine_parts& m, pfn n) {
    const page& p = m.frames[n];
    std::uint64_t bits = 0;
    for (const copied_flag& f : copied_flags) bits |= p.test(f.from) ? bit_of(f.to) : 0;
    if (p.mapped()) bits |= bit_of(kpf::mmap);
    if (p.anon()) bits |= bit_of(kpf::anon);
    if (p.test(page_flag::swapcache) && p.test(page_flag::swapbacked)) bits |= bit_of(kpf::swapcache);
    if (n == m.fc.zero_page) bits |= bit_of(kpf::zero_page);
    if (p.test(page_flag::reserved) || m.home.zone_of(p).is_reserved(n)) bits |= bit_of(kpf::reserved);
    // The tables that a kernel counts are those that it marks.
    const bool table =
        p.test(page_flag::table) && counts_table(m.config.profile, static_cast<int>(p.private_data()));
    if (table) bits |= bit_of(kpf::pgtable);
    if (in_free_block(m.frames, n)) bits |= bit_of(kpf::buddy);
    return bits;
}

std::uint64_t kpagecount(const machine_parts& m, pfn n) {
    return static_cast<std::uint64_t>(m.frames[n].mapcount());
}

void read_kpageflags(const machine_parts& m, pfn first, std::span<std::uint64_t> out) {
    for (std::uint64_t& word : out) {
        word = stable_page_flags(m, first);
        first = first + 1;
    }
}

void read_kpagecount(const machine_parts& m, pfn first, std::span<std::uint64_t> out) {
    for (std::uint64_t& word : out) {
        word = kpagecount(m, first);
        first = first + 1;
    }
}

} // namespace pagesim
