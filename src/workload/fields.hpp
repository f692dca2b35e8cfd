// SPDX-License-Identifier: MIT
// Pieces of a line: words, fields and numbers. No allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pagesim {

// Digits and nothing else, below 2^64.
[[nodiscard]] inline std::optional<std::uint64_t> decimal(std::string_view text) {
    constexpr std::size_t always_fit = 19;
    if (text.empty() || text.size() > always_fit + 1) return std::nullopt;
    std::uint64_t n = 0;
    for (const char c : text.substr(0, always_fit)) {
        const auto digit = static_cast<std::uint64_t>(static_cast<unsigned char>(c)) - '0';
        if (digit > 9) return std::nullopt;
        n = n * 10 + digit;
    }
    if (text.size() <= always_fit) return n;
    const char last = text.back();
    if (last < '0' || last > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(last - '0');
    if (n > (~std::uint64_t{0} - digit) / 10) return std::nullopt;
    return n * 10 + digit;
}

// 1 to 16 hexadecimal digits and nothing else.
[[nodiscard]] inline std::optional<std::uint64_t> hexadecimal(std::string_view text) {
    if (text.empty() || text.size() > 16) return std::nullopt;
    std::uint64_t n = 0;
    for (const char c : text) {
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = static_cast<unsigned>(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = static_cast<unsigned>(c - 'A') + 10;
        } else {
            return std::nullopt;
        }
        n = n << 4U | digit;
    }
    return n;
}

// Decimal, or hexadecimal behind 0x.
[[nodiscard]] inline std::optional<std::uint64_t> number_of(std::string_view text) {
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return hexadecimal(text.substr(2));
    return decimal(text);
}

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The next word, which blanks end; it and what precedes it are taken off `rest`. Empty: there is none.
[[nodiscard]] inline std::string_view next_word(std::string_view& rest) {
    std::size_t begin = 0;
    while (begin < rest.size() && is_blank(rest[begin])) ++begin;
    std::size_t end = begin;
    while (end < rest.size() && !is_blank(rest[end])) ++end;
    const std::string_view word = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
    return word;
}

[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// The field up to the next delimiter, trimmed; taken off `rest` with the delimiter. `rest` is null after the
// last.
[[nodiscard]] inline std::string_view next_field(std::string_view& rest, char delimiter) {
    const std::size_t end = rest.find(delimiter);
    const std::string_view field = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return trimmed(field);
}

// Seconds as perf and ftrace print them, "12.345678" with 6 or 9 places, in nanoseconds.
[[nodiscard]] inline std::optional<std::uint64_t> seconds_of(std::string_view text) {
    const std::size_t point = text.find('.');
    if (point == std::string_view::npos) return std::nullopt;
    const std::string_view places = text.substr(point + 1);
    if (places.size() != 6 && places.size() != 9) return std::nullopt;
    const auto whole = decimal(text.substr(0, point));
    const auto part = decimal(places);
    constexpr std::uint64_t most_seconds = 4'000'000'000;
    if (!whole || !part || *whole > most_seconds) return std::nullopt;
    return *whole * 1'000'000'000 + *part * (places.size() == 6 ? 1000U : 1U);
}

} // namespace pagesim
