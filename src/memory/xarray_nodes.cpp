// SPDX-License-Identifier: MIT
#include <pagesim/memory/xarray_nodes.hpp>

#include <pagesim/base/assert.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

constexpr std::uint64_t chunk = 64; // kernel: XA_CHUNK_SIZE

} // namespace

xarray_nodes::xarray_nodes(std::uint64_t entries, std::uint64_t entries_a_tree) {
    for (std::uint64_t covered = chunk;; covered *= chunk) {
        levels_.push_back({.entries = std::min(covered, entries_a_tree), .nodes = {}});
        if (covered >= entries) break;
    }
}

void xarray_nodes::fill(std::uint64_t index, kmem_cache& nodes) {
    for (level& l : levels_) {
        const std::uint64_t n = index / l.entries;
        if (n >= l.nodes.size()) l.nodes.resize(n + 1);
        if (++l.nodes[n].below > 1) return;
        const slab_object memory = nodes.allocate();
        l.nodes[n].memory = memory;
    }
}

void xarray_nodes::empty(std::uint64_t index, kmem_cache& nodes) {
    for (level& l : levels_) {
        node& n = l.nodes[index / l.entries];
        PAGESIM_ASSERT(n.below > 0);
        if (--n.below > 0) return;
        nodes.free_by_rcu(std::exchange(n.memory, no_slab_object));
    }
}

void xarray_nodes::clear(kmem_cache& nodes) {
    for (level& l : levels_) {
        for (node& n : l.nodes) nodes.free_by_rcu(std::exchange(n.memory, no_slab_object));
        l.nodes.clear();
    }
}

} // namespace pagesim
