// SPDX-License-Identifier: MIT
// A node: the zones of one memory controller, over one mem_map.
//
//     frame 0                                             frames.size()
//     | zone DMA               | zone Normal                 |        each with its reserved frames first
//
// The zones follow each other without holes, in the order of their types; a type without memory has no
// zone. A request walks them from the highest that it may use down to the lowest, so that low memory is
// spent last (kernel: the zonelist). There is one node; numa_hit and numa_local therefore count every
// allocation.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/memory/zone.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace pagesim {

class node {
public:
    // `zones` ascend by type; those without memory are left out. Their frames must fit into `frames`. Adds
    // the free pages to `stat`. `frames` and `stat` outlive the node.
    node(mem_map& frames, vmstat& stat, const std::vector<zone_config>& zones, const memory_config& config,
         const kernel_profile& profile);
    node(const node&) = delete;
    node& operator=(const node&) = delete;

    [[nodiscard]] mem_map& frames() { return *frames_; }
    [[nodiscard]] const mem_map& frames() const { return *frames_; }
    [[nodiscard]] vmstat& stat() { return *stat_; }
    [[nodiscard]] const vmstat& stat() const { return *stat_; }

    // Lowest first.
    [[nodiscard]] std::vector<zone>& zones() { return zones_; }
    [[nodiscard]] const std::vector<zone>& zones() const { return zones_; }
    [[nodiscard]] zone& zone_of(const page& p) { return zones_[zone_slot(p)]; }
    [[nodiscard]] const zone& zone_of(const page& p) const { return zones_[zone_slot(p)]; }
    // The zone of that type, or null if it has no memory.
    [[nodiscard]] zone* find_zone(zone_type type);

    [[nodiscard]] page_count managed() const;
    [[nodiscard]] std::uint64_t nr_free_pages() const;
    [[nodiscard]] std::uint64_t totalreserve_pages() const;
    // What the watermarks were computed with, kilobytes.
    [[nodiscard]] std::uint64_t min_free_kbytes() const { return min_free_kbytes_; }

    void free_page(page& p) { zone_of(p).free_page(p); }
    // kernel: drain_all_pages(): the per-CPU lists of every zone.
    void drain_all_pages();

    // A described machine: n single pages in use for good, from the highest zone down, without counting
    // pgalloc. Returns how many there were.
    page_count take_initial(page_count n, migratetype type);
    // A described machine: brings the per-CPU lists to `pcp_pages` and the buddy lists to `free_pages` (if
    // given) by taking what is too much. False if there is too little; then all there is stays free. `blocks`: what
    // is free in the highest zone, instead of `free_pages`.
    bool settle(std::optional<page_count> free_pages, page_count pcp_pages,
                const std::optional<free_layout>& blocks = std::nullopt);

    // Asserts that the zones are consistent and vmstat agrees with them. Reads every frame.
    void check_consistency() const;

private:
    [[nodiscard]] std::size_t zone_slot(const page& p) const {
        const pfn n = frames_->pfn_of(p);
        std::size_t i = zones_.size() - 1;
        while (i > 0 && n < zones_[i].start_pfn()) --i;
        return i;
    }

    mem_map* frames_;
    vmstat* stat_;
    std::uint64_t min_free_kbytes_;
    std::vector<zone> zones_;
};

} // namespace pagesim
