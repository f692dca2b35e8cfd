// SPDX-License-Identifier: MIT
// Anonymous memory that is shared by inheritance: which ranges may map a page?
//
// A page cannot list its mappings: fork would have to write to each of a process's pages. Instead it names an
// anon_vma, and that knows the ranges in which the page can be, by number of page. fork then costs a few links a
// range, however large:
//
//     grandparent   range ───── A                    A: root; its parent is itself
//     parent        range ───── A, B                 B: made by the first fork, parent A
//     child         range ───── A, B, C              C: made by the second fork, parent B
//
//     A knows three ranges, B two, C one. A page that the grandparent wrote before the forks names A and may be mapped
//     by all three; one that the parent wrote afterwards names B; the child's copies name C.
//
// So after k forks in a row a range has k + 1 links (vma::chain, oldest first). `vma::anon_vma` says which of them its
// own new pages get; a page that was not certainly nobody else's when it was mapped (from swap) names the root.
//
// Long chains of short-lived parents would leave anon_vmas behind that no range uses. A child may therefore take
// over an inherited one instead of making its own, if (kernel_profile::anon_vmas)
//
//     5.8         fewer than two use it as anon_vma or as parent, and it is not the parent range's own
//     from 5.10   no range uses it as anon_vma, and fewer than two as parent
//
// The root counts as its own child, and is never taken over.
//
// Look-up. The links of an anon_vma are one array, sorted by first page (equal ones in the order in which they came,
// as the kernel's interval tree walks them), each with the largest end so far. Two binary searches bound the part that
// can hold a number, and a walk reads it in a row: 1000 children cost one pass over 48 KiB, a range cut into thousands
// of pieces one step. Inserting moves what lies behind; forks append. With one range, the common case, the link lies
// inside the anon_vma and nothing is allocated.
//
// Source: anon_vma_fork, anon_vma_clone, unlink_anon_vmas, __anon_vma_prepare (mm/rmap.c), Linux 5.8, 5.10, 6.1.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/mm/mm.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pagesim {

// Whether a walk over mappings goes on.
enum class visit_result : std::uint8_t { go_on, stop };

// One range of an anon_vma (kernel: struct anon_vma_chain, seen from the anon_vma).
struct anon_link {
    std::uint64_t first = 0; // numbers of pages, as vma::pgoff
    std::uint64_t end = 0;
    std::uint64_t reach = 0; // the largest end up to here
    vma* range = nullptr;
    mm* owner = nullptr;
    vpn at{0}; // where `first` is in the owner

    [[nodiscard]] vpn address_of(std::uint64_t number) const { return at + (number - first); }
};

struct anon_vma {
    boost::container::small_vector<anon_link, 1> links;
    std::uint64_t base = 0;   // the number of page that has index 0; the whole family shares it
    std::uint32_t root = 0;   // 0: the entry is unused
    std::uint32_t parent = 0; // the root's is itself
    unsigned children = 0;    // whose parent it is; kernel: num_children
    unsigned active = 0;      // ranges that give it to their new pages; kernel: num_active_vmas

    // Calls visit(const anon_link&) for each range that holds the number, until it answers visit_result::stop.
    template <typename Visit>
    void for_each_range(std::uint64_t number, Visit visit) const;
};

class anon_vma_table {
public:
    explicit anon_vma_table(anon_vma_reuse rule) : rule_{rule}, entries_(1) {}

    // kernel: anon_vma_prepare(): gives the range one, a neighbour's if the two could become one range again.
    void prepare(vma& range);
    // kernel: anon_vma_clone() for a copy or a part of `from`: the same links.
    void clone(vma& to, const vma& from);
    // kernel: anon_vma_fork(). `child` is a copy of `parent` in another address space.
    void fork(vma& child, const vma& parent);
    // kernel: unlink_anon_vmas(). No page of the range may be left, unless another range has it now.
    void unlink(vma& range);
    // The range now begins and ends there, with the same page numbers (kernel: vma_adjust, expand_downwards).
    void set_bounds(vma& range, vpn first, vpn end);

    [[nodiscard]] const anon_vma& operator[](std::uint32_t id) const { return entries_[id]; }
    [[nodiscard]] std::size_t in_use() const { return entries_.size() - 1 - free_ids_.size(); }

    // Chains and links say the same, and the counts are right, given all address spaces.
    void check_consistency(const std::vector<const mm*>& spaces) const;

private:
    [[nodiscard]] std::uint32_t take_id();
    [[nodiscard]] bool may_take_over(std::uint32_t id, const vma& parent) const;
    void link(vma& range, std::uint32_t id);
    void insert(std::uint32_t id, vma& range);
    void remove(std::uint32_t id, const vma& range);

    anon_vma_reuse rule_;
    std::vector<anon_vma> entries_; // id = index; 0 is none
    std::vector<std::uint32_t> free_ids_;
};

template <typename Visit>
void anon_vma::for_each_range(std::uint64_t number, Visit visit) const {
    if (links.size() == 1) {
        const anon_link& l = links.front();
        if (number >= l.first && number < l.end) static_cast<void>(visit(l));
        return;
    }
    const auto from = std::partition_point(links.begin(), links.end(),
                                           [number](const anon_link& l) { return l.reach <= number; });
    for (auto it = from; it != links.end() && it->first <= number; ++it) {
        if (it->end > number && visit(*it) == visit_result::stop) return;
    }
}

} // namespace pagesim
