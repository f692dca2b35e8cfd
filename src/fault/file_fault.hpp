// SPDX-License-Identifier: MIT
// What the faults of regular files and of shared memory have in common.
#pragma once

#include <pagesim/fault/handle_mm_fault.hpp>

namespace pagesim {

inline open_file& file_of_fault(const fault_context& fc, const fault_cursor& f) {
    return fc.rc.cache.opened(f.range->file);
}
inline std::uint64_t index_of_fault(const fault_cursor& f) {
    return f.range->pgoff + (f.where - f.range->first);
}

// The fault is over without a mapping; if the outcome is resolved, the access meets what somebody else did.
step_result give_up_file_fault(const fault_context& fc, fault_cursor& f, fault_outcome outcome);
// Maps, or copies, f.target, which is uptodate and not locked.
step_result map_file_target(const fault_context& fc, mm& owner, fault_cursor& f);
// Phases shmem_*: the file of the range is shared memory.
step_result shmem_fault(const fault_context& fc, mm& owner, fault_cursor& f);

} // namespace pagesim
