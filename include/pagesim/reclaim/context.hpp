// SPDX-License-Identifier: MIT
// The parts of the machine that reclaim works on, passed in by whoever runs it. Two machines in one process
// have two of these and nothing in common.
//
// The path of one reclaim, from the top:
//
//     alloc_slowpath      an allocation found every zone below its low watermark: wakes kswapd, tries at min, then
//     direct_reclaim      reclaims itself, priority 12 down to 0, until 32 pages are free
//     kswapd              the same in the background, until one zone is above its high watermark
//     shrink_node         one pass over the node: how much of each list (scan_balance), then
//     shrink_lruvec       the four lists in turn, 32 pages at a time
//     shrink_list         active: shrink_active_list deactivates; inactive: shrink_inactive_list isolates and
//     shrink_page_list    judges each page: judge_page gives a verdict and its reason
//
// Everything from direct_reclaim down may lose the CPU between two pages and may sleep; each level keeps
// its place in a cursor (sim/step.hpp) that the task owns.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/file_io.hpp>
#include <pagesim/cache/flusher_control.hpp>
#include <pagesim/cache/page_cache.hpp>
#include <pagesim/lru/isolate.hpp>
#include <pagesim/lru/lru_add.hpp>
#include <pagesim/lru/lruvec.hpp>
#include <pagesim/memory/node.hpp>
#include <pagesim/reclaim/reason.hpp>
#include <pagesim/reclaim/scan_control.hpp>
#include <pagesim/reclaim/shrink_slab.hpp>
#include <pagesim/rmap/rmap.hpp>
#include <pagesim/sim/cpu_context.hpp>
#include <pagesim/sim/jiffies.hpp>
#include <pagesim/sim/step.hpp>
#include <pagesim/swap/swap_io.hpp>
#include <pagesim/swap/swap_readahead.hpp>
#include <pagesim/swap/swap_space.hpp>

#include <cstdint>

namespace pagesim {

// vm.* knobs that reclaim reads.
struct reclaim_config {
    unsigned swappiness = 60; // 0..200
    unsigned page_cluster = 3;
    vma_readahead vma_ra = vma_readahead::enabled; // /sys/kernel/mm/swap/vma_ra_enabled
    unsigned compaction_proactiveness = 20;        // 0..100
};

// What the allocator asks of kswapd (kernel: pgdat->kswapd_order, kswapd_highest_zoneidx, kswapd_wait).
struct kswapd_request {
    bool pending = false; // an index was asked for
    unsigned order = 0;
    zone_type highest_zoneidx = zone_type::dma;
    bool sleeping = true; // in either stage of its sleep
};

// What kswapd asks of kcompactd (kernel: pgdat->kcompactd_max_order, kcompactd_highest_zoneidx, kcompactd_wait). A request
// stays when it is not worth a wake-up: kcompactd finds it when its timer goes off.
struct kcompactd_request {
    unsigned order = 0; // 0: none
    zone_type highest_zoneidx = zone_type::movable;
    bool sleeping = true;
};

// Nothing more could be freed for a request (kernel: struct oom_control).
struct oom_request {
    gfp_flags gfp;
    unsigned order = 0;
};
enum class oom_progress : std::uint8_t { none, made };

// Who is asked then. Implemented by the machine, which knows the processes.
class oom_handler {
public:
    oom_handler() = default;
    oom_handler(const oom_handler&) = delete;
    oom_handler& operator=(const oom_handler&) = delete;
    virtual ~oom_handler() = default;
    // kernel: out_of_memory(). Progress: memory will be freed, so try again.
    virtual oom_progress out_of_memory(const oom_request& request) = 0;
};

struct reclaim_context {
    const cpu_context& cpu;
    const kernel_profile& profile;
    const reclaim_config& config;
    node& home;
    lruvec& lru;
    lru_batches& batches;
    rmap& map;
    swap_space& swap;
    swap_io* io;
    page_cache& cache;
    file_io& files;
    kswapd_request& kswapd;
    kcompactd_request& kcompactd;
    reason_counts& reasons;
    shrinker& shadows;
    flusher_control* flusher = nullptr; // null: nobody writes files back by himself
    oom_handler* oom = nullptr;         // null: nobody to kill, the allocation fails
};

} // namespace pagesim
