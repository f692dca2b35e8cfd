// SPDX-License-Identifier: MIT
// The nodes that an xarray has (kernel: struct xa_node), by how many entries lie below each: what the page cache and
// the swap cache take from memory beside their pages.
//
//     height 3     root ── 64 nodes ── 64 leaves each ── 64 entries each
//
// A node is there while something lies below it, an entry of any kind: a page, a shadow, a swap entry. The height is
// that of the largest index that may come, so a tree that is still small has a node or two more than the kernel's.
//
// Source: xas_create, xas_delete_node of lib/xarray.c, radix_tree_init of lib/radix-tree.c (576 bytes,
// SLAB_RECLAIM_ACCOUNT), Linux 6.1.
#pragma once

#include <pagesim/memory/kmem_cache.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace pagesim {

inline constexpr kmem_cache_config radix_tree_node{.object_bytes = 576, .type = migratetype::reclaimable};

class xarray_nodes {
public:
    // For indices below `entries`, which give the height. `entries_a_tree`: they are many trees of so many entries each.
    explicit xarray_nodes(std::uint64_t entries, std::uint64_t entries_a_tree = ~std::uint64_t{0});

    // The slot at `index` was empty, and holds an entry now.
    void fill(std::uint64_t index, kmem_cache& nodes);
    // The other way round.
    void empty(std::uint64_t index, kmem_cache& nodes);
    // Nothing is left of it.
    void clear(kmem_cache& nodes);

private:
    struct node {
        std::uint32_t below = 0;
        slab_object memory = no_slab_object; // none: there was no memory for it
    };
    struct level {
        std::uint64_t entries; // that a node covers
        std::vector<node> nodes;
    };
    std::vector<level> levels_; // leaves first
};

} // namespace pagesim
