// SPDX-License-Identifier: MIT
#include <pagesim/mm/mm.hpp>

#include <memory>

namespace pagesim {

mm::~mm() {
    while (!vmas_.empty()) erase_vma(vmas_.front());
}

vma* mm::look_up(vpn n) {
    vma* const v = vmas_.first_above(n);
    if (v == nullptr || !v->contains(n)) return nullptr;
    last_found_ = v;
    return v;
}

std::uint64_t mm::total_vm() const {
    std::uint64_t pages = 0;
    for (const vma& v : vmas_) pages += v.pages();
    return pages;
}

vma& mm::insert_vma(const vma& v) {
    PAGESIM_ASSERT(v.first < v.end && raw(v.end) <= vpn_limit);
    const vma* const above = vmas_.first_above(v.first);
    PAGESIM_ASSERT(above == nullptr || v.end <= above->first);
    auto added = std::make_unique<vma>(v);
    added->chain.clear();
    added->owner = this;
    if (added->file == 0 && added->anon_vma == 0) added->pgoff = raw(v.first);
    vmas_.insert(*added);
    return *added.release();
}

void mm::erase_vma(vma& v) {
    if (last_found_ == &v) last_found_ = nullptr;
    vmas_.remove(v);
    const std::unique_ptr<vma> gone{&v};
}

} // namespace pagesim
