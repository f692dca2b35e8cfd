// SPDX-License-Identifier: MIT
// swap_space with its slot cache and swap cache, beside a map of slots: how often each is named, whether it is marked,
// the page that holds it, the shadow that lies there; which slots wait in the return cache, how many in the slot cache,
// and which slots the device is told to forget.
//
// The twin does not know which slots the slot cache has taken, only how many: the bytes of the swap map must show so
// many more.
#pragma once

#include <property/swap_space_operations.hpp>

#include <support/property.hpp>
#include <support/small_machine.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

namespace pagesim::testing::on_swap_space {

struct slot_use {
    unsigned count = 0;
    bool marked = true;
    page* holder = nullptr;
    bool writeback = false;
};

class freed_slots final : public slot_listener {
public:
    void slot_freed(std::uint64_t offset) override { slots.push_back(offset); }
    std::vector<std::uint64_t> slots;
};

class world : public complaints {
public:
    explicit world(const setup& s)
        : parts_{config(), waker_, nullptr}, swap_{parts_.cpu, parts_.frames, page_count{s.pages}, s.seed},
          total_{s.pages}, nr_free_{s.pages} {
        swap_.set_listener(freed_);
    }

    void perform(const operation& o) {
        if (o.what == act::allocate) {
            for (unsigned i = 0; i < o.amount && content(); ++i) allocate();
            return;
        }
        if (o.what == act::finish_slots) {
            std::vector<std::uint64_t> slots;
            for (const auto& [slot, u] : used_) slots.push_back(slot);
            for (std::size_t i = o.which; i < slots.size() && i < o.which + std::size_t{o.amount}; ++i)
                finish_slot(slots[i]);
            return;
        }
        const bool of_cached = o.what >= act::delete_from_cache;
        std::vector<std::uint64_t> slots;
        for (const auto& [slot, u] : used_) {
            if (!of_cached || u.holder != nullptr) slots.push_back(slot);
        }
        if (slots.empty()) return;
        const std::uint64_t slot = slots[o.which % slots.size()];
        of_cached ? on_cached(o, slot) : on_slot(o, slot);
    }

    void compare() {
        std::uint64_t cached = 0;
        std::uint64_t unknown = 0;
        for (std::uint64_t slot = 1; slot <= total_; ++slot) {
            const unsigned is = swap_.area().map(slot);
            const auto at = used_.find(slot);
            unsigned expected = returned_.count(slot) != 0 ? 0x40U : 0U;
            page* holder = nullptr;
            if (at != used_.end()) {
                expected = at->second.count + (at->second.marked ? 0x40U : 0U);
                holder = at->second.holder;
            }
            if (holder != nullptr) ++cached;
            if (is == 0x40U && expected == 0) {
                ++unknown;
            } else if (is != expected) {
                complain(fmt::format("swap_map[{}] is {:#x}, expected {:#x}", slot, is, expected));
            }
            expect(swap_.lookup({.offset = slot}) == holder, "another page is in the swap cache");
            const std::optional<shadow> left = swap_.shadow_at({.offset = slot});
            const auto s = shadows_.find(slot);
            expect(left.has_value() == (s != shadows_.end()), "a shadow too many or too few");
            if (left && content()) expect_equal("shadow", left->bits(), s->second);
            if (!content()) return;
        }
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
            for (const std::uint64_t slot : returned_) shadows_.erase(slot);
            to_free_ = std::exchange(returned_, {});
            unknown_to_free_ = std::exchange(left_, 0);
        }
    }
    void allocate() {
        expect_switch();
        const std::optional<swap_entry> e = swap_.alloc_slot();
        expect_freed();
        const bool refill = active_ && left_ == 0;
        if (refill || left_ == 0) {
            const std::uint64_t got = nr_free_ - swap_.nr_swap_pages();
            const std::uint64_t most = std::min<std::uint64_t>(refill ? 64 : 1, nr_free_);
            expect(got <= most && (got > 0 || nr_free_ <= 1), "the area gave too many slots or too few");
            nr_free_ -= got;
            left_ += got;
        }
        if (!e) return expect(left_ == 0, "no slot, though some are left");
        if (left_ == 0) return complain("a slot from nowhere");
        --left_;
        if (e->offset == 0 || e->offset > total_ || returned_.count(e->offset) != 0)
            return complain(fmt::format("slot {} is outside or given back", e->offset));
        if (!used_.try_emplace(e->offset).second) complain(fmt::format("slot {} is in use", e->offset));
    }

    // The last use of a slot is gone.
    void expect_return(std::uint64_t slot) {
        used_.erase(slot);
        if (!active_) {
            to_free_ = {slot};
        } else {
            if (returned_.size() == 64) to_free_ = std::exchange(returned_, {});
            returned_.insert(slot);
        }
        nr_free_ += to_free_.size();
        for (const std::uint64_t s : to_free_) shadows_.erase(s);
        expect_freed();
    }
    // Whether the device was told of exactly what became free.
    void expect_freed() {
        const std::vector<std::uint64_t> told = std::exchange(freed_.slots, {});
        std::uint64_t unknown = 0;
        for (const std::uint64_t slot : told) {
            if (to_free_.erase(slot) == 0) ++unknown;
            if (used_.count(slot) != 0) complain(fmt::format("slot {} is freed and in use", slot));
        }
        expect_equal("slots that the device was not told of", to_free_.size(), 0U);
        expect_equal("slots freed from the slot cache", unknown, unknown_to_free_);
        unknown_to_free_ = 0;
    }
    void dropped(std::uint64_t slot) {
        const slot_use& u = used_.at(slot);
        u.count == 0 && !u.marked ? expect_return(slot) : expect_freed();
    }

    void on_slot(const operation& o, std::uint64_t slot) {
        slot_use& u = used_.at(slot);
        const swap_entry e{.offset = slot};
        switch (o.what) {
        case act::unmark:
            if (!u.marked || u.holder != nullptr) return;
            u.marked = false;
            o.amount % 2 == 0 ? swap_.return_slot(e) : swap_.clear_cache_mark(e);
            return dropped(slot);
        case act::add_to_cache: return add_to_cache(slot, u);
        case act::duplicate:
            for (unsigned i = 0; i < o.amount && u.count < swap_map_max; ++i, ++u.count) swap_.duplicate(e);
            expect_equal("count", swap_.count(e), u.count);
            return;
        case act::swap_free:
            if (u.count == 0) return;
            --u.count;
            swap_.swap_free(e);
            return dropped(slot);
        default:
            expect_equal("prepare_cache", swap_.prepare_cache(e), !u.marked);
            u.marked = true;
            return;
        }
    }
    void add_to_cache(std::uint64_t slot, slot_use& u) {
        if (!u.marked || u.holder != nullptr) return;
        page* p = parts_.home.zones().front().rmqueue(page_order{0}, migratetype::movable);
        if (p == nullptr) return;
        p->set(page_flag::swapbacked);
        const std::optional<shadow> old = swap_.add_to_swap_cache(*p, {.offset = slot});
        const auto s = shadows_.find(slot);
        expect(old.has_value() == (s != shadows_.end()), "a shadow too many or too few is replaced");
        if (old && content()) expect_equal("replaced shadow", old->bits(), s->second);
        if (s != shadows_.end()) shadows_.erase(s);
        expect_equal("refcount", p->refcount(), 2);
        expect_equal("slot of the page", swap_space::entry_of(*p).offset, slot);
        u.holder = p;
    }

    void on_cached(const operation& o, std::uint64_t slot) {
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
    void left_cache(std::uint64_t slot, page& p) {
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
    void finish_slot(std::uint64_t slot) {
        slot_use& u = used_.at(slot);
        while (u.count > 1 && content()) on_slot({act::swap_free, 0, 0}, slot);
        if (u.count == 1 && (u.marked || u.holder != nullptr)) on_slot({act::swap_free, 0, 0}, slot);
        if (u.writeback) on_cached({act::toggle_writeback, 0, 0}, slot);
        if (u.holder != nullptr) return on_cached({act::delete_from_cache, 0, 1}, slot);
        on_slot({u.marked ? act::unmark : act::swap_free, 0, 0}, slot);
    }

    silent_waker waker_;
    machine_parts parts_;
    freed_slots freed_;
    swap_space swap_;
    std::uint64_t total_;

    std::map<std::uint64_t, slot_use> used_;
    std::map<std::uint64_t, std::uint64_t> shadows_; // bits, by slot
    std::set<std::uint64_t> returned_;
    std::uint64_t nr_free_;
    std::uint64_t left_ = 0; // in the slot cache
    bool active_ = false;
    std::set<std::uint64_t> to_free_; // what the device must have been told of
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
