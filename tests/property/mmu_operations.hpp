// SPDX-License-Identifier: MIT
// What the property test of the MMU does: its operations, how they are thrown and how they are printed.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/mmu/cpu_model.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_mmu {

// Neighbours, twins in one memo slot (1024 apart), in one hash bucket (256 apart), other tables, the last page.
inline constexpr std::array<std::uint64_t, 16> pages{
    0,    1,      2,         3,         256,       257,           1024,    1025,
    2048, 262144, 134217728, 134217984, 134218752, vpn_limit - 1, 3 * 512, 4};
inline constexpr unsigned nr_spaces = 3;
inline constexpr unsigned nr_cpus = 2;

// slowly: past the memo.
enum class act : std::uint8_t {
    read,
    write,
    fetch,
    read_slowly,
    write_slowly,
    map,
    swap_out,
    age,
    clean,
    protect,
    hide,
    flush_page,
    flush_range,
    flush_space,
    flush_all,
    release_tables,
};
inline constexpr std::array<std::string_view, 16> act_names{
    "read",  "write",   "fetch", "read_slowly", "write_slowly", "map",         "swap_out",  "age",
    "clean", "protect", "hide",  "flush_page",  "flush_range",  "flush_space", "flush_all", "release_tables"};

struct operation {
    act what;
    unsigned cpu;
    unsigned space;
    unsigned page;    // index into pages
    unsigned variant; // frame and protection of map, length of flush_range
};

enum class manners : std::uint8_t { careful, careless };

struct setup {
    manners kernel = manners::careful;
    tlb_geometry tlb{};
    hafdbs hardware_update = hafdbs::none;
};

struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

inline std::string code(const setup& s) {
    constexpr std::array<std::string_view, 3> updates{"none", "access_flag", "access_flag_and_dirty"};
    return fmt::format("{{.kernel = manners::{}, .tlb = {{.l1_entries = {}, .l1_ways = {}, .l2_entries = {}, "
                       ".l2_ways = {}}}, "
                       ".hardware_update = pagesim::hafdbs::{}}}",
                       s.kernel == manners::careful ? "careful" : "careless", s.tlb.l1_entries, s.tlb.l1_ways,
                       s.tlb.l2_entries, s.tlb.l2_ways, updates[static_cast<std::size_t>(s.hardware_update)]);
}
inline std::string code(const operation& o) {
    return fmt::format("{{act::{}, {}, {}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.cpu,
                       o.space, o.page, o.variant);
}

inline std::vector<operation> throw_operations(dice& d, std::size_t n) {
    // Accesses and mappings often, sweeping flushes seldom.
    constexpr std::array<act, 40> table{
        act::read,       act::read,        act::read,        act::read,         act::read,
        act::read,       act::read,        act::write,       act::write,        act::write,
        act::write,      act::write,       act::write,       act::fetch,        act::fetch,
        act::fetch,      act::read_slowly, act::read_slowly, act::write_slowly, act::write_slowly,
        act::map,        act::map,         act::map,         act::map,          act::map,
        act::map,        act::swap_out,    act::age,         act::age,          act::age,
        act::clean,      act::clean,       act::protect,     act::hide,         act::flush_page,
        act::flush_page, act::flush_range, act::flush_space, act::flush_all,    act::release_tables};
    // Few places in some cases, so that accesses meet what happened before.
    constexpr std::array<std::size_t, 3> sizes{4, pages.size(), pages.size()};
    std::vector<unsigned> chosen(sizes[d.below(sizes.size())]);
    for (unsigned& c : chosen) c = static_cast<unsigned>(d.below(pages.size()));
    const std::uint64_t spaces = d.between(1, nr_spaces);
    std::vector<operation> ops(n);
    for (operation& o : ops) {
        o = {.what = table[d.below(table.size())],
             .cpu = static_cast<unsigned>(d.below(nr_cpus)),
             .space = static_cast<unsigned>(d.below(spaces)),
             .page = chosen[d.below(chosen.size())],
             .variant = static_cast<unsigned>(d.below(60))};
        // The great sweeps less often still, so that the TLBs fill up between them.
        if (o.what >= act::flush_space && !d.ratio(1, 6)) o.what = act::read;
    }
    return ops;
}

inline setup throw_setup(dice& d, manners kernel) {
    constexpr std::array<tlb_geometry, 4> shapes{{
        {.l1_entries = 4, .l1_ways = 0, .l2_entries = 8, .l2_ways = 2},
        {.l1_entries = 10, .l1_ways = 0, .l2_entries = 16, .l2_ways = 4}, // L1 through hash chains
        {.l1_entries = 8, .l1_ways = 2, .l2_entries = 20, .l2_ways = 0},  // L2 through hash chains
        {.l1_entries = 32, .l1_ways = 0, .l2_entries = 128, .l2_ways = 4},
    }};
    return {.kernel = kernel,
            .tlb = shapes[d.below(shapes.size())],
            .hardware_update = static_cast<hafdbs>(d.below(3))};
}

} // namespace pagesim::testing::on_mmu
