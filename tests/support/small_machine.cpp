// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <fmt/format.h>

#include <array>

namespace pagesim::testing {

namespace {

constexpr std::uint64_t range_pages = 1U << 20U;

std::string name_of(const machine_parts& m, const page& p) {
    if (p.anon()) return fmt::format("{}", raw(m.map.vpn_of(p)));
    if (!p.in_file()) return "?";
    return fmt::format("{}{}", p.test(page_flag::swapbacked) ? "s" : "f", p.index());
}

} // namespace

small_machine::small_machine(const machine_config& config)
    : parts{config, waker, nullptr}, space{parts.new_mm()} {
    range = &space->insert_vma({.first = vpn{0}, .end = vpn{range_pages}});
    parts.settle(*space);
}

fault_outcome small_machine::touch(std::uint64_t page_number, access_kind kind) {
    const vpn n{page_number};
    while (!parts.cpu_mmu.translate(space->table(), space->id(), n, kind).ok()) {
        fault_cursor f;
        f.where = n;
        f.kind = kind;
        for (step_result r = step_again; !r.done();) {
            r = handle_mm_fault(parts.fc, *space, f);
            if (r.kind == step_kind::sleep) complete_io();
        }
        if (f.outcome != fault_outcome::resolved) return f.outcome;
    }
    return fault_outcome::resolved;
}

page& small_machine::page_at(std::uint64_t page_number) { return parts.frames[entry(page_number).frame()]; }

page& small_machine::written(std::uint64_t page_number) {
    touch(page_number, access_kind::write);
    parts.batches.lru_add_drain();
    return page_at(page_number);
}

void small_machine::age(std::uint64_t page_number) {
    static_cast<void>(parts.map.page_referenced(page_at(page_number)));
}

void small_machine::isolate(page& p) {
    p.get();
    parts.lru.del_page(p);
}

why small_machine::judge(page& p, scan_control& sc) {
    shrink_page_list_cursor c;
    c.input.push(p);
    io_plug plug;
    const reason_counts before = parts.reasons;
    while (!shrink_page_list(parts.rc, sc, c, plug).done()) {}
    if (parts.io) parts.io->flush(plug);
    for (unsigned i = 0; i < c.kept.size; ++i) {
        static_cast<void>(putback_page(parts.cpu, parts.lru, parts.batches, *c.kept.pages[i]));
    }
    for (std::size_t r = 0; r < nr_reasons; ++r) {
        const auto w = static_cast<why>(r);
        if (parts.reasons[w] != before[w]) return w;
    }
    return why::count_;
}

void small_machine::swap_out(std::uint64_t page_number) {
    for (int pass = 0; pass < 3 && !entry(page_number).is_swap(); ++pass) {
        page& p = page_at(page_number);
        isolate(p);
        scan_control sc;
        judge(p, sc);
    }
    complete_io();
    parts.batches.lru_add_drain();
    const swap_bits bits = entry(page_number).swap_entry();
    page* cached = parts.swap.lookup({.offset = bits.offset, .type = bits.type});
    if (cached == nullptr) return;
    isolate(*cached);
    scan_control sc;
    judge(*cached, sc);
}

mapping& small_machine::file_of(mapping*& known, file_kind kind) {
    if (known == nullptr) known = &parts.cache.create("file", page_count{1U << 20U}, kind);
    return *known;
}

page& small_machine::new_page() {
    return *get_page_from_freelist(parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::low).frame;
}

page& small_machine::file_page(std::uint64_t index) {
    page& p = new_page();
    parts.cache.add_to_page_cache_lru(file(), p, index, added_for::reading, parts.swap.available());
    p.set(page_flag::uptodate);
    p.clear(page_flag::locked);
    parts.batches.put_page(p);
    parts.batches.lru_add_drain();
    return p;
}

page& small_machine::shmem_page(std::uint64_t index) {
    page& p = new_page();
    parts.cache.add_shmem(shmem(), p, index);
    p.set(page_flag::uptodate);
    parts.batches.lru_cache_add(p);
    parts.cache.set_page_dirty(p);
    p.clear(page_flag::locked);
    parts.batches.put_page(p);
    parts.batches.lru_add_drain();
    return p;
}

vma& small_machine::map_file(page& p, vm_flags flags, mapped_by through) {
    flags.set(vm_flag::shared);
    open_file& of = parts.cache.open(parts.cache.file_of(p));
    vma& v = space->insert_vma(
        {.first = next_range_, .end = next_range_ + 1, .flags = flags, .pgoff = p.index(), .file = of.id});
    next_range_ = next_range_ + table_entries;
    parts.cache.link_range(*space, v);
    parts.cache.close(of); // as a process does after mmap
    for (int level = space->table().missing_level(v.first); level >= 0;
         level = space->table().missing_level(v.first)) {
        space->table().install_table(v.first, level, new_page());
        if (counts_table(parts.config.profile, level)) parts.stat.add(vm_item::nr_page_table_pages);
    }
    const bool stored = through == mapped_by::store;
    const descriptor d = descriptor::page(parts.frames.pfn_of(p), page_prot::readonly).mkyoung();
    *space->table().leaf(v.first) = (stored ? d.mkdirty() : d).word();
    p.get();
    parts.map.page_add_file_rmap(p, v);
    ++space->rss(p);
    return v;
}

void small_machine::complete_io() {
    while (!parts.events.empty()) {
        parts.clock.advance_to(std::max(parts.clock.now(), parts.events.next_time()));
        while (parts.events.run_one(parts.clock.now())) {}
    }
}

std::string small_machine::picture() const {
    constexpr std::array<std::string_view, nr_lru_lists> names{"ia", "aa", "if", "af", "un"};
    std::string out;
    for (unsigned l = 0; l < nr_lru_lists; ++l) {
        std::string pages;
        parts.lru.list(static_cast<lru_list>(l)).for_each([&](const page& p) {
            pages += fmt::format(" {}", name_of(parts, p));
        });
        out += fmt::format("{}{}:{}", l == 0 ? "" : " | ", names[l], pages.empty() ? " -" : pages);
    }
    return out;
}

} // namespace pagesim::testing
