// SPDX-License-Identifier: MIT
#include <pagesim/workload/trace_format.hpp>

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/champsim.hpp>
#include <pagesim/workload/damon.hpp>
#include <pagesim/workload/drmemtrace.hpp>
#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/oracle_general.hpp>
#include <pagesim/workload/perf_script.hpp>

#include "byte_source.hpp"
#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::size_t sniffed_bytes = 64 * 1024;

bool is_text(std::string_view head) {
    return std::all_of(head.begin(), head.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return u >= ' ' || (u >= '\t' && u <= '\r');
    });
}

std::optional<trace_format> binary_format(std::string_view head) {
    if (head.starts_with(binary_trace_magic)) return trace_format::binary;
    if (looks_like_drmemtrace(head)) return trace_format::drmemtrace;
    if (is_text(head)) return std::nullopt;
    if (looks_like_oracle_general(head)) return trace_format::oracle_general;
    if (looks_like_champsim(head)) return trace_format::champsim;
    return std::nullopt;
}

bool looks_like_page_list(std::string_view line) {
    const auto page = number_of(next_word(line));
    const std::string_view how = next_word(line);
    return page && (how.empty() || how == "r" || how == "w" || how == "R" || how == "W") &&
           trimmed(line).empty();
}

bool looks_like_masim(std::string_view line) {
    const std::string_view name = next_field(line, ',');
    if (line.data() == nullptr || name.empty() || decimal(name)) return false;
    const bool bytes{decimal(next_field(line, ','))};
    if (line.data() != nullptr) static_cast<void>(next_field(line, ','));
    return bytes && line.data() == nullptr;
}

std::optional<trace_format> text_format(std::string_view line) {
    const std::string_view head = line.substr(0, 3);
    if (head == "I  " || head == " L " || head == " S " || head == " M ") return trace_format::lackey;
    if (head.substr(0, 2) == "==" || head.substr(0, 2) == "--") return trace_format::lackey;
    if (line.find(damon_event) != std::string_view::npos) return trace_format::damon;
    if (split_perf_line(line)) return trace_format::perf;
    std::string_view rest = line;
    if (is_ops_word(next_word(rest))) return trace_format::ops;
    if (looks_like_page_list(line)) return trace_format::pages;
    if (looks_like_csv(line)) return trace_format::csv;
    if (looks_like_masim(line)) return trace_format::masim;
    return std::nullopt;
}

// The beginning of the file's content. What can't be read is told by who reads it.
std::string head_of(const std::string& path) {
    std::string head(sniffed_bytes, '\0');
    auto opened = open_byte_source(path, content_hash::none);
    auto* source = std::get_if<std::unique_ptr<byte_source>>(&opened);
    head.resize(source == nullptr ? 0 : (*source)->read(head).bytes);
    return head;
}

} // namespace

std::string known_formats() {
    std::string names;
    for (const trace_format_name& n : trace_format_names)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", n.name);
    return names;
}

std::variant<format_choice, std::string> parse_format(std::string_view text) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    for (const trace_format_name& n : trace_format_names) {
        if (n.name != name) continue;
        format_choice choice{.format = n.format, .columns = {}};
        if (colon == text.size()) return choice;
        if (n.format != trace_format::csv)
            return fmt::format("{} takes nothing behind a colon", in_quotes(name));
        auto columns = parse_csv_columns(text.substr(colon + 1));
        if (auto* wrong = std::get_if<std::string>(&columns)) return std::move(*wrong);
        choice.columns = std::get<csv_columns>(columns);
        return choice;
    }
    return fmt::format("{} is not known; known are: auto, {}", in_quotes(name), known_formats());
}

std::variant<trace_format, input_error> detect_format(const std::string& path) {
    const std::string head = head_of(path);
    if (const auto f = binary_format(head)) return *f;
    text_input input{path};
    bool comments = false;
    for (;;) {
        const auto line = input.next();
        if (!line) {
            if (input.error()) return *input.error();
            if (comments) return trace_format::ops; // says that there are no ops
            return input_error{.file = path, .line = 0, .reason = "is empty"};
        }
        const std::size_t begin = line->find_first_not_of(" \t");
        if (begin == std::string_view::npos) continue;
        if ((*line)[begin] == '#') {
            comments = true;
            continue;
        }
        if (const auto f = text_format(*line)) return *f;
        return input.error_here(
            fmt::format("{} begins no format that is known by its content (known are: {})", in_quotes(*line),
                        known_formats()));
    }
}

} // namespace pagesim
