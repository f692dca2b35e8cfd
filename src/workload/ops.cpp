// SPDX-License-Identifier: MIT
#include <pagesim/workload/ops.hpp>

#include "scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace pagesim {

namespace {

// Words of the language that need what is not simulated.
struct refused_word {
    std::string_view word;
    std::string_view needs;
};
constexpr std::array<refused_word, 8> refused_words{{
    {"file", "files"},
    {"map", "files"},
    {"pread", "files"},
    {"pwrite", "files"},
    {"close", "files"},
    {"fsync", "files"},
    {"drop", "the page cache"},
    {"madvise", "advice on memory"},
}};
constexpr std::array<std::string_view, 8> known_words{"anon",  "r",    "w",     "unmap",
                                                      "sleep", "mark", "mlock", "munlock"};

const refused_word* find_refused(std::string_view word) {
    const auto* it = std::find_if(refused_words.begin(), refused_words.end(),
                                  [word](const refused_word& r) { return r.word == word; });
    return it == refused_words.end() ? nullptr : it;
}

// A decimal number and nothing else.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t n = 0;
    const char* end = text.data() + text.size();
    const auto r = std::from_chars(text.data(), end, n);
    if (r.ec != std::errc{} || r.ptr != end) return std::nullopt;
    return n;
}

std::string not_a_number(std::string_view what, std::string_view text) {
    return fmt::format("{} is not a number: {}", what, in_quotes(text));
}

} // namespace

bool is_ops_word(std::string_view word) {
    return std::find(known_words.begin(), known_words.end(), word) != known_words.end() ||
           find_refused(word) != nullptr;
}

scan_result scan_ops(const std::string& path) {
    ops_stream stream{path, content_hash::fnv1a};
    page_set pages;
    return scan(stream, pages);
}

ops_stream::ops_stream(std::string path, content_hash hashing) : input_{std::move(path), hashing} {
    block_.reserve(block_records);
}

stream_item ops_stream::next() {
    block_.clear();
    for (;;) {
        emit_touch();
        if (block_.size() == block_records) break;
        if (command_) break;
        read_line();
    }
    if (!block_.empty()) return access_block{.records = block_};
    if (std::holds_alternative<end_of_stream>(*command_) || std::holds_alternative<input_error>(*command_)) {
        return *command_;
    }
    return *std::exchange(command_, std::nullopt);
}

void ops_stream::emit_touch() {
    const ops_cost& cost = default_ops_cost;
    const bool read = touch_.kind == access::read;
    const run_writes writes = read ? run_writes::none : run_writes::first;
    for (; touch_.left > 0 && block_.size() < block_records; --touch_.left) {
        const std::uint64_t further = read ? cost.further_read : cost.further_write[(touch_.done + 1) % 2];
        const std::uint64_t first = read ? cost.read : cost.write;
        block_.emplace_back(touch_.at, writes, instruction_role::time_only,
                            touch_.done == 0 ? first : further, 1);
        touch_.at = touch_.at + 1;
        ++touch_.done;
        ++counts_.accesses;
    }
}

void ops_stream::read_line() {
    const auto line = input_.next();
    if (!line) {
        command_ = end_of_stream{};
        if (input_.error()) {
            command_ = *input_.error();
        } else if (counts_.records == 0) {
            command_ = input_error{.file = input_.path(), .line = 0, .reason = "no ops"};
        }
        return;
    }
    const words w = split(*line);
    if (w.count == 0 || w.at[0].front() == '#') {
        ++counts_.skipped;
        return;
    }
    std::string wrong = parse(w);
    if (wrong.empty()) {
        ++counts_.records;
    } else {
        command_ = input_.error_here(std::move(wrong));
    }
}

ops_stream::words ops_stream::split(std::string_view line) {
    words w;
    for (;;) {
        const std::size_t begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return w;
        line.remove_prefix(begin);
        const std::size_t length = std::min(line.find_first_of(" \t"), line.size());
        if (w.count == w.at.size()) {
            ++w.count;
            return w;
        }
        w.at[w.count++] = line.substr(0, length);
        line.remove_prefix(length);
    }
}

std::string ops_stream::parse(const words& w) {
    const std::string_view op = w.at[0];
    if (op == "r") return parse_touch(w, access::read);
    if (op == "w") return parse_touch(w, access::write);
    if (op == "anon") return parse_anon(w);
    if (op == "unmap") return parse_unmap(w);
    if (op == "mlock") return parse_lock(w, op_lock::action::mlock);
    if (op == "munlock") return parse_lock(w, op_lock::action::munlock);
    if (op == "sleep") return parse_sleep(w);
    if (op == "mark") return parse_mark(w);
    if (const refused_word* r = find_refused(op)) {
        return fmt::format("op '{}' needs {}, which this version does not simulate", r->word, r->needs);
    }
    return fmt::format("unknown op {}", in_quotes(op));
}

std::string ops_stream::parse_anon(const words& w) {
    if (w.count != 3) return "expected: anon NAME PAGES";
    const auto pages = number(w.at[2]);
    if (!pages) return not_a_number("PAGES", w.at[2]);
    if (*pages == 0) return "a region has at least 1 page";
    if (regions_.find(w.at[1]) != regions_.end())
        return fmt::format("region {} is declared already", in_quotes(w.at[1]));
    if (regions_.size() == most_regions) return fmt::format("more than {} regions", most_regions);
    if (*pages > (most_region_pages - mapped_).value) {
        return fmt::format("more than {} pages in all regions", most_region_pages.value);
    }
    const auto first = map_.take({*pages});
    if (!first) return fmt::format("no room for a region of {} pages", *pages);
    op_anon op{.name = std::string{w.at[1]}, .first = *first, .pages = {*pages}};
    regions_.emplace(op.name, region{.first = op.first, .pages = op.pages});
    mapped_ += op.pages;
    command_ = std::move(op);
    return {};
}

std::variant<ops_stream::part, std::string> ops_stream::parse_part(const words& w) const {
    const auto it = regions_.find(w.at[1]);
    if (it == regions_.end()) return fmt::format("no region {} here", in_quotes(w.at[1]));
    const auto page = number(w.at[2]);
    if (!page) return not_a_number("PAGE", w.at[2]);
    const auto count = w.count == 4 ? number(w.at[3]) : std::optional<std::uint64_t>{1};
    if (!count) return not_a_number("COUNT", w.at[3]);
    if (*count == 0) return "COUNT is at least 1";
    const std::uint64_t pages = it->second.pages.value;
    if (*page >= pages || *count > pages - *page) {
        return fmt::format("PAGE {} and COUNT {} lead beyond region {}, which has {} pages", *page, *count,
                           in_quotes(w.at[1]), pages);
    }
    return part{.first = it->second.first + *page, .pages = {*count}};
}

std::string ops_stream::parse_touch(const words& w, access kind) {
    if (w.count != 3 && w.count != 4) return fmt::format("expected: {} NAME PAGE [COUNT]", w.at[0]);
    const auto parsed = parse_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto& [first, pages] = std::get<part>(parsed);
    touch_ = {.kind = kind, .at = first, .left = pages.value, .done = 0};
    return {};
}

std::string ops_stream::parse_lock(const words& w, op_lock::action what) {
    if (w.count != 4) return fmt::format("expected: {} NAME PAGE COUNT", w.at[0]);
    const auto parsed = parse_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto& [first, pages] = std::get<part>(parsed);
    command_ = op_lock{.name = std::string{w.at[1]}, .first = first, .pages = pages, .what = what};
    return {};
}

std::string ops_stream::parse_unmap(const words& w) {
    if (w.count != 2) return "expected: unmap NAME";
    const auto it = regions_.find(w.at[1]);
    if (it == regions_.end()) return fmt::format("no region {} here", in_quotes(w.at[1]));
    map_.give_back(it->second.first, it->second.pages);
    mapped_ -= it->second.pages;
    command_ = op_unmap{.name = it->first, .first = it->second.first, .pages = it->second.pages};
    regions_.erase(it);
    return {};
}

std::string ops_stream::parse_sleep(const words& w) {
    if (w.count != 2) return "expected: sleep MS";
    const auto ms = number(w.at[1]);
    if (!ms) return not_a_number("MS", w.at[1]);
    if (*ms > longest_sleep_ms) return fmt::format("a sleep is at most {} ms", longest_sleep_ms);
    command_ = op_sleep{milliseconds(*ms)};
    return {};
}

std::string ops_stream::parse_mark(const words& w) {
    if (w.count != 2) return "expected: mark LABEL";
    command_ = op_mark{std::string{w.at[1]}};
    return {};
}

} // namespace pagesim
