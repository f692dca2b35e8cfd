// SPDX-License-Identifier: MIT
// Counters, by the names of /proc/vmstat.
//
// The enumerators are the lines of /proc/vmstat on Linux 6.1 (arm64, Debian's configuration), in their
// order: zone items, NUMA items, node items, the two dirty thresholds, events. Two kinds are mixed in one
// table, as in the kernel's file:
//
//     gauges    how many there are now (nr_free_pages, nr_inactive_anon, ...): rise and fall
//     events    how often something happened (pgfault, pgscan_kswapd, ...): only rise
//
// Older kernels have fewer items; lines_of() tells what they print.
//
// A vmstat is a plain value. Two of them can be subtracted, and what an experiment reports is usually the
// difference between after and before. The kernel keeps per-CPU differences that a reader may see late;
// ours are exact.
#pragma once

#include <pagesim/base/kernel_profile.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim {

// clang-format off
enum class vm_item : std::uint16_t {
    nr_free_pages, nr_zone_inactive_anon, nr_zone_active_anon, nr_zone_inactive_file, nr_zone_active_file,
    nr_zone_unevictable, nr_zone_write_pending, nr_mlock, nr_bounce, nr_zspages, nr_free_cma, numa_hit,
    numa_miss, numa_foreign, numa_interleave, numa_local, numa_other, nr_inactive_anon, nr_active_anon,
    nr_inactive_file, nr_active_file, nr_unevictable, nr_slab_reclaimable, nr_slab_unreclaimable,
    nr_isolated_anon, nr_isolated_file, workingset_nodes, workingset_refault_anon, workingset_refault_file,
    workingset_activate_anon, workingset_activate_file, workingset_restore_anon, workingset_restore_file,
    workingset_nodereclaim, nr_anon_pages, nr_mapped, nr_file_pages, nr_dirty, nr_writeback,
    nr_writeback_temp, nr_shmem, nr_shmem_hugepages, nr_shmem_pmdmapped, nr_file_hugepages,
    nr_file_pmdmapped, nr_anon_transparent_hugepages, nr_vmscan_write, nr_vmscan_immediate_reclaim,
    nr_dirtied, nr_written, nr_throttled_written, nr_kernel_misc_reclaimable, nr_foll_pin_acquired,
    nr_foll_pin_released, nr_kernel_stack, nr_page_table_pages, nr_sec_page_table_pages, nr_swapcached,
    pgpromote_success, pgpromote_candidate, nr_dirty_threshold, nr_dirty_background_threshold, pgpgin,
    pgpgout, pswpin, pswpout, pgalloc_dma, pgalloc_dma32, pgalloc_normal, pgalloc_movable, allocstall_dma,
    allocstall_dma32, allocstall_normal, allocstall_movable, pgskip_dma, pgskip_dma32, pgskip_normal,
    pgskip_movable, pgfree, pgactivate, pgdeactivate, pglazyfree, pgfault, pgmajfault, pglazyfreed,
    pgrefill, pgreuse, pgsteal_kswapd, pgsteal_direct, pgdemote_kswapd, pgdemote_direct, pgscan_kswapd,
    pgscan_direct, pgscan_direct_throttle, pgscan_anon, pgscan_file, pgsteal_anon, pgsteal_file,
    zone_reclaim_failed, pginodesteal, slabs_scanned, kswapd_inodesteal, kswapd_low_wmark_hit_quickly,
    kswapd_high_wmark_hit_quickly, pageoutrun, pgrotated, drop_pagecache, drop_slab, oom_kill,
    numa_pte_updates, numa_huge_pte_updates, numa_hint_faults, numa_hint_faults_local, numa_pages_migrated,
    pgmigrate_success, pgmigrate_fail, thp_migration_success, thp_migration_fail, thp_migration_split,
    compact_migrate_scanned, compact_free_scanned, compact_isolated, compact_stall, compact_fail,
    compact_success, compact_daemon_wake, compact_daemon_migrate_scanned, compact_daemon_free_scanned,
    htlb_buddy_alloc_success, htlb_buddy_alloc_fail, cma_alloc_success, cma_alloc_fail,
    unevictable_pgs_culled, unevictable_pgs_scanned, unevictable_pgs_rescued, unevictable_pgs_mlocked,
    unevictable_pgs_munlocked, unevictable_pgs_cleared, unevictable_pgs_stranded, thp_fault_alloc,
    thp_fault_fallback, thp_fault_fallback_charge, thp_collapse_alloc, thp_collapse_alloc_failed,
    thp_file_alloc, thp_file_fallback, thp_file_fallback_charge, thp_file_mapped, thp_split_page,
    thp_split_page_failed, thp_deferred_split_page, thp_split_pmd, thp_scan_exceed_none_pte,
    thp_scan_exceed_swap_pte, thp_scan_exceed_share_pte, thp_zero_page_alloc, thp_zero_page_alloc_failed,
    thp_swpout, thp_swpout_fallback, balloon_inflate, balloon_deflate, balloon_migrate, swap_ra,
    swap_ra_hit, ksm_swpin_copy, cow_ksm, zswpin, zswpout,
    count_
};
// clang-format on

inline constexpr std::size_t nr_vm_items = static_cast<std::size_t>(vm_item::count_);
static_assert(nr_vm_items == 168);

// clang-format off
inline constexpr std::array<std::string_view, nr_vm_items> vm_item_names{
    "nr_free_pages", "nr_zone_inactive_anon", "nr_zone_active_anon", "nr_zone_inactive_file",
    "nr_zone_active_file", "nr_zone_unevictable", "nr_zone_write_pending", "nr_mlock", "nr_bounce",
    "nr_zspages", "nr_free_cma", "numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local",
    "numa_other", "nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file",
    "nr_unevictable", "nr_slab_reclaimable", "nr_slab_unreclaimable", "nr_isolated_anon",
    "nr_isolated_file", "workingset_nodes", "workingset_refault_anon", "workingset_refault_file",
    "workingset_activate_anon", "workingset_activate_file", "workingset_restore_anon",
    "workingset_restore_file", "workingset_nodereclaim", "nr_anon_pages", "nr_mapped", "nr_file_pages",
    "nr_dirty", "nr_writeback", "nr_writeback_temp", "nr_shmem", "nr_shmem_hugepages",
    "nr_shmem_pmdmapped", "nr_file_hugepages", "nr_file_pmdmapped", "nr_anon_transparent_hugepages",
    "nr_vmscan_write", "nr_vmscan_immediate_reclaim", "nr_dirtied", "nr_written", "nr_throttled_written",
    "nr_kernel_misc_reclaimable", "nr_foll_pin_acquired", "nr_foll_pin_released", "nr_kernel_stack",
    "nr_page_table_pages", "nr_sec_page_table_pages", "nr_swapcached", "pgpromote_success",
    "pgpromote_candidate", "nr_dirty_threshold", "nr_dirty_background_threshold", "pgpgin", "pgpgout",
    "pswpin", "pswpout", "pgalloc_dma", "pgalloc_dma32", "pgalloc_normal", "pgalloc_movable",
    "allocstall_dma", "allocstall_dma32", "allocstall_normal", "allocstall_movable", "pgskip_dma",
    "pgskip_dma32", "pgskip_normal", "pgskip_movable", "pgfree", "pgactivate", "pgdeactivate",
    "pglazyfree", "pgfault", "pgmajfault", "pglazyfreed", "pgrefill", "pgreuse", "pgsteal_kswapd",
    "pgsteal_direct", "pgdemote_kswapd", "pgdemote_direct", "pgscan_kswapd", "pgscan_direct",
    "pgscan_direct_throttle", "pgscan_anon", "pgscan_file", "pgsteal_anon", "pgsteal_file",
    "zone_reclaim_failed", "pginodesteal", "slabs_scanned", "kswapd_inodesteal",
    "kswapd_low_wmark_hit_quickly", "kswapd_high_wmark_hit_quickly", "pageoutrun", "pgrotated",
    "drop_pagecache", "drop_slab", "oom_kill", "numa_pte_updates", "numa_huge_pte_updates",
    "numa_hint_faults", "numa_hint_faults_local", "numa_pages_migrated", "pgmigrate_success",
    "pgmigrate_fail", "thp_migration_success", "thp_migration_fail", "thp_migration_split",
    "compact_migrate_scanned", "compact_free_scanned", "compact_isolated", "compact_stall", "compact_fail",
    "compact_success", "compact_daemon_wake", "compact_daemon_migrate_scanned",
    "compact_daemon_free_scanned", "htlb_buddy_alloc_success", "htlb_buddy_alloc_fail",
    "cma_alloc_success", "cma_alloc_fail", "unevictable_pgs_culled", "unevictable_pgs_scanned",
    "unevictable_pgs_rescued", "unevictable_pgs_mlocked", "unevictable_pgs_munlocked",
    "unevictable_pgs_cleared", "unevictable_pgs_stranded", "thp_fault_alloc", "thp_fault_fallback",
    "thp_fault_fallback_charge", "thp_collapse_alloc", "thp_collapse_alloc_failed", "thp_file_alloc",
    "thp_file_fallback", "thp_file_fallback_charge", "thp_file_mapped", "thp_split_page",
    "thp_split_page_failed", "thp_deferred_split_page", "thp_split_pmd", "thp_scan_exceed_none_pte",
    "thp_scan_exceed_swap_pte", "thp_scan_exceed_share_pte", "thp_zero_page_alloc",
    "thp_zero_page_alloc_failed", "thp_swpout", "thp_swpout_fallback", "balloon_inflate",
    "balloon_deflate", "balloon_migrate", "swap_ra", "swap_ra_hit", "ksm_swpin_copy", "cow_ksm", "zswpin",
    "zswpout"};
// clang-format on

[[nodiscard]] constexpr std::string_view vm_item_name(vm_item i) {
    return vm_item_names[static_cast<std::size_t>(i)];
}
// None if 6.1 prints no line of that name.
[[nodiscard]] std::optional<vm_item> vm_item_from_name(std::string_view name);

// Whether the item tells how many there are now, rather than how often something happened.
[[nodiscard]] bool is_gauge(vm_item i);

class vmstat {
public:
    void add(vm_item i, std::int64_t n = 1) { values_[index(i)] += n; }
    void set(vm_item i, std::uint64_t value) { values_[index(i)] = static_cast<std::int64_t>(value); }

    // A gauge that is momentarily below zero reads as 0, as in the kernel's file.
    [[nodiscard]] std::uint64_t operator[](vm_item i) const {
        const std::int64_t v = values_[index(i)];
        return v < 0 ? 0 : static_cast<std::uint64_t>(v);
    }
    [[nodiscard]] std::int64_t raw(vm_item i) const { return values_[index(i)]; }

    // Sets every event to 0 and leaves the gauges.
    void clear_events();

    friend vmstat operator-(const vmstat& after, const vmstat& before) {
        vmstat d;
        for (std::size_t i = 0; i < nr_vm_items; ++i) d.values_[i] = after.values_[i] - before.values_[i];
        return d;
    }
    friend bool operator==(const vmstat&, const vmstat&) = default;

private:
    [[nodiscard]] static constexpr std::size_t index(vm_item i) { return static_cast<std::size_t>(i); }

    std::array<std::int64_t, nr_vm_items> values_{};
};

// The item of a zone (0 DMA, 1 DMA32, 2 Normal, 3 Movable).
[[nodiscard]] constexpr vm_item pgalloc_item(unsigned zone_index) {
    return static_cast<vm_item>(static_cast<unsigned>(vm_item::pgalloc_dma) + zone_index);
}
[[nodiscard]] constexpr vm_item allocstall_item(unsigned zone_index) {
    return static_cast<vm_item>(static_cast<unsigned>(vm_item::allocstall_dma) + zone_index);
}
[[nodiscard]] constexpr vm_item pgskip_item(unsigned zone_index) {
    return static_cast<vm_item>(static_cast<unsigned>(vm_item::pgskip_dma) + zone_index);
}
static_assert(pgalloc_item(3) == vm_item::pgalloc_movable &&
              allocstall_item(3) == vm_item::allocstall_movable);
static_assert(pgskip_item(3) == vm_item::pgskip_movable);

// One line of /proc/vmstat. An older kernel prints one number where 6.1 has two (workingset_refault).
struct vmstat_line {
    std::string_view name;
    vm_item item;
    std::optional<vm_item> plus{};

    [[nodiscard]] std::uint64_t value(const vmstat& s) const { return s[item] + (plus ? s[*plus] : 0); }
};

// The lines of a kernel in its order, without nr_unstable: 168 of 6.1, 152 of 5.10, 145 of 5.8 (arm64,
// Debian's configuration).
[[nodiscard]] std::vector<vmstat_line> lines_of(vmstat_lines kernel);

// The text of /proc/vmstat: a line "name value" for each item, and nr_unstable.
[[nodiscard]] std::string format_vmstat(const vmstat& s, vmstat_lines kernel = vmstat_lines::of_6_1);

} // namespace pagesim
