// SPDX-License-Identifier: MIT
// The translation tables of one address space: four levels of 512 descriptors.
//
//     vpn, 36 bits   | 35..27 | 26..18 | 17..9 | 8..0 |
//                        L0       L1       L2     L3      (kernel: PGD, PUD, PMD, PTE)
//
//     root ─[L0]→ table ─[L1]→ table ─[L2]→ table ─[L3]→ page, swap entry or nothing
//     one entry spans   512 GiB      1 GiB        2 MiB        4 KiB
//
// Every table is a frame of the simulated machine (page_flag::table), given by the caller, and a table
// descriptor holds that frame's number. Its 512 words live on the host, in a table_pool; page.index() says
// where. Tables above the last level keep, beside each descriptor, a host pointer to the same next table: a
// walk follows those, one load a level. check_consistency() proves that both say the same.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/memory/mem_map.hpp>
#include <pagesim/mmu/descriptor.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace pagesim {

inline constexpr unsigned table_entries = 512;
inline constexpr int table_levels = 4;
inline constexpr std::uint64_t vpn_limit = 1ULL << 36U;

// How many pages one entry of a table of that level spans.
[[nodiscard]] constexpr std::uint64_t pages_per_entry(int level) {
    return 1ULL << (9U * static_cast<unsigned>(table_levels - 1 - level));
}
[[nodiscard]] constexpr unsigned table_index(vpn n, int level) {
    return static_cast<unsigned>(raw(n) / pages_per_entry(level)) % table_entries;
}
// Where the walker fetches the descriptor of a level.
[[nodiscard]] constexpr phys_addr descriptor_address(phys_addr table, vpn n, int level) {
    return phys_addr{raw(table) + 8ULL * table_index(n, level)};
}

struct alignas(64) host_table {
    std::array<std::uint64_t, table_entries> words{};
};
// A table of level 0, 1 or 2: child[i] is where words[i] points, or null.
struct host_directory : host_table {
    std::array<host_table*, table_entries> child{};
};

// Host memory of all tables of a machine. Addresses are stable, freed tables are used again.
class table_pool {
public:
    table_pool() = default;
    table_pool(const table_pool&) = delete;
    table_pool& operator=(const table_pool&) = delete;

    // A zeroed table for that level; throws std::bad_alloc.
    [[nodiscard]] std::uint32_t take(int level);
    void give(int level, std::uint32_t number);
    [[nodiscard]] host_table& at(int level, std::uint32_t number);
    [[nodiscard]] std::size_t in_use() const;

private:
    std::deque<host_table> leaves_;
    std::deque<host_directory> directories_;
    std::vector<std::uint32_t> free_leaves_;
    std::vector<std::uint32_t> free_directories_;
};

class page_table {
public:
    page_table(mem_map& frames, table_pool& pool) : frames_{frames}, pool_{pool} {}
    page_table(const page_table&) = delete;
    page_table& operator=(const page_table&) = delete;

    // Gives the address space its level 0 table; once.
    void set_root(page& frame) { install_table(vpn{0}, 0, frame); }
    [[nodiscard]] page* root() const { return root_frame_; }

    // The first level whose table does not exist on the way to `n` (0: not even the root), or -1.
    [[nodiscard]] int missing_level(vpn n) const;
    // Hangs `frame` in as the table of that level. Precondition: level == missing_level(n).
    void install_table(vpn n, int level, page& frame);

    // The level 3 descriptor of `n`, or null if a table is missing on the way. Addresses beyond 48 bits
    // have none.
    [[nodiscard]] std::uint64_t* leaf(vpn n);
    [[nodiscard]] const std::uint64_t* leaf(vpn n) const {
        const host_table* t = last_table(n);
        return t == nullptr ? nullptr : &t->words[table_index(n, 3)];
    }

    // The same, if it maps that frame (and not as the zero page, which counts no mappings).
    [[nodiscard]] std::uint64_t* leaf_of(vpn n, pfn frame) {
        std::uint64_t* const slot = leaf(n);
        if (slot == nullptr) return nullptr;
        const descriptor d{*slot};
        return d.present() && !d.special() && d.frame() == frame ? slot : nullptr;
    }

    // Tells the host that the descriptor of `n` will be wanted.
    void prefetch_leaf(vpn n) const {
        if (const std::uint64_t* slot = leaf(n)) __builtin_prefetch(slot, 1);
    }

    // Calls visit(vpn, std::uint64_t& word) for every descriptor of [first, end) whose table exists, also
    // for those that hold nothing. `visit` must not install or release tables.
    template <typename Visit>
    void for_each_leaf(vpn first, vpn end, Visit visit) {
        walk_leaves(first, end, visit);
    }
    template <typename Visit>
    void for_each_leaf(vpn first, vpn end, Visit visit) const {
        walk_leaves(first, end, [&visit](vpn n, const std::uint64_t& word) { visit(n, word); });
    }

    // Takes out every table that is empty and whose whole span lies within [first, end), but not the root.
    // To free what the kernel's free_pgtables() frees, give the gap between the neighbouring ranges. Frames
    // come in the kernel's order, a table after those below it; they are the caller's to free.
    [[nodiscard]] std::vector<page*> release_empty(vpn first, vpn end);
    // Takes out all, root last. Every level 3 descriptor must be none.
    [[nodiscard]] std::vector<page*> release_all();

    // Tables of that level, 0 to 3.
    [[nodiscard]] std::uint64_t table_count(int level) const { return counts_[static_cast<unsigned>(level)]; }
    [[nodiscard]] std::uint64_t table_count() const {
        return counts_[0] + counts_[1] + counts_[2] + counts_[3];
    }

    // Host pointers = descriptors = struct pages; counts = tables found.
    void check_consistency() const;

private:
    static constexpr std::uint64_t no_base = ~std::uint64_t{0};
    struct span {
        vpn first;
        vpn end;
        [[nodiscard]] bool covers(const span& s) const { return first <= s.first && s.end <= end; }
        [[nodiscard]] bool meets(const span& s) const { return first < s.end && s.first < end; }
    };

    [[nodiscard]] host_table* last_table(vpn n) const;
    template <typename Visit>
    void walk_leaves(vpn first, vpn end, Visit visit) const;
    void release_under(host_directory& table, int level, vpn base, const span& room, std::vector<page*>& out);
    [[nodiscard]] page& take_out(host_directory& parent, unsigned index, int child_level);
    void release_frame(page& frame, int level);
    void check_under(const host_directory& table, int level,
                     std::array<std::uint64_t, table_levels>& found) const;

    mem_map& frames_;
    table_pool& pool_;
    page* root_frame_ = nullptr;
    host_directory* root_ = nullptr;
    std::array<std::uint64_t, table_levels> counts_{};
    std::uint64_t cached_base_ = no_base; // vpn / 512 of the level 3 table found last
    host_table* cached_ = nullptr;
};

inline host_table* page_table::last_table(vpn n) const {
    if (root_ == nullptr || raw(n) >= vpn_limit) return nullptr;
    host_table* t = root_->child[table_index(n, 0)];
    if (t == nullptr) return nullptr;
    t = static_cast<host_directory*>(t)->child[table_index(n, 1)];
    if (t == nullptr) return nullptr;
    return static_cast<host_directory*>(t)->child[table_index(n, 2)];
}

inline std::uint64_t* page_table::leaf(vpn n) {
    const std::uint64_t base = raw(n) / table_entries;
    if (base != cached_base_) {
        host_table* t = last_table(n);
        if (t == nullptr) return nullptr;
        cached_ = t;
        cached_base_ = base;
    }
    return &cached_->words[table_index(n, 3)];
}

template <typename Visit>
void page_table::walk_leaves(vpn first, vpn end, Visit visit) const {
    PAGESIM_ASSERT(raw(end) <= vpn_limit);
    std::uint64_t at = raw(first);
    while (at < raw(end)) {
        host_table* t = last_table(vpn{at});
        if (t == nullptr) {
            const int missing = missing_level(vpn{at});
            if (missing == 0) return;
            at = (at | (pages_per_entry(missing - 1) - 1)) + 1;
            continue;
        }
        const std::uint64_t stop = std::min(raw(end), (at | (table_entries - 1)) + 1);
        for (; at < stop; ++at) visit(vpn{at}, t->words[at % table_entries]);
    }
}

} // namespace pagesim
