// SPDX-License-Identifier: MIT
#pragma once

#include "options.hpp"

namespace pagesim::program {

// `pagesim run`: status 0, or 2 if the input is bad.
[[nodiscard]] int run_command(const run_options& options);
// `pagesim convert`: status 0, or 2 if the input is bad (what precedes the bad line is written).
[[nodiscard]] int convert_command(const convert_options& options);
// `pagesim conform`: status 0 when every case ran; 1 with --strict if a counter is outside its band.
[[nodiscard]] int conform_command(const conform_options& options);

} // namespace pagesim::program
