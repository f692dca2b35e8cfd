// SPDX-License-Identifier: MIT
// The parts of a machine, put together: memory, lists, MMU, swap, and the contexts that the kernel half
// works in.
//
// This is wiring and contains no policy. `machine` adds the tasks and the loop that runs them; tests and
// examples use the parts alone and call the kernel half by hand.
#pragma once

#include <pagesim/cache/flusher.hpp>
#include <pagesim/compaction/migrate.hpp>
#include <pagesim/fault/fault_context.hpp>
#include <pagesim/machine/machine_config.hpp>
#include <pagesim/mmu/asid_allocator.hpp>
#include <pagesim/process/unmap.hpp>

#include <memory>

namespace pagesim {

// zram's frames come from the allocator, on behalf of whoever reclaims.
class pool_frames : public frame_source {
public:
    void attach(const reclaim_context& rc) { rc_ = &rc; }
    page* take_frame() override;
    void give_frame(page& p) override;

private:
    const reclaim_context* rc_ = nullptr;
};

// The same for slabs.
class slab_frames : public slab_source {
public:
    explicit slab_frames(slab_reserves reserves = slab_reserves::allowed) : reserves_{reserves} {}
    void attach(const reclaim_context& rc) { rc_ = &rc; }
    page* take_slab(page_order order, migratetype type) override;
    void give_slab(page& head, page_order order) override;

private:
    slab_reserves reserves_;
    const reclaim_context* rc_ = nullptr;
};

class machine_parts;

// Pages of zram's pools, which compaction may move.
class pool_pages : public movable_pages {
public:
    explicit pool_pages(machine_parts& parts) : parts_{parts} {}
    void replace_page(page& from, page& to) override;

private:
    machine_parts& parts_;
};

class machine_parts {
public:
    // Precondition: find_fault_in(config) finds none. `trace` may be null.
    machine_parts(const machine_config& config, waker& wakes, trace_sink* trace);

    // kernel: swapon(): one more area; its type. None if the kernel knows no more (the area must have no fault).
    // Away again: process/swapoff.hpp.
    std::optional<std::uint8_t> swapon(const swap_config& area);
    // The device of an area, or null.
    [[nodiscard]] zram* store(std::uint8_t type = 0) const { return swap_devices_.at(type).store.get(); }
    // Areas that there are or were.
    [[nodiscard]] std::uint8_t nr_swap_devices() const {
        return static_cast<std::uint8_t>(swap_devices_.size());
    }

    // A new, empty address space; its root table is one of the frames that boot finds free.
    [[nodiscard]] std::unique_ptr<mm> new_mm();
    // The same while the machine runs: the root table comes with the first fault.
    [[nodiscard]] std::unique_ptr<mm> new_mm_without_root();
    // The address space has given everything back: its number may be used again.
    void retire(const mm& space) { asids.give(space.id()); }
    // An address space that exit_mmap has emptied goes.
    void drop_mm(std::unique_ptr<mm> space);
    // Brings memory into config.start's state, with `first` as the only process, and sets the event
    // counters to zero. Throws std::invalid_argument if that state does not fit.
    void settle(mm& first);

    machine_config config;
    sim_clock clock;
    vmstat stat;
    event_queue events;
    rcu_callbacks rcu;
    cpu_context cpu;
    mem_map frames;
    node home;
    lruvec lru;
    lru_batches batches;
    table_pool tables;
    mmu cpu_mmu;
    tlb_domain tlbs;
    asid_allocator asids;
    page_cache cache;
    std::unique_ptr<flash_device> file_flash; // null: pmem
    file_io files;
    bdi_writeback bdi;
    writeback_context wb;
    swap_space swap;
    rmap map;
    pool_frames pool;
    slab_frames slabs;
    slab_frames bio_slabs{slab_reserves::forbidden};
    kmem_cache nodes;        // kernel: radix_tree_node
    kmem_cache buffer_heads; // kernel: buffer_head
    kmem_cache handles;      // kernel: zs_handle
    kmem_cache zspages;      // kernel: zspage
    bio_pool bios;
    std::unique_ptr<swap_io> io;
    kswapd_request kswapd;
    kcompactd_request kcompactd;
    pool_pages movable{*this};
    reason_counts reasons;
    shadow_node_shrinker shadows;
    reclaim_context rc;
    fault_context fc;

    // The counters as /proc/vmstat shows them: with the dirty thresholds of this moment.
    [[nodiscard]] vmstat snapshot() const;
    // list sizes = counters, mapcounts = descriptors found by walking, every page in one place, TLB within
    // the tables.
    void check_consistency(const std::vector<const mm*>& spaces) const;

private:
    struct swap_backing {
        std::unique_ptr<zram> store;
        std::unique_ptr<flash_device> flash;
    };

    [[nodiscard]] page& boot_frame();
    [[nodiscard]] page& take_in_use();
    [[nodiscard]] page& new_frame(gfp_flags wanted);
    void add_unevictable(page& p, lru_type type);
    void settle_metadata();
    [[nodiscard]] bool settle_unevictable();
    [[nodiscard]] bool settle_by_map();
    void release_in_use(std::uint64_t free);

    std::vector<swap_backing> swap_devices_; // by type
    std::uint64_t nr_swapons_ = 0;
    std::uint64_t nr_boot_frames_ = 0; // of the map
};

} // namespace pagesim
