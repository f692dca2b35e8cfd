// SPDX-License-Identifier: MIT
// mprotect: what may be done with the pages of a range changes.
//
//     for each range     1. may it be granted? (the may_ flags; EACCES ends the call, what is done stays done)
//                        2. the part gets its flags, cut out or joined with a neighbour
//                        3. every descriptor gets the new protection; frame, access flag and dirty state stay
//     at a gap           ENOMEM, what is done stays done
//
// A private page never becomes writable by this alone: the next store asks do_wp_page, which may have to copy. 6.1 makes
// an exception of a dirty page that is exclusive (kernel_profile::mprotect). Nor does a shared page of a regular file,
// whose file system wants to know (vma_page_prot), unless it is dirty. With PROT_NONE a descriptor is present for
// the kernel, but not valid for the hardware. The TLBs forget what was valid.
//
// Source: do_mprotect_pkey, mprotect_fixup, change_pte_range (mm/mprotect.c), Linux 6.1, 5.10. One call works through
// what one table of descriptors covers (2 MiB). Left out: PROT_GROWSDOWN, protection keys, populating a locked range that
// becomes writable.
#pragma once

#include <pagesim/process/address_space.hpp>

namespace pagesim {

struct mprotect_cursor {
    bool begun = false;
    vpn next{0};
    vpn part_end{0}; // of the range whose descriptors are being changed
    mm_error error = mm_error::none;
};

// Pages [first, end) get `access` (read, write, exec). Call until done; then c.error.
step_result mprotect(const fault_context& fc, mm& owner, vpn first, vpn end, vm_flags access,
                     mprotect_cursor& c);

} // namespace pagesim
