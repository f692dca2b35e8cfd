// SPDX-License-Identifier: MIT
// Random operations on the buddy allocator and on a zone, against a map of which frames are in use.
//
// PAGESIM_PROPERTY_SECONDS: how long each property runs (default 1). PAGESIM_PROPERTY_SEED: begin with that
// seed. A failure, an aborting assertion too, prints the seed and the operations that led there.
#include <pagesim/base/dice.hpp>
#include <pagesim/memory/node.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace pagesim {
namespace {

constexpr std::array all_types{migratetype::unmovable, migratetype::movable, migratetype::reclaimable};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

page_order order_of(std::uint64_t o) { return page_order{static_cast<std::uint8_t>(o)}; }

// What was done since the beginning of a case.
class journal {
public:
    void begin(std::uint64_t seed) {
        text_ = fmt::format("seed {}\n", seed);
        printed_ = false;
    }
    void note(const std::string& step) {
        text_ += step;
        text_ += '\n';
    }
    void print() {
        if (!printed_) std::fprintf(stderr, "%s", text_.c_str());
        printed_ = true;
    }

private:
    std::string text_;
    bool printed_ = false;
};

journal& steps() {
    static journal j;
    return j;
}

extern "C" void print_steps(int) { steps().print(); }

struct live_block {
    page* head;
    unsigned order;
};

// Runs cases with growing seeds until the time is over or one fails.
template <typename Case>
void for_a_while(Case one_case) {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::seconds{number_from("PAGESIM_PROPERTY_SECONDS", 1)};
    auto* before = std::signal(SIGABRT, print_steps);
    std::uint64_t seed = number_from("PAGESIM_PROPERTY_SEED", 1);
    do {
        steps().begin(seed);
        one_case(seed);
        ++seed;
    } while (clock::now() < end && !testing::Test::HasFailure());
    if (testing::Test::HasFailure()) steps().print();
    std::signal(SIGABRT, before);
}

enum class use : std::uint8_t { free, taken };

class model {
public:
    model(std::uint64_t first, std::uint64_t end) : first_{first}, used_(end, true), free_{end - first} {
        for (std::uint64_t n = first; n < end; ++n) used_[n] = false;
    }
    [[nodiscard]] bool all(std::uint64_t n, unsigned order, use expected) const {
        if (n < first_ || n + (1ULL << order) > used_.size()) return false;
        for (std::uint64_t i = 0; i < 1ULL << order; ++i) {
            if (used_[n + i] != (expected == use::taken)) return false;
        }
        return true;
    }
    void set(std::uint64_t n, unsigned order, use becomes) {
        for (std::uint64_t i = 0; i < 1ULL << order; ++i) used_[n + i] = becomes == use::taken;
        free_ = becomes == use::taken ? free_ - (1ULL << order) : free_ + (1ULL << order);
    }
    // Whether some aligned block of that order is free.
    [[nodiscard]] bool has_block(unsigned order) const {
        const std::uint64_t size = 1ULL << order;
        for (std::uint64_t n = (first_ + size - 1) & ~(size - 1); n + size <= used_.size(); n += size) {
            if (all(n, order, use::free)) return true;
        }
        return false;
    }
    [[nodiscard]] std::uint64_t free() const { return free_; }

private:
    std::uint64_t first_;
    std::vector<bool> used_;
    std::uint64_t free_;
};

// One case over the frames [first, end).
class buddy_case {
public:
    explicit buddy_case(std::uint64_t seed)
        : d_{seed}, first_{d_.below(1500)}, end_{first_ + 1 + d_.below(5000)}, frames_{page_count{end_}},
          area_{frames_, pfn{first_}, pfn{end_}}, expected_{first_, end_} {
        steps().note(fmt::format("frames [{}, {})", first_, end_));
        area_.free_range(pfn{first_}, pfn{end_});
        fresh_ = blocks();
    }

    void run() {
        const std::uint64_t length = 50 + d_.below(1500);
        const std::uint64_t allocations = d_.between(3, 7); // of ten steps
        for (std::uint64_t i = 0; i < length && !testing::Test::HasFailure(); ++i) {
            if (live_.empty() || d_.ratio(allocations, 10)) {
                allocate();
            } else {
                release(d_.below(live_.size()));
            }
            ASSERT_EQ(area_.nr_free(), expected_.free());
            if (d_.ratio(1, 64)) area_.check_consistency();
        }
        area_.check_consistency();
        while (!live_.empty()) release(d_.below(live_.size()));
        area_.check_consistency();
        EXPECT_EQ(blocks(), fresh_);
    }

private:
    [[nodiscard]] std::vector<std::uint64_t> blocks() const {
        std::vector<std::uint64_t> counts;
        for (unsigned o = 0; o < max_order; ++o) counts.push_back(area_.free_blocks(order_of(o)));
        return counts;
    }

    void allocate() {
        const auto order = static_cast<unsigned>(d_.ratio(7, 10) ? d_.below(3) : d_.below(max_order));
        const migratetype type = all_types[d_.below(all_types.size())];
        const auto rule = d_.ratio(1, 8) ? fragmentation::avoided : fragmentation::allowed;
        steps().note(fmt::format("allocate order {} type {}{}", order, static_cast<int>(type),
                                 rule == fragmentation::avoided ? " without mixing" : ""));
        steal_report report;
        page* p = area_.alloc(order_of(order), type, report, rule);
        if (p == nullptr) {
            EXPECT_TRUE(rule == fragmentation::avoided || !expected_.has_block(order));
            return;
        }
        const std::uint64_t n = raw(frames_.pfn_of(*p));
        ASSERT_EQ(n % (1ULL << order), 0U);
        ASSERT_TRUE(expected_.all(n, order, use::free)) << "frame " << n << " is in use or outside";
        expected_.set(n, order, use::taken);
        p->set_refcount(1);
        if (d_.ratio(1, 2)) p->set(page_flag::lru);
        live_.push_back({p, order});
    }

    void release(std::uint64_t which) {
        const live_block b = live_[which];
        live_[which] = live_.back();
        live_.pop_back();
        const std::uint64_t n = raw(frames_.pfn_of(*b.head));
        steps().note(fmt::format("free {} order {}", n, b.order));
        b.head->clear_flags();
        b.head->set_refcount(0);
        area_.free(*b.head, order_of(b.order));
        expected_.set(n, b.order, use::free);
    }

    dice d_;
    std::uint64_t first_;
    std::uint64_t end_;
    mem_map frames_;
    buddy area_;
    model expected_;
    std::vector<live_block> live_;
    std::vector<std::uint64_t> fresh_;
};

TEST(buddy_property, blocks_never_overlap_and_memory_becomes_whole_again) {
    for_a_while([](std::uint64_t seed) { buddy_case{seed}.run(); });
}

kernel_profile profile_with(pcp_high_rule rule) {
    kernel_profile p = linux_6_1;
    p.pcp_high = rule;
    return p;
}

// The same through a zone: per-CPU lists, kswapd coming and going, drains.
class zone_case {
public:
    explicit zone_case(std::uint64_t seed)
        : d_{seed}, managed_{2000 + d_.below(6000)}, frames_{managed_ + page_count{77}},
          profile_{profile_with(d_.ratio(1, 2) ? pcp_high_rule::six_batches : pcp_high_rule::low_watermark)},
          home_{frames_, stat_, {config()}, {}, profile_}, z_{home_.zones().front()} {
        steps().note(fmt::format("managed {} pcp {} {}", managed_.value, z_.pcp().high(), z_.pcp().batch()));
        fresh_ = blocks();
    }

    void run() {
        const std::uint64_t length = 50 + d_.below(3000);
        const std::uint64_t allocations = d_.between(3, 7);
        for (std::uint64_t i = 0; i < length && !testing::Test::HasFailure(); ++i) {
            if (d_.ratio(1, 200)) {
                steps().note("drain");
                z_.drain_pcp();
            } else if (d_.ratio(1, 100)) {
                steps().note("kswapd");
                const bool idle = z_.reclaim() == zone_reclaim::idle;
                z_.set_reclaim_active(idle ? zone_reclaim::active : zone_reclaim::idle);
            } else if (live_.empty() || d_.ratio(allocations, 10)) {
                allocate();
            } else {
                release(d_.below(live_.size()));
            }
            ASSERT_EQ(z_.nr_free_pages() + z_.pcp().count() + used_, managed_.value);
            ASSERT_EQ(stat_[vm_item::nr_free_pages], z_.nr_free_pages());
            if (d_.ratio(1, 256)) home_.check_consistency();
        }
        while (!live_.empty()) release(d_.below(live_.size()));
        z_.drain_pcp();
        home_.check_consistency();
        EXPECT_EQ(blocks(), fresh_);
        EXPECT_EQ(stat_[vm_item::pgfree], handed_out_);
    }

private:
    [[nodiscard]] zone_config config() const {
        const pcp_size small{.high = 120, .batch = 10};
        return {.type = zone_type::dma, .present = frames_.size(), .managed = managed_, .pcp = small};
    }
    [[nodiscard]] std::vector<std::uint64_t> blocks() const {
        std::vector<std::uint64_t> counts;
        for (unsigned o = 0; o < max_order; ++o) counts.push_back(z_.free_area().free_blocks(order_of(o)));
        return counts;
    }

    void allocate() {
        const auto order = static_cast<unsigned>(d_.ratio(9, 10) ? 0 : d_.below(4));
        const migratetype type = all_types[d_.below(all_types.size())];
        steps().note(fmt::format("allocate order {} type {}", order, static_cast<int>(type)));
        page* p = z_.rmqueue(order_of(order), type);
        if (p == nullptr) return;
        ASSERT_EQ(p->refcount(), 1);
        ASSERT_TRUE(p->flags().empty());
        used_ += 1ULL << order;
        handed_out_ += 1ULL << order;
        live_.push_back({p, order});
    }

    void release(std::uint64_t which) {
        const live_block b = live_[which];
        live_[which] = live_.back();
        live_.pop_back();
        steps().note(fmt::format("free {} order {}", raw(frames_.pfn_of(*b.head)), b.order));
        b.head->set_refcount(0);
        z_.free_pages(*b.head, order_of(b.order));
        used_ -= 1ULL << b.order;
    }

    dice d_;
    page_count managed_;
    mem_map frames_;
    vmstat stat_;
    kernel_profile profile_;
    node home_;
    zone& z_;
    std::vector<live_block> live_;
    std::vector<std::uint64_t> fresh_;
    std::uint64_t used_ = 0;
    std::uint64_t handed_out_ = 0;
};

TEST(zone_property, no_page_is_lost_between_the_lists) {
    for_a_while([](std::uint64_t seed) { zone_case{seed}.run(); });
}

} // namespace
} // namespace pagesim
