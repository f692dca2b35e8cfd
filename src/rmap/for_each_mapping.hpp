// SPDX-License-Identifier: MIT
// The walk over all descriptors that map a page.
#pragma once

#include <pagesim/rmap/rmap.hpp>

namespace pagesim {

template <typename Visit>
void rmap::for_each_mapping(const page& p, Visit visit) const {
    const pfn frame = frames_.pfn_of(p);
    if (p.in_file()) {
        cache_.file_of(p).i_mmap.for_each(p.index(), [&](const file_range& r) {
            std::uint64_t* const slot = r.owner->table().leaf_of(r.at(p.index()), frame);
            return slot == nullptr ||
                   visit(page_mapping{*r.range, r.at(p.index()), *slot}) == visit_result::go_on;
        });
        return;
    }
    const anon_vma& av = anon_[p.mapping()];
    const std::uint64_t number = number_in(av, p);
    av.for_each_range(number, [&](const anon_link& l) {
        std::uint64_t* const slot = l.owner->table().leaf_of(l.address_of(number), frame);
        if (slot == nullptr) return visit_result::go_on;
        return visit(page_mapping{*l.range, l.address_of(number), *slot});
    });
}

} // namespace pagesim
