// SPDX-License-Identifier: MIT
// Caches of the kernel's own objects give some back, in proportion to how hard the lists are scanned.
//
//     wanted   4/seeks of what can be freed, cut by the priority as the lists are; half of it if an object is cheap to make
//              again (seeks 0); and of what earlier calls left undone (deferred): all before 6.1, cut by the priority since
//     done     in batches; less than a batch is left for later, unless it is all there is
//
// One cache is modelled: the leaves of files' page tables that hold nothing but shadows of evicted pages
// (workingset.hpp). They are kept while there are no more than an eighth of the node's pages; of a file read from end to
// end once, that many leaves remember eight times the memory.
//
// Source: shrink_slab, do_shrink_slab of mm/vmscan.c, count_shadow_nodes, shadow_lru_isolate of mm/workingset.c, Linux 5.8
// to 6.1. Left out: caches of directory entries and inodes, so slabs_scanned counts leaves alone; what a leaf frees is less
// than a page, and nothing is added to what was reclaimed.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/page_cache.hpp>
#include <pagesim/memory/node.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <cstdint>

namespace pagesim {

// kernel: struct shrinker.
class shrinker {
public:
    shrinker() = default;
    shrinker(const shrinker&) = delete;
    shrinker& operator=(const shrinker&) = delete;
    virtual ~shrinker() = default;

    [[nodiscard]] virtual unsigned seeks() const { return 2; }
    [[nodiscard]] virtual std::uint64_t batch() const { return 128; }
    // How many objects could be freed.
    [[nodiscard]] virtual std::uint64_t count_objects() const = 0;
    // Looks at that many, at most; returns how many it freed.
    virtual std::uint64_t scan_objects(std::uint64_t n) = 0;

    std::uint64_t nr_deferred = 0; // objects
};

class shadow_node_shrinker final : public shrinker {
public:
    shadow_node_shrinker(page_cache& cache, const node& home) : cache_{cache}, home_{home} {}
    [[nodiscard]] unsigned seeks() const override { return 0; }
    [[nodiscard]] std::uint64_t count_objects() const override;
    std::uint64_t scan_objects(std::uint64_t n) override;

private:
    page_cache& cache_;
    const node& home_;
};

// One call of do_shrink_slab(), priority 12 to 0; returns how many objects were freed.
std::uint64_t do_shrink_slab(const cpu_context& cpu, shrinker_backlog rule, shrinker& cache, int priority);

} // namespace pagesim
