// SPDX-License-Identifier: MIT
// The words of the ops language, one function each.
#include <pagesim/workload/ops.hpp>

#include "scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pagesim {

namespace {

constexpr std::array<std::string_view, 16> known_words{
    "madvise", "anon",  "file",  "map",     "r",     "w",    "pread", "pwrite",
    "unmap",   "close", "mlock", "munlock", "fsync", "drop", "sleep", "mark"};

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
    return std::find(known_words.begin(), known_words.end(), word) != known_words.end();
}

std::string ops_stream::parse(const words& w) {
    const std::string_view op = w.at[0];
    if (op == "r") return parse_touch(w, access::read);
    if (op == "w") return parse_touch(w, access::write);
    if (op == "anon") return parse_anon(w);
    if (op == "file") return parse_file(w);
    if (op == "map") return parse_map(w);
    if (op == "pread") return parse_transfer(w, op_transfer::action::pread);
    if (op == "pwrite") return parse_transfer(w, op_transfer::action::pwrite);
    if (op == "close") return parse_descriptor(w, op_descriptor::action::close);
    if (op == "fsync") return parse_descriptor(w, op_descriptor::action::fsync);
    if (op == "drop") return parse_drop(w);
    if (op == "unmap") return parse_unmap(w);
    if (op == "mlock") return parse_lock(w, op_lock::action::mlock);
    if (op == "munlock") return parse_lock(w, op_lock::action::munlock);
    if (op == "madvise") return parse_advise(w);
    if (op == "sleep") return parse_sleep(w);
    if (op == "mark") return parse_mark(w);
    return fmt::format("unknown op {}", in_quotes(op));
}

std::string ops_stream::take_pages(std::uint64_t pages, page_count alignment, vpn& first) {
    if (pages > (most_region_pages - mapped_).value)
        return fmt::format("more than {} pages in all regions", most_region_pages.value);
    std::optional<vpn> place;
    if (alignment.value > 1 && pages >= alignment.value) place = map_.take_aligned({pages}, alignment.value);
    if (!place) place = map_.take({pages});
    if (!place) return fmt::format("no room for a region of {} pages", pages);
    first = *place;
    mapped_ += page_count{pages};
    return {};
}

std::string ops_stream::parse_anon(const words& w) {
    if (w.count != 3) return "expected: anon NAME PAGES";
    const auto pages = number(w.at[2]);
    if (!pages) return not_a_number("PAGES", w.at[2]);
    if (*pages == 0) return "a region has at least 1 page";
    if (regions_.find(w.at[1]) != regions_.end())
        return fmt::format("region {} is declared already", in_quotes(w.at[1]));
    if (regions_.size() == most_regions) return fmt::format("more than {} regions", most_regions);
    op_anon op{.name = std::string{w.at[1]}, .first = vpn{0}, .pages = {*pages}};
    if (std::string wrong = take_pages(*pages, page_count{1}, op.first); !wrong.empty()) return wrong;
    regions_.emplace(op.name, region{.first = op.first, .pages = op.pages});
    command_ = std::move(op);
    return {};
}

std::string ops_stream::parse_file(const words& w) {
    if (w.count != 3) return "expected: file NAME PAGES";
    const auto pages = number(w.at[2]);
    if (!pages) return not_a_number("PAGES", w.at[2]);
    if (*pages == 0) return "a file has at least 1 page";
    if (*pages > most_file_pages.value)
        return fmt::format("a file has at most {} pages", most_file_pages.value);
    if (regions_.size() == most_regions) return fmt::format("more than {} regions", most_regions);
    const auto [it, is_new] = regions_.try_emplace(
        std::string{w.at[1]}, region{.pages = {*pages}, .is_file = true, .mapped = false});
    region& file = it->second;
    if (!file.is_file) return fmt::format("{} is a region", in_quotes(w.at[1]));
    if (file.open) return fmt::format("file {} is open already", in_quotes(w.at[1]));
    if (file.pages.value != *pages)
        return fmt::format("file {} has {} pages", in_quotes(w.at[1]), file.pages.value);
    file.open = true;
    command_ = op_file{.name = it->first, .pages = file.pages};
    return {};
}

std::string ops_stream::parse_map(const words& w) {
    if (w.count != 2) return "expected: map NAME";
    const auto it = regions_.find(w.at[1]);
    if (it == regions_.end() || !it->second.open)
        return fmt::format("no open file {} here", in_quotes(w.at[1]));
    region& file = it->second;
    if (file.mapped) return fmt::format("file {} is mapped already", in_quotes(w.at[1]));
    std::string wrong = take_pages(file.pages.value, performer_.file_alignment, file.first);
    if (!wrong.empty()) return wrong;
    file.mapped = true;
    command_ = op_map{.name = it->first, .first = file.first, .pages = file.pages};
    return {};
}

std::variant<ops_stream::part, std::string> ops_stream::parse_part(const words& w) const {
    const auto it = regions_.find(w.at[1]);
    if (it == regions_.end()) return fmt::format("no region {} here", in_quotes(w.at[1]));
    const auto page = number(w.at[2]);
    if (!page) return not_a_number("PAGE", w.at[2]);
    const auto count = w.count >= 4 ? number(w.at[3]) : std::optional<std::uint64_t>{1};
    if (!count) return not_a_number("COUNT", w.at[3]);
    if (*count == 0) return "COUNT is at least 1";
    const std::uint64_t pages = it->second.pages.value;
    if (*page >= pages || *count > pages - *page) {
        return fmt::format("PAGE {} and COUNT {} lead beyond {} {}, which has {} pages", *page, *count,
                           it->second.is_file ? "file" : "region", in_quotes(w.at[1]), pages);
    }
    return part{.of = &it->second, .first = *page, .pages = {*count}};
}

std::variant<ops_stream::mapped_part, std::string> ops_stream::parse_mapped_part(const words& w) const {
    const auto parsed = parse_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto& [of, first, pages] = std::get<part>(parsed);
    if (!of->mapped) return fmt::format("file {} is not mapped", in_quotes(w.at[1]));
    return mapped_part{.first = of->first + first, .pages = pages};
}

std::string ops_stream::parse_transfer(const words& w, op_transfer::action what) {
    if (w.count != 3 && w.count != 4) return fmt::format("expected: {} NAME PAGE [COUNT]", w.at[0]);
    const auto parsed = parse_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto& [of, first, pages] = std::get<part>(parsed);
    if (!of->open) return fmt::format("no open file {} here", in_quotes(w.at[1]));
    command_ = op_transfer{.name = std::string{w.at[1]}, .page = first, .pages = pages, .what = what};
    return {};
}

std::string ops_stream::parse_descriptor(const words& w, op_descriptor::action what) {
    if (w.count != 2) return fmt::format("expected: {} NAME", w.at[0]);
    const auto it = regions_.find(w.at[1]);
    if (it == regions_.end() || !it->second.open)
        return fmt::format("no open file {} here", in_quotes(w.at[1]));
    if (what == op_descriptor::action::close) it->second.open = false;
    command_ = op_descriptor{.name = it->first, .what = what};
    return {};
}

std::string ops_stream::parse_drop(const words& w) {
    if (w.count != 1) return "expected: drop";
    command_ = op_drop{};
    return {};
}

std::string ops_stream::parse_touch(const words& w, access kind) {
    if (w.count != 3 && w.count != 4) return fmt::format("expected: {} NAME PAGE [COUNT]", w.at[0]);
    const auto parsed = parse_mapped_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto& [first, pages] = std::get<mapped_part>(parsed);
    touch_ = {.kind = kind, .at = first, .left = pages.value, .done = 0};
    return {};
}

std::string ops_stream::parse_lock(const words& w, op_lock::action what) {
    if (w.count != 4) return fmt::format("expected: {} NAME PAGE COUNT", w.at[0]);
    const auto parsed = parse_mapped_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto& [first, pages] = std::get<mapped_part>(parsed);
    command_ = op_lock{.name = std::string{w.at[1]}, .first = first, .pages = pages, .what = what};
    return {};
}

std::string ops_stream::parse_advise(const words& w) {
    if (w.count != 5) return "expected: madvise NAME PAGE COUNT ADVICE";
    const auto parsed = parse_mapped_part(w);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    const auto what = advice_from_word(w.at[4]);
    if (!what) return fmt::format("unknown advice {}", in_quotes(w.at[4]));
    const auto& [first, pages] = std::get<mapped_part>(parsed);
    command_ = op_advise{.name = std::string{w.at[1]}, .first = first, .pages = pages, .what = *what};
    return {};
}

std::string ops_stream::parse_unmap(const words& w) {
    if (w.count != 2) return "expected: unmap NAME";
    const auto it = regions_.find(w.at[1]);
    if (it == regions_.end()) return fmt::format("no region {} here", in_quotes(w.at[1]));
    region& r = it->second;
    if (!r.mapped) return fmt::format("file {} is not mapped", in_quotes(w.at[1]));
    map_.give_back(r.first, r.pages);
    mapped_ -= r.pages;
    command_ = op_unmap{.name = it->first, .first = r.first, .pages = r.pages};
    if (r.is_file) {
        r.mapped = false;
    } else {
        regions_.erase(it);
    }
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
    command_ = op_mark{.label = std::string{w.at[1]}, .takes = performer_.snapshot};
    return {};
}

} // namespace pagesim
