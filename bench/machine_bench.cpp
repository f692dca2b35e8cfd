// SPDX-License-Identifier: MIT
// The whole machine under memory pressure, everything modelled: TLB, tables, faults, LRU, kswapd, swap, time.
//
//     zipf    64 MiB of memory, half as many pages again, theta 0.99, 30 % stores
//     z1m     a million pages, 20 million loads, theta 0.99, memory for 10, 50 or 90 % of what is touched; beside it
//             a bare LRU list over a flat array, which moves a frame on every hit and does nothing else
//
// z1m is built here bit by bit as described in docs/performance.md and checked: ids, hash, and the misses of the bare
// LRU. At the smoke size it is cut off early. Swap is on flash, which answers later, or on zram, which answers at once
// and whose pool takes frames from memory (90 and 50 % only: at 10 % the pool alone would not fit). Items are accesses.
#include "support.hpp"
#include "tape.hpp"

#include <pagesim/base/hash.hpp>
#include <pagesim/machine/machine.hpp>
#include <pagesim/workload/synthetic.hpp>

#include <boost/intrusive/circular_list_algorithms.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

namespace {

using namespace pagesim;
using namespace pagesim::bench;

// ---- z1m

constexpr std::uint64_t z1m_pages = 1'000'000;
constexpr std::uint64_t z1m_footprint = 925'524;
constexpr std::uint64_t gap = 100; // instructions from one request to the next, as the synthetic streams'

std::vector<std::uint32_t> z1m_ids(std::uint64_t requests) {
    std::vector<double> sum(z1m_pages);
    double s = 0;
    for (std::uint64_t k = 1; k <= z1m_pages; ++k) sum[k - 1] = s += std::pow(static_cast<double>(k), -0.99);
    std::vector<std::uint32_t> ids(requests);
    dice d{42};
    for (auto& id : ids) {
        const double u = static_cast<double>(d.next() >> 11U) * 0x1p-53 * s;
        auto rank = static_cast<std::uint64_t>(std::upper_bound(sum.begin(), sum.end(), u) - sum.begin());
        rank = std::min(rank, z1m_pages - 1);
        id = static_cast<std::uint32_t>((rank * 611953 + 12345) % z1m_pages);
    }
    return ids;
}

bool is_z1m(const std::vector<std::uint32_t>& ids) {
    constexpr std::array<std::uint32_t, 16> first{505464, 72110,  654606, 207645, 12345,  328501,
                                                  191640, 82145,  535927, 929736, 355781, 83173,
                                                  57120,  655621, 36470,  743828};
    if (!std::equal(first.begin(), first.end(), ids.begin())) return false;
    if (!full_size()) return true;
    fnv1a hash;
    for (const std::uint32_t id : ids) {
        for (unsigned i = 0; i < 4; ++i) hash.byte(static_cast<std::uint8_t>(id >> (8 * i)));
    }
    return hash.value() == 0xd0db777ed869c78dULL;
}

struct z1m_trace {
    std::vector<std::uint32_t> ids = z1m_ids(full_size() ? 20'000'000 : 50'000);
    bool right = is_z1m(ids);
    tape as_records;
    z1m_trace() {
        as_records.records.reserve(ids.size());
        for (const std::uint32_t id : ids)
            as_records.records.push_back({vpn{id}, run_writes::none, instruction_role::time_only, gap, 1});
        as_records.ranges = {{.first = vpn{0}, .end = vpn{z1m_pages}}};
    }
};

const z1m_trace& z1m() {
    static const z1m_trace t;
    return t;
}

std::uint64_t capacity_for(std::int64_t percent) {
    return z1m_footprint * static_cast<std::uint64_t>(percent) / 100;
}

// An LRU list of frames and a flat array from id to frame.
class bare_lru {
public:
    explicit bare_lru(std::uint64_t capacity)
        : frames_{page_count{capacity + 1}}, capacity_{capacity}, frame_of_(z1m_pages, absent) {
        links::init_header(&head());
    }
    void request(std::uint32_t id) {
        if (frame_of_[id] != absent) {
            page& p = frames_[pfn{frame_of_[id]}];
            links::unlink(&p);
            links::link_before(page_node_traits::get_next(&head()), &p);
            return;
        }
        ++misses_;
        page* p = nullptr;
        if (used_ < capacity_) {
            p = &frames_[pfn{used_++}];
        } else {
            p = page_node_traits::get_previous(&head());
            links::unlink(p);
            frame_of_[p->index()] = absent;
        }
        p->set_index(id);
        frame_of_[id] = static_cast<std::uint32_t>(raw(frames_.pfn_of(*p)));
        links::link_before(page_node_traits::get_next(&head()), p);
    }
    [[nodiscard]] std::uint64_t misses() const { return misses_; }

private:
    using links = boost::intrusive::circular_list_algorithms<page_node_traits>;
    static constexpr std::uint32_t absent = ~std::uint32_t{0};
    page& head() { return frames_[pfn{capacity_}]; }

    mem_map frames_;
    std::uint64_t capacity_;
    std::uint64_t used_ = 0;
    std::uint64_t misses_ = 0;
    std::vector<std::uint32_t> frame_of_;
};

bool ready(benchmark::State& state) {
    if (z1m().right) return true;
    state.SkipWithError("the trace is not Z1M: ids or FNV differ");
    return false;
}

std::uint64_t expected_misses(std::int64_t percent) {
    return percent == 10 ? 4'834'627 : percent == 50 ? 1'841'060 : 974'312;
}

void z1m_bare_lru(benchmark::State& state) {
    if (!ready(state)) return;
    std::uint64_t misses = 0;
    for (auto _ : state) {
        bare_lru lru{capacity_for(state.range(0))};
        timed(state, [&] {
            for (const std::uint32_t id : z1m().ids) lru.request(id);
        });
        misses = lru.misses();
    }
    if (full_size() && misses != expected_misses(state.range(0)))
        state.SkipWithError("wrong number of misses");
    state.counters["misses"] = static_cast<double>(misses);
    state.SetItemsProcessed(static_cast<std::int64_t>(z1m().ids.size()) * state.iterations());
}

// ---- a machine that runs a tape

void run_machine(benchmark::State& state, const machine_config& config, const tape& t) {
    double faults = 0;
    double major = 0;
    for (auto _ : state) {
        machine m{config};
        tape_stream stream{t, 1};
        m.start(stream, t.ranges);
        timed(state, [&] { m.run(); });
        if (m.workload().outcome() != run_outcome::finished) state.SkipWithError("the run did not finish");
        faults += static_cast<double>(m.stat()[vm_item::pgfault]);
        major += static_cast<double>(m.stat()[vm_item::pgmajfault]);
    }
    const auto runs = static_cast<double>(state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(t.records.size()) * state.iterations());
    state.counters["faults_per_second"] = benchmark::Counter(faults, benchmark::Counter::kIsRate);
    state.counters["faults"] = faults / runs;
    state.counters["major"] = major / runs;
}

void z1m_machine(benchmark::State& state, swap_device device) {
    if (!ready(state)) return;
    machine_config config = machine_with(page_count{capacity_for(state.range(0))});
    config.swap.device = device;
    config.swap.pages = page_count{2 * z1m_pages};
    run_machine(state, config, z1m().as_records);
}

void zipf_machine(benchmark::State& state, swap_device device) {
    constexpr std::uint64_t memory = 16'384;
    static const tape t = [] {
        synthetic_config c;
        c.pages = page_count{memory * 3 / 2};
        c.accesses = full_size() ? 5'000'000 : 200'000;
        c.writes = {300'000};
        synthetic_stream stream{c};
        return record(stream, std::numeric_limits<std::size_t>::max());
    }();
    machine_config config = machine_with(page_count{memory});
    config.swap.device = device;
    run_machine(state, config, t);
}

void once(benchmark::internal::Benchmark* b) {
    b->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
}
void percents(benchmark::internal::Benchmark* b) {
    once(b);
    b->ArgName("percent")->Arg(10)->Arg(50)->Arg(90);
    if (full_size()) b->Repetitions(3);
}
void percents_of_zram(benchmark::internal::Benchmark* b) {
    once(b);
    b->ArgName("percent")->Arg(50)->Arg(90);
    if (full_size()) b->Repetitions(3);
}

BENCHMARK_CAPTURE(zipf_machine, flash, swap_device::flash)->Apply(once);
BENCHMARK_CAPTURE(zipf_machine, zram, swap_device::zram)->Apply(once);
BENCHMARK(z1m_bare_lru)->Apply(percents);
BENCHMARK_CAPTURE(z1m_machine, flash, swap_device::flash)->Apply(percents);
BENCHMARK_CAPTURE(z1m_machine, zram, swap_device::zram)->Apply(percents_of_zram);

} // namespace
