// SPDX-License-Identifier: MIT
// The OOM reaper's hand: takes the private pages of an address space whose owner is dying but has not got round to
// it, because it waits for a device or for the CPU.
//
// Ranges and tables stay, for the owner may be in the middle of using them; what it touches from now on is not mapped
// any more (mm_flag::unstable). It cannot come in while the owner changes its ranges (mmap_lock::written): then it is
// to be tried again later. One call works through what one table of descriptors covers (2 MiB).
//
// Source: oom_reap_task_mm, __oom_reap_task_mm (mm/oom_kill.c), Linux 6.1; 5.8 and 5.10 leave locked ranges alone
// (kernel_profile::reaped).
#pragma once

#include <pagesim/process/unmap.hpp>

namespace pagesim {

enum class reap_result : std::uint8_t { reaped, nothing_left, no_entry };

struct reap_cursor {
    bool begun = false;
    vpn next{0};
    reap_result result = reap_result::reaped;
};

// One attempt. Call until done; the answer is in c.result, and the cursor is fresh again but for it.
step_result oom_reap_mm(const fault_context& fc, mm& victim, reap_cursor& c);

} // namespace pagesim
