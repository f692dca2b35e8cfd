// SPDX-License-Identifier: MIT
// The whole machine recounted: what walking address spaces, files and frames finds is held against what was counted.
#include <pagesim/machine/parts.hpp>

#include <pagesim/mmu/descriptor.hpp>

namespace pagesim {

namespace {

struct recount {
    std::vector<std::int32_t> mapped;                  // descriptors, by frame
    std::vector<std::vector<std::uint64_t>> slot_uses; // by area
    std::uint64_t ranges_of_files = 0;
    std::vector<unsigned> file_users; // ranges, by open file
    std::uint64_t tables = 0;
    std::uint64_t counted_tables = 0; // those that the kernel counts
};

bool names(const mapping& file, const vma& range, std::uint64_t index, vpn at) {
    bool found = false;
    file.i_mmap.for_each(index, [&](const file_range& r) {
        found = r.range == &range && r.at(index) == at;
        return !found;
    });
    return found;
}

void check_range(const machine_parts& m, const mm& space, const vma& range, recount& out) {
    PAGESIM_ASSERT(range.owner == &space);
    if (range.file == 0) {
        PAGESIM_ASSERT(!range.flags.has(vm_flag::shared));
        return;
    }
    const open_file& f = m.cache.opened(range.file);
    ++out.file_users.at(range.file);
    ++out.ranges_of_files;
    PAGESIM_ASSERT(names(*f.of, range, range.pgoff, range.first));
}

// A page that a descriptor of the range maps.
void check_mapped_page(const machine_parts& m, const page& p, const vma& range, vpn at, descriptor d) {
    const bool shared = range.flags.has(vm_flag::shared);
    if (p.anon()) {
        PAGESIM_ASSERT_PAGE(!shared, p);
        return;
    }
    PAGESIM_ASSERT_PAGE(p.in_file() && range.file != 0, p);
    const mapping& file = m.cache.file_of(p);
    PAGESIM_ASSERT_PAGE(m.cache.opened(range.file).of == &file && range.pgoff_of(at) == p.index(), p);
    PAGESIM_ASSERT_PAGE(p.index() < file.size().value, p);
    PAGESIM_ASSERT_PAGE(shared || !d.writable(), p);
    // Whoever may store to it without a fault has told the file system.
    PAGESIM_ASSERT_PAGE(!file.writes_back() || !d.writable() || p.test(page_flag::dirty), p);
}

void recount_space(const machine_parts& m, const mm& space, recount& out) {
    std::uint64_t anon = 0;
    std::uint64_t file = 0;
    std::uint64_t shmem = 0;
    std::uint64_t swapped = 0;
    for (const vma& range : space.vmas()) {
        check_range(m, space, range, out);
        space.table().for_each_leaf(range.first, range.end, [&](vpn n, std::uint64_t word) {
            const descriptor d{word};
            if (d.is_swap()) {
                ++swapped;
                const swap_entry e = entry_in(d, m.config.profile.swap_pte);
                ++out.slot_uses.at(e.type).at(e.offset);
            } else if (!d.none() && !d.special()) {
                const page& p = m.frames[d.frame()];
                ++out.mapped[raw(d.frame())];
                ++(p.anon() ? anon : p.test(page_flag::swapbacked) ? shmem : file);
                check_mapped_page(m, p, range, n, d);
            }
        });
    }
    PAGESIM_ASSERT(anon == space.anon_pages && swapped == space.swap_entries);
    PAGESIM_ASSERT(file == space.file_pages && shmem == space.shmem_pages);
    out.tables += space.table().table_count();
    for (const int level : {2, 3}) {
        if (counts_table(m.config.profile, level)) out.counted_tables += space.table().table_count(level);
    }
}

// nr_file_pages, nr_shmem, and the slots that shmem files name.
void recount_files(const machine_parts& m, recount& out) {
    std::uint64_t pages = m.swap.cached_pages();
    std::uint64_t shmem = 0;
    std::uint64_t ranges = 0;
    for (const auto& f : m.cache.files()) {
        if (!f) continue;
        pages += f->nrpages();
        ranges += f->i_mmap.size();
        if (f->writes_back()) continue;
        shmem += f->nrpages();
        for (std::uint64_t i = f->next_used(0); i != mapping::none; i = f->next_used(i + 1)) {
            const cache_slot s = f->slot(i);
            if (!s.is_value()) continue;
            const swap_entry e = swap_entry::from_packed(static_cast<std::uint32_t>(s.value()));
            ++out.slot_uses.at(e.type).at(e.offset);
        }
    }
    PAGESIM_ASSERT(pages == m.stat[vm_item::nr_file_pages] && shmem == m.stat[vm_item::nr_shmem]);
    PAGESIM_ASSERT(ranges == out.ranges_of_files);
    for (const auto& f : m.cache.open_files())
        PAGESIM_ASSERT(f == nullptr || f->users >= out.file_users[f->id]);
}

void check_map_counts(const machine_parts& m, const recount& found) {
    std::uint64_t anon = 0;
    std::uint64_t file = 0;
    for (std::uint64_t n = 0; n < found.mapped.size(); ++n) {
        const page& p = m.frames[pfn{n}];
        PAGESIM_ASSERT_PAGE(p.mapcount() == found.mapped[n], p);
        if (!p.mapped()) continue;
        ++(p.anon() ? anon : file); // once, however many processes count it
        PAGESIM_ASSERT_PAGE(m.map.count_mappings(p) == p.mapcount(), p);
        PAGESIM_ASSERT_PAGE(p.mapcount() == 1 || !p.test(page_flag::anon_exclusive), p);
    }
    PAGESIM_ASSERT(anon == m.stat[vm_item::nr_anon_pages] && file == m.stat[vm_item::nr_mapped]);
}

// Each structure that holds a page has a reference; others may have more.
void check_references(const machine_parts& m) {
    std::vector<std::int32_t> waiting(m.frames.size().value, 0);
    m.batches.for_each_waiting([&](const page& p) { ++waiting[raw(m.frames.pfn_of(p))]; });
    for (std::uint64_t n = 0; n < waiting.size(); ++n) {
        const page& p = m.frames[pfn{n}];
        const int holders = (p.in_file() ? 1 : 0) + (p.test(page_flag::swapcache) ? 1 : 0) +
                            (p.test(page_flag::private_) ? 1 : 0);
        PAGESIM_ASSERT_PAGE(p.refcount() >= p.mapcount() + holders + waiting[n], p);
    }
}

// What only the frames themselves tell.
void check_frames(const machine_parts& m, const recount& found) {
    std::uint64_t writeback = 0;
    std::uint64_t mlocked = 0;
    std::uint64_t swapcached = 0;
    std::uint64_t tables = 0;
    for (std::uint64_t n = 0; n < m.frames.size().value; ++n) {
        const page& p = m.frames[pfn{n}];
        const bool cached = p.test(page_flag::swapcache);
        if (p.in_file()) PAGESIM_ASSERT_PAGE(m.cache.find(m.cache.file_of(p), p.index()) == &p, p);
        PAGESIM_ASSERT_PAGE(!p.test(page_flag::writeback) || p.in_file() || cached, p);
        writeback += p.test(page_flag::writeback) ? 1U : 0U;
        mlocked += p.test(page_flag::mlocked) ? 1U : 0U;
        swapcached += cached ? 1U : 0U;
        tables += p.test(page_flag::table) ? 1U : 0U;
    }
    const vmstat& stat = m.stat;
    PAGESIM_ASSERT(writeback == stat[vm_item::nr_writeback]);
    PAGESIM_ASSERT(stat[vm_item::nr_zone_write_pending] == writeback + stat[vm_item::nr_dirty]);
    PAGESIM_ASSERT(mlocked == stat[vm_item::nr_mlock] + m.config.start.unevictable.value);
    PAGESIM_ASSERT(swapcached == m.swap.cached_pages());
    PAGESIM_ASSERT(tables == found.tables);
    PAGESIM_ASSERT(found.counted_tables == stat[vm_item::nr_page_table_pages]);
}

void check_slabs(const machine_parts& m) {
    for (const kmem_cache* c : {&m.nodes, &m.buffer_heads, &m.handles, &m.zspages, &m.bios.cache()})
        c->check_consistency();
    PAGESIM_ASSERT(m.stat[vm_item::nr_slab_reclaimable] == m.nodes.pages() + m.buffer_heads.pages());
    PAGESIM_ASSERT(m.stat[vm_item::nr_slab_unreclaimable] ==
                   m.handles.pages() + m.zspages.pages() + m.bios.cache().pages());
    std::uint64_t buffers = 0;
    for (std::uint64_t n = 0; n < m.frames.size().value; ++n)
        buffers += m.frames[pfn{n}].test(page_flag::private_) ? 1U : 0U;
    PAGESIM_ASSERT(buffers >= m.buffer_heads.objects()); // some found no memory
}

std::vector<std::vector<std::uint64_t>> no_slot_uses(const swap_space& swap) {
    std::vector<std::vector<std::uint64_t>> uses(swap.nr_swapfiles());
    for (std::size_t i = 0; i < uses.size(); ++i) {
        const auto type = static_cast<std::uint8_t>(i);
        if (swap.has_area(type)) uses[i].resize(swap.area(type).max());
    }
    return uses;
}

void check_slot_uses(const swap_space& swap, const std::vector<std::vector<std::uint64_t>>& uses) {
    for (std::size_t i = 0; i < uses.size(); ++i) {
        const auto type = static_cast<std::uint8_t>(i);
        for (std::uint64_t o = 1; o < uses[i].size(); ++o)
            PAGESIM_ASSERT(swap.area(type).bad(o) || swap.area(type).count(o) == uses[i][o]);
    }
}

} // namespace

void machine_parts::check_consistency(const std::vector<const mm*>& spaces) const {
    home.check_consistency();
    lru.check_consistency();
    swap.check_consistency();
    cache.check_consistency();
    bdi.check_consistency();
    check_slabs(*this);
    recount found{.mapped = std::vector<std::int32_t>(frames.size().value, 0),
                  .slot_uses = no_slot_uses(swap),
                  .file_users = std::vector<unsigned>(cache.open_files().size(), 0)};
    for (const mm* space : spaces) {
        space->table().check_consistency();
        tlbs.check_consistency(space->id(), space->table());
        recount_space(*this, *space, found);
    }
    recount_files(*this, found);
    check_map_counts(*this, found);
    check_references(*this);
    check_frames(*this, found);
    check_slot_uses(swap, found.slot_uses);
    map.anon_vmas().check_consistency(spaces);
}

} // namespace pagesim
