// SPDX-License-Identifier: MIT
// Runs as one page of HTML that needs nothing else: curves that can be zoomed, tables, light and dark.
//
// The page holds the runs as run_as_json() makes them, the script that draws them (html/report.js) and uPlot
// (html/uPlot.iife.min.js, MIT). It loads nothing from anywhere, and its content security policy says so.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace pagesim::program {

// One run: its curves and figures. Several: the same curves on top of each other. A run's "label" names it.
[[nodiscard]] std::string html_report(std::string_view title, std::vector<nlohmann::ordered_json> runs);

} // namespace pagesim::program
