// SPDX-License-Identifier: MIT
// The rules that every source file keeps, as functions over text, so that they can be tried on bad examples.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::testing {

// Low to high; chapters of equal rank may not include each other unless a rule below says so.
inline constexpr std::array<std::string_view, 17> chapters{
    "base",  "stat", "sim",  "sched",   "workload",   "memory", "lru",     "mmu",    "mm",
    "cache", "swap", "rmap", "reclaim", "compaction", "fault",  "process", "machine"};

inline std::size_t rank_of(std::string_view chapter) {
    return static_cast<std::size_t>(std::find(chapters.begin(), chapters.end(), chapter) - chapters.begin());
}

// "lru" of "include/pagesim/lru/lruvec.hpp" or "src/lru/lruvec.cpp"; empty outside the chapters.
inline std::string chapter_of(std::string_view path) {
    for (const std::string_view root : {"include/pagesim/", "src/"}) {
        if (path.substr(0, root.size()) != root) continue;
        const std::string_view rest = path.substr(root.size());
        const std::size_t slash = rest.find('/');
        if (slash != std::string_view::npos) return std::string{rest.substr(0, slash)};
    }
    return {};
}

// The chapters that a text includes.
inline std::vector<std::string> included_chapters(const std::string& text) {
    constexpr std::string_view before = "#include <pagesim/";
    std::vector<std::string> out;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
        if (line.compare(0, before.size(), before) != 0) continue;
        const std::size_t slash = line.find('/', before.size());
        if (slash != std::string::npos) out.push_back(line.substr(before.size(), slash - before.size()));
    }
    return out;
}

// What is wrong with one file's includes; empty if nothing.
inline std::string upward_include(std::string_view path, const std::string& text) {
    const std::string own = chapter_of(path);
    if (own.empty() || own == "program") return {};
    if (rank_of(own) == chapters.size()) return own + " is no chapter";
    for (const std::string& other : included_chapters(text)) {
        if (rank_of(other) > rank_of(own)) return own + " includes " + other;
    }
    return {};
}

struct file_limits {
    std::size_t lines = 400;
    std::size_t columns = 112;
    std::size_t drawing_columns = 124; // of a comment: pictures may be a little wider
    std::size_t function_lines = 70;
};

// Characters, not bytes, of a line of UTF-8.
inline std::size_t width_of(std::string_view line) {
    return static_cast<std::size_t>(std::count_if(
        line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

inline bool is_comment(std::string_view line) {
    const std::size_t first = line.find_first_not_of(' ');
    return first != std::string_view::npos && line.substr(first, 2) == "//";
}

// What is wrong with one file's size and first line; empty if nothing. A function is what begins at a line
// that ends in "{" at the outermost level of its namespace and ends at a "}" in the first column.
inline std::string beyond_limits(const std::string& text, const file_limits& limit = {}) {
    if (text.rfind("// SPDX-License-Identifier: MIT\n", 0) != 0) return "has no SPDX line";
    std::istringstream in{text};
    std::size_t number = 0;
    std::size_t begun = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        const std::size_t widest = is_comment(line) ? limit.drawing_columns : limit.columns;
        if (width_of(line) > widest) return "line " + std::to_string(number) + " is too long";
        const bool opens = !line.empty() && line.back() == '{' && line.front() != ' ' && line.front() != '}';
        const bool function =
            opens && line.find('(') != std::string::npos && line.find("class ") == std::string::npos;
        if (function) begun = number;
        if (line == "}" && begun != 0) {
            if (number - begun > limit.function_lines)
                return "the function at line " + std::to_string(begun) + " is too long";
            begun = 0;
        }
    }
    if (number > limit.lines) return "has " + std::to_string(number) + " lines";
    return {};
}

} // namespace pagesim::testing
