// SPDX-License-Identifier: MIT
// Pieces of a line: words, fields and numbers. No allocation.
#pragma once

#include "little_endian.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pagesim {

// ---- eight characters at once, the first in the lowest byte

[[nodiscard]] constexpr std::uint64_t eight_of(char c) {
    return 0x0101'0101'0101'0101U * static_cast<unsigned char>(c);
}

// 0x80 in each byte that is zero, 0 in the others.
[[nodiscard]] constexpr std::uint64_t zero_bytes(std::uint64_t eight) {
    constexpr std::uint64_t low_bits = 0x7f7f'7f7f'7f7f'7f7f;
    return ~(((eight & low_bits) + low_bits) | eight | low_bits);
}

// 0x80 in each byte that is a blank.
[[nodiscard]] constexpr std::uint64_t blanks_in(std::uint64_t eight) {
    return zero_bytes(eight ^ eight_of(' ')) | zero_bytes(eight ^ eight_of('\t'));
}

[[nodiscard]] constexpr bool are_digits(std::uint64_t eight) {
    const std::uint64_t values =
        eight ^ eight_of('0'); // of other characters: above 9, as 6 more shows in the upper half
    return ((values | (values + eight_of(6))) & eight_of('\xf0')) == 0;
}

// Of eight digits.
[[nodiscard]] constexpr std::uint64_t value_of_digits(std::uint64_t eight) {
    eight ^= eight_of('0');
    eight = (eight * 10 + (eight >> 8U)) & 0x00ff'00ff'00ff'00ffU; // four of two digits
    eight = (eight * 100 + (eight >> 16U)) & 0x0000'ffff'0000'ffffU;
    return (eight * 10000 + (eight >> 32U)) & 0xffff'ffffU;
}

// ---- numbers

// Digits and nothing else, below 2^64.
[[nodiscard]] inline std::optional<std::uint64_t> decimal(std::string_view text) {
    constexpr std::size_t always_fit = 19;
    if (text.empty() || text.size() > always_fit + 1) return std::nullopt;
    std::uint64_t n = 0;
    std::string_view rest = text.substr(0, always_fit);
    for (; rest.size() >= 8; rest.remove_prefix(8)) {
        const std::uint64_t eight = get_le<std::uint64_t>(rest.data());
        if (!are_digits(eight)) return std::nullopt;
        n = n * 100'000'000 + value_of_digits(eight);
    }
    for (const char c : rest) {
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

inline constexpr std::uint8_t no_hex_digit = 0xff;
inline constexpr std::array<std::uint8_t, 256> hex_digits = [] {
    std::array<std::uint8_t, 256> out{};
    out.fill(no_hex_digit);
    for (std::uint8_t i = 0; i < 10; ++i) out[static_cast<std::size_t>('0') + i] = i;
    for (std::uint8_t i = 10; i < 16; ++i) {
        out[static_cast<std::size_t>('a') + i - 10] = i;
        out[static_cast<std::size_t>('A') + i - 10] = i;
    }
    return out;
}();

// 1 to 16 hexadecimal digits and nothing else.
[[nodiscard]] inline std::optional<std::uint64_t> hexadecimal(std::string_view text) {
    if (text.empty() || text.size() > 16) return std::nullopt;
    std::uint64_t n = 0;
    for (const char c : text) {
        const std::uint8_t digit = hex_digits[static_cast<unsigned char>(c)];
        if (digit == no_hex_digit) return std::nullopt;
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

// Where the first blank, or the first other character, is at or behind `from`; the end if there is none.
enum class looked_for : std::uint8_t { blank, other };
template <looked_for What>
[[nodiscard]] inline std::size_t find_first(std::string_view text, std::size_t from) {
    constexpr bool blank = What == looked_for::blank;
    for (; from + 8 <= text.size(); from += 8) {
        std::uint64_t found = blanks_in(get_le<std::uint64_t>(text.data() + from));
        if (!blank) found ^= eight_of('\x80');
        if (found != 0) return from + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    }
    while (from < text.size() && is_blank(text[from]) != blank) ++from;
    return from;
}

// The next word, which blanks end; it and what precedes it are taken off `rest`. Empty: there is none.
[[nodiscard]] inline std::string_view next_word(std::string_view& rest) {
    const std::size_t begin = find_first<looked_for::other>(rest, 0);
    const std::size_t end = find_first<looked_for::blank>(rest, begin);
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
