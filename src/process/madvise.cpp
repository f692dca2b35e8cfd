// SPDX-License-Identifier: MIT
#include <pagesim/process/madvise.hpp>

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/process/address_space.hpp>
#include <pagesim/process/unmap.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

using phase = advise_cursor::phase;

// ---- how a range is read

vm_flags advised_flags(vm_flags flags, advice what) {
    flags.clear(vm_flag::seq_read);
    flags.clear(vm_flag::rand_read);
    if (what == advice::sequential) flags.set(vm_flag::seq_read);
    if (what == advice::random) flags.set(vm_flag::rand_read);
    return flags;
}

bool changes_ranges(advice what) {
    return what == advice::normal || what == advice::sequential || what == advice::random;
}

// kernel: madvise_update_vma(). The end of what was done.
vpn update_range(const fault_context& fc, mm& owner, vma& range, advice what, vpn end, advise_cursor& c) {
    const vpn stop = std::min(range.end, end);
    const vm_flags flags = advised_flags(range.flags, what);
    if (flags == range.flags) return stop;
    if (change_flags(fc, owner, range, c.next, stop, flags) != nullptr) return stop;
    c.outcome = advice_outcome::unmapped; // too many ranges
    return end;
}

// ---- page by page

// Descriptors that changed; the TLBs are to forget them.
struct changed_pages {
    vpn first{vpn_limit};
    vpn end{0};

    void add(vpn n) {
        first = std::min(first, n);
        end = n + 1;
    }
    void flush(const fault_context& fc, const mm& owner) const {
        fc.tlbs.flush_range(owner.id(), first, end);
    }
};

// Visits what is present in [from, to): visit(page&, word) -> whether the descriptor changed.
template <typename Visit>
void visit_pages(const fault_context& fc, mm& owner, vpn from, vpn to, Visit visit) {
    changed_pages changed;
    owner.table().for_each_leaf(from, to, [&](vpn n, std::uint64_t& word) {
        const descriptor d{word};
        if (d.present() && !d.special() && visit(fc.rc.home.frames()[d.frame()], word)) changed.add(n);
    });
    changed.flush(fc, owner);
}

bool make_old(std::uint64_t& word) {
    const descriptor d{word};
    word = d.mkold().word();
    return d.young();
}

// Whether cold and pageout may touch it.
bool ours_alone(const page& p) { return p.test(page_flag::lru) && p.mapcount() == 1; }

void cool(const fault_context& fc, mm& owner, vpn from, vpn to) {
    visit_pages(fc, owner, from, to, [&](page& p, std::uint64_t& word) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.advise_cold);
        if (!ours_alone(p)) return false;
        p.clear(page_flag::referenced);
        fc.rc.batches.deactivate_page(p);
        return make_old(word);
    });
}

void isolate(const fault_context& fc, mm& owner, vpn from, vpn to, advise_cursor& c) {
    const reclaim_context& rc = fc.rc;
    visit_pages(fc, owner, from, to, [&](page& p, std::uint64_t& word) {
        if (!ours_alone(p)) return false;
        const bool young = make_old(word);
        p.clear(page_flag::referenced);
        if (p.test(page_flag::unevictable)) return young;
        rc.cpu.charge(rc.cpu.cost.pageout_advice);
        p.get();
        rc.lru.del_page(p);
        p.clear(page_flag::active);
        c.isolated.push_back(&p);
        return young;
    });
}

// A page that is in swap or dirty loses that, if nobody else has a part in it; false if it stays.
bool give_up_content(const reclaim_context& rc, page& p) {
    if (!p.test(page_flag::swapcache) && !p.test(page_flag::dirty)) return true;
    if (p.test(page_flag::locked) || p.mapcount() != 1) return false;
    if (p.test(page_flag::swapcache) && !rc.swap.try_to_free_swap(p)) return false;
    p.clear(page_flag::dirty);
    return true;
}

// Whether the descriptor changed.
bool give_up_page(const reclaim_context& rc, page& p, std::uint64_t& word) {
    rc.cpu.charge(rc.cpu.cost.advise_free);
    if (!give_up_content(rc, p)) return false;
    const descriptor d{word};
    word = d.mkold().mkclean().word();
    rc.batches.mark_page_lazyfree(p);
    return d.young() || d.dirty();
}

// kernel: madvise_free_pte_range().
void give_up(const fault_context& fc, mm& owner, vpn from, vpn to) {
    const reclaim_context& rc = fc.rc;
    changed_pages changed;
    owner.table().for_each_leaf(from, to, [&](vpn n, std::uint64_t& word) {
        const descriptor d{word};
        if (d.is_swap()) {
            word = 0;
            rc.cpu.charge(rc.cpu.cost.zap_swap_entry);
            zap_swap_entry(rc, owner, entry_in(d, rc.profile.swap_pte));
        } else if (d.present() && !d.special() && give_up_page(rc, rc.home.frames()[d.frame()], word)) {
            changed.add(n);
        }
    });
    changed.flush(fc, owner);
}

// ---- pageout: what was isolated is judged

bool next_batch(advise_cursor& c) {
    c.judging = {};
    while (c.taken < c.isolated.size() && c.judging.input.size < swap_cluster_max)
        c.judging.input.push(*c.isolated[c.taken++]);
    return !c.judging.input.empty();
}

step_result judge_isolated(const fault_context& fc, advise_cursor& c) {
    const reclaim_context& rc = fc.rc;
    const step_result r = shrink_page_list(rc, c.sc, c.judging, c.plug);
    if (!r.done()) return r;
    for (unsigned i = 0; i < c.judging.kept.size; ++i) c.kept.push_back(c.judging.kept.pages[i]);
    if (next_batch(c)) return step_again;
    for (page* p : c.kept) {
        rc.cpu.charge(rc.cpu.cost.putback_page);
        rc.batches.lru_cache_add(*p);
        rc.batches.put_page(*p);
    }
    c.kept.clear();
    c.isolated.clear();
    c.taken = 0;
    c.at = phase::walking;
    return step_again;
}

// ---- willneed

// One swap entry into the swap cache (kernel: read_swap_cache_async()). The frame is allocated before the slot is looked
// at again, as reclaim may have run.
step_result read_slot(const fault_context& fc, swap_entry e, advise_cursor& c) {
    const reclaim_context& rc = fc.rc;
    if (c.alloc.at == alloc_cursor::phase::idle && (rc.swap.lookup(e) != nullptr || rc.swap.count(e) == 0))
        return step_done;
    const step_result r = alloc_page_step(rc, c.alloc, gfp::highuser_movable);
    if (!r.done() || c.alloc.outcome == alloc_outcome::out_of_memory) return r;
    page& p = *c.alloc.result;
    if (rc.swap.prepare_cache(e) == slot_mark::taken) {
        prepare_in_cache(rc, p, e);
        rc.io->read_page(p, e, &c.plug);
    }
    rc.batches.put_page(p);
    return step_done;
}

// What is in swap at that page of the range: of the process, or of the shmem file that it maps.
std::optional<swap_entry> swapped_at(const fault_context& fc, mm& owner, const vma& range, vpn n) {
    if (range.file == 0) {
        const std::uint64_t* word = owner.table().leaf(n);
        const descriptor d{word == nullptr ? 0 : *word};
        if (!d.is_swap()) return std::nullopt;
        return entry_in(d, fc.rc.profile.swap_pte);
    }
    const cache_slot s = fc.rc.cache.opened(range.file).of->slot(range.pgoff + (n - range.first));
    if (!s.is_value()) return std::nullopt;
    return swap_entry::from_packed(static_cast<std::uint32_t>(s.value()));
}

step_result read_swapped(const fault_context& fc, mm& owner, const vma& range, vpn to, advise_cursor& c) {
    for (; c.next < to; c.next = c.next + 1) {
        const std::optional<swap_entry> e = swapped_at(fc, owner, range, c.next);
        if (!e) continue;
        const step_result r = read_slot(fc, *e, c);
        if (!r.done()) return r;
    }
    return step_done;
}

// kernel: force_page_cache_ra(): as much as the device takes at once, without a marker.
step_result read_file(const fault_context& fc, const vma& range, vpn end, advise_cursor& c) {
    constexpr std::uint64_t io_pages = 320; // kernel: BLK_DEF_MAX_SECTORS
    if (!c.ahead.active()) {
        mapping& file = *fc.rc.cache.opened(range.file).of;
        begin_read_ahead(c.ahead, file,
                         {.start = range.pgoff + (c.next - range.first),
                          .pages = std::min(end - c.next, io_pages),
                          .lookahead = 0});
    }
    return read_ahead_step(fc.rc, c.ahead);
}

// ---- a range

// EINVAL of cold, pageout, dontneed and free.
bool is_for(advice what, const vma& range) {
    if (changes_ranges(what) || what == advice::willneed) return true;
    if (range.flags.has(vm_flag::locked)) return false;
    return what != advice::free || range.file == 0;
}

// One table's worth of the range, up to `to`.
step_result advise_table(const fault_context& fc, mm& owner, vma& range, advice what, vpn to,
                         advise_cursor& c) {
    switch (what) {
    case advice::cold: cool(fc, owner, c.next, to); break;
    case advice::free: give_up(fc, owner, c.next, to); break;
    case advice::dontneed: unmap_page_range(fc, owner, range, c.next, to, zap_cause::dontneed); break;
    case advice::pageout:
        isolate(fc, owner, c.next, to, c);
        if (next_batch(c)) c.at = phase::judging;
        break;
    case advice::willneed: return read_swapped(fc, owner, range, to, c);
    default: break;
    }
    c.next = to;
    return step_done;
}

bool is_regular(const fault_context& fc, const vma& range) {
    return range.file != 0 && fc.rc.cache.opened(range.file).of->writes_back();
}

// Goes to the next range at or above c.next; null at the end.
vma* next_range(mm& owner, vpn end, advise_cursor& c) {
    vma* const range = owner.first_above(c.next);
    if (range == nullptr || range->first >= end) {
        if (c.next < end) c.outcome = advice_outcome::unmapped;
        return nullptr;
    }
    if (range->first > c.next) {
        c.outcome = advice_outcome::unmapped;
        c.next = range->first;
    }
    return range;
}

// A part of a range; true when all is done.
step_result walk(const fault_context& fc, mm& owner, advice what, vpn end, advise_cursor& c) {
    vma* const range = c.next < end ? next_range(owner, end, c) : nullptr;
    if (range == nullptr) {
        c.at = phase::begin;
        if (fc.rc.io != nullptr) fc.rc.io->flush(c.plug);
        return step_done;
    }
    if (changes_ranges(what)) {
        const vpn stop = update_range(fc, owner, *range, what, end, c);
        if (stop == c.next) c.outcome = advice_outcome::unmapped; // the kernel's ENOMEM: too many ranges
        c.next = stop == c.next ? end : stop;
        return step_again;
    }
    if (!std::exchange(c.range_begun, true)) {
        if (!is_for(what, *range)) {
            c.outcome = advice_outcome::invalid;
            c.next = end;
            return step_again;
        }
        if (what != advice::willneed) fc.rc.batches.lru_add_drain();
    }
    const vpn range_end = std::min(range->end, end);
    if (what == advice::willneed && is_regular(fc, *range)) {
        const step_result r = read_file(fc, *range, range_end, c);
        if (!r.done()) return r;
        c.next = range_end;
        c.range_begun = false;
        return step_again;
    }
    const vpn table_end{(raw(c.next) / table_entries + 1) * table_entries};
    const step_result r = advise_table(fc, owner, *range, what, std::min(range_end, table_end), c);
    if (!r.done()) return r;
    if (c.next == range_end) {
        c.range_begun = false;
        if (what == advice::willneed) fc.rc.batches.lru_add_drain();
    }
    return step_again;
}

} // namespace

step_result advise(const fault_context& fc, mm& owner, advice what, vpn first, vpn end, advise_cursor& c) {
    if (c.at == phase::begin) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.madvise_call);
        c = {};
        c.sc.gfp = gfp::kernel;
        c.next = first;
        c.at = phase::walking;
    }
    const step_result r = c.at == phase::judging ? judge_isolated(fc, c) : walk(fc, owner, what, end, c);
    if (r.kind == step_kind::sleep && fc.rc.io != nullptr) fc.rc.io->flush(c.plug);
    return r;
}

} // namespace pagesim
