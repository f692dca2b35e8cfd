// SPDX-License-Identifier: MIT
// What reclaim costs a page, beside the least that moving it about can cost.
//
//     bare          32 pages off the tail of a list, counted and unmarked, looked at, put back at its head
//     clean         shrink_inactive_list() over pages that are clean, unmapped and in the swap cache: freed
//     swap          shrink_inactive_list() over mapped, dirty, old pages: slot, unmap, write, completion, freed
//
// Each over the same pages in the same order: ascending in memory, or shuffled. The program is built twice, with the
// 32-byte struct page and with the 64-byte one (reclaim_wide_bench). Items are pages.
#include "support.hpp"

#include <pagesim/base/dice.hpp>
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/reclaim/shrink_list.hpp>

#include <boost/intrusive/circular_list_algorithms.hpp>

#include <array>
#include <numeric>
#include <utility>
#include <vector>

namespace {

using namespace pagesim;
using namespace pagesim::bench;

enum class list_order : std::uint8_t { sequential, random };

std::vector<std::uint64_t> numbers(std::uint64_t pages, list_order order) {
    std::vector<std::uint64_t> v(pages);
    std::iota(v.begin(), v.end(), std::uint64_t{0});
    if (order == list_order::sequential) return v;
    dice d{7};
    for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[d.below(i)]);
    return v;
}

// ---- bare: the list algorithms alone, no counts, no assertions

using links = boost::intrusive::circular_list_algorithms<page_node_traits>;

struct bare_lists {
    bare_lists(std::uint64_t pages, list_order order) : frames{page_count{pages + 2}}, size{pages} {
        links::init_header(&head());
        links::init_header(&batch());
        for (const std::uint64_t n : numbers(pages, order)) {
            page& p = frames[pfn{n}];
            p.set_refcount(1);
            p.set(page_flag::lru);
            links::link_before(page_node_traits::get_next(&head()), &p);
        }
    }
    page& head() { return frames[pfn{size}]; }
    page& batch() { return frames[pfn{size + 1}]; }

    mem_map frames;
    std::uint64_t size;
};

void isolate(page& p) {
    links::unlink(&p);
    p.get();
    p.clear(page_flag::lru);
}

void put_back(page& p, page& head) {
    if (p.test(page_flag::active) || p.test(page_flag::unevictable)) p.clear(page_flag::referenced);
    p.set(page_flag::lru);
    p.set_refcount(p.refcount() - 1);
    links::link_before(page_node_traits::get_next(&head), &p);
}

// One lap; the batch is a list, as the kernel's.
void lap_by_list(bare_lists& b) {
    for (std::uint64_t left = b.size; left > 0;) {
        for (unsigned i = 0; i < 32 && left > 0; ++i, --left) {
            page& p = *page_node_traits::get_previous(&b.head());
            isolate(p);
            links::link_before(page_node_traits::get_next(&b.batch()), &p);
        }
        while (!links::unique(&b.batch())) {
            page& p = *page_node_traits::get_previous(&b.batch());
            links::unlink(&p);
            put_back(p, b.head());
        }
    }
}

// One lap; the batch is an array of pointers, as ours.
void lap_by_array(bare_lists& b) {
    std::array<page*, 32> batch{};
    for (std::uint64_t left = b.size; left > 0;) {
        unsigned taken = 0;
        for (; taken < 32 && left > 0; ++taken, --left) {
            batch[taken] = page_node_traits::get_previous(&b.head());
            isolate(*batch[taken]);
        }
        for (unsigned i = 0; i < taken; ++i) put_back(*batch[i], b.head());
    }
}

void bare(benchmark::State& state, void (*lap)(bare_lists&), list_order order) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    bare_lists b{pages, order};
    lap(b);
    for (auto _ : state) timed(state, [&] { lap(b); });
    state.SetItemsProcessed(static_cast<std::int64_t>(pages) * state.iterations());
}

// ---- ours

machine_config config_for(std::uint64_t pages) {
    machine_config c = machine_with(page_count{pages + pages / 8 + 4096});
    c.swap.device = swap_device::flash;
    c.swap.pages = page_count{4 * pages};
    return c;
}

// `pages` pages on the inactive list in that order from its tail, written and since then not used.
class victims {
public:
    victims(std::uint64_t pages, list_order order) : m_{config_for(pages), page_count{pages}}, pages_{pages} {
        std::vector<page*> by_number;
        for (std::uint64_t n = 0; n < pages; ++n) by_number.push_back(&m_.touch(vpn{n}));
        m_.parts.batches.lru_add_drain();
        for (page* p : by_number) static_cast<void>(m_.parts.map.page_referenced(*p));
        for (const std::uint64_t n : numbers(pages, order)) in_order_.push_back(by_number[n]);
        arrange();
        sc_.who = reclaimer::kswapd;
        for (zone& z : m_.parts.home.zones()) z.set_reclaim_active(zone_reclaim::active);
    }

    // Writes all of them out, so that they are clean, and lets none go.
    void write_all() {
        for (std::uint64_t done = 0; done < pages_; done += swap_cluster_max) shrink_once();
        m_.finish_io();
        m_.parts.batches.lru_add_drain();
        arrange();
    }

    // Reclaims until the list is empty, the device answering meanwhile; returns how many went.
    std::uint64_t reclaim() {
        std::uint64_t reclaimed = 0;
        while (m_.parts.lru.size(lru_list::inactive_anon) > 0) {
            reclaimed += shrink_once();
            m_.run_due_events();
        }
        return reclaimed;
    }

private:
    void arrange() {
        for (page* p : in_order_) m_.parts.lru.list(lru_list::inactive_anon).move_to_front(*p);
    }
    std::uint64_t shrink_once() {
        shrink_inactive_cursor c;
        while (!shrink_inactive_list(m_.parts.rc, sc_, c, swap_cluster_max, lru_type::anon, plug_).done()) {}
        m_.parts.io->flush(plug_);
        return c.nr_reclaimed;
    }

    bare_machine m_;
    std::uint64_t pages_;
    std::vector<page*> in_order_;
    scan_control sc_;
    io_plug plug_;
};

enum class page_is : std::uint8_t { clean, mapped_and_dirty };

void reclaim(benchmark::State& state, page_is what, list_order order) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t reclaimed = 0;
    for (auto _ : state) {
        victims v{pages, order};
        if (what == page_is::clean) v.write_all();
        timed(state, [&] { reclaimed += v.reclaim(); });
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(reclaimed));
}

void sizes(benchmark::internal::Benchmark* b) {
    b->UseManualTime()->ArgName("pages")->Arg(10'000);
    if (full_size()) b->Arg(1'000'000);
}
// What has to be built anew each time.
void few(benchmark::internal::Benchmark* b) {
    sizes(b);
    b->Iterations(full_size() ? 3 : 1);
}

BENCHMARK_CAPTURE(bare, sequential, lap_by_list, list_order::sequential)->Apply(sizes);
BENCHMARK_CAPTURE(bare, random, lap_by_list, list_order::random)->Apply(sizes);
BENCHMARK_CAPTURE(bare, array_sequential, lap_by_array, list_order::sequential)->Apply(sizes);
BENCHMARK_CAPTURE(bare, array_random, lap_by_array, list_order::random)->Apply(sizes);
BENCHMARK_CAPTURE(reclaim, clean_sequential, page_is::clean, list_order::sequential)->Apply(few);
BENCHMARK_CAPTURE(reclaim, clean_random, page_is::clean, list_order::random)->Apply(few);
BENCHMARK_CAPTURE(reclaim, swap_sequential, page_is::mapped_and_dirty, list_order::sequential)->Apply(few);
BENCHMARK_CAPTURE(reclaim, swap_random, page_is::mapped_and_dirty, list_order::random)->Apply(few);

} // namespace
