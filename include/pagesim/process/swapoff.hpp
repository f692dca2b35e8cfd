// SPDX-License-Identifier: MIT
// swapoff: an area goes away, and what it holds comes back into memory (kernel: sys_swapoff, try_to_unuse).
//
//     begin       the area gives no more slots; its size leaves nr_swap_pages and the total at once, used or not
//     files       every shmem file's entry of the area: its page comes back into the file
//     spaces      every descriptor that names a slot of the area: the page is read (with readahead, as in a fault),
//                 waited for, and mapped old: nobody has used it
//     leftovers   pages in the swap cache whose slot nobody names lose it
//     retry       something is still in use (reclaim or a fault was faster): all over again
//     end         in_use is 0: the area is gone
//
// It gives up, and the area is back with its place in the order, if memory runs out, if a page cannot be read, or when
// a signal interrupts it. A page on the way counts nothing but its read: no fault, no use.
//
// 5.8 moves a page to the active list when it is mapped.
//
// Left out: the check for enough memory beforehand (vm.overcommit_memory). 6.1 gives up a page that cannot be read (its
// process gets SIGBUS later) and goes on; older kernels map what the frame holds. Here swapoff fails.
#pragma once

#include <pagesim/fault/fault_context.hpp>

#include <span>

namespace pagesim {

enum class swapoff_outcome : std::uint8_t {
    gone,          // the area does not exist any more
    no_such_area,  //
    out_of_memory, // no frame for a page
    unreadable,    // the device failed
    interrupted,   // by the caller
};

struct swapoff_cursor {
    enum class phase : std::uint8_t { begin, files, spaces, leftovers };
    phase at = phase::begin;
    std::uint8_t type = 0;
    bool signal_pending = false; // set by whoever wants it to stop

    // Where it is.
    std::size_t space = 0; // in the list of address spaces
    vpn where{0};
    std::uint32_t file = 1;
    std::uint64_t index = 0; // in the file
    std::uint64_t slot = 0;  // in the area

    // The page under way.
    bool under_way = false;
    swap_entry entry;
    swapin_cursor in;
    bool reading = false;
    page* target = nullptr; // with a reference

    swapoff_outcome outcome = swapoff_outcome::gone;
};

// Takes the area c.type away. `spaces`: every address space there is; it may grow at its end between two calls, and each
// space stays where it is until the call is done (an exited one is empty). Call until done; then c.outcome tells.
step_result swapoff(const fault_context& fc, std::span<mm* const> spaces, swapoff_cursor& c);

} // namespace pagesim
