// SPDX-License-Identifier: MIT
// Typed events of a run, and the sink they go to. Without a sink an event costs a test of a null pointer.
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>

namespace pagesim {

// What a and b mean stands beside each kind. New kinds go to the end: fingerprints hash the number.
enum class trace_kind : std::uint8_t {
    fault,                // page number; 1 if a write
    major_fault,          // page number; swap offset
    kswapd_wake,          // order; highest zone index
    kswapd_sleep,         //
    direct_reclaim_begin, // highest zone index
    direct_reclaim_end,   // pages reclaimed
    isolate,              // pages scanned; pages taken
    judged,               // frame; reason
    activate,             // frame
    deactivate,           // frame
    swap_out,             // frame; swap offset
    swap_in,              // frame; swap offset
    writeback_end,        // frame
    free_page,            // frame, reclaimed
    oom,                  // task
    mark,                 // number of the mark
    task_switch,          // task
};

struct trace_event {
    sim_time time;
    trace_kind kind;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
};

class trace_sink {
public:
    trace_sink() = default;
    trace_sink(const trace_sink&) = default;
    trace_sink& operator=(const trace_sink&) = default;
    virtual ~trace_sink() = default;
    virtual void on(const trace_event& e) = 0;
};

} // namespace pagesim
