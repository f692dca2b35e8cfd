// SPDX-License-Identifier: MIT
// Opening an input: which format it has, which pages it touches, and a stream of its accesses.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <pagesim/workload/access_stream.hpp>

#include <memory>
#include <string>
#include <vector>

namespace pagesim::program {

struct opened_input {
    input_identity identity;
    std::vector<page_range> ranges; // of a recorded trace
    std::unique_ptr<access_stream> stream;
    stream_counts counts;
    std::uint64_t window = 0; // pages; of a binary trace that was folded
    std::string account; // of a trace that was read whole: records, references, what was skipped; one line
};

// Reads the input once to learn its footprint and opens it again to be run. A bad line is not an error
// here: the run meets it in its place. `format`: "auto" or a name (trace_format.hpp); with "auto" a path
// such as "zipf:pages=1000" is a synthetic stream (synthetic.hpp). Throws usage_error.
[[nodiscard]] opened_input open_input(const std::string& path, const std::string& format);

// The account to standard error, if there is one.
void print_account(const opened_input& in);

} // namespace pagesim::program
