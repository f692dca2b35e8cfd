// SPDX-License-Identifier: MIT
// What the property test of the LRU lists does: its operations, how they are thrown and how they are printed.
//
// `which` names one of the live pages, or of the isolated ones (putback), by its number modulo how many there are.
// `value` says more: how much, which list, which flag.
#pragma once

#include <pagesim/base/dice.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_lruvec {

enum class act : std::uint8_t {
    allocate,         // value: kind of page and zone
    add_page,         // to the head
    add_page_tail,    // to the tail
    del_page,         // off its list
    lru_cache_add,    // by way of the batch
    activate_page,    // by way of the batch
    rotate,           // by way of the batch
    lru_add_drain,    //
    isolate,          // value: list, how many, highest zone, whether mapped pages may go
    putback,          // of an isolated page
    toggle_mlocked,   //
    toggle_active,    // of a page off the lists; an active page is not unevictable
    toggle_reference, // PG_referenced
    toggle_dirty,     //
    toggle_locked,    //
    toggle_mapped,    //
    put,              // the owner gives the page up
};
inline constexpr std::array<std::string_view, 17> act_names{"allocate",
                                                            "add_page",
                                                            "add_page_tail",
                                                            "del_page",
                                                            "lru_cache_add",
                                                            "activate_page",
                                                            "rotate",
                                                            "lru_add_drain",
                                                            "isolate",
                                                            "putback",
                                                            "toggle_mlocked",
                                                            "toggle_active",
                                                            "toggle_reference",
                                                            "toggle_dirty",
                                                            "toggle_locked",
                                                            "toggle_mapped",
                                                            "put"};

// Two zones of so many frames.
struct setup {
    std::uint64_t dma_pages = 200;
    std::uint64_t normal_pages = 200;
};

struct operation {
    act what;
    unsigned which;
    unsigned value;
};

struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

inline std::string code(const setup& s) {
    return fmt::format("{{.dma_pages = {}, .normal_pages = {}}}", s.dma_pages, s.normal_pages);
}
inline std::string code(const operation& o) {
    return fmt::format("{{act::{}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.which, o.value);
}

inline thrown_case thrown(dice& d) {
    constexpr std::array<act, 32> table{
        act::allocate,      act::allocate,      act::allocate,      act::allocate,         act::allocate,
        act::add_page,      act::add_page_tail, act::add_page_tail, act::del_page,         act::lru_cache_add,
        act::lru_cache_add, act::lru_cache_add, act::lru_cache_add, act::lru_cache_add,    act::activate_page,
        act::activate_page, act::activate_page, act::rotate,        act::rotate,           act::lru_add_drain,
        act::isolate,       act::isolate,       act::putback,       act::putback,          act::putback,
        act::putback,       act::toggle_active, act::toggle_mapped, act::toggle_reference, act::put,
        act::put,           act::toggle_mlocked};
    thrown_case c;
    c.start = {.dma_pages = d.between(10, 150), .normal_pages = d.between(250, 300)};
    c.operations.resize(d.between(50, 600));
    // A drained batch hides much: some cases have none of it.
    const std::uint64_t drains = d.below(3);
    for (operation& o : c.operations) {
        o = {table[d.below(table.size())], static_cast<unsigned>(d.below(200)),
             static_cast<unsigned>(d.below(1200))};
        if (o.what == act::lru_add_drain && !d.ratio(drains, 2)) o.what = act::lru_cache_add;
        if (d.ratio(1, 20)) o.what = d.ratio(1, 2) ? act::toggle_dirty : act::toggle_locked;
    }
    return c;
}

} // namespace pagesim::testing::on_lruvec
