// SPDX-License-Identifier: MIT
// What files cost, beside the least that any page cache must do for it.
//
//     read hit      read(2) of pages that are cached and active, 16 a call
//     read miss     read(2) in sequence of a file of which nothing is cached: readahead, frames, device
//     write         write(2) of pages that are not cached, then fsync: frames, tags, throttling, writes and their ends
//
//     bare          an array of pages asked in order, each counted and marked; who is missing comes from a stack of
//                   frames and goes to a list; what is written is a bit a page, set, found, cleared
//
// pmem answers at once, flash later, with an event a request. Both machines hold 16 files of this size, so that no writer
// waits for its turn. Items are pages.
#include "support.hpp"

#include <pagesim/process/file_read.hpp>
#include <pagesim/process/file_write.hpp>
#include <pagesim/process/writeback_calls.hpp>

#include <bit>
#include <vector>

namespace {

using namespace pagesim;
using namespace pagesim::bench;

constexpr std::uint64_t pages_a_call = 16;

// ---- bare

class bare_file {
public:
    explicit bare_file(std::uint64_t pages)
        : frames_{page_count{pages}}, list_{frames_.make_list()}, table_(pages, nullptr), dirty_(pages / 64) {
        for (std::uint64_t n = pages; n > 0; --n) free_.push_back(&frames_[pfn{n - 1}]);
    }

    // Returns how many were there.
    std::uint64_t read_all() {
        std::uint64_t hits = 0;
        for (std::uint64_t n = 0; n < table_.size(); ++n) {
            page* p = table_[n];
            if (p == nullptr) {
                p = &add(n);
            } else {
                ++hits;
            }
            p->get();
            p->set(page_flag::referenced);
            static_cast<void>(p->put_testzero());
        }
        return hits;
    }
    void write_all() {
        for (std::uint64_t n = 0; n < table_.size(); ++n) {
            page& p = table_[n] == nullptr ? add(n) : *table_[n];
            p.get();
            p.set(page_flag::dirty);
            dirty_[n / 64] |= 1ULL << n % 64;
            static_cast<void>(p.put_testzero());
        }
    }
    // Returns how many were dirty.
    std::uint64_t write_back() {
        std::uint64_t written = 0;
        for (std::uint64_t word = 0; word < dirty_.size(); ++word) {
            while (dirty_[word] != 0) {
                const auto bit = static_cast<unsigned>(std::countr_zero(dirty_[word]));
                dirty_[word] &= dirty_[word] - 1;
                page& p = *table_[word * 64 + bit];
                p.clear(page_flag::dirty);
                ++written;
            }
        }
        return written;
    }
    void drop_all() {
        for (std::uint64_t n = table_.size(); n > 0; --n) {
            page* p = std::exchange(table_[n - 1], nullptr);
            list_.remove(*p);
            p->clear_flags();
            free_.push_back(p);
        }
    }

private:
    page& add(std::uint64_t n) {
        page& p = *free_.back();
        free_.pop_back();
        p.set_refcount(1);
        p.set(page_flag::uptodate);
        p.set(page_flag::lru);
        p.set_mapping(page::file_mapping | 1U);
        p.set_index(static_cast<std::uint32_t>(n));
        list_.push_front(p);
        table_[n] = &p;
        return p;
    }

    mem_map frames_;
    page_list list_;
    std::vector<page*> table_;
    std::vector<std::uint64_t> dirty_;
    std::vector<page*> free_;
};

void items(benchmark::State& state) { state.SetItemsProcessed(state.range(0) * state.iterations()); }

void bare_read_hit(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    bare_file f{pages};
    f.read_all();
    for (auto _ : state) timed(state, [&] { PAGESIM_ASSERT(f.read_all() == pages); });
    items(state);
}

void bare_read_miss(benchmark::State& state) {
    bare_file f{static_cast<std::uint64_t>(state.range(0))};
    for (auto _ : state) {
        timed(state, [&] { PAGESIM_ASSERT(f.read_all() == 0); });
        f.drop_all();
    }
    items(state);
}

void bare_write(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    bare_file f{pages};
    for (auto _ : state) {
        timed(state, [&] {
            f.write_all();
            PAGESIM_ASSERT(f.write_back() == pages);
        });
        f.drop_all();
    }
    items(state);
}

// ---- ours

machine_config config_for(std::uint64_t pages, file_device device) {
    machine_config c = machine_with(page_count{16 * pages});
    c.files.device = device;
    return c;
}

class file_machine : public bare_machine {
public:
    file_machine(std::uint64_t pages, file_device device)
        : bare_machine{config_for(pages, device), page_count{1}}, pages_{pages},
          file_{parts.cache.open(parts.cache.create("f", page_count{pages}, file_kind::regular))} {}

    void read_all() {
        file_read_cursor c;
        for (std::uint64_t n = 0; n < pages_; n += pages_a_call) {
            begin_file_read(c, file_, n, pages_a_call);
            finish([&] { return file_read_step(parts.fc, c); });
        }
    }
    void write_all() {
        file_write_cursor c;
        for (std::uint64_t n = 0; n < pages_; n += pages_a_call) {
            begin_file_write(c, file_, n, pages_a_call, dirtied_);
            finish([&] { return file_write_step(parts.fc, c); });
        }
    }
    void fsync() {
        fsync_cursor c;
        finish([&] { return fsync_file(parts.wb, *file_.of, c); });
    }
    // The next read finds nothing.
    void drop_all() {
        parts.batches.lru_add_drain();
        drop_caches_cursor c;
        finish([&] { return drop_caches(parts.wb, parts.rc, drop_what::pagecache, c); });
        PAGESIM_ASSERT(cached() == 0);
        file_.ra = {};
    }
    [[nodiscard]] std::uint64_t cached() const { return file_.of->nrpages(); }
    [[nodiscard]] std::uint64_t written() const { return parts.stat[vm_item::nr_written]; }

private:
    std::uint64_t pages_;
    open_file& file_;
    task_dirty dirtied_;
};

void read_hit(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    file_machine m{pages, file_device::pmem};
    for (int i = 0; i < 3; ++i) m.read_all(); // the second activates, the third marks once more
    const std::uint64_t read_in = m.parts.stat[vm_item::pgpgin];
    for (auto _ : state) timed(state, [&] { m.read_all(); });
    PAGESIM_ASSERT(m.cached() == pages && m.parts.stat[vm_item::pgpgin] == read_in);
    items(state);
}

void read_miss(benchmark::State& state, file_device device) {
    file_machine m{static_cast<std::uint64_t>(state.range(0)), device};
    m.read_all(); // the host's memory
    m.drop_all();
    for (auto _ : state) {
        timed(state, [&] { m.read_all(); });
        m.drop_all();
    }
    items(state);
}

void write(benchmark::State& state, file_device device) {
    const auto pages = static_cast<std::uint64_t>(state.range(0));
    file_machine m{pages, device};
    m.read_all();
    m.drop_all();
    for (auto _ : state) {
        const std::uint64_t before = m.written();
        timed(state, [&] {
            m.write_all();
            m.fsync();
        });
        PAGESIM_ASSERT(m.written() - before == pages);
        m.drop_all();
    }
    items(state);
}

void sizes(benchmark::internal::Benchmark* b) {
    b->UseManualTime()->ArgName("pages")->Arg(1 << 12);
    if (full_size()) b->Arg(1 << 18);
}

BENCHMARK(bare_read_hit)->Apply(sizes);
BENCHMARK(bare_read_miss)->Apply(sizes);
BENCHMARK(bare_write)->Apply(sizes);
BENCHMARK(read_hit)->Apply(sizes);
BENCHMARK_CAPTURE(read_miss, pmem, file_device::pmem)->Apply(sizes);
BENCHMARK_CAPTURE(read_miss, flash, file_device::flash)->Apply(sizes);
BENCHMARK_CAPTURE(write, pmem, file_device::pmem)->Apply(sizes);
BENCHMARK_CAPTURE(write, flash, file_device::flash)->Apply(sizes);

} // namespace
