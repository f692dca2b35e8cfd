// SPDX-License-Identifier: MIT
#include <pagesim/fault/swapin.hpp>

#include <pagesim/mmu/descriptor.hpp>

#include <utility>

namespace pagesim {

namespace {

using phase = swapin_cursor::phase;

// The slot at c.next, if there is one to be read.
std::optional<swap_entry> neighbour(const reclaim_context& rc, const swapin_cursor& c) {
    if (c.method == swap_ra_method::cluster) {
        if (!rc.swap.has_area(c.entry.type)) return std::nullopt;
        return swap_entry{c.next, c.entry.type};
    }
    const std::uint64_t* slot = c.owner->table().leaf(vpn{c.next});
    const descriptor d{slot == nullptr ? 0 : *slot};
    if (d.none() || d.valid()) return std::nullopt;
    return entry_in(d, rc.profile.swap_pte);
}

// One page of the readahead window; the frame is allocated before the slot is looked at again, as reclaim
// may have run.
step_result prepare_neighbour(const reclaim_context& rc, swapin_cursor& c) {
    const std::optional<swap_entry> e = neighbour(rc, c);
    if (c.alloc.at == alloc_cursor::phase::idle &&
        (!e || rc.swap.lookup(*e) != nullptr || rc.swap.count(*e) == 0)) {
        return step_done;
    }
    const step_result r = alloc_page_step(rc, c.alloc, gfp::highuser_movable);
    if (!r.done()) return r;
    if (c.alloc.outcome == alloc_outcome::out_of_memory) return step_done; // a neighbour is not worth a death
    page& p = *c.alloc.result;
    if (!e || rc.swap.prepare_cache(*e) != slot_mark::taken) {
        rc.batches.put_page(p);
        return step_done;
    }
    prepare_in_cache(rc, p, *e);
    c.prepared = &p;
    return step_done;
}

step_result read_neighbour(const reclaim_context& rc, swapin_cursor& c) {
    if (c.prepared == nullptr) {
        const step_result r = prepare_neighbour(rc, c);
        if (!r.done() || c.prepared == nullptr) return r;
        if (rc.cpu.should_yield()) return step_again; // the bio's allocation may sleep
    }
    page& p = *std::exchange(c.prepared, nullptr);
    const swap_entry e = swap_space::entry_of(p);
    rc.io->read_page(p, e, &c.plug);
    if (e != c.entry) {
        p.set(page_flag::readahead);
        rc.cpu.count(vm_item::swap_ra);
    }
    rc.batches.put_page(p);
    return step_done;
}

step_result read_window(const reclaim_context& rc, swapin_cursor& c) {
    while (c.next < c.end) {
        const step_result r = read_neighbour(rc, c);
        if (r.kind == step_kind::sleep) rc.io->flush(c.plug);
        if (!r.done()) return r;
        ++c.next;
        if (c.next < c.end && rc.cpu.should_yield()) return step_again;
    }
    rc.io->flush(c.plug);
    rc.batches.lru_add_drain();
    c.at = phase::one;
    return step_done;
}

// The wanted page itself: already read with the window, or read now.
step_result prepare_one(const reclaim_context& rc, swapin_cursor& c) {
    page* p = c.alloc.at == alloc_cursor::phase::idle ? rc.swap.lookup(c.entry) : nullptr;
    if (p != nullptr) {
        p->get();
        c.result = p;
        return step_done;
    }
    const step_result r = alloc_page_step(rc, c.alloc, gfp::highuser_movable);
    if (!r.done()) return r;
    if (c.alloc.outcome == alloc_outcome::out_of_memory) {
        c.outcome = swapin_outcome::out_of_memory;
        return step_done;
    }
    p = c.alloc.result;
    if (rc.swap.prepare_cache(c.entry) != slot_mark::taken) {
        rc.batches.put_page(*p);
        c.outcome = swapin_outcome::changed;
        return step_done;
    }
    prepare_in_cache(rc, *p, c.entry);
    c.result = c.prepared = p;
    return step_done;
}

step_result read_one(const reclaim_context& rc, swapin_cursor& c) {
    if (c.prepared == nullptr) {
        const step_result r = prepare_one(rc, c);
        if (!r.done() || c.prepared == nullptr) return r;
        if (rc.cpu.should_yield()) return step_again; // as above
    }
    rc.io->read_page(*std::exchange(c.prepared, nullptr), c.entry, nullptr);
    return step_done;
}

} // namespace

void add_swapped_in_page(const reclaim_context& rc, page& p, std::optional<shadow> old) {
    if (old && rc.profile.anon_refaults == anon_refault::detected) {
        workingset_refault(rc.cpu, rc.lru, p, *old, rc.swap.available());
    }
    if (rc.profile.swap_in_costs == swap_in_cost::of_each_page) rc.lru.note_cost(lru_type::anon, 1);
    rc.batches.lru_cache_add(p);
}

void prepare_in_cache(const reclaim_context& rc, page& p, swap_entry e) {
    p.set(page_flag::locked);
    p.set(page_flag::swapbacked);
    const std::optional<shadow> old = rc.swap.add_to_swap_cache(p, e);
    if (rc.profile.swap_in != swap_in_placement::by_refault_distance) p.set(page_flag::workingset);
    add_swapped_in_page(rc, p, old);
}

void begin_swapin(const reclaim_context& rc, swapin_cursor& c, swap_entry e, mm* owner, vma* range,
                  vpn where) {
    c.entry = e;
    c.owner = owner;
    c.range = range;
    c.where = where;
    c.result = nullptr;
    c.outcome = swapin_outcome::in_cache;
    c.method = range == nullptr ? swap_ra_method::cluster : readahead_method(rc.swap, rc.config.vma_ra);
    if (c.method == swap_ra_method::vma) {
        const swap_window w = swap_ra_info(*range, where, rc.config.page_cluster);
        c.size = w.size;
        c.next = raw(w.first);
        c.end = raw(w.end);
    } else {
        const swap_cluster_window w = swap_cluster_info(rc.swap, e, rc.config.page_cluster);
        c.size = w.size;
        c.next = w.first;
        c.end = w.end;
    }
    c.at = c.size == 1 ? phase::one : phase::window;
}

step_result swapin_readahead(const reclaim_context& rc, swapin_cursor& c) {
    if (c.at == phase::window) {
        const step_result r = read_window(rc, c);
        if (!r.done()) return r;
    }
    return read_one(rc, c);
}

} // namespace pagesim
