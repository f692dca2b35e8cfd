// SPDX-License-Identifier: MIT
#include <workload/fields.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <string>

namespace pagesim {
namespace {

// The same, a character at a time.
std::string_view next_word_plainly(std::string_view& rest) {
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    std::size_t end = 0;
    while (end < rest.size() && !is_blank(rest[end])) ++end;
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
}

std::string_view last_word_plainly(std::string_view& rest) {
    while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
    std::size_t begin = rest.size();
    while (begin > 0 && !is_blank(rest[begin - 1])) --begin;
    const std::string_view word = rest.substr(begin);
    rest.remove_suffix(word.size());
    return word;
}

template <int Base>
maybe_number number_plainly(std::string_view text) {
    std::uint64_t n = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, wrong] = std::from_chars(text.data(), end, n, Base);
    if (wrong != std::errc{} || stopped != end) return std::nullopt;
    return n;
}

// Lines of few different characters, so that each of a kind meets each other at all distances.
std::string some_text(std::mt19937_64& random, std::string_view characters) {
    std::string out(random() % 40, ' ');
    for (char& c : out) c = characters[random() % characters.size()];
    return out;
}

TEST(fields, are_parted_as_by_a_loop_over_characters) {
    std::mt19937_64 random{1};
    for (int i = 0; i < 20000; ++i) {
        const std::string line =
            some_text(random, i % 2 == 0 ? std::string_view{" \tab"} : " \taaaaaaaaaaa\x89\xa0");
        std::string_view quick = line;
        std::string_view plain = line;
        do {
            ASSERT_EQ(next_word(quick), next_word_plainly(plain)) << '"' << line << '"';
            ASSERT_EQ(quick, plain);
        } while (!quick.empty());
        quick = line;
        plain = line;
        do {
            ASSERT_EQ(last_word(quick), last_word_plainly(plain)) << '"' << line << '"';
            ASSERT_EQ(quick, plain);
        } while (!quick.empty());
    }
}

TEST(fields, are_numbers_as_the_library_reads_them) {
    std::mt19937_64 random{2};
    for (int i = 0; i < 50000; ++i) {
        std::string text = some_text(random, "0123456789").substr(0, 20);
        if (i % 4 == 0 && !text.empty())
            text[random() % text.size()] = "/:;?@ -+.\x80\xb0\xf5"[random() % 12];
        ASSERT_EQ(decimal(text), number_plainly<10>(text)) << text;
    }
    for (int i = 0; i < 50000; ++i) {
        std::string text = some_text(random, "0123456789abcdefABCDEF").substr(0, 16);
        if (i % 4 == 0 && !text.empty()) text[random() % text.size()] = "/:@Gg`x\x80"[random() % 8];
        ASSERT_EQ(hexadecimal(text), number_plainly<16>(text)) << text;
    }
}

TEST(fields, may_begin_by_a_number_that_other_characters_end) {
    std::mt19937_64 random{3};
    for (int i = 0; i < 50000; ++i) {
        const std::string text = some_text(random, "01234567890123456789012345678901234567890-: /a\x80\xfa");
        std::string_view rest = text;
        const auto n = take_decimal(rest);
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        ASSERT_EQ(rest, text.substr(digits)) << text;
        ASSERT_EQ(n, digits > 20 ? maybe_number{} : number_plainly<10>(text.substr(0, digits))) << text;
    }
}

TEST(fields, are_numbers_up_to_64_bits) {
    EXPECT_EQ(decimal("18446744073709551615"), ~std::uint64_t{0});
    EXPECT_FALSE(decimal("18446744073709551616"));
    EXPECT_FALSE(decimal("19999999999999999999"));
    EXPECT_FALSE(decimal("28446744073709551615"));
    EXPECT_FALSE(decimal("100000000000000000000"));
    EXPECT_EQ(decimal("00000000000000000001"), 1U);
    EXPECT_FALSE(decimal("00000000000000000000001"));
    EXPECT_FALSE(decimal(""));
    EXPECT_EQ(hexadecimal("ffffffffffffffff"), ~std::uint64_t{0});
    EXPECT_FALSE(hexadecimal("10000000000000000"));
    EXPECT_FALSE(hexadecimal(""));
}

} // namespace
} // namespace pagesim
