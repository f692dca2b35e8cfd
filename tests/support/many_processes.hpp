// SPDX-License-Identifier: MIT
// Processes that write, and machines too small for them.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <support/script.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace pagesim::testing {

inline constexpr std::uint64_t base = 0x10000;

inline std::vector<access_record> stores(std::uint64_t pages, unsigned rounds = 1) {
    std::vector<access_record> out;
    for (unsigned r = 0; r < rounds; ++r) {
        for (std::uint64_t p = 0; p < pages; ++p)
            out.emplace_back(vpn{base + p}, run_writes::first, instruction_role::time_only, 100, 1);
    }
    return out;
}

// All processes use the same addresses.
inline void writes(script& s, std::uint64_t pages, unsigned rounds = 1) {
    s.anon("a", base, pages).access(stores(pages, rounds));
}

// More than fits into memory, so slowly that a device that takes 20 s keeps up; then all of it again.
inline void writes_slowly_twice(script& s, std::uint64_t pages) {
    const std::vector<access_record> all = stores(pages);
    const auto part = [&](std::uint64_t from, std::uint64_t to) {
        const auto at = [&](std::uint64_t n) { return all.begin() + static_cast<std::ptrdiff_t>(n); };
        s.access({at(from), at(to)});
    };
    constexpr std::uint64_t at_once = 900;
    constexpr std::uint64_t step = 8;
    s.anon("a", base, pages);
    part(0, at_once);
    for (std::uint64_t n = at_once; n < pages; n += step) {
        part(n, std::min(n + step, pages));
        s.sleep(milliseconds(21'000));
    }
    s.access(all);
}

inline machine_config without_swap(const kernel_profile& profile = linux_6_1) {
    machine_config c = machine_with(page_count{1024});
    c.profile = profile;
    c.swap.device = swap_device::none;
    return c;
}

inline machine_config with_swap(std::uint64_t pages, swap_device device = swap_device::flash) {
    machine_config c = machine_with(page_count{1024});
    c.swap.device = device;
    c.swap.pages = page_count{pages};
    return c;
}

// Every nanosecond is somebody's.
inline void expect_time_adds_up(const machine& m) {
    EXPECT_EQ(totals_of(m).cpu_time + m.kswapd().cpu_time + m.other_time() + m.idle_time(),
              m.now() - sim_time{});
}

inline const workload_task& second(const machine& m) { return *m.processes()[1]; }

// Turns of the loop until it is so; false if the run ends first.
inline bool run_until(machine& m, const std::function<bool()>& so) {
    while (!so()) {
        if (!m.step()) return so();
    }
    return true;
}

} // namespace pagesim::testing
