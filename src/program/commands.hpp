// SPDX-License-Identifier: MIT
#pragma once

#include "input.hpp"
#include "options.hpp"

namespace pagesim::program {

// `pagesim run`: status 0, or 2 if the input is bad.
[[nodiscard]] int run_command(const run_options& options);
// `pagesim explain`: as `run`.
[[nodiscard]] int explain_command(const explain_options& options);
// `pagesim convert`: status 0, or 2 if the input is bad (what precedes the bad line is written).
[[nodiscard]] int convert_command(const convert_options& options);
// The same of what was opened already, whatever o.input says.
[[nodiscard]] int convert_opened(const convert_options& o, opened_input& input);
// `pagesim record`: status 0 whatever became of the program, 2 if there is nothing to record.
[[nodiscard]] int record_command(const record_options& options);
// `pagesim vmscan-report`: status 0, or 2 if there is no event of vmscan in the log.
[[nodiscard]] int vmscan_report_command(const vmscan_report_options& options);
// `pagesim compare`: status 0 whether or not they differ, 2 if a file is not a run's JSON.
[[nodiscard]] int compare_command(const compare_options& options);
// `pagesim conform`: status 0 when every case ran; 1 with --strict if a counter is outside its band, with
// --known-outside if what is outside is not what that list says.
[[nodiscard]] int conform_command(const conform_options& options);

} // namespace pagesim::program
