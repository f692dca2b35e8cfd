// SPDX-License-Identifier: MIT
// Which of the formats a file is in: what can be read, by name, and what the content looks like.
//
//     content                                                    format
//     begins by our magic                                        binary
//     begins by a drmemtrace header                              drmemtrace
//     has bytes that no text has, and is plausible as one of     oracleGeneral, champsim  (they have no header;
//                                                                cloudsuite has none either and must be named)
//     lines; the first that is neither empty nor a comment is
//       a lackey record or banner                                lackey
//       a word of the ops language                               ops
//       damon_aggregated: ...                                    damon
//       a time such as 12.345678: among its words                perf
//       a number, and perhaps r or w                             pages
//       a header that names an object, or numbers in columns     csv
//       NAME, NUMBER                                             masim
//
// Sniffing looks at the first 64 KiB, decompressed. What it can't tell must be named.
#pragma once

#include <pagesim/workload/csv.hpp>
#include <pagesim/workload/input_error.hpp>
#include <pagesim/workload/object_pages.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pagesim {

enum class trace_format : std::uint8_t {
    lackey,
    ops,
    binary,
    drmemtrace,
    champsim,
    cloudsuite,
    oracle_general,
    csv,
    perf,
    damon,
    masim,
    pages
};

struct trace_format_name {
    trace_format format;
    std::string_view name;
};
inline constexpr std::array<trace_format_name, 12> trace_format_names{{
    {trace_format::lackey, "lackey"},
    {trace_format::ops, "ops"},
    {trace_format::binary, "binary"},
    {trace_format::drmemtrace, "drmemtrace"},
    {trace_format::champsim, "champsim"},
    {trace_format::cloudsuite, "cloudsuite"},
    {trace_format::oracle_general, "oracleGeneral"},
    {trace_format::csv, "csv"},
    {trace_format::perf, "perf"},
    {trace_format::damon, "damon"},
    {trace_format::masim, "masim"},
    {trace_format::pages, "pages"},
}};

[[nodiscard]] constexpr std::string_view name_of(trace_format f) {
    for (const trace_format_name& n : trace_format_names) {
        if (n.format == f) return n.name;
    }
    return {};
}

// A format, and what is said of it.
struct format_choice {
    trace_format format = trace_format::lackey;
    csv_columns columns; // of csv
};

// "champsim", "csv:obj-id-col=5"; what is wrong with the text otherwise.
[[nodiscard]] std::variant<format_choice, std::string> parse_format(std::string_view text);

// "lackey, ops, ..."
[[nodiscard]] std::string known_formats();

[[nodiscard]] std::variant<trace_format, input_error> detect_format(const std::string& path);

} // namespace pagesim
