// SPDX-License-Identifier: MIT
// A zone: buddy lists behind per-CPU lists, kswapd coming and going, drains. No frame is handed out twice or lost
// between the lists, and when all is given back the blocks are those of the beginning. `value` names one of the live
// blocks by its number modulo how many there are (free), or is the order (allocate).
#pragma once

#include <support/property.hpp>

#include <pagesim/memory/node.hpp>

#include <array>
#include <set>
#include <string_view>
#include <vector>

namespace pagesim::testing::on_zone {

enum class act : std::uint8_t { allocate, free, drain, kswapd };
inline constexpr std::array<std::string_view, 4> act_names{"allocate", "free", "drain", "kswapd"};

struct setup {
    std::uint64_t managed = 1;
    bool six_batches = false; // how the per-CPU lists' limit follows kswapd
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

class world : public complaints {
public:
    explicit world(const setup& s)
        : managed_{s.managed}, frames_{managed_ + page_count{77}}, profile_{profile(s)},
          home_{frames_, stat_, {config()}, {}, profile_}, z_{home_.zones().front()} {
        fresh_ = blocks();
    }
    void perform(const operation& o) {
        switch (o.what) {
        case act::allocate: return allocate(o);
        case act::free:
            if (!live_.empty()) release(o.value % live_.size());
            return;
        case act::drain: return z_.drain_pcp();
        case act::kswapd:
            const bool idle = z_.reclaim() == zone_reclaim::idle;
            return z_.set_reclaim_active(idle ? zone_reclaim::active : zone_reclaim::idle);
        }
    }
    void compare() {
        expect_equal("free and used pages", z_.nr_free_pages() + z_.pcp().count() + used_, managed_.value);
        expect_equal("nr_free_pages", stat_[vm_item::nr_free_pages], z_.nr_free_pages());
        if (content()) home_.check_consistency();
    }
    void finish() {
        while (!live_.empty()) release(live_.size() / 2);
        z_.drain_pcp();
        compare();
        if (blocks() != fresh_) {
            complain(fmt::format("memory is not whole again: blocks by order are {}, were {}",
                                 fmt::join(blocks(), " "), fmt::join(fresh_, " ")));
        }
        expect_equal("pgfree", stat_[vm_item::pgfree], handed_out_);
    }

private:
    struct live_block {
        page* head;
        unsigned order;
    };
    static page_order order_of(unsigned o) { return page_order{static_cast<std::uint8_t>(o)}; }
    static kernel_profile profile(const setup& s) {
        kernel_profile p = linux_6_1;
        p.pcp_high = s.six_batches ? pcp_high_rule::six_batches : pcp_high_rule::low_watermark;
        return p;
    }
    [[nodiscard]] zone_config config() const {
        const pcp_size small{.high = 120, .batch = 10};
        return {.type = zone_type::dma, .present = frames_.size(), .managed = managed_, .pcp = small};
    }
    [[nodiscard]] std::vector<std::uint64_t> blocks() const {
        std::vector<std::uint64_t> counts;
        for (unsigned o = 0; o < max_order; ++o) counts.push_back(z_.free_area().free_blocks(order_of(o)));
        return counts;
    }

    void allocate(const operation& o) {
        constexpr std::array types{migratetype::unmovable, migratetype::movable, migratetype::reclaimable};
        const unsigned order = o.value % max_order;
        page* p = z_.rmqueue(order_of(order), types[o.type % types.size()]);
        if (p == nullptr) return;
        expect_equal("refcount", p->refcount(), 1);
        expect(p->flags().empty(), "the page has flags");
        const std::uint64_t first = raw(frames_.pfn_of(*p));
        for (std::uint64_t n = first; n < first + (1ULL << order); ++n) {
            if (!taken_.insert(n).second) complain(fmt::format("frame {} is handed out twice", n));
        }
        used_ += 1ULL << order;
        handed_out_ += 1ULL << order;
        live_.push_back({p, order});
    }
    void release(std::size_t which) {
        const live_block b = live_[which];
        live_[which] = live_.back();
        live_.pop_back();
        const std::uint64_t first = raw(frames_.pfn_of(*b.head));
        for (std::uint64_t n = first; n < first + (1ULL << b.order); ++n) taken_.erase(n);
        b.head->set_refcount(0);
        z_.free_pages(*b.head, order_of(b.order));
        used_ -= 1ULL << b.order;
    }

    page_count managed_;
    mem_map frames_;
    vmstat stat_;
    kernel_profile profile_;
    node home_;
    zone& z_;
    std::vector<live_block> live_;
    std::set<std::uint64_t> taken_;
    std::vector<std::uint64_t> fresh_;
    std::uint64_t used_ = 0;
    std::uint64_t handed_out_ = 0;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"zone", "on_zone", "property/zone_property.hpp"};
    static thrown_case thrown(dice& d) {
        thrown_case c;
        c.start = {.managed = d.between(500, 4000), .six_batches = d.ratio(1, 2)};
        c.operations.resize(d.between(50, 1500));
        const std::uint64_t allocations = d.between(3, 7); // of ten steps
        for (operation& o : c.operations) {
            const bool allocates = d.ratio(allocations, 10);
            o.what = allocates ? act::allocate : act::free;
            o.value = static_cast<unsigned>(!allocates ? d.below(1000) : d.ratio(9, 10) ? 0 : d.below(4));
            o.type = static_cast<unsigned>(d.below(nr_migratetypes));
            if (d.ratio(1, 100)) o.what = d.ratio(1, 2) ? act::drain : act::kswapd;
        }
        return c;
    }
    static played play(const setup& s, const std::vector<operation>& o) { return on_zone::play(s, o); }
    static std::string code(const setup& s) {
        return fmt::format("{{.managed = {}, .six_batches = {}}}", s.managed, s.six_batches);
    }
    static std::string code(const operation& o) {
        return fmt::format("{{act::{}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.value,
                           o.type);
    }
    static auto numbers(operation& o) { return std::array{&o.value, &o.type}; }
};

} // namespace pagesim::testing::on_zone
