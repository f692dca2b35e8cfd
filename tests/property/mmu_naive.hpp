// SPDX-License-Identifier: MIT
// The slow twin of the MMU: page tables in a std::map, TLBs in plain vectors that are searched from end to end, no
// memo, and its own reading of descriptor bits.
#pragma once

#include <pagesim/mmu/mmu.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace pagesim::testing::on_mmu {

using place = std::pair<std::uint16_t, std::uint64_t>; // space, page

struct naive_entry {
    place where;
    std::uint64_t word;
};

class naive_level {
public:
    naive_level(unsigned entries, unsigned ways)
        : sets_(entries / (ways == 0 ? entries : ways)), turn_(sets_.size()) {
        for (auto& set : sets_) set.resize(ways == 0 ? entries : ways);
    }

    naive_entry* find(place p) {
        for (auto& e : set_of(p)) {
            if (e && e->where == p) return &*e;
        }
        return nullptr;
    }
    void put(naive_entry n) {
        if (naive_entry* there = find(n.where)) {
            *there = n;
            return;
        }
        auto& set = set_of(n.where);
        for (auto& e : set) {
            if (!e) {
                e = n;
                return;
            }
        }
        std::size_t& turn = turn_[n.where.second % sets_.size()];
        set[turn] = n;
        turn = (turn + 1) % set.size();
    }
    template <typename Doomed>
    void drop(Doomed doomed) {
        for (auto& set : sets_) {
            for (auto& e : set) {
                if (e && doomed(e->where)) e.reset();
            }
        }
    }
    // What it holds, by place.
    [[nodiscard]] std::map<place, std::uint64_t> content() const {
        std::map<place, std::uint64_t> all;
        for (const auto& set : sets_) {
            for (const auto& e : set) {
                if (e) all.emplace(e->where, e->word);
            }
        }
        return all;
    }

private:
    std::vector<std::optional<naive_entry>>& set_of(place p) { return sets_[p.second % sets_.size()]; }

    std::vector<std::vector<std::optional<naive_entry>>> sets_;
    std::vector<std::size_t> turn_;
};

// Descriptors of all spaces, and which tables exist.
struct naive_tables {
    std::map<place, std::uint64_t> words;                           // none: 0 or absent
    std::set<std::tuple<std::uint16_t, int, std::uint64_t>> tables; // space, level, first page / span

    static std::uint64_t table_of(int level, std::uint64_t page) {
        return page >> (9U * static_cast<unsigned>(4 - level));
    }
    [[nodiscard]] bool has_table(int level, place p) const {
        return tables.count({p.first, level, table_of(level, p.second)}) != 0;
    }
    void set(place p, std::uint64_t word) {
        for (int level = 0; level < 4; ++level) tables.insert({p.first, level, table_of(level, p.second)});
        words[p] = word;
    }
    // Tables below the root without anything in them.
    void release_empty(std::uint16_t space) {
        std::set<std::pair<int, std::uint64_t>> used;
        for (const auto& [p, word] : words) {
            if (p.first != space || word == 0) continue;
            for (int level = 1; level < 4; ++level) used.insert({level, table_of(level, p.second)});
        }
        for (auto it = tables.begin(); it != tables.end();) {
            const auto& [s, level, number] = *it;
            const bool empty = s == space && level > 0 && used.count({level, number}) == 0;
            it = empty ? tables.erase(it) : std::next(it);
        }
    }
};

class naive_cpu {
public:
    naive_cpu(const tlb_geometry& g, hafdbs feature)
        : l1{g.l1_entries, g.l1_ways}, l2{g.l2_entries, g.l2_ways}, feature_{feature} {}

    translation translate(naive_tables& memory, place p, access_kind kind) {
        const bool in_l1 = l1.find(p) != nullptr;
        naive_entry* held = in_l1 ? l1.find(p) : l2.find(p);
        if (held == nullptr || needs_update(held->word, kind)) return walk(memory, p, kind);
        const std::uint64_t word = held->word;
        if (!in_l1) l1.put({p, word});
        if (!allowed(word, kind)) return fault(fault_kind::permission, 3, 0);
        return {.outcome = in_l1 ? translation_outcome::l1_hit : translation_outcome::l2_hit,
                .frame = pfn{(word >> 12U) & 0xf'ffff'ffffU}};
    }
    template <typename Doomed>
    void drop(Doomed doomed) {
        l1.drop(doomed);
        l2.drop(doomed);
    }

    naive_level l1;
    naive_level l2;

    static bool bit(std::uint64_t word, unsigned n) { return (word >> n & 1U) != 0; }
    // Without any help from the walker.
    static bool allowed(std::uint64_t word, access_kind kind) {
        switch (kind) {
        case access_kind::read: return bit(word, 6);
        case access_kind::write: return bit(word, 6) && !bit(word, 7);
        case access_kind::fetch: return !bit(word, 54);
        }
        return false;
    }

private:
    [[nodiscard]] bool needs_update(std::uint64_t word, access_kind kind) const {
        return kind == access_kind::write && feature_ == hafdbs::access_flag_and_dirty && bit(word, 6) &&
               bit(word, 7) && bit(word, 51);
    }
    static translation fault(fault_kind kind, int level, int steps) {
        return {.outcome = translation_outcome::fault,
                .fault = {.kind = kind, .level = static_cast<std::uint8_t>(level)},
                .steps = static_cast<std::uint8_t>(steps)};
    }
    translation walk(naive_tables& memory, place p, access_kind kind) {
        for (int level = 1; level < 4; ++level) {
            if (!memory.has_table(level, p)) return fault(fault_kind::translation, level - 1, level);
        }
        std::uint64_t& word = memory.words[p];
        if ((word & 3U) != 3) return fault(fault_kind::translation, 3, 4);
        if (!bit(word, 10) && feature_ == hafdbs::none) return fault(fault_kind::access_flag, 3, 4);
        word |= 1ULL << 10U;
        if (needs_update(word, kind)) word &= ~(1ULL << 7U);
        l2.put({p, word});
        l1.put({p, word});
        if (!allowed(word, kind)) return fault(fault_kind::permission, 3, 4);
        return {
            .outcome = translation_outcome::walk, .frame = pfn{(word >> 12U) & 0xf'ffff'ffffU}, .steps = 4};
    }

    hafdbs feature_;
};

} // namespace pagesim::testing::on_mmu
