// SPDX-License-Identifier: MIT
// The buddy allocator beside a bitmap: blocks are aligned and were free, a request fails only if no such block is free,
// and when all is given back the blocks are those of the beginning. `value` names one of the live blocks by its number
// modulo how many there are (free), or is the order (allocate).
#pragma once

#include <support/property.hpp>

#include <pagesim/memory/buddy.hpp>

#include <array>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_buddy {

enum class act : std::uint8_t { allocate, allocate_unmixed, free };
inline constexpr std::array<std::string_view, 3> act_names{"allocate", "allocate_unmixed", "free"};

// The frames [first, end).
struct setup {
    std::uint64_t first = 0;
    std::uint64_t end = 1;
};
struct operation {
    act what;
    unsigned value;
    unsigned type; // 0 unmovable, 1 movable, 2 reclaimable
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

class bitmap {
public:
    explicit bitmap(const setup& s) : first_{s.first}, used_(s.end, true), free_{s.end - s.first} {
        for (std::uint64_t n = s.first; n < s.end; ++n) used_[n] = false;
    }
    [[nodiscard]] bool all_free(std::uint64_t n, unsigned order) const {
        if (n < first_ || n + (1ULL << order) > used_.size()) return false;
        for (std::uint64_t i = 0; i < 1ULL << order; ++i) {
            if (used_[n + i]) return false;
        }
        return true;
    }
    void take(std::uint64_t n, unsigned order) {
        for (std::uint64_t i = 0; i < 1ULL << order; ++i) used_[n + i] = true;
        free_ -= 1ULL << order;
    }
    void give(std::uint64_t n, unsigned order) {
        for (std::uint64_t i = 0; i < 1ULL << order; ++i) used_[n + i] = false;
        free_ += 1ULL << order;
    }
    // Whether some aligned block of that order is free.
    [[nodiscard]] bool has_block(unsigned order) const {
        const std::uint64_t size = 1ULL << order;
        for (std::uint64_t n = (first_ + size - 1) & ~(size - 1); n + size <= used_.size(); n += size) {
            if (all_free(n, order)) return true;
        }
        return false;
    }
    [[nodiscard]] std::uint64_t free() const { return free_; }

private:
    std::uint64_t first_;
    std::vector<bool> used_;
    std::uint64_t free_;
};

class world : public complaints {
public:
    explicit world(const setup& s)
        : frames_{page_count{s.end}}, area_{frames_, pfn{s.first}, pfn{s.end}}, expected_{s} {
        area_.free_range(pfn{s.first}, pfn{s.end});
        fresh_ = blocks();
    }
    void perform(const operation& o) {
        if (o.what != act::free) return allocate(o);
        if (!live_.empty()) release(o.value % live_.size());
    }
    void compare() {
        expect_equal("nr_free", area_.nr_free(), expected_.free());
        if (content()) area_.check_consistency();
    }
    void finish() {
        while (!live_.empty()) release(live_.size() / 2);
        compare();
        if (blocks() != fresh_) {
            complain(fmt::format("memory is not whole again: blocks by order are {}, were {}",
                                 fmt::join(blocks(), " "), fmt::join(fresh_, " ")));
        }
    }

private:
    struct live_block {
        page* head;
        unsigned order;
    };
    static page_order order_of(unsigned o) { return page_order{static_cast<std::uint8_t>(o)}; }
    [[nodiscard]] std::vector<std::uint64_t> blocks() const {
        std::vector<std::uint64_t> counts;
        for (unsigned o = 0; o < max_order; ++o) counts.push_back(area_.free_blocks(order_of(o)));
        return counts;
    }

    void allocate(const operation& o) {
        constexpr std::array types{migratetype::unmovable, migratetype::movable, migratetype::reclaimable};
        const unsigned order = o.value % max_order;
        const bool unmixed = o.what == act::allocate_unmixed;
        steal_report report;
        page* p = area_.alloc(order_of(order), types[o.type % types.size()], report,
                              unmixed ? fragmentation::avoided : fragmentation::allowed);
        if (p == nullptr)
            return expect(unmixed || !expected_.has_block(order), "no block, though one is free");
        const std::uint64_t n = raw(frames_.pfn_of(*p));
        if (n % (1ULL << order) != 0) complain(fmt::format("frame {} is no border of order {}", n, order));
        if (!expected_.all_free(n, order)) complain(fmt::format("block {} is in use or outside", n));
        if (!content()) return;
        expected_.take(n, order);
        p->set_refcount(1);
        if (o.type % 2 == 0) p->set(page_flag::lru);
        live_.push_back({p, order});
    }
    void release(std::size_t which) {
        const live_block b = live_[which];
        live_[which] = live_.back();
        live_.pop_back();
        b.head->clear_flags();
        b.head->set_refcount(0);
        area_.free(*b.head, order_of(b.order));
        expected_.give(raw(frames_.pfn_of(*b.head)), b.order);
    }

    mem_map frames_;
    buddy area_;
    bitmap expected_;
    std::vector<live_block> live_;
    std::vector<std::uint64_t> fresh_;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"buddy", "on_buddy", "property/buddy_property.hpp"};
    static thrown_case thrown(dice& d) {
        thrown_case c;
        c.start.first = d.below(1500);
        c.start.end = c.start.first + 1 + d.below(d.ratio(1, 2) ? 5000 : 600);
        c.operations.resize(d.between(20, 800));
        const std::uint64_t allocations = d.between(3, 7); // of ten steps
        for (operation& o : c.operations) {
            const bool allocates = d.ratio(allocations, 10);
            const std::uint64_t order = d.ratio(7, 10) ? d.below(3) : d.below(max_order);
            o.what = !allocates ? act::free : d.ratio(1, 8) ? act::allocate_unmixed : act::allocate;
            o.value = static_cast<unsigned>(allocates ? order : d.below(1000));
            o.type = static_cast<unsigned>(d.below(nr_migratetypes));
        }
        return c;
    }
    static played play(const setup& s, const std::vector<operation>& o) { return on_buddy::play(s, o); }
    static std::string code(const setup& s) {
        return fmt::format("{{.first = {}, .end = {}}}", s.first, s.end);
    }
    static std::string code(const operation& o) {
        return fmt::format("{{act::{}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.value,
                           o.type);
    }
    static auto numbers(operation& o) { return std::array{&o.value, &o.type}; }
};

} // namespace pagesim::testing::on_buddy
