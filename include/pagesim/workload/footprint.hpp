// SPDX-License-Identifier: MIT
// What a first reading of an input tells.
#pragma once

#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/page_set.hpp>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace pagesim {

struct footprint {
    page_count touched;             // different pages
    std::vector<page_range> ranges; // to be mapped before the run; none for an ops file, which maps its own
    stream_counts counts;
    std::uint64_t folded = 0; // records of 8 bytes that the references became
    std::uint64_t hash = 0;   // FNV-1a of the file's bytes as they lie on disk, to its end
    // A bad line after good ones: everything above describes what precedes it.
    std::optional<input_error> stopped_by;
    // The first record that could not be performed and was left out (trace_stream.hpp).
    std::optional<input_error> first_skipped;
};

// A footprint if there is anything to run, else what is wrong.
using scan_result = std::variant<footprint, input_error>;

} // namespace pagesim
