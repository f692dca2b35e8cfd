// SPDX-License-Identifier: MIT
// swap_space with its areas, slot cache and swap cache, beside a map of slots: how often each is named, whether it is
// marked, the page that holds it, the shadow that lies there; which slots wait in the return cache, how many in the slot
// cache, and which slots the devices are told to forget.
//
// The twin does not know which slots the slot cache has taken, only how many, and of which area: the bytes of the swap
// map must show so many more. Nor does it know which pages a search makes give up their slots once swap is more than
// half full: it sees who left the swap cache, and asks whether he could.
#pragma once

#include <property/swap_space_operations.hpp>

#include <support/property.hpp>
#include <support/small_machine.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace pagesim::testing::on_swap_space {

struct slot_use {
    unsigned count = 0;
    bool marked = true;
    page* holder = nullptr;
    bool writeback = false;
};

// A slot of an area as one number.
using slot_key = std::uint64_t;
inline slot_key key_of(swap_entry e) { return std::uint64_t{e.type} << 32U | e.offset; }
inline swap_entry entry_of(slot_key k) { return {k & 0xffffffffU, static_cast<std::uint8_t>(k >> 32U)}; }

class freed_slots final : public slot_listener {
public:
    explicit freed_slots(std::vector<slot_key>& all, std::uint8_t type) : all_{all}, type_{type} {}
    void slot_freed(std::uint64_t offset) override { all_.push_back(key_of({offset, type_})); }

private:
    std::vector<slot_key>& all_;
    std::uint8_t type_;
};

class world : public complaints {
public:
    explicit world(const setup& s)
        : parts_{config(), waker_, nullptr}, swap_{parts_.cpu, parts_.frames, parts_.batches} {
        constexpr std::array<std::optional<int>, 4> priorities{std::nullopt, 0, 0, 7};
        for (const area& a : s.areas) {
            const auto type = static_cast<std::uint8_t>(listeners_.size());
            listeners_.push_back(std::make_unique<freed_slots>(freed_, type));
            const swap_area_layout layout{.pages = page_count{a.pages},
                                          .seed = s.seed + type,
                                          .medium = (a.kind & 4U) != 0 ? swap_medium::rotational
                                                                       : swap_medium::solid_state,
                                          .bad_slots = {}};
            expect_equal("type", swap_.swapon(layout, priorities[a.kind & 3U], listeners_.back().get()),
                         type);
            total_ += a.pages;
        }
        nr_free_ = total_;
    }

    void perform(const operation& o) {
        if (o.what == act::allocate) {
            for (unsigned i = 0; i < o.amount && content(); ++i) allocate();
            return;
        }
        if (o.what == act::finish_slots) {
            std::vector<slot_key> slots;
            for (const auto& [slot, u] : used_) slots.push_back(slot);
            for (std::size_t i = o.which; i < slots.size() && i < o.which + std::size_t{o.amount}; ++i)
                finish_slot(slots[i]);
            return;
        }
        const bool of_cached = o.what >= act::delete_from_cache;
        std::vector<slot_key> slots;
        for (const auto& [slot, u] : used_) {
            if (!of_cached || u.holder != nullptr) slots.push_back(slot);
        }
        if (slots.empty()) return;
        const slot_key slot = slots[o.which % slots.size()];
        of_cached ? on_cached(o, slot) : on_slot(o, slot);
    }

    void compare() {
        std::uint64_t cached = 0;
        std::uint64_t unknown = 0;
        for (std::uint8_t type = 0; type < swap_.nr_swapfiles(); ++type) {
            for (std::uint64_t o = 1; o < swap_.area(type).max() && content(); ++o) {
                const slot_key slot = key_of({o, type});
                const auto at = used_.find(slot);
                if (at != used_.end() && at->second.holder != nullptr) ++cached;
                if (compare_slot(slot)) ++unknown;
            }
        }
        if (!content()) return;
        expect_equal("slots in the slot cache", unknown, left_);
        expect_equal("nr_swap_pages", swap_.nr_swap_pages(), nr_free_);
        expect_equal("slots all together", nr_free_ + left_ + returned_.size() + used_.size(), total_);
        expect_equal("vm_swap_full", swap_.vm_swap_full(), nr_free_ * 2 < total_);
        expect_equal("cached_pages", swap_.cached_pages(), cached);
        expect_equal("nr_swapcached", parts_.stat[vm_item::nr_swapcached], cached);
        expect_equal("nr_file_pages", parts_.stat[vm_item::nr_file_pages], cached);
        if (content()) swap_.check_consistency();
    }
    // All is dropped: every slot is free, or in one of the two caches.
    void finish() {
        while (!used_.empty() && content()) finish_slot(used_.begin()->first);
        compare();
    }

private:
    // True if nobody here knows of the slot, though it is taken.
    bool compare_slot(slot_key slot) {
        const swap_entry e = entry_of(slot);
        const unsigned is = swap_.area(e.type).map(e.offset);
        const auto at = used_.find(slot);
        unsigned expected = returned_.count(slot) != 0 ? 0x40U : 0U;
        page* holder = nullptr;
        if (at != used_.end()) {
            const unsigned n = at->second.count; // 63 and more are counted beside the byte
            expected = n % 63 + (n < 63 ? 0U : 0x80U) + (at->second.marked ? 0x40U : 0U);
            holder = at->second.holder;
        }
        if (is != expected && (is != 0x40U || expected != 0))
            complain(fmt::format("swap_map[{}] of area {} is {:#x}, expected {:#x}", e.offset, e.type, is,
                                 expected));
        expect(swap_.lookup(e) == holder, "another page is in the swap cache");
        const std::optional<shadow> left = swap_.shadow_at(e);
        const auto s = shadows_.find(slot);
        expect(left.has_value() == (s != shadows_.end()), "a shadow too many or too few");
        if (left && content()) expect_equal("shadow", left->bits(), s->second);
        return is == 0x40U && expected == 0;
    }
    static machine_config config() {
        machine_config c = machine_with(page_count{2048});
        c.swap.device = swap_device::none;
        return c;
    }

    // What the slot cache does before an allocation: in use above 320 free slots, given up below 128.
    void expect_switch() {
        if (!active_ && nr_free_ > 320) {
            active_ = true;
        } else if (active_ && nr_free_ < 128) {
            active_ = false;
            nr_free_ += left_ + returned_.size();
            for (const slot_key slot : returned_) shadows_.erase(slot);
            to_free_ = std::exchange(returned_, {});
            unknown_to_free_ = std::exchange(left_, 0);
        }
    }
    // Slots that are neither in use nor parked.
    [[nodiscard]] std::uint64_t free_slots(std::uint8_t type) const {
        const auto of_type = [type](slot_key k) { return entry_of(k).type == type; };
        const auto used = std::ranges::count_if(used_, [&](const auto& u) { return of_type(u.first); });
        const auto returned = std::ranges::count_if(returned_, of_type);
        const std::uint64_t parked = type == left_type_ ? left_ : 0;
        return swap_.area(type).total() - static_cast<std::uint64_t>(used + returned) - parked;
    }
    // A search may have made pages give their slots up.
    void expect_reclaimed(std::uint64_t most_asked) {
        std::vector<slot_key> gone;
        for (const auto& [slot, u] : used_) {
            if (u.holder == nullptr || u.holder->test(page_flag::swapcache)) continue;
            gone.push_back(slot);
            expect(u.count == 0 && !u.writeback, "a page lost a slot that is in use");
        }
        if (gone.empty()) return;
        expect((nr_free_ - std::min(nr_free_, most_asked)) * 2 < total_, "a page lost its slot for no need");
        std::set<slot_key> all{gone.begin(), gone.end()};
        for (const slot_key slot : gone) {
            parts_.batches.put_page(*used_.at(slot).holder);
            used_.erase(slot);
        }
        if (!active_) { // what waited in the slot cache may have been freed just before
            nr_free_ += all.size();
            for (const slot_key slot : all) shadows_.erase(slot);
            to_free_.merge(all);
            return;
        }
        if (returned_.size() + all.size() <= 64) {
            returned_.merge(all);
        } else { // the 64 that waited first are freed; which of these are among them, the device knows
            for (const slot_key slot : freed_) {
                expect(returned_.erase(slot) + all.erase(slot) == 1, "a slot freed from nowhere");
                to_free_.insert(slot);
            }
            expect_equal("slots freed at once", to_free_.size(), 64U);
            expect(returned_.empty(), "those that waited longer are freed first");
            returned_ = all;
        }
        nr_free_ += to_free_.size();
        for (const slot_key slot : to_free_) shadows_.erase(slot);
    }
    void allocate() {
        expect_switch();
        const bool asks = left_ == 0; // an area is asked
        std::vector<std::uint64_t> free_before;
        for (std::uint8_t type = 0; asks && type < swap_.nr_swapfiles(); ++type)
            free_before.push_back(free_slots(type));
        const std::optional<swap_entry> e = swap_.alloc_slot();
        const bool refill = active_ && asks;
        if (asks) expect_reclaimed(refill ? 64 : 1);
        expect_freed();
        if (refill || left_ == 0) {
            const std::uint64_t got = nr_free_ - swap_.nr_swap_pages();
            const std::uint64_t most = std::min<std::uint64_t>(refill ? 64 : 1, nr_free_);
            expect(got <= most && (got > 0 || nr_free_ <= 1), "the area gave too many slots or too few");
            nr_free_ -= got;
            left_ += got;
            if (e) expect_best_area(e->type, free_before);
        }
        if (!e) return expect(left_ == 0, "no slot, though some are left");
        if (left_ == 0) return complain("a slot from nowhere");
        --left_;
        expect_equal("area", e->type, left_type_);
        if (e->offset == 0 || e->offset >= swap_.area(e->type).max() || returned_.count(key_of(*e)) != 0)
            return complain(fmt::format("slot {} is outside or given back", e->offset));
        if (!used_.try_emplace(key_of(*e)).second) complain(fmt::format("slot {} is in use", e->offset));
    }
    // No area of a higher priority had slots (a single free one may be missed).
    void expect_best_area(std::uint8_t chosen, const std::vector<std::uint64_t>& free_before) {
        left_type_ = chosen;
        for (std::uint8_t type = 0; type < swap_.nr_swapfiles(); ++type)
            expect(free_before[type] <= 1 || swap_.priority(type) <= swap_.priority(chosen),
                   "a worse area was asked");
    }

    // The last use of a slot is gone.
    void expect_return(slot_key slot) {
        used_.erase(slot);
        if (!active_) {
            to_free_ = {slot};
        } else {
            if (returned_.size() == 64) to_free_ = std::exchange(returned_, {});
            returned_.insert(slot);
        }
        nr_free_ += to_free_.size();
        for (const slot_key s : to_free_) shadows_.erase(s);
        expect_freed();
    }
    // Whether the device was told of exactly what became free.
    void expect_freed() {
        const std::vector<slot_key> told = std::exchange(freed_, {});
        std::uint64_t unknown = 0;
        for (const slot_key slot : told) {
            if (to_free_.erase(slot) == 0) ++unknown;
            if (used_.count(slot) != 0) complain(fmt::format("slot {:#x} is freed and in use", slot));
        }
        expect_equal("slots that the device was not told of", to_free_.size(), 0U);
        expect_equal("slots freed from the slot cache", unknown, unknown_to_free_);
        unknown_to_free_ = 0;
    }
    void dropped(slot_key slot) {
        const slot_use& u = used_.at(slot);
        u.count == 0 && !u.marked ? expect_return(slot) : expect_freed();
    }

    void on_slot(const operation& o, slot_key slot) {
        slot_use& u = used_.at(slot);
        const swap_entry e = entry_of(slot);
        switch (o.what) {
        case act::unmark:
            if (!u.marked || u.holder != nullptr) return;
            u.marked = false;
            o.amount % 2 == 0 ? swap_.return_slot(e) : swap_.clear_cache_mark(e);
            return dropped(slot);
        case act::add_to_cache: return add_to_cache(slot, u);
        case act::duplicate:
            for (unsigned i = 0; i < o.amount; ++i, ++u.count) swap_.duplicate(e);
            expect_equal("count", swap_.count(e), u.count);
            return;
        case act::swap_free:
            if (u.count == 0) return;
            --u.count;
            swap_.swap_free(e);
            return dropped(slot);
        default:
            expect_equal("prepare_cache", swap_.prepare_cache(e) == slot_mark::taken, !u.marked);
            u.marked = true;
            return;
        }
    }
    void add_to_cache(slot_key slot, slot_use& u) {
        if (!u.marked || u.holder != nullptr) return;
        page* p = parts_.home.zones().front().rmqueue(page_order{0}, migratetype::movable);
        if (p == nullptr) return;
        p->set(page_flag::swapbacked);
        const std::optional<shadow> old = swap_.add_to_swap_cache(*p, entry_of(slot));
        const auto s = shadows_.find(slot);
        expect(old.has_value() == (s != shadows_.end()), "a shadow too many or too few is replaced");
        if (old && content()) expect_equal("replaced shadow", old->bits(), s->second);
        if (s != shadows_.end()) shadows_.erase(s);
        expect_equal("refcount", p->refcount(), 2);
        expect_equal("slot of the page", key_of(swap_space::entry_of(*p)), slot);
        u.holder = p;
    }

    void on_cached(const operation& o, slot_key slot) {
        slot_use& u = used_.at(slot);
        page& p = *u.holder;
        if (o.what == act::toggle_writeback) {
            u.writeback = !u.writeback;
            return u.writeback ? p.set(page_flag::writeback) : p.clear(page_flag::writeback);
        }
        if (o.what == act::try_to_free) {
            const bool expected = u.count == 0 && !u.writeback;
            expect_equal("try_to_free_swap", swap_.try_to_free_swap(p), expected);
            return expected ? left_cache(slot, p) : expect_freed();
        }
        if (u.writeback) return;
        if (o.what == act::drop_from_cache) {
            swap_.drop_from_swap_cache(p);
            return left_cache(slot, p);
        }
        std::optional<shadow> left;
        if (o.amount % 2 == 0) left.emplace(o.which, o.amount % 4 == 0);
        if (left) shadows_[slot] = left->bits();
        swap_.delete_from_swap_cache(p, left);
        static_cast<void>(p.put_testzero());
        p.set(page_flag::dirty); // as the two others leave it
        left_cache(slot, p);
    }
    // Only the owner's reference is left; the frame is free again.
    void left_cache(slot_key slot, page& p) {
        slot_use& u = used_.at(slot);
        u.holder = nullptr;
        u.marked = false;
        expect(p.test(page_flag::dirty) && !p.test(page_flag::swapcache),
               "flags of a page that left the cache");
        expect_equal("refcount", p.refcount(), 1);
        if (!content()) return;
        parts_.batches.put_page(p);
        dropped(slot);
    }
    void finish_slot(slot_key slot) {
        slot_use& u = used_.at(slot);
        while (u.count > 1 && content()) on_slot({act::swap_free, 0, 0}, slot);
        if (u.count == 1 && (u.marked || u.holder != nullptr)) on_slot({act::swap_free, 0, 0}, slot);
        if (u.writeback) on_cached({act::toggle_writeback, 0, 0}, slot);
        if (u.holder != nullptr) return on_cached({act::delete_from_cache, 0, 1}, slot);
        on_slot({u.marked ? act::unmark : act::swap_free, 0, 0}, slot);
    }

    silent_waker waker_;
    machine_parts parts_;
    std::vector<slot_key> freed_; // what the devices were told
    std::vector<std::unique_ptr<freed_slots>> listeners_;
    swap_space swap_;
    std::uint64_t total_ = 0;

    std::map<slot_key, slot_use> used_;
    std::map<slot_key, std::uint64_t> shadows_; // bits, by slot
    std::set<slot_key> returned_;
    std::uint64_t nr_free_ = 0;
    std::uint64_t left_ = 0;     // in the slot cache
    std::uint8_t left_type_ = 0; // of which area
    bool active_ = false;
    std::set<slot_key> to_free_; // what the device must have been told of
    std::uint64_t unknown_to_free_ = 0;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"swap_space", "on_swap_space", "property/swap_space_property.hpp"};
    static thrown_case thrown(dice& d) { return on_swap_space::thrown(d); }
    static played play(const setup& s, const std::vector<operation>& o) { return on_swap_space::play(s, o); }
    static std::string code(const setup& s) { return on_swap_space::code(s); }
    static std::string code(const operation& o) { return on_swap_space::code(o); }
    static auto numbers(operation& o) { return std::array{&o.which, &o.amount}; }
};

} // namespace pagesim::testing::on_swap_space
