// SPDX-License-Identifier: MIT
// What a simulated frame costs the host: the process's resident set and address space, after less before.
//
//     built    a machine that has run nothing, with swap as large as its memory, everything counted
//     filled   a machine of 1 GiB whose memory is full of mapped pages, half as many again in swap: page tables,
//              struct pages, swap cache and slots, per resident page
#include "support.hpp"

#include <pagesim/machine/machine.hpp>
#include <pagesim/swap/swap_entry.hpp>
#include <pagesim/workload/synthetic.hpp>

#include <algorithm>
#include <cstdio>
#include <malloc.h>
#include <memory>

namespace {

using namespace pagesim;
using namespace pagesim::bench;

constexpr std::uint64_t pages_of_gib = 1U << 18U;

struct footprint_of_process {
    double reserved = 0; // bytes of address space
    double resident = 0;
};

footprint_of_process measure() {
    malloc_trim(0);
    long long pages = 0;
    long long resident = 0;
    std::FILE* f = std::fopen("/proc/self/statm", "r");
    PAGESIM_ASSERT(f != nullptr);
    PAGESIM_ASSERT(std::fscanf(f, "%lld %lld", &pages, &resident) == 2);
    std::fclose(f);
    return {static_cast<double>(pages) * 4096, static_cast<double>(resident) * 4096};
}

machine_config config_of(std::uint64_t pages) {
    machine_config c = machine_with(page_count{pages});
    c.swap.pages = page_count{std::min(pages, max_swap_slots - 1)};
    return c;
}

void report(benchmark::State& state, const footprint_of_process& before, std::uint64_t pages) {
    const footprint_of_process after = measure();
    state.counters["resident_bytes"] = (after.resident - before.resident) / static_cast<double>(pages);
    state.counters["reserved_bytes"] = (after.reserved - before.reserved) / static_cast<double>(pages);
}

void built(benchmark::State& state) {
    const std::uint64_t pages = static_cast<std::uint64_t>(state.range(0)) * pages_of_gib;
    for (auto _ : state) {
        const footprint_of_process before = measure();
        const machine m{config_of(pages)};
        report(state, before, pages);
    }
}

void filled(benchmark::State& state) {
    const auto accesses = full_size() ? pages_of_gib * 3 / 2 : pages_of_gib / 16;
    for (auto _ : state) {
        const footprint_of_process before = measure();
        machine m{config_of(pages_of_gib)};
        synthetic_config c;
        c.kind = synthetic_kind::seqloop;
        c.pages = page_count{accesses};
        c.accesses = accesses;
        synthetic_stream stream{c};
        m.start(stream, stream.ranges());
        m.run();
        if (m.workload().outcome() != run_outcome::finished) state.SkipWithError("the run did not finish");
        report(state, before, m.workload().space().anon_pages);
    }
}

void sizes(benchmark::internal::Benchmark* b) {
    b->Iterations(1)->Unit(benchmark::kMillisecond)->ArgName("GiB")->Arg(1);
    if (full_size()) b->Arg(16)->Arg(256);
}
BENCHMARK(built)->Apply(sizes);
BENCHMARK(filled)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
