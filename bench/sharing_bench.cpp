// SPDX-License-Identifier: MIT
// What memory that several processes share costs, beside the least that any program must do for it.
//
//     fork          of a process with `pages` pages of its own      beside   a vector of descriptors copied, each page
//                                                                            counted twice (reference, map count)
//     copy          the child's first store to each of them         beside   a frame off a stack and onto a list, both
//                                                                            pages counted, a word replaced
//     rmap walk     page_referenced() of pages with 1, 10, 1000     beside   each page's descriptors in an array (the
//                   mappers, by fork or of a mapped file                     reverse map of 2.5), looked at, cleared
//
// Walks are over pages that every mapper has used (then the TLB forgets each), or that none has. Items are pages, those
// of a walk mappers.
#include "support.hpp"

#include <pagesim/process/fork.hpp>
#include <pagesim/process/mmap.hpp>
#include <pagesim/process/unmap.hpp>

#include <memory>
#include <vector>

namespace {

using namespace pagesim;
using namespace pagesim::bench;

std::unique_ptr<mm> forked(bare_machine& m) {
    auto child = m.parts.new_mm_without_root();
    fork_cursor c;
    m.finish([&] { return fork_mm(m.parts.fc, *m.space, *child, c); });
    PAGESIM_ASSERT(c.outcome == fault_outcome::resolved);
    return child;
}

void gone(bare_machine& m, std::unique_ptr<mm> space) {
    exit_cursor c;
    m.finish([&] { return exit_mmap(m.parts.fc, *space, c); });
    m.parts.drop_mm(std::move(space));
}

void items(benchmark::State& state) { state.SetItemsProcessed(state.range(0) * state.iterations()); }

// ---- fork and copy

class bare_process {
public:
    explicit bare_process(std::uint64_t pages)
        : frames_{page_count{2 * pages}}, list_{frames_.make_list()}, parent_(pages), child_(pages) {
        for (std::uint64_t n = 2 * pages; n > pages; --n) free_.push_back(pfn{n - 1});
        for (std::uint64_t n = 0; n < pages; ++n) {
            new_page(pfn{n});
            parent_[n] = writable(pfn{n});
        }
    }

    void fork() {
        for (std::uint64_t n = 0; n < parent_.size(); ++n) {
            const descriptor d{parent_[n]};
            page& p = frames_[d.frame()];
            p.get();
            p.add_mapping();
            p.clear(page_flag::anon_exclusive);
            parent_[n] = d.wrprotect().word();
            child_[n] = d.wrprotect().mkold().word();
        }
    }
    void store_to_all() {
        for (std::uint64_t& word : child_) {
            page& old = frames_[descriptor{word}.frame()];
            const pfn copy = free_.back();
            free_.pop_back();
            new_page(copy);
            word = writable(copy);
            old.remove_mapping();
            PAGESIM_ASSERT(!old.put_testzero());
        }
    }
    // What the child has goes, and the parent may write again.
    void exit() {
        for (std::uint64_t n = child_.size(); n > 0; --n) {
            const pfn frame = descriptor{child_[n - 1]}.frame();
            page& p = frames_[frame];
            p.remove_mapping();
            if (p.put_testzero()) {
                list_.remove(p);
                p.clear_flags();
                free_.push_back(frame);
            }
            parent_[n - 1] = writable(descriptor{parent_[n - 1]}.frame());
        }
    }

private:
    static std::uint64_t writable(pfn n) {
        return descriptor::page(n, page_prot::readonly).mkdirty().mkwrite().word();
    }
    void new_page(pfn n) {
        page& p = frames_[n];
        p.set_refcount(1);
        p.add_mapping();
        p.set(page_flag::swapbacked);
        p.set(page_flag::lru);
        p.set(page_flag::anon_exclusive);
        p.set_mapping(1);
        p.set_index(static_cast<std::uint32_t>(raw(n)));
        list_.push_front(p);
    }

    mem_map frames_;
    page_list list_;
    std::vector<std::uint64_t> parent_;
    std::vector<std::uint64_t> child_;
    std::vector<pfn> free_;
};

void bare_fork(benchmark::State& state) {
    bare_process b{static_cast<std::uint64_t>(state.range(0))};
    for (auto _ : state) {
        timed(state, [&] { b.fork(); });
        b.exit();
    }
    items(state);
}

void bare_copy(benchmark::State& state) {
    bare_process b{static_cast<std::uint64_t>(state.range(0))};
    for (auto _ : state) {
        b.fork();
        timed(state, [&] { b.store_to_all(); });
        b.exit();
    }
    items(state);
}

struct parent_machine : bare_machine {
    explicit parent_machine(std::uint64_t pages)
        : bare_machine{machine_with(page_count{4 * pages}), page_count{pages}}, size{pages} {
        store_to_all(*space);
    }
    void store_to_all(mm& owner) {
        for (std::uint64_t n = 0; n < size; ++n) fault(owner, vpn{n}, access_kind::write);
    }
    // The parent's pages are its own again.
    void end(std::unique_ptr<mm> child) {
        gone(*this, std::move(child));
        store_to_all(*space);
    }
    std::uint64_t size;
};

void fork(benchmark::State& state) {
    parent_machine m{static_cast<std::uint64_t>(state.range(0))};
    for (auto _ : state) {
        std::unique_ptr<mm> child;
        timed(state, [&] { child = forked(m); });
        PAGESIM_ASSERT(child->anon_pages == m.size);
        m.end(std::move(child));
    }
    items(state);
}

void copy(benchmark::State& state) {
    parent_machine m{static_cast<std::uint64_t>(state.range(0))};
    m.end(forked(m)); // the host's memory
    for (auto _ : state) {
        std::unique_ptr<mm> child = forked(m);
        timed(state, [&] { m.store_to_all(*child); });
        PAGESIM_ASSERT(m.parts.stat[vm_item::nr_anon_pages] == 2 * m.size);
        m.end(std::move(child));
    }
    items(state);
}

void sizes(benchmark::internal::Benchmark* b) {
    b->UseManualTime()->ArgName("pages")->Arg(1 << 12);
    if (full_size()) b->Arg(1 << 18);
}

BENCHMARK(bare_fork)->Apply(sizes);
BENCHMARK(bare_copy)->Apply(sizes);
BENCHMARK(fork)->Apply(sizes);
BENCHMARK(copy)->Apply(sizes);

// ---- walks

enum class memory_of : std::uint8_t { anon, file };
enum class pages_are : std::uint8_t { used, unused };

constexpr std::uint64_t mappings = 1U << 16U; // in all, or a few less

// Pages, each mapped by so many processes.
class shared_pages {
public:
    shared_pages(memory_of kind, std::uint64_t mappers)
        : pages_{mappings / mappers}, m_{machine_with(page_count{4 * mappings}), page_count{pages_}} {
        if (kind == memory_of::anon) {
            inherit(mappers);
        } else {
            map_file(mappers);
        }
        for (const page* p : by_number_) PAGESIM_ASSERT(p->mapcount() == static_cast<int>(mappers));
    }

    void use_all() {
        for (std::uint64_t* slot : slots_) *slot = descriptor{*slot}.mkyoung().word();
    }
    // How often a page was used.
    std::uint64_t ask_all() {
        std::uint64_t used = 0;
        for (page* p : by_number_) used += m_.parts.map.page_referenced(*p).ranges;
        return used;
    }
    std::uint64_t ask_all_bare() {
        std::uint64_t used = 0;
        std::uint64_t* const* slot = slots_.data();
        for (const page* p : by_number_) {
            const pfn frame = m_.parts.frames.pfn_of(*p);
            for (std::int32_t left = p->mapcount(); left > 0; --left, ++slot) {
                const descriptor d{**slot};
                if (d.frame() != frame || !d.young()) continue;
                **slot = d.mkold().word();
                ++used;
            }
        }
        return used;
    }
    [[nodiscard]] std::uint64_t size() const { return slots_.size(); }

private:
    void inherit(std::uint64_t mappers) {
        for (std::uint64_t n = 0; n < pages_; ++n) by_number_.push_back(&m_.touch(vpn{n}));
        std::vector<place> places{{m_.space.get(), vpn{0}}};
        while (places.size() < mappers) {
            others_.push_back(forked(m_));
            places.push_back({others_.back().get(), vpn{0}});
        }
        note_slots(places);
    }
    void map_file(std::uint64_t mappers) {
        const open_file& f =
            m_.parts.cache.open(m_.parts.cache.create("f", page_count{pages_}, file_kind::regular));
        std::vector<place> places;
        while (places.size() < mappers) {
            others_.push_back(m_.parts.new_mm_without_root());
            places.push_back(mapped(*others_.back(), f.id));
        }
        for (std::uint64_t n = 0; n < pages_; ++n) by_number_.push_back(m_.parts.cache.find(*f.of, n));
        note_slots(places);
    }

    struct place {
        mm* owner;
        vpn first;
    };
    // All of the file, every page of it mapped.
    place mapped(mm& owner, std::uint32_t file) {
        mmap_cursor c;
        const mmap_request q{.pages = page_count{pages_}, .access{vm_flag::read}, .file = file};
        m_.finish([&] { return mmap(m_.parts.fc, owner, q, c); });
        PAGESIM_ASSERT(c.error == mm_error::none);
        for (vpn n = c.first; n < c.first + pages_; n = n + 1) {
            const std::uint64_t* slot = owner.table().leaf(n);
            if (slot == nullptr || *slot == 0) m_.fault(owner, n, access_kind::read);
        }
        return {&owner, c.first};
    }
    void note_slots(const std::vector<place>& places) {
        for (std::uint64_t n = 0; n < pages_; ++n) {
            for (const place& p : places) slots_.push_back(p.owner->table().leaf(p.first + n));
        }
    }

    std::uint64_t pages_;
    bare_machine m_;
    std::vector<std::unique_ptr<mm>> others_;
    std::vector<page*> by_number_;
    std::vector<std::uint64_t*> slots_; // page by page
};

template <typename Ask>
void walk(benchmark::State& state, memory_of kind, pages_are which, Ask ask) {
    shared_pages s{kind, static_cast<std::uint64_t>(state.range(0))};
    static_cast<void>(s.ask_all());
    const std::uint64_t expected = which == pages_are::used ? s.size() : 0;
    for (auto _ : state) {
        if (which == pages_are::used) s.use_all();
        std::uint64_t used = 0;
        timed(state, [&] { used = ask(s); });
        PAGESIM_ASSERT(used == expected);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(s.size()) * state.iterations());
}

void rmap_walk(benchmark::State& state, memory_of kind, pages_are which) {
    walk(state, kind, which, [](shared_pages& s) { return s.ask_all(); });
}
void bare_walk(benchmark::State& state, memory_of kind, pages_are which) {
    walk(state, kind, which, [](shared_pages& s) { return s.ask_all_bare(); });
}

void mappers(benchmark::internal::Benchmark* b) {
    b->UseManualTime()->ArgName("mappers")->Arg(1)->Arg(10)->Arg(1000);
}

BENCHMARK_CAPTURE(bare_walk, anon_used, memory_of::anon, pages_are::used)->Apply(mappers);
BENCHMARK_CAPTURE(bare_walk, anon_unused, memory_of::anon, pages_are::unused)->Apply(mappers);
BENCHMARK_CAPTURE(bare_walk, file_used, memory_of::file, pages_are::used)->Apply(mappers);
BENCHMARK_CAPTURE(bare_walk, file_unused, memory_of::file, pages_are::unused)->Apply(mappers);
BENCHMARK_CAPTURE(rmap_walk, anon_used, memory_of::anon, pages_are::used)->Apply(mappers);
BENCHMARK_CAPTURE(rmap_walk, anon_unused, memory_of::anon, pages_are::unused)->Apply(mappers);
BENCHMARK_CAPTURE(rmap_walk, file_used, memory_of::file, pages_are::used)->Apply(mappers);
BENCHMARK_CAPTURE(rmap_walk, file_unused, memory_of::file, pages_are::unused)->Apply(mappers);

} // namespace
