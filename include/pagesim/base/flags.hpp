// SPDX-License-Identifier: MIT
// A set of enumerators kept in one unsigned word. The enumerator's value is its bit number.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>

namespace pagesim {

template <typename Enum, typename Word = std::uint32_t>
class flag_set {
    static_assert(std::is_enum_v<Enum> && std::is_unsigned_v<Word>);

public:
    constexpr flag_set() = default;
    constexpr flag_set(Enum e) : word_{bit(e)} {}
    constexpr flag_set(std::initializer_list<Enum> list) {
        for (Enum e : list) word_ = static_cast<Word>(word_ | bit(e));
    }
    [[nodiscard]] static constexpr flag_set from_word(Word w) {
        flag_set s;
        s.word_ = w;
        return s;
    }
    [[nodiscard]] static constexpr Word bit(Enum e) {
        return static_cast<Word>(Word{1} << static_cast<unsigned>(e));
    }

    [[nodiscard]] constexpr bool has(Enum e) const { return (word_ & bit(e)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return word_ == 0; }
    [[nodiscard]] constexpr Word word() const { return word_; }
    constexpr void set(Enum e) { word_ = static_cast<Word>(word_ | bit(e)); }
    constexpr void clear(Enum e) { word_ = static_cast<Word>(word_ & static_cast<Word>(~bit(e))); }

    friend constexpr flag_set operator|(flag_set a, flag_set b) {
        return from_word(static_cast<Word>(a.word_ | b.word_));
    }
    friend constexpr flag_set operator&(flag_set a, flag_set b) {
        return from_word(static_cast<Word>(a.word_ & b.word_));
    }
    friend constexpr bool operator==(flag_set, flag_set) = default;

private:
    Word word_ = 0;
};

} // namespace pagesim
