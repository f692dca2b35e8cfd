// SPDX-License-Identifier: MIT
// Whom reclaim and others ask to start writing (kernel: wakeup_flusher_threads()).
//
// Reclaim wakes the flusher when a whole batch of 32 pages turned out to be dirty and not yet given to a device: then
// the flusher is behind, and writing file by file, in order, is better done there than page by page in reclaim.
// Who asks only names a reason; how much is written, and when, is the flusher's. A machine without one has none to ask.
#pragma once

#include <cstdint>

namespace pagesim {

// kernel: enum wb_reason.
enum class wb_reason : std::uint8_t { background, vmscan, sync, periodic };

class flusher_control {
public:
    flusher_control() = default;
    flusher_control(const flusher_control&) = delete;
    flusher_control& operator=(const flusher_control&) = delete;
    virtual ~flusher_control() = default;
    // All files with dirty pages, as soon as the flusher gets the CPU.
    virtual void wakeup_flusher_threads(wb_reason reason) = 0;
};

} // namespace pagesim
