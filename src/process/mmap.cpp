// SPDX-License-Identifier: MIT
#include <pagesim/process/mmap.hpp>

#include <algorithm>

namespace pagesim {

namespace {

// kernel: vm_start_gap(): a stack keeps room to grow.
std::uint64_t start_with_gap(const vma& v) {
    if (!v.flags.has(vm_flag::growsdown)) return raw(v.first);
    return raw(v.first) - std::min(raw(v.first), stack_guard_pages);
}

bool is_free(mm& owner, vpn first, vpn end) {
    const vma* const v = owner.first_above(first);
    return v == nullptr || v->first >= end;
}

// The highest gap below mmap_base.
free_area search_down(mm& owner, std::uint64_t pages) {
    std::uint64_t top = raw(owner.mmap_base);
    vma* below = owner.first_above(owner.mmap_base); // holds the base, or lies above it
    if (below != nullptr) {
        top = std::min(top, start_with_gap(*below));
        below = owner.preceding(*below);
    } else {
        below = owner.vmas().last();
    }
    for (;;) {
        const std::uint64_t bottom =
            std::max(mmap_min_page, below == nullptr ? std::uint64_t{0} : raw(below->end));
        if (top >= bottom && top - bottom >= pages) return {.at = vpn{top - pages}};
        if (below == nullptr) return {.error = mm_error::enomem};
        top = std::min(top, start_with_gap(*below));
        below = owner.preceding(*below);
    }
}

// The lowest gap above a quarter of the address space: what is left when there is none below mmap_base.
free_area search_up(mm& owner, std::uint64_t pages) {
    std::uint64_t bottom = vpn_limit / 4;
    for (vma* v = owner.first_above(vpn{bottom});; v = owner.following(*v)) {
        const std::uint64_t top = v == nullptr ? vpn_limit : start_with_gap(*v);
        if (top >= bottom && top - bottom >= pages) return {.at = vpn{bottom}};
        if (v == nullptr) return {.error = mm_error::enomem};
        bottom = std::max(bottom, raw(v->end));
    }
}

bool hint_fits(mm& owner, vpn at, std::uint64_t pages) {
    if (raw(at) < mmap_min_page || vpn_limit - pages < raw(at)) return false;
    const vma* const v = owner.first_above(at);
    return v == nullptr || (v->first > at && raw(at) + pages <= start_with_gap(*v));
}

// The tests that come before a place is looked for.
mm_error refuse(const mm& owner, const mmap_request& q) {
    if (q.pages.value == 0) return mm_error::einval;
    if (q.pages.value > vpn_limit) return mm_error::enomem;
    if (q.pgoff + q.pages.value < q.pgoff) return mm_error::eoverflow;
    if (owner.map_count() > owner.limits.max_map_count) return mm_error::enomem;
    return mm_error::none;
}

// What the mapping may do; a shared one of a file that cannot be written is in truth private to its readers.
mm_error choose_flags(const mm& owner, const mmap_request& q, vm_flags& flags) {
    flags = q.access | vm_may_all | owner.def_flags;
    const bool shared = q.kind == sharing::shared;
    if (q.file != 0) {
        const bool writable = q.mode != file_mode::read_only;
        if (shared && q.access.has(vm_flag::write) && !writable) return mm_error::eacces;
        if (q.mode == file_mode::write_only) return mm_error::eacces;
        if (shared) flags = flags | vm_flags{vm_flag::shared, vm_flag::may_share};
        if (shared && !writable) flags = without(flags, {vm_flag::may_write, vm_flag::shared});
    } else if (shared) {
        return mm_error::einval; // shared anonymous memory is a file of its own (shmem): the caller names it
    }
    return mm_error::none;
}

void place_range(const fault_context& fc, mm& owner, const mmap_request& q, const mmap_cursor& c) {
    const std::uint64_t pgoff = q.file == 0 ? raw(c.first) : q.pgoff;
    add_range(fc, owner, c.first, c.first + q.pages.value,
              {.flags = c.flags, .on_read = q.on_read, .file = q.file, .pgoff = pgoff});
}

} // namespace

free_area get_unmapped_area(mm& owner, page_count pages, placement place, vpn at) {
    if (pages.value > vpn_limit - mmap_min_page) return {.error = mm_error::enomem};
    if (place == placement::fixed || place == placement::fixed_noreplace) {
        if (vpn_limit - pages.value < raw(at)) return {.error = mm_error::enomem};
        if (raw(at) < mmap_min_page) return {.error = mm_error::eperm}; // vm.mmap_min_addr
        const bool taken = place == placement::fixed_noreplace && !is_free(owner, at, at + pages.value);
        return {.error = taken ? mm_error::eexist : mm_error::none, .at = at};
    }
    if (place == placement::hint && hint_fits(owner, at, pages.value)) return {.at = at};
    const free_area below = search_down(owner, pages.value);
    return below.error == mm_error::none ? below : search_up(owner, pages.value);
}

step_result munmap(const fault_context& fc, mm& owner, vpn first, vpn end, munmap_cursor& c) {
    if (!c.begun) {
        c = {};
        if (first >= end || raw(end) > vpn_limit) {
            c.error = mm_error::einval;
            return step_done;
        }
        if (is_free(owner, first, end)) return step_done;
        vma* const low = owner.find_vma(first);
        if (low != nullptr && low->first < first) {
            // A hole makes one range more; otherwise the number may pass its limit for a moment.
            const bool hole = end < low->end;
            if (hole && owner.map_count() >= owner.limits.max_map_count) {
                c.error = mm_error::enomem;
                return step_done;
            }
            split_vma(fc, owner, *low, first);
        }
        vma* const high = owner.find_vma(end);
        if (high != nullptr && high->first < end) split_vma(fc, owner, *high, end);
        c.begun = true;
        c.next = first;
    }
    vma* const range = owner.first_above(c.next);
    const step_result r = unmap_range(fc, owner, *range, c.range);
    if (!r.done()) return r;
    const bool more = !is_free(owner, c.next, end);
    c.begun = more;
    return more ? step_again : step_done;
}

step_result mmap(const fault_context& fc, mm& owner, const mmap_request& q, mmap_cursor& c) {
    if (c.at == mmap_cursor::phase::begin) {
        c = {};
        fc.rc.cpu.charge(fc.rc.cpu.cost.map_call);
        c.error = refuse(owner, q);
        if (c.error != mm_error::none) return step_done;
        const free_area area = get_unmapped_area(owner, q.pages, q.place, q.at);
        c.error = area.error;
        c.first = area.at;
        if (c.error == mm_error::none) c.error = choose_flags(owner, q, c.flags);
        if (c.error != mm_error::none) return step_done;
        c.at = mmap_cursor::phase::clearing;
    }
    const vpn end = c.first + q.pages.value;
    if (c.at == mmap_cursor::phase::clearing) {
        const bool clears = c.clear.begun || !is_free(owner, c.first, end);
        if (clears) {
            const step_result r = munmap(fc, owner, c.first, end, c.clear);
            if (!r.done()) return r;
            c.error = c.clear.error;
        }
        if (c.error == mm_error::none) place_range(fc, owner, q, c);
        c.at = mmap_cursor::phase::populating;
        const bool fills = q.populate == populating::yes || c.flags.has(vm_flag::locked);
        c.fill.next = c.error == mm_error::none && fills ? c.first : end;
        if (c.fill.next < end) return step_again;
    }
    if (c.fill.next < end) {
        const step_result r = populate(fc, owner, end, c.fill);
        if (!r.done()) return r;
    }
    c.at = mmap_cursor::phase::begin;
    return step_done;
}

namespace {

vpn page_aligned(virt_addr a) { return vpn_of(virt_addr{raw(a) + page_size - 1}); }

// Whether the heap may end at `end`: a page beyond it stays free, and a stack keeps its gap.
bool heap_fits(mm& owner, vpn from, vpn end) {
    if (raw(end) >= vpn_limit) return false;
    const vma* const next = owner.first_above(from);
    return next == nullptr || raw(end) + 1 <= start_with_gap(*next);
}

} // namespace

step_result set_brk(const fault_context& fc, mm& owner, virt_addr brk, brk_cursor& c) {
    const vpn to = page_aligned(brk);
    const vpn from = page_aligned(owner.brk);
    if (c.at == brk_cursor::phase::shrinking) {
        const step_result r = munmap(fc, owner, page_aligned(brk), page_aligned(c.wanted), c.tail);
        if (!r.done()) return r;
        c.at = brk_cursor::phase::begin;
        if (c.tail.error != mm_error::none) owner.brk = c.wanted; // too many ranges: the heap keeps its end
        return r;
    }
    if (c.at == brk_cursor::phase::populating) {
        const step_result r = populate(fc, owner, to, c.fill);
        if (r.done()) c.at = brk_cursor::phase::begin;
        return r;
    }
    c = {};
    fc.rc.cpu.charge(fc.rc.cpu.cost.map_call);
    if (brk < owner.start_brk) return step_done;
    if (to < from) {
        c.at = brk_cursor::phase::shrinking;
        c.wanted = owner.brk;
        owner.brk = brk; // before its pages go
        return step_again;
    }
    if (to > from) {
        if (!heap_fits(owner, from, to) || owner.map_count() > owner.limits.max_map_count) return step_done;
        add_range(fc, owner, from, to, {.flags = vm_data | owner.def_flags, .pgoff = raw(from)});
    }
    owner.brk = brk;
    if (to == from || !owner.def_flags.has(vm_flag::locked)) return step_done;
    c.at = brk_cursor::phase::populating;
    c.fill.next = from;
    return step_again;
}

vma& stack_range(const fault_context& fc, mm& owner, page_count pages) {
    const vpn end{vpn_limit};
    const vpn first = end - pages.value;
    return add_range(
        fc, owner, first, end,
        {.flags = vm_data | vm_flags{vm_flag::growsdown} | owner.def_flags, .pgoff = raw(first)});
}

} // namespace pagesim
