// SPDX-License-Identifier: MIT
// What a fault needs beside what reclaim needs, and where it keeps its place.
#pragma once

#include <pagesim/cache/balance_dirty_pages.hpp>
#include <pagesim/fault/read_ahead.hpp>
#include <pagesim/fault/swapin.hpp>
#include <pagesim/mm/mm.hpp>
#include <pagesim/mmu/mmu.hpp>
#include <pagesim/reclaim/alloc_slowpath.hpp>

namespace pagesim {

struct fault_context {
    const reclaim_context& rc;
    tlb_domain& tlbs;
    bdi_writeback& bdi;         // of all files
    pfn zero_page;              // the one frame that every read of untouched memory shares; it is on no list
    bool hardware_ages = false; // the CPU sets access flags by itself
};

// What the pages of a range are mapped with until they are stored to (kernel: vma_set_page_prot()). The file system wants
// to know of the first store to a shared page of a file; nobody does for shared memory.
[[nodiscard]] page_prot vma_page_prot(const fault_context& fc, const vma& range);

enum class fault_outcome : std::uint8_t {
    resolved,      // the access runs again and will get further
    out_of_memory, // nothing could be freed: somebody must die
    map_error,     // no range holds the address: SIGSEGV, SEGV_MAPERR
    access_error,  // its range does not allow the access: SIGSEGV, SEGV_ACCERR
    bus_error,     // beyond the end of the file, or its device failed: SIGBUS
};

// One fault, from the exception to its return. A fault may wait for memory and for I/O in between.
struct fault_cursor {
    enum class phase : std::uint8_t {
        begin,          // count it, find the range
        tables,         // the page tables on the way
        anonymous,      // a first touch needs a frame
        copy,           // a write to a shared page needs a frame
        swap_lookup,    // is the page still in the swap cache?
        swap_sync,      // a frame for a read that bypasses the swap cache
        swap_sync_read, // that read
        swap_read,      // frames for the page and its neighbours
        swap_wait,      // the read is in flight; then map
        swap_retry,     // the read is in flight; then the whole fault again
        file_cow,       // a private copy of a file's page needs a frame
        file_begin,     // is the page in the cache?
        file_ahead,     // a readahead window is carried out
        file_find,      // the page that was to be read, or it alone
        file_lock,      // its lock
        file_wp,        // the lock of a page that becomes writable
        file_dirtied,   // a shared page was dirtied
        shmem_lookup,   // what does the shared memory's slot hold?
        shmem_alloc,    // a frame of zeros
        shmem_read,     // from swap
        shmem_lock,     // the page's lock
    };
    phase at = phase::begin;
    vpn where{0};
    access_kind kind = access_kind::read;
    vma* range = nullptr;
    std::uint64_t original = 0; // the descriptor as the fault found it (vmf->orig_pte)
    bool tried = false;         // FAULT_FLAG_TRIED: the fault runs for the second time
    bool major = false;
    alloc_cursor alloc;

    // Swap-in.
    swap_entry entry;
    page* target = nullptr; // with a reference of the fault
    bool bypass = false;    // the page is not in the swap cache; its slot carries our mark
    swapin_cursor swap_in;

    // Files (target too).
    read_ahead_cursor ahead;
    bool dropped = false;          // the fault gave up the address space's lock, so it starts again
    page* cow = nullptr;           // the frame for a private copy
    bool throttles = false;        // what was dirtied may make the task wait
    task_dirty* dirtier = nullptr; // who pays for pages dirtied; null: nobody
    dirty_balance_cursor balance;

    fault_outcome outcome = fault_outcome::resolved;

    [[nodiscard]] bool active() const { return at != phase::begin || tried; }
    [[nodiscard]] bool is_write() const { return kind == access_kind::write; }
};

} // namespace pagesim
