// SPDX-License-Identifier: MIT
#include "input.hpp"

#include "usage_error.hpp"

#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/trace_format.hpp>

#include <fmt/format.h>

#include <filesystem>

namespace pagesim::program {

namespace {

trace_format choose_format(const std::string& path, const std::string& format) {
    if (format == "lackey") return trace_format::lackey;
    if (format == "ops") return trace_format::ops;
    if (format != "auto") {
        throw usage_error{fmt::format("--format: '{}' is not known; known are: auto, lackey, ops", format)};
    }
    const auto detected = detect_format(path);
    if (const auto* error = std::get_if<input_error>(&detected)) throw usage_error{to_string(*error)};
    return std::get<trace_format>(detected);
}

} // namespace

opened_input open_input(const std::string& path, const std::string& format) {
    const bool lackey = choose_format(path, format) == trace_format::lackey;
    const scan_result scanned = lackey ? scan_lackey(path) : scan_ops(path);
    if (const auto* error = std::get_if<input_error>(&scanned)) throw usage_error{to_string(*error)};
    const auto& f = std::get<footprint>(scanned);
    opened_input in;
    in.identity = {.name = std::filesystem::path{path}.filename().string(),
                   .format = lackey ? "lackey" : "ops",
                   .hash = f.hash,
                   .records = f.counts.records,
                   .skipped = f.counts.skipped,
                   .touched_pages = f.touched.value};
    in.ranges = f.ranges;
    if (lackey) {
        in.stream = std::make_unique<lackey_stream>(path);
    } else {
        in.stream = std::make_unique<ops_stream>(path);
    }
    return in;
}

} // namespace pagesim::program
