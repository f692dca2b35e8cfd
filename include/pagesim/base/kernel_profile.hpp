// SPDX-License-Identifier: MIT
// What differs between kernels, as data.
//
// The code asks a profile by the name of the behaviour ("is a new anonymous page born active?"), never by a
// version number. Each field names the kernel function in which the difference sits. So a profile of one's
// own, half old and half new, is an experiment: what did each change do?
//
//     kernel_profile p = linux_6_1;
//     p.birth = new_anon_list::active;     // everything of 6.1 but where a page starts
//
// `linux_6_1` is Debian 12's 6.1 with the classic two-list LRU, `linux_5_10` is Debian 11's 5.10.223 (with what
// its maintainers took over from later kernels), `linux_5_8` is 5.8.1. The great change is that 5.9 made
// anonymous pages prove themselves as file pages always had to: they start inactive, need two references to
// be activated, and are judged by their refault distance when they come back from swap. So 5.10 is 6.1 in how
// pages age, and still 5.8 in how memory is allocated and how reclaim waits.
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>
#include <string_view>

namespace pagesim {

// Where a new anonymous page starts (lru_cache_add_{active,inactive}_or_unevictable).
enum class new_anon_list : std::uint8_t { active, inactive };
// What one young mapping does to an anonymous page on the inactive list (page_check_references).
enum class anon_reference_rule : std::uint8_t { activate_at_once, second_chance };
// Whether swap-cache eviction leaves a shadow that a later swap-in is judged by (workingset_eviction,
// mm/workingset.c).
enum class anon_refault : std::uint8_t { ignored, detected };
// Whether an eviction's own tick of the clock is in its shadow (workingset_eviction).
enum class shadow_sample : std::uint8_t { after_the_tick, before_the_tick };
// Where a page from swap goes: activated when it is mapped, if it is on a list by then, and marked
// workingset when it went through the swap cache (5.8); or as its refault distance says (6.1), in 5.10 with
// that mark all the same (do_swap_page, __read_swap_cache_async).
enum class swap_in_placement : std::uint8_t {
    activated_once_mapped,
    by_distance_marked_workingset,
    by_refault_distance
};
// Which swap-ins raise the cost of anonymous pages (lru_note_cost).
enum class swap_in_cost : std::uint8_t { of_each_page, of_restored_pages };
// When active anonymous pages may be deactivated (shrink_node, prepare_scan_count).
enum class anon_deactivation : std::uint8_t { if_inactive_is_low, or_if_activations_moved };
// Who finds out that a locked range maps the page (page_check_references, try_to_unmap).
enum class locked_range_rule : std::uint8_t { unmap, reference_check };
// How a page gets to the unevictable list and back: taken off its list at once and put back by way of lru_add
// (mlock_vma_page, munlock_vma_page), or through a batch of its own (mlock_folio, munlock_page; mm/mlock.c).
enum class mlock_rule : std::uint8_t { at_once, in_batches };
// What try_to_unmap does about a descriptor that is young again.
enum class unmap_of_young : std::uint8_t { refuses, ignores };
// Which page of MADV_FREE reclaim may discard: one that is clean, or only if nobody but its mappings holds it as well
// (try_to_unmap_one).
enum class lazyfree_rule : std::uint8_t { clean, clean_and_unheld };
// Who may write to a page in place: one user by map and swap counts (5.8); in 5.10 that for the store that
// swaps in, and later only who holds the sole reference, which a page in the swap cache or in a batch has
// not; or whose mark says so (6.1) (reuse_swap_page, do_wp_page, PageAnonExclusive; mm/memory.c).
enum class anon_reuse : std::uint8_t { by_mapcount, by_refcount, by_exclusive_mark };
// Whether a forked child may take over an inherited anon_vma: one that fewer than two use, as anon_vma or as parent,
// and that is not its parent's; or one that no range uses and fewer than two have as parent (anon_vma_clone).
enum class anon_vma_reuse : std::uint8_t { by_degree, if_abandoned };
// Whether mprotect makes a dirty page writable at once if it is exclusive (can_change_pte_writable).
enum class protect_exclusive : std::uint8_t { stays_read_only, becomes_writable };
// Whether shrink_lruvec, once adjusted, scans the larger type to its end or stops after one more round.
enum class proportional_stop : std::uint8_t { scans_remainder, re_evaluates };
// What a zone without reclaimable pages counts as reclaimable (zone_reclaimable_pages; 6.1.124 and later).
enum class nothing_reclaimable : std::uint8_t { is_nothing, is_the_free_pages };
// How reclaim waits (congestion_wait, wait_iff_congested; reclaim_throttle).
enum class throttle_rule : std::uint8_t { congestion_wait, reclaim_throttle };
// Who learns how hard reclaim finds it: a kernel worker each time that 512 pages were scanned, or, while memory cgroups
// are off, nobody (vmpressure).
enum class vmpressure_rule : std::uint8_t { tells_a_worker, is_off };
// Who empties the per-CPU lists for an allocation that failed after direct reclaim: a kernel worker, for which the task
// waits, or the task itself (drain_all_pages; 6.0 and later).
enum class pcp_drain : std::uint8_t { by_a_worker, in_place };
// When the pages of a slab of bios are free again (bio_find_or_create_slab, block/bio.c).
enum class bio_slab : std::uint8_t { freed_at_once, freed_after_grace_period };
// When an idle CPU without idle states stops its tick, and folds what it has gathered of counters: at once, or when a
// tick has found it idle (cpuidle_idle_call, kernel/sched/idle.c; quiet_vmstat, mm/vmstat.c).
enum class idle_tick : std::uint8_t { stops_at_once, stops_after_one };
// Whether zram forgets a page that is read into the swap cache for its only user (swap_slot_free_notify).
enum class zram_read : std::uint8_t { drops_copy, keeps_copy };
// pcp->high: a multiple of the batch, or a share of the low watermark (zone_set_pageset_high_and_batch).
enum class pcp_high_rule : std::uint8_t { six_batches, low_watermark };
// When the next allocation is to wake kswapd because a pageblock was broken into (steal_suitable_fallback).
enum class boosted_flag : std::uint8_t { at_every_steal, if_boosted };
// Which page tables nr_page_table_pages counts.
enum class counted_tables : std::uint8_t { pte, pmd_and_pte };
// Which descriptors ptep_clear_flush flushes (arm64: pte_accessible).
enum class clear_flush : std::uint8_t { young, any_valid };
// After which faults ptep_set_access_flags flushes (arm64).
enum class access_flags_flush : std::uint8_t { every_change, stores };
// When a writer that must be made to wait starts background writeback, and until when the device counts as beyond its
// limit: after it waited, and until the next time somebody need not (5.8); or before it is decided, and until somebody
// who waits finds it within (balance_dirty_pages).
enum class dirty_balance : std::uint8_t { writeback_started_last, writeback_started_first };
// When a device's write bandwidth is estimated anew, beside by writers that wait: in each round of the flusher, leaving
// out quiet times, or with each file written and 200 ms after the last of its pages (wb_update_bandwidth).
enum class bandwidth_updates : std::uint8_t { by_flusher_rounds, by_files };
// What invalidation (drop_caches, FADV_DONTNEED) does with pages under writeback: hastens their reclaim, or leaves
// them alone (invalidate_mapping_pages, find_lock_entries).
enum class invalidation : std::uint8_t { deactivates_written, skips_written };
// Whether a readahead window that goes on may become smaller than the last one (ondemand_readahead; 6.1.124).
enum class next_window_rule : std::uint8_t { by_size, never_smaller };
// How a read from the page cache marks pages as accessed and where it says it ended: page by page, but a page once for
// reads that continue in it (generic_file_buffered_read), or by batches of 15 (filemap_read).
enum class file_read_rule : std::uint8_t { page_by_page, in_batches };
// Whether pages that fault-around maps beside the wanted one are young on a CPU with hardware access flag
// (arch_wants_old_prefaulted_pte).
enum class prefault_age : std::uint8_t { young, old_if_hardware_ages };
// Where a mapping of 2 MiB or more of a file begins: below the others as any does, or at a multiple of 2 MiB, whose
// block descriptors it could use (thp_get_unmapped_area; since 5.18 not for DAX alone).
enum class file_mapping_place : std::uint8_t { below_others, at_pmd };
// What a fault that dirtied a shared page returns after it may have been throttled (fault_dirty_shared_page): it is
// tried again, and counts again, or it is complete.
enum class dirty_fault_end : std::uint8_t { retries, completes };
// The badness of a process that may be killed: never below one, or whatever comes out (oom_badness; 5.9).
enum class oom_score : std::uint8_t { at_least_one, may_be_negative };
// When the OOM reaper begins (queue_oom_reaper; 5.18, and 5.10 took it over).
enum class reaper_start : std::uint8_t { at_once, after_two_seconds };
// Whether it leaves locked ranges alone (__oom_reap_task_mm).
enum class reaped_ranges : std::uint8_t { not_locked, locked_too };
// Where a swap entry's type begins in a descriptor, and whether bit 2 says "was exclusive" (arm64: __SWP_TYPE_SHIFT,
// PTE_SWP_EXCLUSIVE).
enum class swap_pte_layout : std::uint8_t { type_at_bit_2, type_at_bit_3 };
// Whether the descriptor of a page that moved is old, or as young as it was (remove_migration_pte; 6.1 has room for the
// access flag in its migration entries).
enum class migrated_age : std::uint8_t { old, kept };
// When a moved page goes to the lists: once its descriptors name it, by way of the batch, or before them and at once
// (unmap_and_move; __unmap_and_move).
enum class migrated_page_list : std::uint8_t { after_mapping, before_mapping };
// Whether kcompactd compacts unasked when free memory is scattered (5.9): absent; in 5.10 it skips the next 64 turns after
// one that helped nothing, in 6.1 it sleeps as long (kcompactd).
enum class proactive_compaction : std::uint8_t { absent, skips_turns, sleeps_longer };
// What limits the slabs with room that a CPU keeps to itself: the objects free in them, or their number (put_cpu_partial;
// 5.16).
enum class cpu_partial_rule : std::uint8_t { by_objects, by_slabs };
// How much of what a shrinker left undone a later call takes on (do_shrink_slab; 5.13).
enum class shrinker_backlog : std::uint8_t { whole, cut_by_priority };
// When drop_caches has had enough of objects: ten or less were freed, or, round by round, less than twice as much as
// before (drop_slab_node; 5.14).
enum class drop_slab_end : std::uint8_t { ten_freed, doubling };
// Which lines /proc/vmstat has.
enum class vmstat_lines : std::uint8_t { of_5_8, of_5_10, of_6_1 };

struct kernel_profile {
    std::string_view name;
    new_anon_list birth;
    anon_reference_rule anon_references;
    anon_refault anon_refaults;
    shadow_sample shadow;
    swap_in_placement swap_in;
    swap_in_cost swap_in_costs;
    anon_deactivation deactivation;
    locked_range_rule locked_ranges;
    mlock_rule mlocks;
    unmap_of_young unmap_young;
    lazyfree_rule lazyfree;
    anon_reuse reuse;
    anon_vma_reuse anon_vmas;
    protect_exclusive mprotect;
    proportional_stop stop;
    nothing_reclaimable reclaimable;
    throttle_rule throttling;
    vmpressure_rule vmpressure;
    pcp_drain drain;
    idle_tick idling;
    bio_slab bio_slabs;
    zram_read zram_reads;
    pcp_high_rule pcp_high;
    boosted_flag boosted;
    counted_tables tables;
    clear_flush unmap_flush;
    access_flags_flush access_flush;
    dirty_balance balance;
    bandwidth_updates bandwidth;
    invalidation invalidate;
    next_window_rule next_window;
    file_read_rule file_reads;
    prefault_age prefaults;
    file_mapping_place file_mappings;
    dirty_fault_end dirty_faults;
    oom_score oom_scores;
    reaper_start oom_reaper;
    reaped_ranges reaped;
    swap_pte_layout swap_pte;
    unsigned max_swapfiles; // swap areas at once (MAX_SWAPFILES without device-private memory)
    migrated_age migrated;
    migrated_page_list migrated_to_list;
    proactive_compaction proactive;
    cpu_partial_rule cpu_partial;
    unsigned plug_requests; // a plug with as many is flushed by the next (BLK_MAX_REQUEST_COUNT)
    shrinker_backlog backlog;
    drop_slab_end drop_slab;
    vmstat_lines vmstat;
};

// Whether nr_page_table_pages counts a table of that level (3: the last).
[[nodiscard]] constexpr bool counts_table(const kernel_profile& profile, int level) {
    return level == 3 || (level == 2 && profile.tables == counted_tables::pmd_and_pte);
}

// The multiple of pages at which mappings of files begin that are as large; 1: any.
[[nodiscard]] constexpr page_count file_mapping_alignment(const kernel_profile& profile) {
    constexpr page_count pmd{512};
    return profile.file_mappings == file_mapping_place::at_pmd ? pmd : page_count{1};
}

inline constexpr kernel_profile linux_5_8{
    .name = "5.8",
    .birth = new_anon_list::active,
    .anon_references = anon_reference_rule::activate_at_once,
    .anon_refaults = anon_refault::ignored,
    .shadow = shadow_sample::after_the_tick,
    .swap_in = swap_in_placement::activated_once_mapped,
    .swap_in_costs = swap_in_cost::of_each_page,
    .deactivation = anon_deactivation::if_inactive_is_low,
    .locked_ranges = locked_range_rule::unmap,
    .mlocks = mlock_rule::at_once,
    .unmap_young = unmap_of_young::refuses,
    .lazyfree = lazyfree_rule::clean,
    .reuse = anon_reuse::by_mapcount,
    .anon_vmas = anon_vma_reuse::by_degree,
    .mprotect = protect_exclusive::stays_read_only,
    .stop = proportional_stop::scans_remainder,
    .reclaimable = nothing_reclaimable::is_nothing,
    .throttling = throttle_rule::congestion_wait,
    .vmpressure = vmpressure_rule::tells_a_worker,
    .drain = pcp_drain::by_a_worker,
    .idling = idle_tick::stops_at_once,
    .bio_slabs = bio_slab::freed_at_once,
    .zram_reads = zram_read::drops_copy,
    .pcp_high = pcp_high_rule::six_batches,
    .boosted = boosted_flag::at_every_steal,
    .tables = counted_tables::pte,
    .unmap_flush = clear_flush::young,
    .access_flush = access_flags_flush::every_change,
    .balance = dirty_balance::writeback_started_last,
    .bandwidth = bandwidth_updates::by_flusher_rounds,
    .invalidate = invalidation::deactivates_written,
    .next_window = next_window_rule::by_size,
    .file_reads = file_read_rule::page_by_page,
    .prefaults = prefault_age::young,
    .file_mappings = file_mapping_place::below_others,
    .dirty_faults = dirty_fault_end::retries,
    .oom_scores = oom_score::at_least_one,
    .oom_reaper = reaper_start::at_once,
    .reaped = reaped_ranges::not_locked,
    .swap_pte = swap_pte_layout::type_at_bit_2,
    .max_swapfiles = 29,
    .migrated = migrated_age::old,
    .migrated_to_list = migrated_page_list::after_mapping,
    .proactive = proactive_compaction::absent,
    .cpu_partial = cpu_partial_rule::by_objects,
    .plug_requests = 16,
    .backlog = shrinker_backlog::whole,
    .drop_slab = drop_slab_end::ten_freed,
    .vmstat = vmstat_lines::of_5_8,
};

inline constexpr kernel_profile linux_5_10{
    .name = "5.10",
    .birth = new_anon_list::inactive,
    .anon_references = anon_reference_rule::second_chance,
    .anon_refaults = anon_refault::detected,
    .shadow = shadow_sample::after_the_tick,
    .swap_in = swap_in_placement::by_distance_marked_workingset,
    .swap_in_costs = swap_in_cost::of_restored_pages,
    .deactivation = anon_deactivation::or_if_activations_moved,
    .locked_ranges = locked_range_rule::unmap,
    .mlocks = mlock_rule::at_once,
    .unmap_young = unmap_of_young::ignores,
    .lazyfree = lazyfree_rule::clean_and_unheld,
    .reuse = anon_reuse::by_refcount,
    .anon_vmas = anon_vma_reuse::if_abandoned,
    .mprotect = protect_exclusive::stays_read_only,
    .stop = proportional_stop::re_evaluates,
    .reclaimable = nothing_reclaimable::is_nothing,
    .throttling = throttle_rule::congestion_wait,
    .vmpressure = vmpressure_rule::tells_a_worker,
    .drain = pcp_drain::by_a_worker,
    .idling = idle_tick::stops_at_once,
    .bio_slabs = bio_slab::freed_at_once,
    .zram_reads = zram_read::keeps_copy,
    .pcp_high = pcp_high_rule::six_batches,
    .boosted = boosted_flag::if_boosted,
    .tables = counted_tables::pte,
    .unmap_flush = clear_flush::any_valid,
    .access_flush = access_flags_flush::stores,
    .balance = dirty_balance::writeback_started_last,
    .bandwidth = bandwidth_updates::by_flusher_rounds,
    .invalidate = invalidation::deactivates_written,
    .next_window = next_window_rule::by_size,
    .file_reads = file_read_rule::page_by_page,
    .prefaults = prefault_age::young,
    .file_mappings = file_mapping_place::below_others,
    .dirty_faults = dirty_fault_end::retries,
    .oom_scores = oom_score::may_be_negative,
    .oom_reaper = reaper_start::after_two_seconds,
    .reaped = reaped_ranges::not_locked,
    .swap_pte = swap_pte_layout::type_at_bit_2,
    .max_swapfiles = 29,
    .migrated = migrated_age::old,
    .migrated_to_list = migrated_page_list::after_mapping,
    .proactive = proactive_compaction::skips_turns,
    .cpu_partial = cpu_partial_rule::by_objects,
    .plug_requests = 16,
    .backlog = shrinker_backlog::whole,
    .drop_slab = drop_slab_end::ten_freed,
    .vmstat = vmstat_lines::of_5_10,
};

inline constexpr kernel_profile linux_6_1{
    .name = "6.1",
    .birth = new_anon_list::inactive,
    .anon_references = anon_reference_rule::second_chance,
    .anon_refaults = anon_refault::detected,
    .shadow = shadow_sample::before_the_tick,
    .swap_in = swap_in_placement::by_refault_distance,
    .swap_in_costs = swap_in_cost::of_restored_pages,
    .deactivation = anon_deactivation::or_if_activations_moved,
    .locked_ranges = locked_range_rule::reference_check,
    .mlocks = mlock_rule::in_batches,
    .unmap_young = unmap_of_young::ignores,
    .lazyfree = lazyfree_rule::clean_and_unheld,
    .reuse = anon_reuse::by_exclusive_mark,
    .anon_vmas = anon_vma_reuse::if_abandoned,
    .mprotect = protect_exclusive::becomes_writable,
    .stop = proportional_stop::re_evaluates,
    .reclaimable = nothing_reclaimable::is_the_free_pages,
    .throttling = throttle_rule::reclaim_throttle,
    .vmpressure = vmpressure_rule::is_off,
    .drain = pcp_drain::in_place,
    .idling = idle_tick::stops_after_one,
    .bio_slabs = bio_slab::freed_after_grace_period,
    .zram_reads = zram_read::keeps_copy,
    .pcp_high = pcp_high_rule::low_watermark,
    .boosted = boosted_flag::if_boosted,
    .tables = counted_tables::pmd_and_pte,
    .unmap_flush = clear_flush::any_valid,
    .access_flush = access_flags_flush::stores,
    .balance = dirty_balance::writeback_started_first,
    .bandwidth = bandwidth_updates::by_files,
    .invalidate = invalidation::skips_written,
    .next_window = next_window_rule::never_smaller,
    .file_reads = file_read_rule::in_batches,
    .prefaults = prefault_age::old_if_hardware_ages,
    .file_mappings = file_mapping_place::at_pmd,
    .dirty_faults = dirty_fault_end::completes,
    .oom_scores = oom_score::may_be_negative,
    .oom_reaper = reaper_start::after_two_seconds,
    .reaped = reaped_ranges::locked_too,
    .swap_pte = swap_pte_layout::type_at_bit_3,
    .max_swapfiles = 26,
    .migrated = migrated_age::kept,
    .migrated_to_list = migrated_page_list::before_mapping,
    .proactive = proactive_compaction::sleeps_longer,
    .cpu_partial = cpu_partial_rule::by_slabs,
    .plug_requests = 32,
    .backlog = shrinker_backlog::cut_by_priority,
    .drop_slab = drop_slab_end::doubling,
    .vmstat = vmstat_lines::of_6_1,
};

} // namespace pagesim
