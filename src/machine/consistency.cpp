// SPDX-License-Identifier: MIT
// The whole machine recounted.
#include <pagesim/machine/parts.hpp>

#include <pagesim/mmu/descriptor.hpp>

namespace pagesim {

namespace {

// What walking descriptors and files finds, to be held against what was counted.
struct recount {
    std::vector<std::int32_t> mapped;
    std::vector<std::vector<std::uint64_t>> slot_uses; // by area
};

// A file page lies where i_mmap says that its range maps it.
void check_file_descriptor(const page_cache& cache, const page& p, const vma& range, vpn at) {
    PAGESIM_ASSERT_PAGE(p.in_file() && range.file != 0, p);
    bool found = false;
    cache.file_of(p).i_mmap.for_each(p.index(), [&](const file_range& r) {
        found = found || (r.range == &range && r.at(p.index()) == at);
        return !found;
    });
    PAGESIM_ASSERT_PAGE(found, p);
}

void recount_space(const machine_parts& m, const mm& space, recount& out) {
    std::uint64_t anon = 0;
    std::uint64_t file = 0;
    std::uint64_t shmem = 0;
    std::uint64_t swapped = 0;
    for (const vma& range : space.vmas()) {
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
                if (!p.anon()) check_file_descriptor(m.cache, p, range, n);
            }
        });
    }
    PAGESIM_ASSERT(anon == space.anon_pages && swapped == space.swap_entries);
    PAGESIM_ASSERT(file == space.file_pages && shmem == space.shmem_pages);
}

// nr_file_pages, nr_shmem, and the slots that shmem files name.
void recount_files(const machine_parts& m, recount& out) {
    std::uint64_t pages = m.swap.cached_pages();
    std::uint64_t shmem = 0;
    for (const auto& f : m.cache.files()) {
        if (!f) continue;
        pages += f->nrpages();
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
}

void check_map_counts(const machine_parts& m, const recount& found) {
    std::uint64_t anon = 0;
    std::uint64_t file = 0;
    for (std::uint64_t n = 0; n < found.mapped.size(); ++n) {
        const page& p = m.frames[pfn{n}];
        PAGESIM_ASSERT_PAGE(p.mapcount() == found.mapped[n], p);
        PAGESIM_ASSERT_PAGE(p.refcount() >= p.mapcount(), p);
        if (!p.mapped()) continue;
        ++(p.anon() ? anon : file); // once, however many processes count it
        PAGESIM_ASSERT_PAGE(m.map.count_mappings(p) == p.mapcount(), p);
        PAGESIM_ASSERT_PAGE(p.mapcount() == 1 || !p.test(page_flag::anon_exclusive), p);
    }
    PAGESIM_ASSERT(anon == m.stat[vm_item::nr_anon_pages] && file == m.stat[vm_item::nr_mapped]);
}

std::vector<std::vector<std::uint64_t>> no_slot_uses(const swap_space& swap) {
    std::vector<std::vector<std::uint64_t>> uses(swap.nr_swapfiles());
    for (std::uint8_t type = 0; type < uses.size(); ++type) {
        if (swap.has_area(type)) uses[type].resize(swap.area(type).max());
    }
    return uses;
}

void check_slot_uses(const swap_space& swap, const std::vector<std::vector<std::uint64_t>>& uses) {
    for (std::uint8_t type = 0; type < uses.size(); ++type) {
        for (std::uint64_t o = 1; o < uses[type].size(); ++o)
            PAGESIM_ASSERT(swap.area(type).bad(o) || swap.area(type).count(o) == uses[type][o]);
    }
}

} // namespace

void machine_parts::check_consistency(const std::vector<const mm*>& spaces) const {
    home.check_consistency();
    lru.check_consistency();
    swap.check_consistency();
    cache.check_consistency();
    bdi.check_consistency();
    recount found{.mapped = std::vector<std::int32_t>(frames.size().value, 0),
                  .slot_uses = no_slot_uses(swap)};
    for (const mm* space : spaces) {
        space->table().check_consistency();
        tlbs.check_consistency(space->id(), space->table());
        recount_space(*this, *space, found);
    }
    recount_files(*this, found);
    check_map_counts(*this, found);
    check_slot_uses(swap, found.slot_uses);
    map.anon_vmas().check_consistency(spaces);
}

} // namespace pagesim
