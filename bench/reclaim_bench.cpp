// SPDX-License-Identifier: MIT
// What reclaim costs a page, beside the least that moving it about can cost.
//
//     bare          32 pages off the tail of a list, counted and unmarked, looked at, put back at its head
//     clean         shrink_inactive_list() over pages that are clean, unmapped and in the swap cache: freed
//     swap          shrink_inactive_list() over mapped, dirty, old pages: slot, unmap, write, completion, freed
//     file          shrink_inactive_list() over clean pages of a file that nobody maps: freed
//     mapped        the same of a file that one process maps, and has not used since: unmapped, freed
//
// Each over the same pages in the same order: ascending in memory, or shuffled. The program is built twice, with the
// 32-byte struct page and with the 64-byte one (reclaim_wide_bench). Items are pages.
#include "support.hpp"

#include <pagesim/base/dice.hpp>
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/process/file_read.hpp>
#include <pagesim/process/mmap.hpp>
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

enum class page_is : std::uint8_t { clean, mapped_and_dirty, of_file, of_mapped_file };

lru_type type_of(page_is what) {
    const bool file = what == page_is::of_file || what == page_is::of_mapped_file;
    return file ? lru_type::file : lru_type::anon;
}

// `pages` pages on the inactive list in that order from its tail, since their first use not used.
class victims {
public:
    victims(std::uint64_t pages, page_is what, list_order order)
        : m_{config_for(pages), page_count{pages}}, pages_{pages}, type_{type_of(what)} {
        std::vector<page*> by_number;
        if (type_ == lru_type::anon) {
            for (std::uint64_t n = 0; n < pages; ++n) by_number.push_back(&m_.touch(vpn{n}));
        } else {
            by_number = read_file(what);
        }
        m_.parts.batches.lru_add_drain();
        for (page* p : by_number) {
            static_cast<void>(m_.parts.map.page_referenced(*p));
            p->clear(page_flag::referenced);
        }
        for (const std::uint64_t n : numbers(pages, order)) in_order_.push_back(by_number[n]);
        arrange();
        sc_.who = reclaimer::kswapd;
        for (zone& z : m_.parts.home.zones()) z.set_reclaim_active(zone_reclaim::active);
        if (what == page_is::clean) write_all();
    }

    // Reclaims until the list is empty, the device answering meanwhile; returns how many went.
    std::uint64_t reclaim() {
        std::uint64_t reclaimed = 0;
        while (m_.parts.lru.size(list()) > 0) {
            // A page met while it is being written would leave for the active list.
            if (m_.parts.lru.list(list()).back().test(page_flag::writeback)) m_.finish_io();
            reclaimed += shrink_once();
            m_.run_due_events();
        }
        return reclaimed;
    }

private:
    [[nodiscard]] lru_list list() const {
        return type_ == lru_type::anon ? lru_list::inactive_anon : lru_list::inactive_file;
    }
    void arrange() {
        for (page* p : in_order_) m_.parts.lru.list(list()).move_to_front(*p);
    }
    // The pages of a file, read once; mapped too if that is wanted.
    std::vector<page*> read_file(page_is what) {
        open_file& f =
            m_.parts.cache.open(m_.parts.cache.create("f", page_count{pages_}, file_kind::regular));
        file_read_cursor c;
        begin_file_read(c, f, 0, pages_);
        m_.finish([&] { return file_read_step(m_.parts.fc, c); });
        std::vector<page*> pages;
        for (std::uint64_t n = 0; n < pages_; ++n) {
            pages.push_back(m_.parts.cache.find(*f.of, n));
            pages.back()->clear(page_flag::readahead); // what a reader would do
        }
        if (what == page_is::of_file) return pages;
        mmap_cursor map;
        const mmap_request q{.pages = page_count{pages_}, .access{vm_flag::read}, .file = f.id};
        m_.finish([&] { return mmap(m_.parts.fc, *m_.space, q, map); });
        for (std::uint64_t n = 0; n < pages_; ++n) {
            if (!pages[n]->mapped()) m_.fault(*m_.space, map.first + n, access_kind::read);
        }
        return pages;
    }
    // Writes all of them out, so that they are clean, and lets none go.
    void write_all() {
        for (std::uint64_t done = 0; done < pages_; done += swap_cluster_max) shrink_once();
        m_.finish_io();
        m_.parts.batches.lru_add_drain();
        arrange();
    }
    std::uint64_t shrink_once() {
        shrink_inactive_cursor c;
        while (!shrink_inactive_list(m_.parts.rc, sc_, c, swap_cluster_max, type_, plug_).done()) {}
        m_.parts.io->flush(plug_);
        return c.nr_reclaimed;
    }

    bare_machine m_;
    std::uint64_t pages_;
    lru_type type_;
    std::vector<page*> in_order_;
    scan_control sc_;
    io_plug plug_;
};

void reclaim(benchmark::State& state, page_is what, list_order order) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t reclaimed = 0;
    for (auto _ : state) {
        victims v{pages, what, order};
        timed(state, [&] { reclaimed += v.reclaim(); });
    }
    PAGESIM_ASSERT(reclaimed == pages * static_cast<std::uint64_t>(state.iterations()));
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
BENCHMARK_CAPTURE(reclaim, file_sequential, page_is::of_file, list_order::sequential)->Apply(few);
BENCHMARK_CAPTURE(reclaim, file_random, page_is::of_file, list_order::random)->Apply(few);
BENCHMARK_CAPTURE(reclaim, mapped_sequential, page_is::of_mapped_file, list_order::sequential)->Apply(few);
BENCHMARK_CAPTURE(reclaim, mapped_random, page_is::of_mapped_file, list_order::random)->Apply(few);

} // namespace
