// SPDX-License-Identifier: MIT
// The hit path on a recorded program: a machine with room for everything runs over the first blocks of the trace that
// is shipped, again and again, beside a bare direct-mapped array of 1024 tags with a dirty check over the same records.
//
// Both add up accesses and instructions. The machine also models its first-level TLB of 32 or 48 entries (the bare array
// has 1024, and so hardly ever misses), and stops for its ticks. Items are records; "accesses" counts references.
#include "support.hpp"
#include "tape.hpp"

#include <pagesim/machine/machine.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/text_input.hpp>

#include <array>
#include <limits>
#include <map>
#include <memory>

namespace {

using namespace pagesim;
using namespace pagesim::bench;

const tape& sort_tape(std::size_t blocks) {
    static std::map<std::size_t, tape> known;
    const auto at = known.find(blocks);
    if (at != known.end()) return at->second;
    lackey_stream stream{PAGESIM_SOURCE_DIR "/examples/traces/sort.lackey.xz"};
    return known[blocks] = record(stream, blocks);
}

bool readable(benchmark::State& state) {
    if (can_decompress(compression::xz)) return true;
    state.SkipWithError("built without liblzma");
    return false;
}

void report(benchmark::State& state, const tape& t, std::int64_t times) {
    state.SetItemsProcessed(static_cast<std::int64_t>(t.records.size()) * times);
    state.counters["accesses"] = benchmark::Counter(
        static_cast<double>(t.accesses()) * static_cast<double>(times), benchmark::Counter::kIsRate);
}

struct tag {
    std::uint64_t page = ~std::uint64_t{0};
    bool dirty = false;
};

void recorded_bare(benchmark::State& state) {
    if (!readable(state)) return;
    const tape& t = sort_tape(static_cast<std::size_t>(state.range(0)));
    std::array<tag, 1024> tags{};
    std::uint64_t hits = 0;
    std::uint64_t accesses = 0;
    std::uint64_t time = 0;
    for (auto _ : state) {
        timed(state, [&] {
            for (const access_record r : t.records) {
                const std::uint64_t page = raw(r.vpn());
                const bool write = r.first_is_write() || r.written_later();
                tag& e = tags[page % tags.size()];
                if (e.page == page && (!write || e.dirty)) {
                    ++hits;
                } else {
                    e = {page, write};
                }
                accesses += r.accesses();
                time += r.instructions();
            }
        });
    }
    benchmark::DoNotOptimize(hits + accesses + time);
    report(state, t, state.iterations());
}

void recorded_machine(benchmark::State& state, const cpu_model& cpu) {
    if (!readable(state)) return;
    const tape& t = sort_tape(static_cast<std::size_t>(state.range(0)));
    machine_config config = machine_with(page_count{1U << 15U});
    config.cpu = cpu;
    machine m{config};
    tape_stream stream{t, std::numeric_limits<std::uint64_t>::max()};
    m.start(stream, t.ranges);
    const auto play_once = [&] {
        for (const std::uint64_t until = stream.played() + 1; stream.played() < until;) m.step();
    };
    play_once();
    for (auto _ : state) timed(state, play_once);
    report(state, t, state.iterations());
    const mmu_stats& s = m.parts().cpu_mmu.stats();
    state.counters["l1_hit%"] = 100.0 * static_cast<double>(s.l1_hits) / static_cast<double>(s.accesses());
}

void sizes(benchmark::internal::Benchmark* b) {
    b->UseManualTime()->ArgName("blocks")->Arg(1);
    if (full_size()) b->Arg(32);
}

BENCHMARK(recorded_bare)->Apply(sizes);
BENCHMARK_CAPTURE(recorded_machine, cortex_a72, cortex_a72)->Apply(sizes);
BENCHMARK_CAPTURE(recorded_machine, neoverse_n1, neoverse_n1)->Apply(sizes);

} // namespace
