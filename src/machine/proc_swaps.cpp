// SPDX-License-Identifier: MIT
// /proc/swaps (kernel: swap_show, mm/swapfile.c).
#include <pagesim/machine/proc_files.hpp>

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace pagesim {

namespace {

constexpr std::size_t name_width = 40;
constexpr std::uint64_t short_number = 10'000'000; // kB: a number below it needs a second tab

std::uint64_t kilobytes(std::uint64_t pages) { return pages << (page_shift - 10); }

std::string_view tab_after(std::uint64_t kb) { return kb < short_number ? "\t" : ""; }

} // namespace

std::string format_swaps(const machine_parts& m) {
    constexpr std::array<std::string_view, 3> kinds{"zram", "flash", "disk"};
    std::array<unsigned, kinds.size()> seen{};
    std::string out = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    for (std::uint8_t type = 0; type < m.swap.nr_swapfiles(); ++type) {
        if (!m.swap.has_area(type)) continue;
        const swap_area& area = m.swap.area(type);
        const bool rotates = area.medium() == swap_medium::rotational;
        const std::size_t kind = m.store(type) != nullptr ? 0 : rotates ? 2 : 1;
        const std::string name = fmt::format("/dev/{}{}", kinds[kind], seen[kind]++);
        const std::size_t pad = name.size() < name_width ? name_width - name.size() : 1;
        const std::uint64_t size = kilobytes(area.total());
        const std::uint64_t used = kilobytes(area.in_use());
        fmt::format_to(std::back_inserter(out), "{}{:{}}partition\t{}\t{}{}\t{}{}\n", name, "", pad, size,
                       tab_after(size), used, tab_after(used), m.swap.priority(type));
    }
    return out;
}

} // namespace pagesim
