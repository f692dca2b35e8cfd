// SPDX-License-Identifier: MIT
// What the property test of swap_space does: its operations, how they are thrown and how they are printed.
//
// `which` names a slot in use, or a page in the swap cache (delete_from_cache and the three after it), by its number
// modulo how many there are.
#pragma once

#include <pagesim/base/dice.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_swap_space {

enum class act : std::uint8_t {
    allocate,          // `amount` slots
    unmark,            // return_slot, clear_cache_mark: the mark of a slot that no page holds
    add_to_cache,      // a page for a marked slot
    duplicate,         // `amount` times
    swap_free,         // one use less
    prepare_cache,     //
    delete_from_cache, // amount even: leaves that shadow
    try_to_free,       //
    drop_from_cache,   //
    toggle_writeback,  // of a page in the cache: it cannot leave
    finish_slots,      // up to `amount` slots, from there on: dropped by whoever uses them
};
inline constexpr std::array<std::string_view, 11> act_names{
    "allocate",          "unmark",      "add_to_cache",    "duplicate",        "swap_free",   "prepare_cache",
    "delete_from_cache", "try_to_free", "drop_from_cache", "toggle_writeback", "finish_slots"};

// Areas: two low bits of the kind say which priority (none, 0, 0, 7), the third that it rotates.
struct area {
    std::uint64_t pages = 1;
    unsigned kind = 0;
};
struct setup {
    std::vector<area> areas{{}};
    std::uint64_t seed = 1;
};
struct operation {
    act what;
    unsigned which;
    unsigned amount;
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

inline std::string code(const setup& s) {
    std::string areas;
    for (const area& a : s.areas)
        areas += fmt::format("{}{{{}, {}}}", areas.empty() ? "" : ", ", a.pages, a.kind);
    return fmt::format("{{.areas = {{{}}}, .seed = {}}}", areas, s.seed);
}
inline std::string code(const operation& o) {
    return fmt::format("{{act::{}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.which, o.amount);
}

inline thrown_case thrown(dice& d) {
    constexpr std::array<act, 24> table{
        act::allocate,     act::allocate,        act::allocate,         act::allocate,
        act::allocate,     act::allocate,        act::unmark,           act::add_to_cache,
        act::add_to_cache, act::add_to_cache,    act::add_to_cache,     act::duplicate,
        act::duplicate,    act::duplicate,       act::swap_free,        act::swap_free,
        act::swap_free,    act::prepare_cache,   act::prepare_cache,    act::delete_from_cache,
        act::try_to_free,  act::drop_from_cache, act::toggle_writeback, act::delete_from_cache};
    thrown_case c;
    c.start.areas.resize(d.ratio(1, 2) ? 1 : d.between(2, 4));
    for (area& a : c.start.areas) {
        a.pages = d.ratio(1, 4) ? d.between(1, 300) : d.between(320, 1500 / c.start.areas.size() + 300);
        a.kind = static_cast<unsigned>(d.below(8));
    }
    c.start.seed = d.below(1000);
    c.operations.resize(d.between(20, 600));
    const std::uint64_t most = d.ratio(1, 2) ? 40 : 4;
    for (operation& o : c.operations) {
        o = {table[d.below(table.size())], static_cast<unsigned>(d.below(5000)),
             static_cast<unsigned>(d.between(1, most))};
        if (o.what == act::allocate && d.ratio(1, 4)) o.amount = static_cast<unsigned>(d.between(1, 120));
        if (d.ratio(1, 40)) o = {act::finish_slots, o.which, static_cast<unsigned>(d.between(1, 300))};
    }
    return c;
}

} // namespace pagesim::testing::on_swap_space
