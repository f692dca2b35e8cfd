// SPDX-License-Identifier: MIT
// What the property test of processes does: random system calls on address spaces and files, accesses and reclaim, as
// lists of operations. `which` names a process by its number modulo how many there are, `at` one of its mapped pages
// likewise, or a file and a page of it: two numbers in one, what remains when it is divided by the number of files, and
// how often that goes.
#pragma once

#include <property/machine_setup.hpp>

#include <vector>

namespace pagesim::testing::on_processes {

using on_machine::core;
using on_machine::kernel;
using on_machine::name_of;
using on_machine::priorities;

enum class act : std::uint8_t {
    write,    // `pages` pages in a row from the page `at` on, as far as they are mapped
    read,     // the same
    map,      // `pages` pages wherever there is room
    map_over, // `pages` pages from `at` on in the lowest 600, whatever was there
    map_file, // `pages` pages of the file and page `at`, also beyond its end; wherever there is room
    unmap,    // `pages` pages from the page `at` on, holes included
    protect,  // the same
    remap,    // the range of the page `at`, from there on, gets `pages` pages
    brk,      // the heap has `pages` pages
    lock,     // as unmap
    unlock,
    advise, // the same; which advice, `access` tells
    fork,
    exit,
    exec,
    pread,  // `pages` pages of the regular file and page `at`
    pwrite, // the same
    fsync,
    fadvise,  // `pages` pages from there on; which advice, `access` tells
    truncate, // the file ends there: longer or shorter
    sync,
    drop,    // drop_caches 1, 2 or 3
    reclaim, // as for an allocation, `pages` % 4 times
    idle,    // no page was used since
};
inline constexpr std::array<std::string_view, 24> act_names{
    "write",  "read",  "map",     "map_over", "map_file", "unmap", "protect", "remap",
    "brk",    "lock",  "unlock",  "advise",   "fork",     "exit",  "exec",    "pread",
    "pwrite", "fsync", "fadvise", "truncate", "sync",     "drop",  "reclaim", "idle"};
inline constexpr std::size_t most_processes = 6;

struct setup {
    std::uint64_t memory = 300;
    swap_device device = swap_device::zram;
    std::uint64_t swap_pages = 600;
    unsigned more_areas = 0;
    priorities area_order = priorities::descending;
    file_device files = file_device::pmem;
    unsigned dirty_ratio = 20;
    unsigned page_cluster = 3;
    core cpu = core::cortex_a72;
    kernel profile = kernel::linux_6_1;
    std::uint64_t max_map_count = 65530;
};
struct operation {
    act what;
    unsigned which;
    unsigned at;
    unsigned pages;
    // Of a mapping, modulo 4: 0 none, 1 read, 2 and 3 read and write; from 4 on it is shared if of a file.
    unsigned access;
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

inline std::string code(const setup& s) {
    return fmt::format(
        "{{.memory = {}, .device = pagesim::swap_device::{}, .swap_pages = {}, .more_areas = {},\n"
        "                      .area_order = priorities::{}, .files = pagesim::file_device::{},\n"
        "                      .dirty_ratio = {}, .page_cluster = {}, .cpu = core::{},\n"
        "                      .profile = kernel::{}, .max_map_count = {}}}",
        s.memory, name_of(s.device), s.swap_pages, s.more_areas, name_of(s.area_order), name_of(s.files),
        s.dirty_ratio, s.page_cluster, name_of(s.cpu), name_of(s.profile), s.max_map_count);
}
inline std::string code(const operation& o) {
    return fmt::format("{{act::{}, {}, {}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.which,
                       o.at, o.pages, o.access);
}

inline machine_config config(const setup& s) {
    return on_machine::config({.memory = s.memory,
                               .device = s.device,
                               .swap_pages = s.swap_pages,
                               .more_areas = s.more_areas,
                               .area_order = s.area_order,
                               .files = s.files,
                               .dirty_ratio = s.dirty_ratio,
                               .page_cluster = s.page_cluster,
                               .cpu = s.cpu,
                               .profile = s.profile});
}

inline setup throw_setup(dice& d) {
    constexpr std::array<swap_device, 4> devices{swap_device::zram, swap_device::none, swap_device::flash,
                                                 swap_device::zram};
    return {.memory = d.between(256, 340),
            .device = devices[d.below(devices.size())],
            .swap_pages = d.between(50, 600),
            .more_areas = d.ratio(1, 4) ? static_cast<unsigned>(d.between(1, 2)) : 0,
            .area_order = d.ratio(1, 2) ? priorities::equal : priorities::descending,
            .files = d.ratio(1, 2) ? file_device::flash : file_device::pmem,
            .dirty_ratio = static_cast<unsigned>(d.between(5, 60)),
            .page_cluster = static_cast<unsigned>(d.below(4)),
            .cpu = d.ratio(1, 2) ? core::cortex_a72 : core::neoverse_n1,
            .profile = static_cast<kernel>(d.below(3)),
            .max_map_count = d.ratio(1, 8) ? d.between(2, 8) : 65530};
}

inline thrown_case thrown(dice& d) {
    // How often each act is thrown, in the order of the enumeration.
    constexpr std::array<std::uint64_t, act_names.size()> weights{30, 14, 5, 6, 12, 6, 9, 5, 3, 6, 5, 9,
                                                                  9,  5,  1, 5, 8,  4, 3, 3, 2, 2, 6, 4};
    thrown_case c{.start = throw_setup(d), .operations = std::vector<operation>(d.between(5, 70))};
    std::uint64_t all = 0;
    for (const std::uint64_t w : weights) all += w;
    for (operation& o : c.operations) {
        std::size_t what = 0;
        for (std::uint64_t left = d.below(all); left >= weights[what]; ++what) left -= weights[what];
        o = {.what = static_cast<act>(what),
             .which = static_cast<unsigned>(d.below(60)),
             .at = static_cast<unsigned>(d.below(600)),
             .pages = static_cast<unsigned>(d.between(1, d.ratio(1, 4) ? 120 : 12)),
             .access = static_cast<unsigned>(d.below(8))};
    }
    c.operations.front() = {.what = act::map_over, .which = 0, .at = 100, .pages = 60, .access = 3};
    return c;
}

} // namespace pagesim::testing::on_processes
