// SPDX-License-Identifier: MIT
// What a frame is right now, and which states are legal.
//
// A struct page does not say what its frame is used for; flags, counts and links together do. state_of()
// reads them, is_legal() tells whether they fit together. An anonymous page goes around like this (Linux
// 6.1, an asynchronous swap device, one process; r is the reference count, m the raw map count):
//
//       buddy block --> per-CPU list --> allocated              r 1, m -1, no flags
//            ^               ^               |  write fault: descriptor points at it
//            |   overflow    |               v
//            +---------------+      waits in the LRU-add batch  r 2 (descriptor, batch), m 0, uptodate swapbacked
//                            |               |  15th page of the batch arrives
//                            |               v
//                            |      inactive list, head         r 1, m 0, + lru
//                            |          |        |  scanned, was young: referenced is set; to the head again
//                            |          |        |  scanned, young a second time: to the active list; from its tail
//                            |          |        |  it comes back here one day, marked workingset
//                            |          v  scanned at the tail, not young
//                            |      isolated                    r 2 (descriptor, isolation), m 0, lru gone
//                            |          |  add_to_swap: gets a slot
//                            |          v
//                            |      in the swap cache           r 3, m 0, + locked dirty swapcache
//                            |          |  try_to_unmap: the descriptor becomes a swap entry
//                            |          v
//                            |      unmapped                    r 2 (isolation, swap cache), m -1
//                            |          |  pageout: the write is submitted
//                            |          v
//                            |      under writeback             r 2, + writeback reclaim, dirty and locked gone
//                            |          |  put back at the head of the inactive list: isolation's reference dropped
//                            |          v
//                            |      on the list, being written  r 1 (swap cache), + lru
//                            |          |  I/O ends: reclaim, then writeback cleared; by way of the rotate batch (r 2)
//                            |          v
//                            |      inactive list, tail         r 1, m -1: clean, and in swap
//                            |          |  next scan isolates it: r 2; nothing left to unmap or to write
//                            |          v
//                            +----- frozen                      r 0: out of the swap cache, a shadow stays in the slot
//
// A synchronous device (zram) ends the write inside pageout: reclaim and writeback are gone before the page
// could be put back, and the same scan freezes and frees it. If the page is touched while it is in the swap
// cache, the descriptor points at it again, without any I/O.
//
// The rules that hold at every moment in which no kernel code runs:
//   - a frame with references is not free, and a free frame has no references, no mapping, no flags but buddy or pcp;
//   - every descriptor that maps a page and the swap cache hold a reference each, so refcount >= mapcount + swapcache;
//   - PG_lru is set exactly while the page is linked on one of the five lists; a list itself holds no reference.
//
// Left out: pages of files, compound pages, migration. Which of batch and isolation holds a page that is
// off its list the page does not know: both are page_state::in_transit.
#pragma once

#include <pagesim/memory/page.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace pagesim {

enum class page_state : std::uint8_t {
    blank,      // all zeros: inside a free block, reserved, or never used
    free_buddy, // head of a free block of the buddy allocator
    free_pcp,   // on a per-CPU list
    kernel,     // allocated, and used by nobody that we know: just allocated, or the kernel's own
    table,      // holds descriptors
    zspage,     // belongs to a zram pool
    on_lru,     // a page of user memory, linked on an LRU list
    in_transit, // the same, off the list: in a batch, isolated, or in a fault
    frozen,     // the same, reference count 0: about to be freed
};

[[nodiscard]] page_state state_of(const page& p);
[[nodiscard]] std::string_view page_state_name(page_state s);

// Whether flags, counts and links fit together.
[[nodiscard]] bool is_legal(const page& p);

// The kernel's name of the flag, without PG_.
[[nodiscard]] std::string_view page_flag_name(page_flag f);
// "uptodate|lru|swapbacked", lowest bit first; empty if there is none.
[[nodiscard]] std::string flag_names(page_flags flags);
// One line: state, flags, both counts (the map count raw), and the other fields.
[[nodiscard]] std::string describe(const page& p);

} // namespace pagesim
