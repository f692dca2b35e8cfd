// SPDX-License-Identifier: MIT
// What things cost: the one table of CPU time.
//
// Every figure is nanoseconds of one CPU. The defaults are instruction counts of Linux 6.1 on arm64,
// measured with one instruction = one nanosecond (no cache or memory latency), so simulated time compares
// with a kernel that runs under instruction-counted time. The hardware part (second-level TLB, walk steps)
// is 0 by default for the same reason; give it values for a machine whose walks cost something.
//
// A path's cost is the sum of its pieces: a first write to anonymous memory is fault_entry + anon_fault, plus
// pcp_refill each time the per-CPU list runs empty and lru_drain_page for each page of a full batch.
#pragma once

#include <pagesim/base/units.hpp>

namespace pagesim {

struct cost_table {
    // The user's side.
    sim_duration instruction{1}; // one instruction of the workload
    sim_duration tlb_l2_hit{0};  // translation found in the second-level TLB
    sim_duration walk_step{0};   // one descriptor fetched by the walker

    // Faults.
    sim_duration fault_entry{570};       // exception and handler frame
    sim_duration anon_fault{1577};       // do_anonymous_page: allocate, zero, map
    sim_duration zero_page_fault{442};   // read of untouched memory
    sim_duration access_flag_fault{421}; // set AF, read
    sim_duration dirty_fault{430};       // set AF or clear AP[2], write
    sim_duration wp_reuse{584};          // write to a page that is ours alone
    sim_duration wp_copy{1788};          // write to a shared or zero page
    sim_duration swap_cache_hit{1413};   // map a page found in the swap cache
    sim_duration swap_in_sync{3979};     // do_swap_page without the read itself
    sim_duration swap_read_sync{2567};   // decompress a page of almost nothing
    sim_duration swap_in_submit{4700};   // one page of a read: allocate, insert, submit
    sim_duration swap_in_map{3850};      // map the page that was waited for
    sim_duration page_table_alloc{900};  // one page of descriptors
    sim_duration unmap_page{1100};       // munmap or exit, a page
    sim_duration zap_swap_entry{303};    // munmap, exit or MADV_DONTNEED, a page in swap, beside slot_return
    sim_duration unmap_file_page{355};   // the same of a file page
    sim_duration madvise_call{15500};    // madvise without its pages
    sim_duration dontneed_page{1050};    // each advice, a page
    sim_duration dontneed_file_page{345};
    sim_duration advise_cold{126};
    sim_duration advise_free{357};    // without draining the batch
    sim_duration pageout_advice{380}; // beside what reclaim's pieces cost (process/madvise.hpp)
    sim_duration lock_call{
        15000}; // mlock or munlock without its pages (as mmap and madvise; not measured alone)
    sim_duration map_call{15000};    // mmap, brk, mremap, mprotect without their pages (mmap measured)
    sim_duration populate_page{320}; // mlock, a page, above the fault that brings it
    sim_duration mlock_page{680};    // mlock, a page that moves to the unevictable list
    sim_duration munlock_page{648};  // munlock, a page

    // Files written back.
    sim_duration write_file_page{3600}; // fsync, a dirty page, with the end of its write
    sim_duration flusher_run{5000};     // a kernel worker comes and goes
    sim_duration writeback_call{
        10500}; // fsync, fadvise and the like without their pages (as pwrite; not measured alone)
    sim_duration invalidate_page{0}; // not measured on its own
    // Files.
    sim_duration file_fault{107};         // do_fault, without the pages it maps
    sim_duration fault_around_page{560};  // a cached page that it maps
    sim_duration file_fault_retry{5700};  // the fault gives up its lock to read, and starts again
    sim_duration async_fault_retry{3400}; // the same where the page was there and only more is read ahead
    sim_duration page_mkwrite{2570};      // a shared page becomes writable: the file system, dirtying
    sim_duration dirty_fault_retry{70};   // before 6.1: a fault that dirtied such a page starts again
    sim_duration mkclean_page{850};       // the walk over the mappings of a page that will be written
    sim_duration readahead_page{2784};    // allocate, insert, and on pmem copy
    sim_duration readahead_call{2955};    // beside them, each window
    sim_duration file_refault{340};       // beside these, a page that was evicted before
    sim_duration read_call{10800};        // read(2) without its pages
    sim_duration read_page{1441};         // a page that is cached
    sim_duration write_call{10500};       // write(2) without its pages
    sim_duration write_page{2925};        // a page that was clean
    sim_duration write_page_new{4850};    // a page that was not there
    sim_duration create_buffers{680};     // beside these, a page's first buffer heads
    sim_duration write_page_dirty{2600};  // a page that was dirty already

    // Frames and lists.
    sim_duration pcp_refill{1700};      // one bulk from the buddy lists
    sim_duration lru_drain_page{300};   // one page of a batch
    sim_duration activate_page{320};    // beside that, a page of a batch that becomes active
    sim_duration rotate_page{160};      // or that goes to the tail, in the interrupt that ends its write
    sim_duration activate_refault{105}; // a page that comes back soon enough to be active
    sim_duration new_slab{9800};        // a slab for a cache of small objects
    sim_duration slab_object{77};       // beside that, each object in it
    sim_duration alloc_slow_path{315};  // an allocation that found free < low
    sim_duration slot_refill{22000};    // 64 swap slots taken
    sim_duration slot_return{75000};    // 64 swap slots given back

    // Reclaim.
    sim_duration isolate_list{226};
    sim_duration isolate_page{125};
    sim_duration putback_page{270};
    sim_duration shrink_lruvec{450};
    sim_duration shrink_batch{500};
    sim_duration shrink_node{6200};       // with the walk over the slab shrinkers
    sim_duration shrink_active_list{344}; // beside isolate_list: 570 in all
    sim_duration deactivate_page{143}; // beside isolation, the reference check and the way back: 1211 in all
    sim_duration judge_page{220};      // the loop of shrink_page_list, lock and tests
    sim_duration page_referenced{673}; // reference check of a mapped page
    sim_duration page_referenced_file{628}; // the same of a file page
    sim_duration add_to_swap{1050};
    sim_duration try_to_unmap{1180};
    sim_duration try_to_unmap_file{850}; // one descriptor of a file page
    sim_duration pageout_sync{9480};     // compress and store a page of almost nothing
    // Beside these, of a page that compresses to more than 110 bytes (lz4; measured at 200, 955 and 1884).
    sim_duration compress_64_bytes{1395}; // of them
    sim_duration decompress_more{400};    // once
    sim_duration decompress_64_bytes{132};
    sim_duration pageout_submit{2520};   // build and queue a write
    sim_duration pageout_file{3600};     // one page to its file, as fsync writes it
    sim_duration remove_mapping{1090};   // ftrace of swap on null_blk, where it comes long after the write
    sim_duration remove_file_page{1128}; // out of the page cache, with its share of freeing frames in bulk
    sim_duration free_page{430};
    sim_duration under_writeback{0};    // met while still being written (not measured on its own)
    sim_duration end_writeback{860};    // in the interrupt, a page
    sim_duration io_interrupt{3400};    // one completed request
    sim_duration throttled_write{9000}; // before it sleeps: a kernel worker submits its plug (ftrace of 6.1)
    sim_duration try_to_free_pages{1800}; // entry and exit of one direct reclaim
    sim_duration balance_pgdat{260};
    sim_duration balance_round{244};
    sim_duration kswapd_sleep_wake{3700}; // outside balance_pgdat, once a wake

    // Compaction (ftrace of 6.1: what lies between two of its events).
    sim_duration compact_scan{70};          // a page that cannot be moved
    sim_duration compact_isolate_page{515}; // one that can
    sim_duration compact_free_scan{27};     // a page in use, when looking for free ones
    sim_duration compact_free_block{240};   // a free block taken
    sim_duration compact_free_page{80};     // each of its pages
    sim_duration migrate_page{4500};        // unmap, copy, map
    sim_duration compact_round{1500};       // choosing a pageblock, and looking whether it is done
    sim_duration kcompactd_turn{2500};      // woken, or by its timer, without what it does then

    // Scheduling.
    sim_duration wake_up{1650}; // in the waker
    sim_duration switch_preempted{1250};
    sim_duration switch_sleep{2250};
    sim_duration tick{7000};         // the 250 Hz tick with its softirq
    sim_duration rcu_sched{3800};    // one turn of the rcu_sched thread
    sim_duration kworker_turn{3100}; // one turn of a kernel worker, as vmpressure wakes it (measured on 5.10)
};

// What was measured of 5.10 apart, in the same way. An exception costs 275 less to enter and leave, a system call 9.8 µs
// less; swapping a page out and in costs more. The rest is 6.1's.
inline constexpr cost_table costs_of_linux_5_10{.fault_entry = sim_duration{295},
                                                .anon_fault = sim_duration{1600},
                                                .zero_page_fault = sim_duration{396},
                                                .access_flag_fault = sim_duration{379},
                                                .wp_reuse = sim_duration{603},
                                                .swap_cache_hit = sim_duration{1299},
                                                .swap_in_sync = sim_duration{4855},
                                                .swap_in_submit = sim_duration{5020},
                                                .swap_in_map = sim_duration{12000},
                                                .unmap_page = sim_duration{1350},
                                                .zap_swap_entry = sim_duration{449},
                                                .dontneed_page = sim_duration{1342},
                                                .pageout_advice = sim_duration{434},
                                                .populate_page = sim_duration{490},
                                                .mlock_page = sim_duration{632},
                                                .munlock_page = sim_duration{805},
                                                .fault_around_page = sim_duration{412},
                                                .file_fault_retry = sim_duration{6600},
                                                .async_fault_retry = sim_duration{9100},
                                                .page_mkwrite = sim_duration{2470},
                                                .mkclean_page = sim_duration{1058},
                                                .readahead_page = sim_duration{2897},
                                                .readahead_call = sim_duration{3158},
                                                .file_refault = sim_duration{555},
                                                .read_call = sim_duration{1000},
                                                .read_page = sim_duration{1644},
                                                .write_call = sim_duration{1000},
                                                .write_page = sim_duration{3130},
                                                .write_page_new = sim_duration{5038},
                                                .create_buffers = sim_duration{694},
                                                .isolate_page = sim_duration{156},
                                                .putback_page = sim_duration{399},
                                                .page_referenced = sim_duration{700},
                                                .add_to_swap = sim_duration{1562},
                                                .pageout_sync = sim_duration{9352},
                                                .pageout_submit = sim_duration{2390},
                                                .remove_mapping = sim_duration{1207},
                                                .remove_file_page = sim_duration{1421},
                                                .compact_scan = sim_duration{107},
                                                .compact_isolate_page = sim_duration{563},
                                                .migrate_page = sim_duration{5000}};

} // namespace pagesim
