// SPDX-License-Identifier: MIT
// What listening costs: a run with nobody listening (the baseline of trace_off_bench, the same without tracepoints in the
// library), and what each line of ftrace text adds to it.
#include "support.hpp"

#include <pagesim/machine/ftrace.hpp>
#include <pagesim/machine/machine.hpp>
#include <pagesim/workload/synthetic.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>

namespace pagesim {
namespace {

// A stream over 1.5 times the memory, all of whose pages are written.
std::uint64_t accesses() { return bench::full_size() ? 400'000 : 40'000; }

synthetic_config pressed() {
    return {.kind = synthetic_kind::zipf,
            .pages = page_count{6144},
            .accesses = accesses(),
            .writes = {1'000'000}};
}

machine_config config_of() {
    machine_config c = machine_with(page_count{4096});
    c.swap.device = swap_device::zram;
    return c;
}

double seconds_of(machine& m) {
    const double began = bench::thread_seconds();
    m.run();
    const double took = bench::thread_seconds() - began;
    PAGESIM_ASSERT(m.workload().accesses() == accesses() && m.stat()[vm_item::pswpout] > 0);
    return took;
}

double run_alone() {
    synthetic_stream stream{pressed()};
    machine m{config_of()};
    m.start(stream, scan_synthetic(pressed()).ranges);
    return seconds_of(m);
}

void nobody_listens(benchmark::State& state) {
    for (auto _ : state) state.SetIterationTime(run_alone());
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(accesses()));
}
BENCHMARK(nobody_listens)->UseManualTime()->Unit(benchmark::kMillisecond);

#ifndef PAGESIM_NO_TRACEPOINTS
// Time and items are those of the lines alone: the run without a listener, just before, is taken off.
void ftrace_lines(benchmark::State& state) {
    std::int64_t lines = 0;
    for (auto _ : state) {
        const double alone = run_alone();
        synthetic_stream stream{pressed()};
        ftrace_writer writer{ftrace_dialect::of_6_1, [&lines](std::string_view text) {
                                 lines += std::count(text.begin(), text.end(), '\n');
                             }};
        machine m{config_of(), &writer};
        m.start(stream, scan_synthetic(pressed()).ranges);
        writer.begin(m, "benchmark");
        const double traced = seconds_of(m);
        state.SetIterationTime(std::max(traced - alone, 1e-9));
    }
    state.SetItemsProcessed(lines);
}
BENCHMARK(ftrace_lines)->UseManualTime()->Unit(benchmark::kMillisecond);
#endif

} // namespace
} // namespace pagesim
