// SPDX-License-Identifier: MIT
#include <pagesim/process/unmap.hpp>

#include <pagesim/process/address_space.hpp>

#include <algorithm>

namespace pagesim {

namespace {

void unmap_page(const reclaim_context& rc, mm& owner, const vma& range, page& p) {
    rc.map.page_remove_rmap(p, range);
    --owner.anon_pages;
    if (p.test(page_flag::swapcache) && !p.mapped() && !p.test(page_flag::locked))
        rc.swap.try_to_free_swap(p);
    rc.batches.put_page(p);
}

// What one page costs.
sim_duration cost_of(const cost_table& cost, zap_cause cause, const page* file_page) {
    if (cause == zap_cause::unmap) return file_page == nullptr ? cost.unmap_page : cost.unmap_file_page;
    return file_page == nullptr ? cost.dontneed_page : cost.dontneed_file_page;
}

void zap(const fault_context& fc, mm& owner, const vma& range, std::uint64_t& word, zap_cause cause) {
    const descriptor d{word};
    word = 0;
    page* const p = d.present() && !d.special() ? &fc.rc.home.frames()[d.frame()] : nullptr;
    const bool of_file = p != nullptr && !p->anon();
    const cost_table& cost = fc.rc.cpu.cost;
    fc.rc.cpu.charge(d.is_swap() ? cost.zap_swap_entry : cost_of(cost, cause, of_file ? p : nullptr));
    if (of_file) {
        zap_file_page(fc.rc, owner, range, d, *p);
    } else if (p != nullptr) {
        unmap_page(fc.rc, owner, range, *p);
    } else if (d.is_swap()) {
        zap_swap_entry(fc.rc, owner, entry_in(d, fc.rc.profile.swap_pte));
    }
}

std::uint64_t count_tables(const reclaim_context& rc, const page_table& table) {
    std::uint64_t n = 0;
    for (const int level : {2, 3}) {
        if (counts_table(rc.profile, level)) n += table.table_count(level);
    }
    return n;
}

// Frees tables already taken out; `counted_before` is what count_tables() said then.
void free_tables(const reclaim_context& rc, const page_table& table, const std::vector<page*>& frames,
                 std::uint64_t counted_before) {
    const std::uint64_t gone = counted_before - count_tables(rc, table);
    rc.cpu.count(vm_item::nr_page_table_pages, -static_cast<std::int64_t>(gone));
    for (page* frame : frames) rc.batches.put_page(*frame);
}

// What lies between the neighbours of the range may be freed with it.
std::vector<page*> tables_around(mm& owner, vma& range) {
    const vma* const below = owner.preceding(range);
    const vma* const above = owner.following(range);
    return owner.table().release_empty(below == nullptr ? vpn{0} : below->end,
                                       above == nullptr ? vpn{vpn_limit} : above->first);
}

} // namespace

void zap_swap_entry(const reclaim_context& rc, mm& owner, swap_entry e) {
    --owner.swap_entries;
    rc.swap.free_swap_and_cache(e);
}

void unmap_page_range(const fault_context& fc, mm& owner, const vma& range, vpn first, vpn stop,
                      zap_cause cause) {
    fc.tlbs.flush_range(owner.id(), first, stop);
    owner.table().for_each_leaf(first, stop, [&](vpn, std::uint64_t& word) {
        if (word != 0) zap(fc, owner, range, word, cause);
    });
}

step_result unmap_range(const fault_context& fc, mm& owner, vma& range, unmap_cursor& c) {
    const reclaim_context& rc = fc.rc;
    if (!c.begun) {
        rc.batches.lru_add_drain();
        c = {.begun = true, .next = range.first};
    }
    const vpn table_end{(raw(c.next) / table_entries + 1) * table_entries};
    const vpn stop = std::min(range.end, table_end);
    unmap_page_range(fc, owner, range, c.next, stop);
    c.next = stop;
    if (c.next < range.end) return step_again;

    const std::uint64_t counted = count_tables(rc, owner.table());
    free_tables(rc, owner.table(), tables_around(owner, range), counted);
    erase_range(fc, owner, range);
    c = {};
    return step_done;
}

step_result exit_mmap(const fault_context& fc, mm& owner, exit_cursor& c) {
    if (!owner.vmas().empty()) {
        static_cast<void>(unmap_range(fc, owner, owner.vmas().front(), c.range));
        return step_again;
    }
    owner.flags.set(mm_flag::oom_skip);
    const std::uint64_t counted = count_tables(fc.rc, owner.table());
    free_tables(fc.rc, owner.table(), owner.table().release_all(), counted);
    return step_done;
}

step_result exec_mmap(const fault_context& fc, mm& owner, exit_cursor& c) {
    if (!owner.vmas().empty()) {
        static_cast<void>(unmap_range(fc, owner, owner.vmas().front(), c.range));
        return step_again;
    }
    const std::uint64_t counted = count_tables(fc.rc, owner.table());
    free_tables(fc.rc, owner.table(), owner.table().release_empty(vpn{0}, vpn{vpn_limit}), counted);
    owner.brk = owner.start_brk;
    owner.def_flags = {};
    return step_done;
}

} // namespace pagesim
