// SPDX-License-Identifier: MIT
// A dozen runs and their fingerprints (tests/golden/fingerprints.csv): the same on every machine, compiler and level of
// optimisation. A change of behaviour changes lines of that file, and a review sees which. After a change that is meant,
// PAGESIM_WRITE_GOLDEN=1 writes the file anew.
#include <pagesim/base/dice.hpp>
#include <pagesim/machine/machine.hpp>
#include <pagesim/workload/lackey.hpp>
#include <support/golden.hpp>
#include <support/script.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace pagesim {
namespace {

using testing::expect_golden;
using testing::script;

constexpr std::uint64_t region = 0x20000;
const std::string trace = std::string{PAGESIM_SOURCE_DIR} + "/examples/traces/sort.lackey.xz";

struct run {
    std::string name;
    machine_config config;
    std::function<void(script&)> workload; // empty: the recorded trace
};

machine_config with(std::uint64_t pages, swap_device device) {
    machine_config c = machine_with(page_count{pages});
    c.swap.device = device;
    return c;
}

void loop(script& s) {
    std::vector<access_record> records;
    for (unsigned i = 0; i < 9000; ++i) {
        const auto writes = i % 7 < 4 ? run_writes::first : run_writes::none;
        records.emplace_back(vpn{region + i % 1500}, writes, instruction_role::time_only, 150, 1);
    }
    s.anon("a", region, 1500).access(std::move(records));
}

void skewed(script& s) {
    dice d{42};
    std::vector<access_record> records;
    for (unsigned i = 0; i < 30'000; ++i) {
        const std::uint64_t page = d.below(1 + d.below(1 + d.below(2000)));
        const auto writes = static_cast<run_writes>(d.below(4));
        records.emplace_back(vpn{region + page}, writes, instruction_role::fetched_here, d.below(300), 1);
    }
    s.anon("a", region, 2000)
        .access(std::move(records))
        .sleep(milliseconds(30))
        .mark("end")
        .unmap("a", region, 2000);
}

std::vector<run> runs() {
    std::vector<run> out;
    for (const auto& [device, name] :
         {std::pair{swap_device::flash, "flash"}, std::pair{swap_device::zram, "zram"}}) {
        out.push_back({fmt::format("sort 1520 pages {}", name), with(1520, device), {}});
        out.push_back({fmt::format("loop 1024 pages {}", name), with(1024, device), loop});
        out.push_back({fmt::format("skewed 1024 pages {}", name), with(1024, device), skewed});
        machine_config n1 = with(800, device);
        n1.cpu = neoverse_n1;
        out.push_back({fmt::format("skewed 800 pages {} neoverse-n1", name), n1, skewed});
        machine_config small_swap = with(1024, device);
        small_swap.swap.pages = page_count{400};
        out.push_back({fmt::format("loop 1024 pages {} with little swap", name), small_swap, loop});
        machine_config older = with(1024, device);
        older.profile = linux_5_8;
        out.push_back({fmt::format("skewed 1024 pages {} linux 5.8", name), older, skewed});
        out.push_back({fmt::format("loop 1024 pages {} linux 5.8", name), older, loop});
        older.profile = linux_5_10;
        out.push_back({fmt::format("skewed 1024 pages {} linux 5.10", name), older, skewed});
    }
    out.push_back({"skewed 1024 pages without swap", with(1024, swap_device::none), skewed});
    machine_config slow = with(1024, swap_device::flash);
    slow.swap.flash = {.latency = milliseconds(2), .bytes_per_second = 50'000'000, .queue_depth = 4};
    slow.reclaim.page_cluster = 0;
    out.push_back({"loop 1024 pages slow flash page-cluster 0", slow, loop});
    return out;
}

std::uint64_t fingerprint_of(const run& r) {
    machine m{r.config};
    if (r.workload) {
        script s;
        r.workload(s);
        m.start(s);
        m.run();
        return m.fingerprint_value();
    }
    const scan_result scanned = scan_lackey(trace);
    lackey_stream stream{trace};
    m.start(stream, std::get<footprint>(scanned).ranges);
    m.run();
    return m.fingerprint_value();
}

TEST(fingerprints, are_those_of_the_golden_file) {
    if (!can_decompress(compression::xz)) GTEST_SKIP() << "built without liblzma";
    std::string now = "run,fingerprint\n";
    for (const run& r : runs()) now += fmt::format("{},{:016x}\n", r.name, fingerprint_of(r));
    expect_golden(now, "fingerprints.csv");
}

} // namespace
} // namespace pagesim
