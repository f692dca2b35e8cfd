// SPDX-License-Identifier: MIT
#include <pagesim/rmap/anon_vma.hpp>

#include <iterator>
#include <utility>

namespace pagesim {

namespace {

// What mprotect may change does not keep two ranges from becoming one again (kernel: anon_vma_compatible()).
bool could_be_one(const vma& lower, const vma& upper) {
    return lower.end == upper.first && lower.file == upper.file &&
           without(lower.flags, vm_access) == without(upper.flags, vm_access) &&
           upper.pgoff == lower.pgoff + lower.pages();
}

// kernel: reusable_anon_vma(). One that came by inheritance is not shared sideways.
bool may_share(const vma* v) { return v->anon_vma != 0 && v->chain.size() == 1; }

std::uint32_t mergeable_anon_vma(vma& range) {
    vma* const next = range.owner->following(range);
    if (next != nullptr && could_be_one(range, *next) && may_share(next)) return next->anon_vma;
    vma* const previous = range.owner->preceding(range);
    if (previous != nullptr && could_be_one(*previous, range) && may_share(previous))
        return previous->anon_vma;
    return 0;
}

} // namespace

std::uint32_t anon_vma_table::take_id() {
    if (free_ids_.empty()) {
        entries_.emplace_back();
        return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    const std::uint32_t id = free_ids_.back();
    free_ids_.pop_back();
    return id;
}

void anon_vma_table::insert(std::uint32_t id, vma& range) {
    auto& links = entries_[id].links;
    const auto at = std::upper_bound(links.begin(), links.end(), range.pgoff,
                                     [](std::uint64_t first, const anon_link& l) { return first < l.first; });
    auto it = links.insert(at, {.first = range.pgoff,
                                .end = range.pgoff + range.pages(),
                                .reach = 0,
                                .range = &range,
                                .owner = range.owner,
                                .at = range.first});
    std::uint64_t reach = it == links.begin() ? 0 : std::prev(it)->reach;
    for (; it != links.end(); ++it) it->reach = reach = std::max(reach, it->end);
}

void anon_vma_table::remove(std::uint32_t id, const vma& range) {
    auto& links = entries_[id].links;
    auto it = std::lower_bound(links.begin(), links.end(), range.pgoff,
                               [](const anon_link& l, std::uint64_t first) { return l.first < first; });
    while (it != links.end() && it->range != &range) ++it;
    PAGESIM_ASSERT(it != links.end());
    it = links.erase(it);
    std::uint64_t reach = it == links.begin() ? 0 : std::prev(it)->reach;
    for (; it != links.end(); ++it) it->reach = reach = std::max(reach, it->end);
}

void anon_vma_table::link(vma& range, std::uint32_t id) {
    insert(id, range);
    range.chain.push_back(id);
}

void anon_vma_table::prepare(vma& range) {
    if (range.anon_vma != 0) return;
    PAGESIM_ASSERT(range.chain.empty());
    std::uint32_t id = mergeable_anon_vma(range);
    if (id == 0) {
        id = take_id();
        entries_[id].base = range.pgoff;
        entries_[id].root = entries_[id].parent = id;
        entries_[id].children = 1;
    }
    range.anon_vma = id;
    ++entries_[id].active;
    link(range, id);
}

bool anon_vma_table::may_take_over(std::uint32_t id, const vma& parent) const {
    const anon_vma& av = entries_[id];
    if (rule_ == anon_vma_reuse::by_degree) return id != parent.anon_vma && av.children + av.active < 2;
    return av.children < 2 && av.active == 0;
}

void anon_vma_table::clone(vma& to, const vma& from) {
    PAGESIM_ASSERT(to.chain.empty());
    for (const std::uint32_t id : from.chain) {
        link(to, id);
        if (to.anon_vma == 0 && from.anon_vma != 0 && may_take_over(id, from)) to.anon_vma = id;
    }
    if (to.anon_vma != 0) ++entries_[to.anon_vma].active;
}

void anon_vma_table::fork(vma& child, const vma& parent) {
    child.anon_vma = 0;
    if (parent.anon_vma == 0) return;
    clone(child, parent);
    if (child.anon_vma != 0) return;
    const std::uint32_t id = take_id();
    entries_[id].base = entries_[parent.anon_vma].base;
    entries_[id].root = entries_[parent.anon_vma].root;
    entries_[id].parent = parent.anon_vma;
    entries_[id].active = 1;
    ++entries_[parent.anon_vma].children;
    child.anon_vma = id;
    link(child, id);
}

void anon_vma_table::unlink(vma& range) {
    std::vector<std::uint32_t> abandoned;
    for (auto id = range.chain.rbegin(); id != range.chain.rend(); ++id) { // the root last
        remove(*id, range);
        if (!entries_[*id].links.empty()) continue;
        --entries_[entries_[*id].parent].children;
        abandoned.push_back(*id);
    }
    range.chain.clear();
    if (range.anon_vma != 0) --entries_[std::exchange(range.anon_vma, 0)].active;
    for (const std::uint32_t id : abandoned) {
        PAGESIM_ASSERT(entries_[id].children == 0 && entries_[id].active == 0);
        entries_[id] = {};
        free_ids_.push_back(id);
    }
}

void anon_vma_table::set_bounds(vma& range, vpn first, vpn end) {
    PAGESIM_ASSERT(first < end);
    for (const std::uint32_t id : range.chain) remove(id, range);
    range.pgoff = range.pgoff + raw(first) - raw(range.first); // it may grow downwards
    range.first = first;
    range.end = end;
    for (const std::uint32_t id : range.chain) insert(id, range);
}

void anon_vma_table::check_consistency(const std::vector<const mm*>& spaces) const {
    std::vector<unsigned> active(entries_.size(), 0);
    std::vector<unsigned> children(entries_.size(), 0);
    std::vector<std::size_t> links(entries_.size(), 0);
    for (const mm* space : spaces) {
        for (const vma& range : space->vmas()) {
            PAGESIM_ASSERT((range.anon_vma == 0) == range.chain.empty());
            if (range.anon_vma == 0) continue;
            ++active[range.anon_vma];
            PAGESIM_ASSERT(entries_[range.anon_vma].root == range.chain.front());
            for (const std::uint32_t id : range.chain) {
                ++links[id];
                unsigned found = 0;
                for (const anon_link& l : entries_[id].links) {
                    if (l.range != &range) continue;
                    ++found;
                    PAGESIM_ASSERT(l.owner == space && l.at == range.first && l.first == range.pgoff &&
                                   l.end - l.first == range.pages());
                }
                PAGESIM_ASSERT(found == 1);
            }
        }
    }
    for (const anon_vma& av : entries_) {
        if (av.root != 0) ++children[av.parent];
    }
    std::size_t used = 0;
    for (std::size_t id = 1; id < entries_.size(); ++id) {
        const anon_vma& av = entries_[id];
        PAGESIM_ASSERT(av.active == active[id] && av.children == children[id] &&
                       av.links.size() == links[id]);
        std::uint64_t reach = 0;
        for (const anon_link& l : av.links) {
            reach = std::max(reach, l.end);
            PAGESIM_ASSERT(l.reach == reach);
        }
        if (av.root == 0) continue;
        PAGESIM_ASSERT(!av.links.empty() && entries_[av.parent].root == av.root);
        ++used;
    }
    PAGESIM_ASSERT(used == in_use());
}

} // namespace pagesim
