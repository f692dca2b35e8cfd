// SPDX-License-Identifier: MIT
// Everything a machine is built from: sizes, devices, costs, policies, seed. All members have defaults and
// units; the whole is validated once, before anything is built.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/dirty_limits.hpp>
#include <pagesim/memory/memory_map.hpp>
#include <pagesim/memory/node.hpp>
#include <pagesim/mmu/cpu_model.hpp>
#include <pagesim/reclaim/context.hpp>
#include <pagesim/sched/cfs.hpp>
#include <pagesim/sim/block_device.hpp>
#include <pagesim/sim/cost_table.hpp>
#include <pagesim/sim/io_failures.hpp>
#include <pagesim/swap/swap_area.hpp>
#include <pagesim/swap/zram.hpp>

#include <optional>
#include <string>
#include <vector>

namespace pagesim {

enum class swap_device : std::uint8_t { none, zram, flash };

// One swap area and its device.
struct swap_config {
    swap_device device = swap_device::flash;
    page_count pages{65536}; // slots: 256 MiB
    zram_config zram{};
    flash_config flash{};
    unsigned max_request_pages = 31;               // what one request may carry (flash)
    std::optional<int> priority{};                 // 0 to 32767; none: -2, -3, ... in order
    swap_medium medium = swap_medium::solid_state; // rotational: slots and readahead as for a disk (flash)
    std::vector<std::uint64_t> bad_slots{};        // never used, 1 to pages
    std::vector<io_failure> failures{};            // requests that the device fails
    // wbt_lat_usec: what a read may take before writes are held back; 0: they never are; none: 2 ms, or 75 ms if it
    // rotates (flash).
    std::optional<sim_duration> wbt_lat{};
    // /sys/block/X/queue/nr_requests: three quarters of it may be writes; none: the queue depth (flash).
    std::optional<unsigned> nr_requests{};
};

enum class file_device : std::uint8_t { pmem, flash };

// Where files are.
struct file_config {
    file_device device = file_device::pmem; // the CPU copies; nothing to wait for
    flash_config flash{};
    unsigned max_request_pages = 256; // what one request may carry
};

// Objects for which boot left room in slabs: that many take no memory.
struct slab_room {
    std::uint32_t nodes = 0;   // of trees: radix_tree_node
    std::uint32_t handles = 0; // zs_handle
    std::uint32_t zspages = 0;
    std::uint32_t bios = 16; // two of them are the pool's
};

// Pages of metadata that the file system has read: by who has their buffers in use.
struct metadata_pages {
    page_count by_mount{0};  // superblock, group descriptors: they stay
    page_count by_bh_lru{0}; // of those looked up last: they can go once a page among them moves
};

// What already lives in memory when the run begins. All of it belongs to the kernel and to others, and
// never goes away.
struct initial_state {
    std::optional<page_count> free_pages{}; // in the buddy lists; default: all that nothing below takes
    std::optional<free_layout>
        free_blocks{}; // which, of the highest zone; default: as large as can be, all movable
    memory_map map{};  // of all frames, of one zone; instead of free_blocks, with pages of every use below
    page_count pcp_pages{0};      // free, on the per-CPU list
    page_count unevictable{0};    // in use, on the unevictable list
    metadata_pages metadata{};    // on the inactive file list
    std::vector<vpn> tables_at{}; // the process has page tables for these addresses already
    slab_room slabs{};
    sim_duration kcompactd_due = milliseconds(500); // until its timer goes off, which runs since boot
    sim_duration since_tick{}; // the timer's last interrupt was so long ago; below a jiffy
};

struct machine_config {
    kernel_profile profile = linux_6_1;
    std::vector<zone_config> zones;
    memory_config memory{};
    reclaim_config reclaim{};
    swap_config swap{};
    std::vector<swap_config> more_swap{}; // further areas, in the order of swapon
    file_config files{};
    dirty_config dirty{};
    cpu_model cpu = cortex_a72;
    cost_table cost{};
    cfs_config sched{};
    initial_state start{};
    std::uint64_t seed = 1;
};

// One zone (ZONE_DMA, as on a small arm64 machine) that manages all of `memory`.
[[nodiscard]] machine_config machine_with(page_count memory);

// The areas that there are, in the order of swapon.
[[nodiscard]] std::vector<swap_config> swap_areas(const machine_config& config);

// What is wrong with an area; nothing if it can be built.
[[nodiscard]] std::optional<std::string> find_fault_in(const swap_config& area);

// The first thing that is wrong with it, as one clear sentence; nothing if it can be built.
[[nodiscard]] std::optional<std::string> find_fault_in(const machine_config& config);

} // namespace pagesim
