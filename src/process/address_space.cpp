// SPDX-License-Identifier: MIT
#include <pagesim/process/address_space.hpp>

namespace pagesim {

namespace {

// kernel: is_mergeable_anon_vma(). `extended` is the range whose chain must be a single link.
bool fit(std::uint32_t one, std::uint32_t other, const vma* extended) {
    if ((one == 0 || other == 0) && (extended == nullptr || extended->chain.size() == 1)) return true;
    return one == other;
}

// kernel: is_mergeable_vma() and the test of anon_vmas.
bool is_alike(const vma& neighbour, const vma_traits& t) {
    return neighbour.flags == t.flags && neighbour.on_read == t.on_read && neighbour.file == t.file &&
           fit(t.anon_vma, neighbour.anon_vma, &neighbour);
}

// The neighbours that may take in a stretch.
struct takers {
    vma* lower = nullptr;
    vma* upper = nullptr;
};

takers find_takers(mm& owner, vpn first, vpn end, const vma_traits& t) {
    vma* const lower = raw(first) == 0 ? nullptr : owner.find_vma(first - 1);
    vma* const upper = owner.find_vma(end);
    takers found;
    if (lower != nullptr && lower->end == first && is_alike(*lower, t) &&
        lower->pgoff + lower->pages() == t.pgoff)
        found.lower = lower;
    if (upper != nullptr && upper->first == end && is_alike(*upper, t) &&
        upper->pgoff == t.pgoff + (end - first))
        found.upper = upper;
    const bool both = found.lower != nullptr && found.upper != nullptr;
    if (both && !fit(found.lower->anon_vma, found.upper->anon_vma, nullptr)) found.upper = nullptr;
    return found;
}

// Takes [first, end) away from the range that holds it.
void cut_off(const fault_context& fc, mm& owner, vpn first, vpn end) {
    vma* const v = owner.find_vma(first);
    if (v == nullptr) return;
    if (v->first == first && v->end == end) return erase_range(fc, owner, *v);
    PAGESIM_ASSERT(v->first == first || v->end == end);
    if (v->first == first) return set_bounds(fc, *v, end, v->end);
    set_bounds(fc, *v, v->first, first);
}

// Pages of `from` come to `to`, so it must be in their chains (kernel: __vma_adjust()).
void import_anon_vmas(const fault_context& fc, vma& to, const vma& from) {
    if (to.anon_vma != 0 || from.anon_vma == 0) return;
    to.anon_vma = from.anon_vma;
    fc.rc.map.anon_vmas().clone(to, from);
}

} // namespace

vma_traits traits_at(const vma& v, vpn at) {
    return {.flags = v.flags,
            .on_read = v.on_read,
            .anon_vma = v.anon_vma,
            .file = v.file,
            .pgoff = v.pgoff_of(at)};
}

vma& split_vma(const fault_context& fc, mm& owner, vma& v, vpn at) {
    PAGESIM_ASSERT(v.first < at && at < v.end);
    const vpn end = v.end;
    set_bounds(fc, v, v.first, at);
    vma copy = v;
    copy.first = at;
    copy.end = end;
    copy.pgoff = v.pgoff_of(at);
    vma& upper = insert_range(fc, owner, copy);
    fc.rc.map.anon_vmas().clone(upper, v);
    return upper;
}

mm_error split_at(const fault_context& fc, mm& owner, vpn at) {
    vma* const v = owner.find_vma(at);
    if (v == nullptr || v->first == at) return mm_error::none;
    if (owner.map_count() >= owner.limits.max_map_count) return mm_error::enomem;
    split_vma(fc, owner, *v, at);
    return mm_error::none;
}

vma* vma_merge(const fault_context& fc, mm& owner, vpn first, vpn end, const vma_traits& t) {
    const takers to = find_takers(owner, first, end, t);
    if (to.lower == nullptr && to.upper == nullptr) return nullptr;
    if (to.lower == nullptr) {
        cut_off(fc, owner, first, end);
        set_bounds(fc, *to.upper, first, to.upper->end);
        return to.upper;
    }
    const vma* const held = owner.find_vma(first);
    if (held != nullptr) import_anon_vmas(fc, *to.lower, *held);
    cut_off(fc, owner, first, end);
    vpn new_end = end;
    if (to.upper != nullptr) {
        import_anon_vmas(fc, *to.lower, *to.upper);
        new_end = to.upper->end;
        erase_range(fc, owner, *to.upper);
    }
    set_bounds(fc, *to.lower, to.lower->first, new_end);
    return to.lower;
}

vma& add_range(const fault_context& fc, mm& owner, vpn first, vpn end, const vma_traits& t) {
    if (vma* const joined = vma_merge(fc, owner, first, end, t)) return *joined;
    PAGESIM_ASSERT(t.anon_vma == 0);
    return insert_range(fc, owner,
                        {.first = first,
                         .end = end,
                         .flags = t.flags,
                         .on_read = t.on_read,
                         .pgoff = t.pgoff,
                         .file = t.file});
}

vma* change_flags(const fault_context& fc, mm& owner, vma& v, vpn first, vpn end, vm_flags flags) {
    PAGESIM_ASSERT(v.contains(first) && end <= v.end);
    vma_traits wanted = traits_at(v, first);
    wanted.flags = flags;
    // In the middle of a range there is no neighbour to join.
    const bool at_an_end = v.first == first || v.end == end;
    vma* const joined = at_an_end ? vma_merge(fc, owner, first, end, wanted) : nullptr;
    if (joined != nullptr) return joined;
    vma* part = &v;
    if (split_at(fc, owner, first) != mm_error::none) return nullptr;
    part = owner.find_vma(first);
    if (end < part->end && split_at(fc, owner, end) != mm_error::none) return nullptr;
    part->flags = flags;
    return part;
}

vma& insert_range(const fault_context& fc, mm& owner, const vma& v) {
    vma& added = owner.insert_vma(v);
    fc.rc.cache.link_range(owner, added);
    return added;
}

void set_bounds(const fault_context& fc, vma& v, vpn first, vpn end) {
    range_index* const known = v.file == 0 ? nullptr : &fc.rc.cache.opened(v.file).of->i_mmap;
    if (known != nullptr) known->remove(v);
    fc.rc.map.anon_vmas().set_bounds(v, first, end);
    if (known != nullptr) known->insert(*v.owner, v);
}

void erase_range(const fault_context& fc, mm& owner, vma& v) {
    fc.rc.cache.unlink_range(v);
    fc.rc.map.anon_vmas().unlink(v);
    owner.erase_vma(v);
}

} // namespace pagesim
