// SPDX-License-Identifier: MIT
// A set of virtual pages, such as all that a trace touches: one bit a page, in pieces of 512 pages (what one
// last-level table maps).
#pragma once

#include <pagesim/base/units.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <vector>

namespace pagesim {

// Pages [first, end).
struct page_range {
    vpn first{0};
    vpn end{0};

    friend bool operator==(const page_range&, const page_range&) = default;
};

class page_set {
public:
    page_set() = default;
    page_set(const page_set&) = delete;
    page_set& operator=(const page_set&) = delete;

    void insert(vpn n) {
        const std::uint64_t number = raw(n) / piece_pages;
        recent& r = recent_[number % recent_.size()];
        if (r.bits == nullptr || r.number != number) r = {.number = number, .bits = &pieces_[number]};
        std::uint64_t& word = (*r.bits)[raw(n) % piece_pages / 64];
        const std::uint64_t bit = 1ULL << (raw(n) % 64);
        count_ += (word & bit) == 0 ? 1U : 0U;
        word |= bit;
    }
    [[nodiscard]] page_count count() const { return {count_}; }
    [[nodiscard]] bool contains(vpn n) const;

    // The set as ranges, upwards. Two that at most `gap` absent pages part become one.
    [[nodiscard]] std::vector<page_range> ranges(page_count gap) const;

private:
    static constexpr std::uint64_t piece_pages = 512;
    using piece = std::array<std::uint64_t, piece_pages / 64>;
    struct recent {
        std::uint64_t number = 0;
        piece* bits = nullptr;
    };

    std::map<std::uint64_t, piece> pieces_; // by page number / 512
    std::array<recent, 256> recent_{};      // pieces used lately, so that most inserts need no search
    std::uint64_t count_ = 0;
};

} // namespace pagesim
