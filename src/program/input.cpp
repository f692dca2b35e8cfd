// SPDX-License-Identifier: MIT
#include "input.hpp"

#include "usage_error.hpp"

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/synthetic.hpp>
#include <pagesim/workload/trace_format.hpp>

#include <fmt/format.h>

#include <filesystem>

namespace pagesim::program {

namespace {

trace_format choose_format(const std::string& path, const std::string& format) {
    if (format == "lackey") return trace_format::lackey;
    if (format == "ops") return trace_format::ops;
    if (format == "binary") return trace_format::binary;
    if (format != "auto") {
        throw usage_error{
            fmt::format("--format: '{}' is not known; known are: auto, lackey, ops, binary", format)};
    }
    const auto detected = detect_format(path);
    if (const auto* error = std::get_if<input_error>(&detected)) throw usage_error{to_string(*error)};
    return std::get<trace_format>(detected);
}

template <typename Good, typename Result>
const Good& good(const Result& r) {
    if (const auto* error = std::get_if<input_error>(&r)) throw usage_error{to_string(*error)};
    return std::get<Good>(r);
}

opened_input open_binary(const std::string& path) {
    const auto scanned = scan_binary_trace(path);
    const auto& [header, hash] = good<binary_scan>(scanned);
    opened_input in;
    in.identity.format = "binary";
    in.identity.hash = hash;
    in.identity.touched_pages = header.touched.value;
    in.ranges = header.ranges;
    in.stream = std::make_unique<binary_stream>(path);
    in.counts = header.counts;
    in.window = header.window;
    return in;
}

opened_input open_text(const std::string& path, trace_format format) {
    const bool lackey = format == trace_format::lackey;
    const scan_result scanned = lackey ? scan_lackey(path) : scan_ops(path);
    const auto& f = good<footprint>(scanned);
    opened_input in;
    in.identity.format = lackey ? "lackey" : "ops";
    in.identity.hash = f.hash;
    in.identity.touched_pages = f.touched.value;
    in.ranges = f.ranges;
    if (lackey) {
        in.stream = std::make_unique<lackey_stream>(path);
    } else {
        in.stream = std::make_unique<ops_stream>(path);
    }
    in.counts = f.counts;
    return in;
}

opened_input open_synthetic(const std::string& text) {
    const auto parsed = parse_synthetic(text);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) throw usage_error{*wrong};
    const auto& config = std::get<synthetic_config>(parsed);
    const footprint f = scan_synthetic(config);
    opened_input in;
    in.identity = {.name = to_string(config),
                   .format = "synthetic",
                   .hash = f.hash,
                   .records = f.counts.records,
                   .skipped = 0,
                   .touched_pages = f.touched.value};
    in.ranges = f.ranges;
    in.stream = std::make_unique<synthetic_stream>(config);
    in.counts = f.counts;
    return in;
}

} // namespace

opened_input open_input(const std::string& path, const std::string& format) {
    if (format == "auto" && is_synthetic(path)) return open_synthetic(path);
    const trace_format chosen = choose_format(path, format);
    opened_input in = chosen == trace_format::binary ? open_binary(path) : open_text(path, chosen);
    in.identity.name = std::filesystem::path{path}.filename().string();
    in.identity.records = in.counts.records;
    in.identity.skipped = in.counts.skipped;
    return in;
}

} // namespace pagesim::program
