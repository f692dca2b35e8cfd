// SPDX-License-Identifier: MIT
// Opening a trace in any format but our own binary one and ops: the first pass and the stream, by format.
//
// The first pass (scan) reads the whole file; it learns the pages, so that they can be mapped, and the
// account. A cache's trace is first taken for one of pages; if an object is none, it is read again with
// objects placed in the order of their requests.
#pragma once

#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/footprint.hpp>
#include <pagesim/workload/trace_format.hpp>

#include <memory>
#include <string>

namespace pagesim {

// How the first pass found that the objects of a cache's trace are to be placed: to be handed to
// open_trace().
struct scanned_trace {
    footprint found;
    object_placement placement = object_placement::by_number;
};
using scan_trace_result = std::variant<scanned_trace, input_error>;

// A trace without a reference that could be performed is an error. Not for trace_format::ops and binary.
[[nodiscard]] scan_trace_result scan_trace(const std::string& path, const format_choice& format);

[[nodiscard]] std::unique_ptr<access_stream> open_trace(const std::string& path, const format_choice& format,
                                                        object_placement placement);

} // namespace pagesim
