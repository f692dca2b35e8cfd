// SPDX-License-Identifier: MIT
// /proc/pagetypeinfo (kernel: pagetypeinfo_show, mm/vmstat.c).
#include <pagesim/machine/proc_files.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace pagesim {

namespace {

// The kernel's; the machine has the first three.
constexpr std::array<std::string_view, 6> migratetype_names{"Unmovable",  "Movable", "Reclaimable",
                                                            "HighAtomic", "CMA",     "Isolate"};
constexpr std::uint64_t most_counted = 100'000; // free blocks of a kind; the kernel stops there

std::uint64_t free_blocks(const zone& z, unsigned order, std::size_t type) {
    if (type >= nr_migratetypes) return 0;
    return z.free_area()
        .blocks(page_order{static_cast<std::uint8_t>(order)}, static_cast<migratetype>(type))
        .size();
}

void put_free(std::string& out, const zone& z) {
    for (std::size_t type = 0; type < migratetype_names.size(); ++type) {
        fmt::format_to(std::back_inserter(out), "Node {:>4}, zone {:>8}, type {:>12} ", 0,
                       zone_name(z.type()), migratetype_names[type]);
        for (unsigned order = 0; order < max_order; ++order) {
            const std::uint64_t blocks = free_blocks(z, order, type);
            fmt::format_to(std::back_inserter(out), "{}{:>6} ", blocks >= most_counted ? ">" : "",
                           std::min(blocks, most_counted));
        }
        out += '\n';
    }
}

void put_pageblocks(std::string& out, const zone& z) {
    std::array<std::uint64_t, migratetype_names.size()> blocks{};
    for (pfn n = z.start_pfn(); n < z.end_pfn(); n = n + pageblock_nr_pages)
        ++blocks.at(static_cast<std::size_t>(z.free_area().pageblock_type(n)));
    fmt::format_to(std::back_inserter(out), "Node {}, zone {:>8} ", 0, zone_name(z.type()));
    for (const std::uint64_t n : blocks) fmt::format_to(std::back_inserter(out), "{:>12} ", n);
    out += '\n';
}

} // namespace

std::string format_pagetypeinfo(const node& home) {
    std::string out = fmt::format("Page block order: {}\nPages per block:  {}\n\n{:<43} ", pageblock_order,
                                  pageblock_nr_pages, "Free pages count per migrate type at order");
    for (unsigned order = 0; order < max_order; ++order)
        fmt::format_to(std::back_inserter(out), "{:>6} ", order);
    out += '\n';
    for (const zone& z : home.zones()) put_free(out, z);
    fmt::format_to(std::back_inserter(out), "\n{:<23}", "Number of blocks type ");
    for (const std::string_view name : migratetype_names)
        fmt::format_to(std::back_inserter(out), "{:>12} ", name);
    out += '\n';
    for (const zone& z : home.zones()) put_pageblocks(out, z);
    return out;
}

} // namespace pagesim
