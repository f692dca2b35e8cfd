// SPDX-License-Identifier: MIT
// The ranges of an address space in the order of their addresses: a balanced tree threaded through the ranges
// themselves (Boost.Intrusive).
//
// Looking one up takes the logarithm of their number, its neighbours a step. A sorted array would look up as fast, but
// move all that lie above when one is added or split off, and a process may have 65530 of them. A range's first page
// may change while it is linked, as long as the order does not.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/mm/vma.hpp>

#include <boost/intrusive/set.hpp>

namespace pagesim {

class vma_set {
    struct first_of {
        using type = vpn;
        const type& operator()(const vma& v) const { return v.first; }
    };
    using hook = boost::intrusive::member_hook<vma, boost::intrusive::set_member_hook<>, &vma::in_mm>;
    using tree = boost::intrusive::set<vma, hook, boost::intrusive::key_of_value<first_of>>;

public:
    vma_set() = default;
    vma_set(const vma_set&) = delete;
    vma_set& operator=(const vma_set&) = delete;
    ~vma_set() { PAGESIM_ASSERT(tree_.empty()); }

    [[nodiscard]] std::size_t size() const { return tree_.size(); }
    [[nodiscard]] bool empty() const { return tree_.empty(); }
    [[nodiscard]] auto begin() const { return tree_.begin(); }
    [[nodiscard]] auto end() const { return tree_.end(); }
    [[nodiscard]] auto begin() { return tree_.begin(); }
    [[nodiscard]] auto end() { return tree_.end(); }
    [[nodiscard]] vma& front() { return *tree_.begin(); }

    // The first range that ends above `n`, or null.
    [[nodiscard]] vma* first_above(vpn n) {
        auto it = tree_.upper_bound(n);
        if (it != tree_.begin()) {
            auto below = it;
            if ((--below)->end > n) it = below;
        }
        return it == tree_.end() ? nullptr : &*it;
    }
    // The neighbours, however far away; null at either end.
    [[nodiscard]] vma* following(vma& v) {
        auto it = tree_.iterator_to(v);
        return ++it == tree_.end() ? nullptr : &*it;
    }
    [[nodiscard]] vma* preceding(vma& v) {
        auto it = tree_.iterator_to(v);
        return it == tree_.begin() ? nullptr : &*--it;
    }
    [[nodiscard]] vma* last() { return tree_.empty() ? nullptr : &*tree_.rbegin(); }

    void insert(vma& v) {
        const bool fresh = tree_.insert(v).second;
        PAGESIM_ASSERT(fresh);
    }
    void remove(vma& v) { tree_.erase(tree_.iterator_to(v)); }

private:
    tree tree_;
};

} // namespace pagesim
