// SPDX-License-Identifier: MIT
// A swap area beside a map of the slots in use: what scan_slots hands out was free, every byte of the swap map, how
// many are in use. `which` names one of the slots in use by its number modulo how many there are. The area rotates or
// not, and some of its slots may be bad.
//
// One thing is not promised: the search does not look at the very slot where the last one ended (nor does the
// kernel's), so a single free slot may be missed.
#pragma once

#include <support/property.hpp>

#include <pagesim/swap/swap_area.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_swap_area {

enum class act : std::uint8_t {
    scan,             // for up to `amount` slots
    duplicate,        // `amount` times
    drop_count,       // released when that was the last use
    drop_cache,       // released when that was the last use
    prepare_cache,    //
    clear_cache_mark, //
    release_run,      // up to `amount` slots, from there on, whatever uses them
};
inline constexpr std::array<std::string_view, 7> act_names{
    "scan", "duplicate", "drop_count", "drop_cache", "prepare_cache", "clear_cache_mark", "release_run"};

struct setup {
    std::uint64_t pages = 1;
    std::uint64_t seed = 1;
    swap_medium medium = swap_medium::solid_state;
    unsigned bad = 0; // slots, spread
};
struct operation {
    act what;
    unsigned which;
    unsigned amount;
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

class world : public complaints {
public:
    explicit world(const setup& s)
        : bad_{spread(s)}, area_{{.pages = page_count{s.pages},
                                  .seed = s.seed,
                                  .medium = s.medium,
                                  .bad_slots = {bad_.begin(), bad_.end()}}},
          pages_{s.pages} {}

    void perform(const operation& o) {
        if (o.what == act::scan) return scan(std::max(o.amount, 1U));
        if (used_.empty()) return;
        const auto at = std::next(used_.begin(), static_cast<std::ptrdiff_t>(o.which % used_.size()));
        if (o.what == act::release_run) return release_run(at->first, o.amount);
        on_slot(o, at->first, at->second);
    }
    void compare() {
        std::uint64_t differing = 0;
        auto next = used_.begin();
        for (std::uint64_t slot = 1; slot <= pages_ && differing == 0; ++slot) {
            unsigned expected = bad_.count(slot) != 0 ? unsigned{swap_map_bad} : 0;
            if (next != used_.end() && next->first == slot) {
                const unsigned n = next->second.count; // 63 and more are counted beside the byte
                expected = n % 63 + (n < 63 ? 0U : 0x80U) + (next->second.cached ? 0x40U : 0U);
                expect_equal("count", area_.count(slot), n);
                ++next;
            }
            if (area_.map(slot) != expected) {
                complain(
                    fmt::format("swap_map[{}] is {:#x}, expected {:#x}", slot, area_.map(slot), expected));
                differing = slot;
            }
        }
        expect_equal("swap_map[0]", unsigned{area_.map(0)}, unsigned{swap_map_bad});
        expect_equal("in_use", area_.in_use(), used_.size());
        if (content()) area_.check_consistency();
    }
    // All slots come back, and all can be had again.
    void finish() {
        release_run(0, static_cast<unsigned>(pages_));
        std::uint64_t before = 0;
        do {
            before = used_.size();
            scan(64);
        } while (used_.size() > before && content());
        compare();
    }

private:
    static std::set<std::uint64_t> spread(const setup& s) {
        std::set<std::uint64_t> slots;
        const std::uint64_t most = std::min<std::uint64_t>(s.bad, s.pages - 1);
        for (std::uint64_t i = 0; i < most; ++i) slots.insert(1 + i * i * 37 % s.pages);
        return slots;
    }
    [[nodiscard]] std::uint64_t free() const { return pages_ - bad_.size() - used_.size(); }

    struct use {
        unsigned count = 0;
        bool cached = true;
    };

    void scan(unsigned amount) {
        std::vector<std::uint64_t> out(amount);
        const unsigned got = area_.scan_slots(out);
        if (got > amount) return complain(fmt::format("{} slots for {}", got, amount));
        if (got == 0) expect(free() <= 1, "none found, though several are free");
        for (unsigned i = 0; i < got; ++i) {
            if (out[i] == 0 || out[i] > pages_ || bad_.count(out[i]) != 0)
                return complain(fmt::format("slot {} is outside or bad", out[i]));
            if (!used_.try_emplace(out[i]).second) complain(fmt::format("slot {} is in use", out[i]));
        }
    }
    void release(std::uint64_t slot) {
        area_.release(slot);
        used_.erase(slot);
    }
    // Drops whatever uses the slots.
    void release_run(std::uint64_t first, unsigned amount) {
        for (auto at = used_.lower_bound(first); at != used_.end() && amount > 0; --amount) {
            const auto [slot, u] = *at++;
            bool last = u.cached && area_.drop_cache(slot);
            for (unsigned n = u.count; n > 0; --n) last = area_.drop_count(slot);
            expect(last, "a slot that nobody uses is not given back");
            if (!content()) return;
            release(slot);
        }
    }
    void on_slot(const operation& o, std::uint64_t slot, use& u) {
        switch (o.what) {
        case act::duplicate:
            for (unsigned i = 0; i < o.amount; ++i, ++u.count) area_.duplicate(slot);
            return;
        case act::drop_count: {
            if (u.count == 0) return;
            const bool last = area_.drop_count(slot);
            --u.count;
            return dropped(last, slot, u);
        }
        case act::drop_cache: {
            if (!u.cached) return;
            const bool last = area_.drop_cache(slot);
            u.cached = false;
            return dropped(last, slot, u);
        }
        case act::prepare_cache:
            expect_equal("prepare_cache", area_.prepare_cache(slot) == slot_mark::taken, !u.cached);
            u.cached = true;
            return;
        case act::clear_cache_mark:
            if (!u.cached || u.count == 0) return;
            area_.clear_cache_mark(slot);
            u.cached = false;
            return;
        default: return;
        }
    }
    void dropped(bool last, std::uint64_t slot, const use& u) {
        expect_equal("that this was the last use", last, u.count == 0 && !u.cached);
        if (last && content()) release(slot);
    }

    std::set<std::uint64_t> bad_;
    swap_area area_;
    std::uint64_t pages_;
    std::map<std::uint64_t, use> used_;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"swap_area", "on_swap_area", "property/swap_area_property.hpp"};
    static thrown_case thrown(dice& d) {
        constexpr std::array<act, 16> table{act::scan,          act::scan,
                                            act::scan,          act::scan,
                                            act::scan,          act::scan,
                                            act::duplicate,     act::duplicate,
                                            act::drop_count,    act::drop_count,
                                            act::drop_count,    act::drop_cache,
                                            act::prepare_cache, act::clear_cache_mark,
                                            act::release_run,   act::drop_cache};
        thrown_case c;
        // Less than a cluster, some clusters, and seldom more than one address space of 16384 slots.
        const std::uint64_t size = d.below(20);
        c.start = {.pages = size < 8    ? d.between(1, 100)
                            : size < 19 ? d.between(100, 4000)
                                        : d.between(16000, 40000),
                   .seed = d.below(1000),
                   .medium = d.ratio(1, 2) ? swap_medium::rotational : swap_medium::solid_state,
                   .bad = d.ratio(1, 3) ? static_cast<unsigned>(d.below(100)) : 0};
        c.operations.resize(d.between(20, 500));
        const std::uint64_t most = d.ratio(1, 2) ? 64 : 3;
        for (operation& o : c.operations) {
            o = {table[d.below(table.size())], static_cast<unsigned>(d.below(5000)),
                 static_cast<unsigned>(d.between(1, most))};
            if (o.what == act::release_run) o.amount = static_cast<unsigned>(d.between(1, 1200));
        }
        return c;
    }
    static played play(const setup& s, const std::vector<operation>& o) { return on_swap_area::play(s, o); }
    static std::string code(const setup& s) {
        const bool rotates = s.medium == swap_medium::rotational;
        return fmt::format("{{.pages = {}, .seed = {}, .medium = pagesim::swap_medium::{}, .bad = {}}}",
                           s.pages, s.seed, rotates ? "rotational" : "solid_state", s.bad);
    }
    static std::string code(const operation& o) {
        return fmt::format("{{act::{}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.which,
                           o.amount);
    }
    static auto numbers(operation& o) { return std::array{&o.which, &o.amount}; }
};

} // namespace pagesim::testing::on_swap_area
