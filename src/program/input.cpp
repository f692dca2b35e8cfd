// SPDX-License-Identifier: MIT
#include "input.hpp"

#include "usage_error.hpp"

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/synthetic.hpp>
#include <pagesim/workload/trace_reader.hpp>

#include <fmt/format.h>

#include <filesystem>

namespace pagesim::program {

namespace {

format_choice choose_format(const std::string& path, const std::string& format) {
    if (format != "auto") {
        const auto parsed = parse_format(format);
        if (const auto* wrong = std::get_if<std::string>(&parsed))
            throw usage_error{fmt::format("--format: {}", *wrong)};
        return std::get<format_choice>(parsed);
    }
    const auto detected = detect_format(path);
    if (const auto* error = std::get_if<input_error>(&detected)) throw usage_error{to_string(*error)};
    return {.format = std::get<trace_format>(detected), .columns = {}};
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
    in.identity.hash = hash;
    in.identity.touched_pages = header.touched.value;
    in.ranges = header.ranges;
    in.stream = std::make_unique<binary_stream>(path);
    in.counts = header.counts;
    in.window = header.window;
    return in;
}

void take_footprint(opened_input& in, const footprint& f) {
    in.identity.hash = f.hash;
    in.identity.touched_pages = f.touched.value;
    in.ranges = f.ranges;
    in.counts = f.counts;
}

opened_input open_ops(const std::string& path) {
    const scan_result scanned = scan_ops(path);
    opened_input in;
    take_footprint(in, good<footprint>(scanned));
    in.stream = std::make_unique<ops_stream>(path);
    return in;
}

// What was read of a trace, in one line; nothing if a bad line speaks for itself.
std::string account_of(const footprint& f, trace_format format) {
    if (f.stopped_by) return {};
    if (format == trace_format::masim) return fmt::format("masim, {} accesses to make\n", f.counts.records);
    std::string text = fmt::format("{}, {} records read, {} references", name_of(format), f.counts.records,
                                   f.counts.accesses);
    if (f.folded > 0) text += fmt::format(" folded into {}", f.folded);
    text += fmt::format(", {} skipped", f.counts.skipped);
    if (f.first_skipped) text += fmt::format("; not performed, first at {}", to_string(*f.first_skipped));
    return text + "\n";
}

opened_input open_trace_file(const std::string& path, const format_choice& format) {
    const scan_trace_result scanned = scan_trace(path, format);
    const auto& s = good<scanned_trace>(scanned);
    opened_input in;
    take_footprint(in, s.found);
    in.stream = open_trace(path, format, s.placement);
    in.account = account_of(s.found, format.format);
    return in;
}

opened_input open_by_format(const std::string& path, const format_choice& format) {
    if (format.format == trace_format::binary) return open_binary(path);
    return format.format == trace_format::ops ? open_ops(path) : open_trace_file(path, format);
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
    const format_choice chosen = choose_format(path, format);
    opened_input in = open_by_format(path, chosen);
    in.identity.format = name_of(chosen.format);
    in.identity.name = std::filesystem::path{path}.filename().string();
    in.identity.records = in.counts.records;
    in.identity.skipped = in.counts.skipped;
    return in;
}

void print_account(const opened_input& in) {
    if (!in.account.empty()) fmt::print(stderr, "pagesim: {}: {}", in.identity.name, in.account);
}

} // namespace pagesim::program
