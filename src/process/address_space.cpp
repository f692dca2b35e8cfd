// SPDX-License-Identifier: MIT
#include <pagesim/process/address_space.hpp>

namespace pagesim {

namespace {

bool alike(const vma& lower, const vma& upper) {
    return lower.flags == upper.flags && lower.on_read == upper.on_read &&
           (upper.anon_vma == 0 || upper.anon_vma == lower.anon_vma);
}

} // namespace

void split_at(const fault_context& fc, mm& owner, vpn at) {
    vma* const v = owner.find_vma(at);
    if (v == nullptr || v->first == at) return;
    fc.rc.map.share_anon_vma(owner.split_vma(*v, at));
}

void merge_around(const fault_context& fc, mm& owner, vpn first, vpn end) {
    vma* v = raw(first) > 0 ? owner.find_vma(first - 1) : nullptr;
    if (v == nullptr) v = owner.find_vma(first);
    while (v != nullptr && v->first < end) {
        vma* const next = owner.next_vma(*v);
        if (next == nullptr) return;
        if (!alike(*v, *next)) {
            v = next;
            continue;
        }
        const vpn joined_end = next->end;
        const vpn gone = next->first;
        fc.rc.map.release_anon_vma(*next);
        owner.erase_vma(gone);
        v->end = joined_end;
    }
}

} // namespace pagesim
