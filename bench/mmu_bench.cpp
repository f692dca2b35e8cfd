// SPDX-License-Identifier: MIT
// What a translation costs, beside the least that any program could pay for it over the same accesses.
//
//     hits       the memo, and the L1 TLB behind it          beside   a bare direct-mapped array of 1024 tags
//     walks      translate() where nearly nothing hits       beside   a bare four-level walk through host pointers
//     footprint  translate() over a Zipf-like mix            beside   both bare steps together
//
// Times are CPU time of the thread. Rates are accesses a second.
#include <pagesim/base/dice.hpp>
#include <pagesim/mmu/mmu.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace {

using namespace pagesim;

// vpn << 1 | is write.
using trace = std::vector<std::uint64_t>;

constexpr std::size_t trace_length = 1U << 15U; // 256 KiB: stays in the host's L2
constexpr asid home{1};

access_kind kind_of(std::uint64_t record) {
    return (record & 1U) != 0 ? access_kind::write : access_kind::read;
}

// Uniform over `pages` pages, 30 % writes.
trace uniform_trace(std::uint64_t pages, std::size_t length) {
    dice d{42};
    trace t(length);
    for (auto& r : t) r = d.below(pages) << 1U | (d.ratio(3, 10) ? 1U : 0U);
    return t;
}

// Each doubling of the footprint is as likely as the last: about what Zipf's law with exponent 1 gives.
trace skewed_trace(unsigned log2_pages, std::size_t length) {
    dice d{42};
    const std::uint64_t pages = 1ULL << log2_pages;
    trace t(length);
    for (auto& r : t) {
        const std::uint64_t rank = d.below(1ULL << d.below(log2_pages + 1));
        const std::uint64_t page = (rank * 611953 + 12345) % pages;
        r = page << 1U | (d.ratio(3, 10) ? 1U : 0U);
    }
    return t;
}

// An address space with every page of [0, pages) written.
struct space {
    explicit space(std::uint64_t pages) : frames{page_count{pages / 512 + 64}} {
        std::uint64_t next = 0;
        for (std::uint64_t n = 0; n < pages; ++n) {
            if (n % 512 == 0) {
                for (int l = table.missing_level(vpn{n}); l >= 0; l = table.missing_level(vpn{n})) {
                    table.install_table(vpn{n}, l, frames[pfn{next++}]);
                }
            }
            *table.leaf(vpn{n}) = descriptor::page(pfn{n}, page_prot::readonly).mkdirty().mkwrite().word();
        }
    }
    mem_map frames;
    table_pool pool;
    page_table table{frames, pool};
};

template <typename Step>
void over_trace(benchmark::State& state, const trace& t, Step step) {
    std::uint64_t hits = 0;
    for (auto _ : state) {
        for (const std::uint64_t r : t) hits += step(r) ? 1 : 0;
        benchmark::DoNotOptimize(hits);
    }
    const auto accesses = static_cast<double>(state.iterations()) * static_cast<double>(t.size());
    state.SetItemsProcessed(static_cast<std::int64_t>(accesses));
    state.counters["hit%"] = 100.0 * static_cast<double>(hits) / accesses;
}

// ---- hits: a hot set of 24 pages, inside every model's L1

constexpr std::uint64_t hot_pages = 24;

struct bare_tags {
    struct entry {
        std::uint64_t tag = ~std::uint64_t{0};
        std::uint64_t dirty = 0;
    };
    [[nodiscard]] bool hit(std::uint64_t page, std::uint64_t write) const {
        const entry& e = entries[page % entries.size()];
        return e.tag == page && (write == 0 || e.dirty != 0);
    }
    void fill(std::uint64_t page) { entries[page % entries.size()] = {.tag = page, .dirty = 1}; }
    std::array<entry, 1024> entries{};
};

void hit_bare_direct_mapped(benchmark::State& state) {
    const trace t = uniform_trace(hot_pages, trace_length);
    const auto tags = std::make_unique<bare_tags>();
    over_trace(state, t, [&](std::uint64_t r) {
        if (tags->hit(r >> 1U, r & 1U)) return true;
        tags->fill(r >> 1U);
        return false;
    });
}
BENCHMARK(hit_bare_direct_mapped);

void hit_memo(benchmark::State& state) {
    const trace t = uniform_trace(hot_pages, trace_length);
    space s{hot_pages};
    mmu cpu{cortex_a72};
    over_trace(state, t, [&](std::uint64_t r) {
        const vpn page{r >> 1U & (vpn_limit - 1)};
        if (cpu.memo_hit({home, page}, kind_of(r))) return true;
        benchmark::DoNotOptimize(cpu.translate(s.table, home, page, kind_of(r)));
        return false;
    });
}
BENCHMARK(hit_memo);

// The same accesses with the memo passed by: what the L1 model alone would cost.
void hit_l1_without_memo(benchmark::State& state) {
    const trace t = uniform_trace(hot_pages, trace_length);
    space s{hot_pages};
    mmu cpu{cortex_a72};
    over_trace(state, t, [&](std::uint64_t r) {
        const translation got = cpu.translate(s.table, home, vpn{r >> 1U}, kind_of(r));
        return got.outcome == translation_outcome::l1_hit;
    });
}
BENCHMARK(hit_l1_without_memo);

// ---- walks: uniform over far more pages than any TLB holds

std::uint64_t* bare_walk(host_directory* root, std::uint64_t page) {
    const vpn n{page};
    auto* l1 = static_cast<host_directory*>(root->child[table_index(n, 0)]);
    auto* l2 = static_cast<host_directory*>(l1->child[table_index(n, 1)]);
    return &l2->child[table_index(n, 2)]->words[table_index(n, 3)];
}

host_directory* root_of(space& s) {
    return static_cast<host_directory*>(&s.pool.at(0, s.table.root()->index()));
}

void walk_bare(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    const trace t = uniform_trace(pages, trace_length * 8);
    space s{pages};
    host_directory* const root = root_of(s);
    over_trace(state, t, [&](std::uint64_t r) { return (*bare_walk(root, r >> 1U) & 1U) == 0; });
}
BENCHMARK(walk_bare)->Arg(1 << 16)->Arg(1 << 20)->ArgName("pages");

// One walk of the walker, no TLB.
void walk_walker(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    const trace t = uniform_trace(pages, trace_length * 8);
    space s{pages};
    over_trace(state, t, [&](std::uint64_t r) {
        return walk(s.table, vpn{r >> 1U}, kind_of(r), hafdbs::none).fault.has_value();
    });
}
BENCHMARK(walk_walker)->Arg(1 << 16)->Arg(1 << 20)->ArgName("pages");

void through_mmu(benchmark::State& state, const cpu_model& model, const trace& t, space& s) {
    mmu cpu{model};
    over_trace(state, t, [&](std::uint64_t r) {
        const vpn page{r >> 1U & (vpn_limit - 1)};
        if (cpu.memo_hit({home, page}, kind_of(r))) return true;
        return cpu.translate(s.table, home, page, kind_of(r)).outcome != translation_outcome::walk;
    });
}

void walk_translate(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    const trace t = uniform_trace(pages, trace_length * 8);
    space s{pages};
    through_mmu(state, neoverse_n1, t, s);
}
BENCHMARK(walk_translate)->Arg(1 << 16)->Arg(1 << 20)->ArgName("pages");

// ---- footprint: a million pages, most accesses to few of them

constexpr unsigned mixed_log2 = 20;

void mixed_bare(benchmark::State& state) {
    const trace t = skewed_trace(mixed_log2, trace_length * 8);
    space s{1ULL << mixed_log2};
    host_directory* const root = root_of(s);
    const auto tags = std::make_unique<bare_tags>();
    over_trace(state, t, [&](std::uint64_t r) {
        if (tags->hit(r >> 1U, r & 1U)) return true;
        benchmark::DoNotOptimize(*bare_walk(root, r >> 1U));
        tags->fill(r >> 1U);
        return false;
    });
}
BENCHMARK(mixed_bare);

void mixed_cortex_a72(benchmark::State& state) {
    const trace t = skewed_trace(mixed_log2, trace_length * 8);
    space s{1ULL << mixed_log2};
    through_mmu(state, cortex_a72, t, s);
}
BENCHMARK(mixed_cortex_a72);

void mixed_neoverse_n1(benchmark::State& state) {
    const trace t = skewed_trace(mixed_log2, trace_length * 8);
    space s{1ULL << mixed_log2};
    through_mmu(state, neoverse_n1, t, s);
}
BENCHMARK(mixed_neoverse_n1);

} // namespace
