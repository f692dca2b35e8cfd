// SPDX-License-Identifier: MIT
#include <pagesim/process/mremap.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

using phase = mremap_cursor::phase;

// kernel: vma_to_resize().
mm_error check(mm& owner, const mremap_request& q) {
    if (q.new_pages.value == 0 || q.old_pages.value == 0) return mm_error::einval;
    const vma* const v = owner.find_vma(q.first);
    if (v == nullptr) return mm_error::efault;
    if (q.new_pages <= q.old_pages) return mm_error::none; // unmaps whatever is there
    if (q.old_pages.value > v->end - q.first) return mm_error::efault;
    return mm_error::none;
}

// kernel: vma_expandable().
bool has_room(mm& owner, vma& v, std::uint64_t pages) {
    if (raw(v.end) + pages > vpn_limit) return false;
    const vma* const next = owner.following(v);
    return next == nullptr || next->first >= v.end + pages;
}

// What is added is filled if the range is locked.
void populate_added(const vma& v, const mremap_request& q, mremap_cursor& c) {
    const vpn end = c.first + q.new_pages.value;
    c.fill.next = v.flags.has(vm_flag::locked) ? c.first + q.old_pages.value : end;
    c.at = phase::populating;
}

// Grows in place, or makes the range to move to (kernel: copy_vma()).
void begin_growing(const fault_context& fc, mm& owner, const mremap_request& q, mremap_cursor& c) {
    vma& v = *owner.find_vma(q.first);
    const std::uint64_t added = q.new_pages.value - q.old_pages.value;
    if (v.end == q.first + q.old_pages.value && has_room(owner, v, added)) {
        vma_traits t = traits_at(v, q.first);
        t.pgoff = v.pgoff_of(v.end);
        vma* const grown = vma_merge(fc, owner, v.end, v.end + added, t);
        if (grown != nullptr) {
            populate_added(*grown, q, c);
        } else {
            c.error = mm_error::enomem;
        }
        return;
    }
    const bool crowded = owner.map_count() + 3 >= owner.limits.max_map_count;
    if (q.may_move == moving::forbidden || crowded) {
        c.error = mm_error::enomem;
        return;
    }
    const free_area area = get_unmapped_area(owner, q.new_pages, placement::anywhere, vpn{0});
    c.error = area.error;
    if (c.error != mm_error::none) return;
    c.first = area.at;
    vma_traits t = traits_at(v, q.first);
    if (v.file == 0 && v.anon_vma == 0) t.pgoff = raw(c.first);
    const vpn end = c.first + q.new_pages.value;
    if (vma_merge(fc, owner, c.first, end, t) == nullptr) {
        vma copy = v;
        copy.first = c.first;
        copy.end = end;
        copy.pgoff = t.pgoff;
        fc.rc.map.anon_vmas().clone(insert_range(fc, owner, copy), v);
    }
    c.at = phase::tables;
    owner.lock = mmap_lock::written;
}

// kernel: move_ptes(), up to the next border of a table on either side.
step_result move_some(const fault_context& fc, mm& owner, const mremap_request& q, mremap_cursor& c) {
    const vpn from = q.first + c.done;
    const vpn to = c.first + c.done;
    const std::uint64_t room = table_entries - std::max(raw(from) % table_entries, raw(to) % table_entries);
    const std::uint64_t pages = std::min(room, q.old_pages.value - c.done);
    if (owner.table().leaf(from) != nullptr) {
        const step_result r = add_tables(fc, owner, to, c.alloc);
        if (!r.done()) return r;
        if (c.alloc.outcome == alloc_outcome::out_of_memory) {
            c.outcome = fault_outcome::out_of_memory;
            return step_done;
        }
        bool flush = false;
        owner.table().for_each_leaf(from, from + pages, [&](vpn at, std::uint64_t& word) {
            if (word == 0) return;
            flush = flush || descriptor{word}.present();
            *owner.table().leaf(to + (at - from)) = std::exchange(word, 0);
        });
        if (flush) fc.tlbs.flush_range(owner.id(), from, from + pages);
    }
    c.done += pages;
    return c.done < q.old_pages.value ? step_again : step_done;
}

} // namespace

step_result mremap(const fault_context& fc, mm& owner, const mremap_request& q, mremap_cursor& c) {
    const vpn old_end = q.first + q.old_pages.value;
    if (c.at == phase::begin) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.map_call);
        c = {};
        c.first = q.first;
        c.error = check(owner, q);
        if (c.error == mm_error::none && q.new_pages < q.old_pages) c.at = phase::shrinking;
        if (c.error == mm_error::none && q.new_pages > q.old_pages) begin_growing(fc, owner, q, c);
        return c.at == phase::begin ? step_done : step_again;
    }
    step_result r = step_done;
    switch (c.at) {
    case phase::begin: break;
    case phase::shrinking:
        r = munmap(fc, owner, q.first + q.new_pages.value, old_end, c.tail);
        c.error = c.tail.error;
        break;
    case phase::tables:
        r = move_some(fc, owner, q, c);
        if (r.done()) owner.lock = mmap_lock::free;
        if (!r.done() || c.outcome != fault_outcome::resolved) break;
        c.at = phase::unmapping;
        return step_again;
    case phase::unmapping:
        r = munmap(fc, owner, q.first, old_end, c.tail);
        if (!r.done()) break;
        populate_added(*owner.find_vma(c.first), q, c);
        return step_again;
    case phase::populating: r = populate(fc, owner, c.first + q.new_pages.value, c.fill); break;
    }
    if (!r.done()) return r;
    if (c.fill.outcome != fault_outcome::resolved) c.outcome = c.fill.outcome;
    c.at = phase::begin;
    return step_done;
}

} // namespace pagesim
