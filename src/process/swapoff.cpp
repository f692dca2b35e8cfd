// SPDX-License-Identifier: MIT
#include <pagesim/process/swapoff.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

using phase = swapoff_cursor::phase;

wait_channel channel_of(const reclaim_context& rc, wait_reason reason, const page& p) {
    return {reason, raw(rc.home.frames().pfn_of(p))};
}

step_result look_again_later(const reclaim_context& rc) {
    return sleep_until(timeout_in_jiffies(rc.cpu.clock.now(), 1));
}

// kernel: lock_page(), wait_on_page_writeback().
step_result wait_for(const reclaim_context& rc, const page& p) {
    if (p.test(page_flag::locked)) return sleep_on(channel_of(rc, wait_reason::page_unlocked, p));
    if (p.test(page_flag::writeback)) return sleep_on(channel_of(rc, wait_reason::page_written, p));
    return step_done;
}

// done: c.target is there, unlocked and not under writeback; or nothing is under way any more. `owner` and `range` are
// null for a file's page.
step_result bring_in(const reclaim_context& rc, mm* owner, vma* range, swapoff_cursor& c) {
    if (c.target == nullptr && !c.reading) {
        c.target = swap_cache_get_page(rc.cpu, rc.swap, c.entry, range, c.where,
                                       readahead_method(rc.swap, rc.config.vma_ra));
        if (c.target != nullptr) {
            c.target->get();
        } else {
            begin_swapin(rc, c.in, c.entry, owner, range, c.where);
            c.reading = true;
        }
    }
    if (c.reading) {
        const step_result r = swapin_readahead(rc, c.in);
        if (!r.done()) return r;
        c.reading = false;
        c.target = c.in.result;
    }
    if (c.target != nullptr) return wait_for(rc, *c.target);
    c.under_way = false;
    if (c.in.outcome == swapin_outcome::changed) return look_again_later(rc);
    c.outcome = swapoff_outcome::out_of_memory;
    return step_done;
}

void drop_target(const reclaim_context& rc, swapoff_cursor& c) {
    if (c.target != nullptr) rc.batches.put_page(*std::exchange(c.target, nullptr));
}

// Whether the page still holds the slot, and its content. Otherwise it is not what was wanted.
bool holds(const page& p, swap_entry e, swapoff_cursor& c) {
    if (!p.test(page_flag::swapcache) || swap_space::entry_of(p) != e) return false;
    if (!p.test(page_flag::uptodate)) c.outcome = swapoff_outcome::unreadable;
    return p.test(page_flag::uptodate);
}

// kernel: unuse_pte(). The cursor's reference becomes the descriptor's.
void map_target(const fault_context& fc, mm& owner, swapoff_cursor& c) {
    const reclaim_context& rc = fc.rc;
    const vma* range = owner.find_vma(c.where);
    std::uint64_t* word = range == nullptr ? nullptr : owner.table().leaf(c.where);
    const descriptor d{word == nullptr ? 0 : *word};
    page& p = *c.target;
    if (!d.is_swap() || entry_in(d, rc.profile.swap_pte) != c.entry || !holds(p, c.entry, c)) return;
    rc.cpu.charge(rc.cpu.cost.swap_cache_hit);
    p.set(page_flag::locked);
    const bool exclusive = d.swap_entry(rc.profile.swap_pte).exclusive;
    --owner.swap_entries;
    ++owner.anon_pages;
    rc.map.page_add_anon_rmap(p, *range, c.where, exclusive ? exclusivity::exclusive : exclusivity::shared);
    *word = descriptor::page(rc.home.frames().pfn_of(p), page_prot::readonly).mkold().word();
    rc.swap.swap_free(c.entry);
    if (rc.profile.swap_in == swap_in_placement::activated_once_mapped) rc.batches.activate_page(p);
    rc.swap.try_to_free_swap(p);
    p.clear(page_flag::locked);
    c.target = nullptr;
}

// kernel: shmem_swapin_folio(), as shmem_unuse() calls it.
void give_to_file(const reclaim_context& rc, mapping& file, swapoff_cursor& c) {
    page& p = *c.target;
    const cache_slot s = file.slot(c.index);
    if (!s.is_value() || s.value() != c.entry.packed() || !holds(p, c.entry, c)) return;
    rc.cpu.charge(rc.cpu.cost.swap_cache_hit);
    rc.swap.drop_from_swap_cache(p);
    rc.cache.add_shmem(file, p, c.index);
    rc.swap.swap_free(c.entry);
    p.clear(page_flag::locked);
}

// The next place of the space, from c.where on, that names a slot of the area.
vma* find_next(const reclaim_context& rc, mm& owner, swapoff_cursor& c) {
    for (vma* range = owner.first_above(c.where); range != nullptr; range = owner.first_above(range->end)) {
        c.where = std::max(c.where, range->first);
        while (c.where < range->end) {
            const std::uint64_t* word = owner.table().leaf(c.where);
            if (word == nullptr) {
                c.where = vpn{(raw(c.where) / table_entries + 1) * table_entries};
                continue;
            }
            const descriptor d{*word};
            if (d.is_swap()) c.entry = entry_in(d, rc.profile.swap_pte);
            if (d.is_swap() && c.entry.type == c.type) return range;
            c.where = c.where + 1;
        }
    }
    return nullptr;
}

bool find_next(const mapping& file, swapoff_cursor& c) {
    for (c.index = file.next_used(c.index); c.index != mapping::none; c.index = file.next_used(c.index + 1)) {
        const cache_slot s = file.slot(c.index);
        if (!s.is_value()) continue;
        c.entry = swap_entry::from_packed(static_cast<std::uint32_t>(s.value()));
        if (c.entry.type == c.type) return true;
    }
    return false;
}

bool must_stop(const reclaim_context& rc, const swapoff_cursor& c) {
    return c.signal_pending || c.outcome != swapoff_outcome::gone || rc.swap.area(c.type).in_use() == 0;
}

// kernel: shmem_unuse(). What is under way is brought to its end, whatever became of its place.
step_result walk_files(const fault_context& fc, swapoff_cursor& c) {
    const reclaim_context& rc = fc.rc;
    while (c.under_way || (c.file < rc.cache.files().size() && !must_stop(rc, c))) {
        mapping* const file = rc.cache.files()[c.file].get();
        if (!c.under_way && (file == nullptr || file->writes_back() || !find_next(*file, c))) {
            ++c.file;
            c.index = 0;
            continue;
        }
        c.under_way = true;
        const step_result r = bring_in(rc, nullptr, nullptr, c);
        if (!r.done()) return r;
        c.under_way = false;
        if (c.target != nullptr && file != nullptr) give_to_file(rc, *file, c);
        drop_target(rc, c);
        if (rc.cpu.should_yield()) return step_again;
    }
    return step_done;
}

// kernel: unuse_mm(), for each.
step_result walk_spaces(const fault_context& fc, std::span<mm* const> spaces, swapoff_cursor& c) {
    const reclaim_context& rc = fc.rc;
    while (c.under_way || (c.space < spaces.size() && !must_stop(rc, c))) {
        mm& owner = *spaces[c.space];
        vma* const range = c.under_way ? owner.find_vma(c.where) : find_next(rc, owner, c);
        if (!c.under_way && range == nullptr) {
            ++c.space;
            c.where = vpn{0};
            continue;
        }
        c.under_way = true;
        const step_result r = bring_in(rc, &owner, range, c);
        if (!r.done()) return r;
        c.under_way = false;
        if (c.target != nullptr) map_target(fc, owner, c);
        drop_target(rc, c);
        if (rc.cpu.should_yield()) return step_again;
    }
    return step_done;
}

// Pages that nobody names.
step_result walk_slots(const reclaim_context& rc, swapoff_cursor& c) {
    const swap_area& area = rc.swap.area(c.type);
    while (c.target != nullptr || !must_stop(rc, c)) {
        if (c.target == nullptr) {
            c.slot = area.next_in_use(c.slot);
            if (c.slot == 0) break;
            c.target = rc.swap.lookup({c.slot, c.type});
            if (c.target == nullptr) continue;
            c.target->get();
        }
        const step_result r = wait_for(rc, *c.target);
        if (!r.done()) return r;
        rc.swap.try_to_free_swap(*c.target);
        drop_target(rc, c);
    }
    return step_done;
}

void next_round(swapoff_cursor& c) {
    c.at = phase::files;
    c.space = 0;
    c.where = vpn{0};
    c.file = 1;
    c.index = 0;
    c.slot = 0;
}

step_result end(const reclaim_context& rc, swapoff_cursor& c) {
    if (rc.swap.area(c.type).in_use() == 0) {
        rc.swap.finish_swapoff(c.type);
        rc.io->detach(c.type);
        c.outcome = swapoff_outcome::gone;
        return step_done;
    }
    if (c.outcome == swapoff_outcome::gone) c.outcome = swapoff_outcome::interrupted;
    rc.swap.cancel_swapoff(c.type);
    return step_done;
}

} // namespace

step_result swapoff(const fault_context& fc, std::span<mm* const> spaces, swapoff_cursor& c) {
    const reclaim_context& rc = fc.rc;
    if (c.at == phase::begin) {
        if (!rc.swap.usable(c.type)) {
            c.outcome = swapoff_outcome::no_such_area;
            return step_done;
        }
        rc.swap.begin_swapoff(c.type);
        next_round(c);
    }
    if (c.at == phase::files) {
        const step_result r = walk_files(fc, c);
        if (!r.done()) return r;
        c.at = phase::spaces;
    }
    if (c.at == phase::spaces) {
        const step_result r = walk_spaces(fc, spaces, c);
        if (!r.done()) return r;
        c.at = phase::leftovers;
    }
    const step_result r = walk_slots(rc, c);
    if (!r.done()) return r;
    if (must_stop(rc, c)) return end(rc, c);
    next_round(c);
    return look_again_later(rc); // what is in use is on its way: a fault, a reclaim
}

} // namespace pagesim
