// SPDX-License-Identifier: MIT
// What the property test of the whole machine does: random machines and random programs as lists of operations, and
// the access stream that carries such a list out.
//
// A program has at most four ranges; `range` names one by its number modulo how many there are. The same number, divided
// by four, says whose operation it is if there are several processes.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/machine/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_machine {

enum class act : std::uint8_t {
    map,   // a range of `pages`, `gap` pages behind the last one
    unmap, // a range
    run,   // touches `pages` pages in a row, from page `gap` on, round the end
    jump,  // touches `pages` pages anywhere; `gap` seeds which
    rest,  // sleeps `gap` microseconds
    mark,  // a snapshot
    mlock, // `pages` pages of a range, from page `gap` on, as far as it goes
    munlock,
    madvise, // the same pages; which advice, `writes` and `gap` tell
};
inline constexpr std::array<std::string_view, 9> act_names{"map",  "unmap", "run",     "jump",   "rest",
                                                           "mark", "mlock", "munlock", "madvise"};
inline constexpr std::size_t most_ranges = 4;

enum class core : std::uint8_t { cortex_a72, neoverse_n1 };
enum class kernel : std::uint8_t { linux_5_8, linux_5_10, linux_6_1 };

[[nodiscard]] inline const kernel_profile& profile_of(kernel k) {
    if (k == kernel::linux_5_8) return linux_5_8;
    return k == kernel::linux_5_10 ? linux_5_10 : linux_6_1;
}
[[nodiscard]] inline const char* name_of(kernel k) {
    if (k == kernel::linux_5_8) return "linux_5_8";
    return k == kernel::linux_5_10 ? "linux_5_10" : "linux_6_1";
}

struct setup {
    std::uint64_t memory = 512;
    swap_device device = swap_device::flash;
    std::uint64_t swap_pages = 1000;
    std::uint64_t latency_us = 100;
    unsigned queue_depth = 64;
    std::uint64_t bytes_per_second = 0;
    std::uint32_t compressed_bytes = 1365;
    unsigned swappiness = 60;
    unsigned page_cluster = 3;
    core cpu = core::cortex_a72;
    kernel profile = kernel::linux_6_1;
    unsigned processes = 1;
    int adj = 0; // oom_score_adj of the second one
    std::uint64_t seed = 1;
};
struct operation {
    act what;
    unsigned range;
    unsigned pages;
    unsigned gap;
    unsigned writes; // run_writes of each touch: 0 none .. 3 first and later
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

inline std::string code(const setup& s) {
    constexpr std::array<std::string_view, 3> devices{"none", "zram", "flash"};
    return fmt::format(
        "{{.memory = {}, .device = pagesim::swap_device::{}, .swap_pages = {}, .latency_us = {},\n"
        "                      .queue_depth = {}, .bytes_per_second = {}, .compressed_bytes = {},\n"
        "                      .swappiness = {}, .page_cluster = {}, .cpu = core::{},\n"
        "                      .profile = kernel::{}, .processes = {}, .adj = {}, .seed = {}}}",
        s.memory, devices[static_cast<std::size_t>(s.device)], s.swap_pages, s.latency_us, s.queue_depth,
        s.bytes_per_second, s.compressed_bytes, s.swappiness, s.page_cluster,
        s.cpu == core::cortex_a72 ? "cortex_a72" : "neoverse_n1", name_of(s.profile), s.processes, s.adj,
        s.seed);
}
inline std::string code(const operation& o) {
    return fmt::format("{{act::{}, {}, {}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.range,
                       o.pages, o.gap, o.writes);
}

inline machine_config config(const setup& s) {
    machine_config c = machine_with(page_count{s.memory});
    c.swap.device = s.device;
    c.swap.pages = page_count{s.swap_pages};
    c.swap.flash.latency = microseconds(s.latency_us);
    c.swap.flash.queue_depth = s.queue_depth;
    c.swap.flash.bytes_per_second = s.bytes_per_second;
    c.swap.zram.compressed_bytes = s.compressed_bytes;
    c.reclaim.swappiness = s.swappiness;
    c.reclaim.page_cluster = s.page_cluster;
    c.cpu = s.cpu == core::cortex_a72 ? cortex_a72 : neoverse_n1;
    c.profile = profile_of(s.profile);
    c.seed = s.seed;
    return c;
}

// The process that does it.
class program final : public access_stream {
public:
    explicit program(const std::vector<operation>& operations) : operations_{operations} {}

    stream_item next() override {
        while (at_ < operations_.size()) {
            const operation& o = operations_[at_++];
            if (o.what == act::rest) return op_sleep{microseconds(o.gap)};
            if (o.what == act::mark) return op_mark{"m"};
            if (o.what == act::map) {
                if (ranges_.size() < most_ranges) return map(o);
            } else if (!ranges_.empty()) {
                const std::size_t which = o.range % ranges_.size();
                if (o.what == act::unmap) return unmap(which);
                if (o.what == act::mlock || o.what == act::munlock) return lock(o, ranges_[which]);
                if (o.what == act::madvise) return advise(o, ranges_[which]);
                return touch(o, ranges_[which]);
            }
        }
        return end_of_stream{};
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }
    // Pages of all ranges that are mapped now.
    [[nodiscard]] std::uint64_t mapped() const {
        std::uint64_t n = 0;
        for (const range& r : ranges_) n += r.pages;
        return n;
    }

private:
    struct range {
        std::uint64_t first;
        std::uint64_t pages;
    };

    stream_item map(const operation& o) {
        const range r{next_first_ + o.gap, std::max(o.pages, 1U)};
        next_first_ = r.first + r.pages;
        ranges_.push_back(r);
        return op_anon{"r", vpn{r.first}, page_count{r.pages}};
    }
    stream_item unmap(std::size_t which) {
        const range r = ranges_[which];
        ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(which));
        return op_unmap{"r", vpn{r.first}, page_count{r.pages}};
    }
    static stream_item lock(const operation& o, const range& r) {
        const std::uint64_t first = o.gap % r.pages;
        const std::uint64_t pages = std::min<std::uint64_t>(std::max(o.pages, 1U), r.pages - first);
        const auto what = o.what == act::mlock ? op_lock::action::mlock : op_lock::action::munlock;
        return op_lock{"r", vpn{r.first + first}, page_count{pages}, what};
    }
    static stream_item advise(const operation& o, const range& r) {
        const std::uint64_t first = o.gap % r.pages;
        const std::uint64_t pages = std::min<std::uint64_t>(std::max(o.pages, 1U), r.pages - first);
        const advice what = advice_words[(o.writes + 4 * (o.gap % 2)) % advice_words.size()].what;
        return op_advise{"r", vpn{r.first + first}, page_count{pages}, what};
    }
    stream_item touch(const operation& o, const range& r) {
        records_.clear();
        dice d{o.gap};
        for (std::uint64_t i = 0; i < std::max(o.pages, 1U); ++i) {
            const std::uint64_t page = o.what == act::run ? (o.gap + i) % r.pages : d.below(r.pages);
            records_.emplace_back(vpn{r.first + page}, static_cast<run_writes>(o.writes % 4),
                                  instruction_role::fetched_here, d.below(200), 1);
        }
        return access_block{records_};
    }

    std::vector<operation> operations_;
    std::size_t at_ = 0;
    std::uint64_t next_first_ = 0x1000;
    std::vector<range> ranges_;
    std::vector<access_record> records_;
};

// Which operations are that process's.
[[nodiscard]] inline std::vector<operation> operations_of(const setup& s, unsigned process,
                                                          const std::vector<operation>& all) {
    std::vector<operation> own;
    std::copy_if(all.begin(), all.end(), std::back_inserter(own),
                 [&](const operation& o) { return o.range / most_ranges % s.processes == process; });
    return own;
}

// The least memory that can be had is 256 pages: small machines are soon under pressure, and quickly recounted.
inline setup throw_setup(dice& d) {
    constexpr std::array<swap_device, 4> devices{swap_device::zram, swap_device::none, swap_device::flash,
                                                 swap_device::flash};
    constexpr std::array<int, 4> adjs{0, 500, -300, -1000};
    return {.memory = d.between(256, 400),
            .device = devices[d.below(devices.size())],
            .swap_pages = d.between(50, 900),
            .latency_us = d.between(1, 3000),
            .queue_depth = static_cast<unsigned>(d.between(1, 64)),
            .bytes_per_second = d.ratio(1, 2) ? 0 : 100'000'000U,
            .compressed_bytes = static_cast<std::uint32_t>(d.between(1, 4096)),
            .swappiness = static_cast<unsigned>(d.below(201)),
            .page_cluster = static_cast<unsigned>(d.below(6)),
            .cpu = d.ratio(1, 2) ? core::cortex_a72 : core::neoverse_n1,
            .profile = static_cast<kernel>(d.below(3)),
            .processes = static_cast<unsigned>(d.between(1, 3)),
            .adj = adjs[d.below(adjs.size())],
            .seed = d.below(1000)};
}

inline thrown_case thrown(dice& d) {
    thrown_case c{.start = throw_setup(d), .operations = std::vector<operation>(d.between(3, 24))};
    const auto number = [&d](std::uint64_t low, std::uint64_t high) {
        return static_cast<unsigned>(d.between(low, high));
    };
    for (operation& o : c.operations) {
        const std::uint64_t choice = d.below(100);
        o = {.what = act::run,
             .range = number(0, 11),
             .pages = number(1, 200),
             .gap = number(0, 899),
             .writes = number(0, 3)};
        if (&o == &c.operations.front() || choice < 12) {
            o.what = act::map;
            o.pages = number(1, 500);
        } else if (choice < 16) {
            o.what = act::unmap;
        } else if (choice < 20) {
            o.what = act::rest;
            o.gap = number(0, 20'000);
        } else if (choice < 21) {
            o.what = act::mark;
        } else if (choice < 30) {
            o.what = d.ratio(1, 2) ? act::mlock : act::munlock;
            o.pages = number(1, 60);
        } else if (choice < 42) {
            o.what = act::madvise;
        } else if (choice < 65) {
            o.what = act::jump;
        }
    }
    return c;
}

} // namespace pagesim::testing::on_machine
