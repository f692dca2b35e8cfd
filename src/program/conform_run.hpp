// SPDX-License-Identifier: MIT
// Running one case of a real kernel's result and holding it against that result.
#pragma once

#include "comparison.hpp"
#include "input.hpp"
#include "result_file.hpp"

#include <pagesim/machine/reclaim_log.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::program {

// The counters at one moment of a simulated run.
struct simulated_mark {
    double ms = 0; // since the first op
    vmstat delta;  // since BEFORE
    vmstat now;
};

// What one simulated case counted.
struct simulated_case {
    simulated_mark end;
    std::vector<simulated_mark> marks; // where they were asked for
};

// Who listens to a case, which changes nothing.
struct case_listener {
    trace_sink* sink = nullptr;
    std::function<void(const machine&, const opened_input&)> begin{}; // before the first step
    std::function<void()> finish{}; // after the last; the machine is still there
};

[[nodiscard]] case_listener listening(reclaim_log& log);

// Runs the case. The counters are read at `marks` too, which changes nothing. Refuses by name what the case needs and
// this version has not: throws usage_error.
[[nodiscard]] simulated_case run_case(const result_file& result, const std::string& ops_dir,
                                      const std::vector<real_mark>& marks = {},
                                      const case_listener& listener = {});

// A headline counter of ours, as result_file::real() has it.
[[nodiscard]] double simulated_value(const simulated_mark& m, std::string_view counter);

// All headline counters at the end.
[[nodiscard]] std::vector<compared> compare_at_end(const result_file& result, const simulated_case& s);
// All headline counters at each of the marks, and at the end.
[[nodiscard]] series_comparison compare_series(const result_file& result, const std::vector<real_mark>& marks,
                                               const simulated_case& s);

// The stretch of the run in which a counter leaves the bar: from the last mark at which it is inside to the first at which
// it is outside.
struct departure {
    const course* of = nullptr;
    std::optional<std::size_t> from; // index of a moment; none: the start
    std::size_t to = 0;
    [[nodiscard]] reclaim_log::stretch stretch(const series_comparison& s) const;
};
// Of that counter, or, if its name is empty, of the one that leaves first. None: it does not leave.
[[nodiscard]] std::optional<departure> find_departure(const series_comparison& s, std::string_view counter);

} // namespace pagesim::program
