// SPDX-License-Identifier: MIT
// The machines that the property tests build: sizes, devices and settings as plain numbers that can be thrown and
// printed.
//
// A further swap area has half the slots of the first; it is on the other kind of device, the one after it on the same
// again. Files on flash have a device like the first area's.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/machine/machine_config.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pagesim::testing::on_machine {

enum class core : std::uint8_t { cortex_a72, neoverse_n1 };
enum class kernel : std::uint8_t { linux_5_8, linux_5_10, linux_6_1 };
enum class priorities : std::uint8_t { descending, equal }; // of several swap areas

[[nodiscard]] inline const kernel_profile& profile_of(kernel k) {
    if (k == kernel::linux_5_8) return linux_5_8;
    return k == kernel::linux_5_10 ? linux_5_10 : linux_6_1;
}
[[nodiscard]] inline const char* name_of(kernel k) {
    if (k == kernel::linux_5_8) return "linux_5_8";
    return k == kernel::linux_5_10 ? "linux_5_10" : "linux_6_1";
}
[[nodiscard]] inline const char* name_of(core c) {
    return c == core::cortex_a72 ? "cortex_a72" : "neoverse_n1";
}
[[nodiscard]] inline const char* name_of(swap_device d) {
    constexpr std::array<const char*, 3> names{"none", "zram", "flash"};
    return names[static_cast<std::size_t>(d)];
}
[[nodiscard]] inline const char* name_of(file_device d) { return d == file_device::pmem ? "pmem" : "flash"; }
[[nodiscard]] inline const char* name_of(priorities p) {
    return p == priorities::equal ? "equal" : "descending";
}

struct setup {
    std::uint64_t memory = 512;
    swap_device device = swap_device::flash;
    std::uint64_t swap_pages = 1000;
    unsigned more_areas = 0;
    priorities area_order = priorities::descending;
    std::uint64_t latency_us = 100;
    unsigned queue_depth = 64;
    std::uint64_t bytes_per_second = 0;
    std::uint32_t compressed_bytes = 1365;
    file_device files = file_device::pmem;
    unsigned file_request_pages = 256;
    unsigned dirty_ratio = 20;
    unsigned background_ratio = 10;
    std::uint64_t dirty_bytes = 0;
    unsigned expire_centisecs = 3000;
    unsigned writeback_centisecs = 500;
    unsigned swappiness = 60;
    unsigned page_cluster = 3;
    core cpu = core::cortex_a72;
    kernel profile = kernel::linux_6_1;
    unsigned processes = 1;
    int adj = 0; // oom_score_adj of the second one
    std::uint64_t seed = 1;
};

inline std::string code(const setup& s) {
    return fmt::format(
        "{{.memory = {}, .device = pagesim::swap_device::{}, .swap_pages = {}, .more_areas = {},\n"
        "                      .area_order = priorities::{}, .latency_us = {}, .queue_depth = {},\n"
        "                      .bytes_per_second = {}, .compressed_bytes = {},\n"
        "                      .files = pagesim::file_device::{}, .file_request_pages = {},\n"
        "                      .dirty_ratio = {}, .background_ratio = {}, .dirty_bytes = {},\n"
        "                      .expire_centisecs = {}, .writeback_centisecs = {}, .swappiness = {},\n"
        "                      .page_cluster = {}, .cpu = core::{}, .profile = kernel::{},\n"
        "                      .processes = {}, .adj = {}, .seed = {}}}",
        s.memory, name_of(s.device), s.swap_pages, s.more_areas, name_of(s.area_order), s.latency_us,
        s.queue_depth, s.bytes_per_second, s.compressed_bytes, name_of(s.files), s.file_request_pages,
        s.dirty_ratio, s.background_ratio, s.dirty_bytes, s.expire_centisecs, s.writeback_centisecs,
        s.swappiness, s.page_cluster, name_of(s.cpu), name_of(s.profile), s.processes, s.adj, s.seed);
}

// Swap areas beyond the first, which is there already.
inline void add_swap_areas(machine_config& c, unsigned more, priorities order) {
    if (c.swap.device == swap_device::none) return;
    if (order == priorities::equal) c.swap.priority = 5;
    for (unsigned n = 0; n < more; ++n) {
        swap_config area = c.swap;
        if (n % 2 == 0)
            area.device = c.swap.device == swap_device::zram ? swap_device::flash : swap_device::zram;
        area.pages = page_count{c.swap.pages.value / 2 + 1};
        c.more_swap.push_back(area);
    }
}

inline machine_config config(const setup& s) {
    machine_config c = machine_with(page_count{s.memory});
    const flash_config flash{.latency = microseconds(s.latency_us),
                             .bytes_per_second = s.bytes_per_second,
                             .queue_depth = s.queue_depth};
    c.swap.device = s.device;
    c.swap.pages = page_count{s.swap_pages};
    c.swap.flash = flash;
    c.swap.zram.compressed_bytes = s.compressed_bytes;
    add_swap_areas(c, s.more_areas, s.area_order);
    c.files = {.device = s.files, .flash = flash, .max_request_pages = s.file_request_pages};
    c.dirty = {.ratio = s.dirty_ratio,
               .background_ratio = s.background_ratio,
               .bytes = s.dirty_bytes,
               .background_bytes = 0,
               .expire_centisecs = s.expire_centisecs,
               .writeback_centisecs = s.writeback_centisecs};
    c.reclaim.swappiness = s.swappiness;
    c.reclaim.page_cluster = s.page_cluster;
    c.cpu = s.cpu == core::cortex_a72 ? cortex_a72 : neoverse_n1;
    c.profile = profile_of(s.profile);
    c.seed = s.seed;
    return c;
}

// The least memory that can be had is 256 pages: small machines are soon under pressure, and quickly recounted.
inline setup throw_setup(dice& d) {
    constexpr std::array<swap_device, 4> devices{swap_device::zram, swap_device::none, swap_device::flash,
                                                 swap_device::flash};
    constexpr std::array<int, 4> adjs{0, 500, -300, -1000};
    const auto number = [&d](std::uint64_t low, std::uint64_t high) {
        return static_cast<unsigned>(d.between(low, high));
    };
    return {.memory = d.between(256, 400),
            .device = devices[d.below(devices.size())],
            .swap_pages = d.between(50, 900),
            .more_areas = d.ratio(1, 3) ? number(1, 2) : 0,
            .area_order = d.ratio(1, 2) ? priorities::equal : priorities::descending,
            .latency_us = d.between(1, 3000),
            .queue_depth = number(1, 64),
            .bytes_per_second = d.ratio(1, 2) ? 0 : 100'000'000U,
            .compressed_bytes = number(1, 4096),
            .files = d.ratio(1, 2) ? file_device::flash : file_device::pmem,
            .file_request_pages = number(1, 40),
            .dirty_ratio = number(2, 60),
            .background_ratio = number(0, 40),
            .dirty_bytes = d.ratio(1, 4) ? d.between(2, 60) * page_size : 0,
            .expire_centisecs = number(0, 30),
            .writeback_centisecs = number(0, 10),
            .swappiness = number(0, 200),
            .page_cluster = number(0, 5),
            .cpu = d.ratio(1, 2) ? core::cortex_a72 : core::neoverse_n1,
            .profile = static_cast<kernel>(d.below(3)),
            .processes = number(1, 3),
            .adj = adjs[d.below(adjs.size())],
            .seed = d.below(1000)};
}

} // namespace pagesim::testing::on_machine
