// SPDX-License-Identifier: MIT
// A two-level TLB, tagged by address space, with the memo in front of it.
//
//     memo  ⊆  L1     what the memo answers, the L1 would have answered
//     L1, L2          independent: a walk fills both, an L2 hit fills L1, an eviction from one leaves the other alone,
//                     a flush removes from both. A page that is in both has the same descriptor in both.
//
// Replacement is round robin within a set: a new entry takes the lowest free way, or else the way whose
// turn it is. Without flushes that is first in, first out. A hit changes nothing, and that is what makes
// the memo exact: an access that the memo serves would have left no trace in the TLB.
//
// An entry is a copy of the leaf descriptor. Only valid, young descriptors come in; one that denies the
// access may.
#pragma once

#include <pagesim/mmu/memo.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pagesim {

// ways = 0: fully associative.
struct tlb_geometry {
    unsigned l1_entries = 32;
    unsigned l1_ways = 0;
    unsigned l2_entries = 1024;
    unsigned l2_ways = 4;
};

// Why a geometry cannot be built, or nothing. At most 64 ways; sets are a power of two.
[[nodiscard]] std::optional<std::string_view> invalid_geometry(const tlb_geometry& g);

// One level: sets of ways, found by the low bits of the page number.
class tlb_level {
public:
    tlb_level(unsigned entries, unsigned ways);

    [[nodiscard]] descriptor* find(translation_key key) {
        const unsigned at = position(key);
        return at == nowhere ? nullptr : &held_[at];
    }
    // Adds a key that is not held; returns the key that made room (or an invalid one).
    translation_key insert(translation_key key, descriptor d);
    // True if it was held.
    bool erase(translation_key key) {
        const unsigned at = position(key);
        if (at == nowhere) return false;
        take_out(at);
        return true;
    }

    [[nodiscard]] std::size_t capacity() const { return tags_.size(); }

    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < tags_.size(); ++i) {
            if (tags_[i].valid()) visit(tags_[i], held_[i]);
        }
    }

private:
    static constexpr unsigned nowhere = ~0U;
    static constexpr unsigned buckets = 256;
    static constexpr std::uint8_t chain_end = 0xff;
    static constexpr unsigned hash_from_ways = 9; // a larger single set is searched through chains

    [[nodiscard]] unsigned set_of(translation_key key) const {
        return static_cast<unsigned>(raw(key.page())) & (sets_ - 1);
    }
    [[nodiscard]] static unsigned bucket_of(translation_key key) {
        return static_cast<unsigned>(raw(key.page())) % buckets;
    }
    [[nodiscard]] unsigned position(translation_key key) const {
        if (hashed_) {
            unsigned way = heads_[bucket_of(key)];
            while (way != chain_end && tags_[way] != key) way = chain_[way];
            return way == chain_end ? nowhere : way;
        }
        const unsigned first = set_of(key) * ways_;
        for (unsigned at = first; at < first + ways_; ++at) {
            if (tags_[at] == key) return at;
        }
        return nowhere;
    }
    void take_out(unsigned at);
    void chain_in(unsigned way);
    void chain_out(unsigned way);

    unsigned sets_;
    unsigned ways_;
    bool hashed_;
    std::vector<translation_key> tags_; // set after set
    std::vector<descriptor> held_;
    std::vector<std::uint64_t> free_ways_;  // a bit for each free way of the set
    std::vector<std::uint8_t> next_victim_; // whose turn it is in the set
    std::array<std::uint8_t, buckets> heads_{};
    std::array<std::uint8_t, 64> chain_{};
};

class tlb {
public:
    // Precondition: invalid_geometry() finds nothing.
    explicit tlb(const tlb_geometry& g);

    [[nodiscard]] const translation_memo& memo() const { return memo_; }

    // What L1 holds for the key, or null. A find tells the memo, so that the next one is answered there.
    [[nodiscard]] const descriptor* find_l1(translation_key key) {
        const descriptor* d = l1_.find(key);
        if (d != nullptr) memo_.remember(key, *d);
        return d;
    }
    [[nodiscard]] const descriptor* find_l2(translation_key key) { return l2_.find(key); }

    // After an L2 hit. Precondition: L1 does not hold the key.
    void fill_l1(translation_key key, descriptor d) {
        const translation_key evicted = l1_.insert(key, d);
        if (evicted.valid()) memo_.forget(evicted);
        memo_.remember(key, d);
    }
    // After a walk that followed a miss. Precondition: neither level holds the key.
    void fill_new(translation_key key, descriptor d) {
        PAGESIM_ASSERT(d.leaf_or_table() && d.young());
        l2_.insert(key, d);
        fill_l1(key, d);
    }
    // After any walk: enters both levels, or renews the entry where it is.
    void fill(translation_key key, descriptor d);

    void forget(translation_key key) {
        if (l1_.erase(key)) memo_.forget(key);
        l2_.erase(key);
    }
    void forget_range(asid space, vpn first, vpn end);
    void forget_space(asid space) { forget_range(space, vpn{0}, vpn{vpn_limit}); }
    void forget_all();

    template <typename Visit>
    void for_each_l1(Visit visit) const {
        l1_.for_each(visit);
    }
    template <typename Visit>
    void for_each_l2(Visit visit) const {
        l2_.for_each(visit);
    }

    // Memo ⊆ L1, L1 and L2 agree, and each entry of `space` has its page in `table`: valid, young, the same
    // frame, and no permission that the descriptor does not give.
    void check_consistency(asid space, const page_table& table) const;

private:
    template <typename Doomed>
    void forget_if(Doomed doomed);

    tlb_level l1_;
    tlb_level l2_;
    translation_memo memo_;
    std::vector<translation_key> doomed_; // scratch
};

inline void tlb_level::chain_in(unsigned way) {
    std::uint8_t& head = heads_[bucket_of(tags_[way])];
    chain_[way] = head;
    head = static_cast<std::uint8_t>(way);
}

inline void tlb_level::chain_out(unsigned way) {
    std::uint8_t* link = &heads_[bucket_of(tags_[way])];
    while (*link != way) {
        PAGESIM_ASSERT(*link != chain_end);
        link = &chain_[*link];
    }
    *link = chain_[way];
}

inline translation_key tlb_level::insert(translation_key key, descriptor d) {
    const unsigned set = set_of(key);
    const unsigned first = set * ways_;
    translation_key evicted;
    unsigned way = 0;
    if (free_ways_[set] != 0) {
        way = static_cast<unsigned>(std::countr_zero(free_ways_[set]));
        free_ways_[set] &= free_ways_[set] - 1;
    } else {
        way = next_victim_[set];
        next_victim_[set] = static_cast<std::uint8_t>(way + 1 == ways_ ? 0 : way + 1);
        evicted = tags_[first + way];
        if (hashed_) chain_out(way);
    }
    tags_[first + way] = key;
    held_[first + way] = d;
    if (hashed_) chain_in(way);
    return evicted;
}

} // namespace pagesim
