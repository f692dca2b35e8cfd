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

// Of eight characters, each exclusive-or '0', which makes values of digits: set at the first other, perhaps behind it.
[[nodiscard]] constexpr std::uint64_t no_digits_in(std::uint64_t values) {
    return (values | (values + eight_of(6))) & eight_of('\xf0');
}

// Of eight digits, each as its value.
[[nodiscard]] constexpr std::uint64_t value_of_digits(std::uint64_t values) {
    values = (values * 10 + (values >> 8U)) & 0x00ff'00ff'00ff'00ffU; // four of two digits
    values = (values * 100 + (values >> 16U)) & 0x0000'ffff'0000'ffffU;
    return (values * 10000 + (values >> 32U)) & 0xffff'ffffU;
}

// ---- numbers

// A number, or none: std::optional in whole registers. (Of that one, compilers store the flag's byte and load the eight
// around it, for which a processor waits: a fifth of the time that a line takes.)
class maybe_number {
public:
    constexpr maybe_number() = default;
    constexpr maybe_number(std::nullopt_t /*none*/) {}
    constexpr maybe_number(std::uint64_t n) : value_{n}, is_there_{1} {}

    [[nodiscard]] constexpr explicit operator bool() const { return is_there_ != 0; }
    [[nodiscard]] constexpr std::uint64_t operator*() const { return value_; }
    friend constexpr bool operator==(const maybe_number&, const maybe_number&) = default;

private:
    std::uint64_t value_ = 0;
    std::uint64_t is_there_ = 0;
};

inline constexpr std::array<std::uint64_t, 9> powers_of_ten{
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

// The number at the front of `rest`, of all the digits there, which are taken off. None: no digits, or not below 2^64.
[[nodiscard]] inline maybe_number take_decimal(std::string_view& rest) {
    const std::string_view text = rest;
    std::uint64_t n = 0;
    std::size_t at = 0;
    std::size_t digits = 8;
    for (; digits == 8 && at + 8 <= text.size(); at += digits) {
        const std::uint64_t values = get_le<std::uint64_t>(text.data() + at) ^ eight_of('0');
        digits = static_cast<std::size_t>(std::countr_zero(no_digits_in(values))) / 8;
        if (digits == 0) break;
        n = n * powers_of_ten[digits] + value_of_digits(values << (64 - 8 * digits));
    }
    if (digits == 8) {
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
            n = n * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
    rest.remove_prefix(at);
    // Of twenty digits: 2^64 is 18446744073709551616, and what reaches it begins anew at 0.
    constexpr std::uint64_t twenty_digits = 10'000'000'000'000'000'000U;
    const bool fits = at < 20 || (at == 20 && (text[0] == '0' || (text[0] == '1' && n >= twenty_digits)));
    return at > 0 && fits ? maybe_number{n} : std::nullopt;
}

// Digits and nothing else, below 2^64.
[[nodiscard]] inline maybe_number decimal(std::string_view text) {
    const maybe_number n = take_decimal(text);
    return text.empty() ? n : std::nullopt;
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
[[nodiscard]] inline maybe_number hexadecimal(std::string_view text) {
    if (text.empty() || text.size() > 16) return std::nullopt;
    std::uint64_t n = 0;
    unsigned all = 0;
    for (const char c : text) {
        const std::uint8_t digit = hex_digits[static_cast<unsigned char>(c)];
        all |= digit;
        n = n << 4U | digit;
    }
    return all < 16 ? maybe_number{n} : std::nullopt;
}

// Decimal, or hexadecimal behind 0x.
[[nodiscard]] inline maybe_number number_of(std::string_view text) {
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return hexadecimal(text.substr(2));
    return decimal(text);
}

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Whether no word is being read.
[[nodiscard]] constexpr bool at_word_begin(std::string_view read) {
    return read.empty() || is_blank(read.back());
}
[[nodiscard]] constexpr bool at_word_end(std::string_view rest) {
    return rest.empty() || is_blank(rest.front());
}

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

// The last word; it and what follows it are taken off `rest`. Empty: there is none.
[[nodiscard]] inline std::string_view last_word(std::string_view& rest) {
    while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
    std::size_t begin = rest.size();
    std::uint64_t found = 0;
    for (; found == 0 && begin >= 8; begin -= static_cast<std::size_t>(std::countl_zero(found)) / 8)
        found = blanks_in(get_le<std::uint64_t>(rest.data() + begin - 8));
    while (found == 0 && begin > 0 && !is_blank(rest[begin - 1])) --begin;
    const std::string_view word = rest.substr(begin);
    rest = rest.substr(0, begin);
    return word;
}

inline void skip_blanks(std::string_view& rest) {
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
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
[[nodiscard]] inline maybe_number seconds_of(std::string_view text) {
    const auto has_point = [text](std::size_t places) {
        return text.size() > places + 1 && text[text.size() - places - 1] == '.';
    };
    if (!has_point(6) && !has_point(9)) return std::nullopt;
    const auto whole = take_decimal(text);
    if (!whole || !text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
    const std::size_t places = text.size();
    const auto part = decimal(text);
    constexpr std::uint64_t most_seconds = 4'000'000'000;
    if (!part || *whole > most_seconds) return std::nullopt;
    return *whole * 1'000'000'000 + *part * (places == 6 ? 1000U : 1U);
}

} // namespace pagesim
