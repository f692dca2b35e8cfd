// SPDX-License-Identifier: MIT
#include <pagesim/mm/mm.hpp>

#include <algorithm>

namespace pagesim {

namespace {

// The first range that ends above `n`.
auto first_above(const std::vector<std::unique_ptr<vma>>& vmas, vpn n) {
    return std::upper_bound(vmas.begin(), vmas.end(), n,
                            [](vpn value, const std::unique_ptr<vma>& v) { return value < v->end; });
}

} // namespace

vma* mm::find_vma(vpn n) {
    if (last_found_ != nullptr && last_found_->contains(n)) return last_found_;
    const auto it = first_above(vmas_, n);
    if (it == vmas_.end() || !(*it)->contains(n)) return nullptr;
    last_found_ = it->get();
    return last_found_;
}

vma* mm::find_vma_above(vpn n) {
    const auto it = first_above(vmas_, n);
    return it == vmas_.end() ? nullptr : it->get();
}

std::uint64_t mm::total_vm() const {
    std::uint64_t pages = 0;
    for (const auto& v : vmas_) pages += v->pages();
    return pages;
}

vma& mm::insert_vma(const vma& v) {
    PAGESIM_ASSERT(v.first < v.end);
    const auto it = first_above(vmas_, v.first);
    PAGESIM_ASSERT(it == vmas_.end() || v.end <= (*it)->first);
    return **vmas_.insert(it, std::make_unique<vma>(v));
}

vma& mm::split_vma(vma& v, vpn at) {
    PAGESIM_ASSERT(v.first < at && at < v.end);
    vma upper = v;
    upper.first = at;
    upper.pgoff += at - v.first;
    v.end = at;
    return insert_vma(upper);
}

vma* mm::next_vma(const vma& v) {
    const auto it = first_above(vmas_, v.end);
    return it != vmas_.end() && (*it)->first == v.end ? it->get() : nullptr;
}

void mm::erase_vma(vpn first) {
    const auto it = first_above(vmas_, first);
    PAGESIM_ASSERT(it != vmas_.end() && (*it)->first == first);
    if (last_found_ == it->get()) last_found_ = nullptr;
    vmas_.erase(it);
}

} // namespace pagesim
