// SPDX-License-Identifier: MIT
#include <pagesim/mmu/tlb.hpp>

#include <bit>

namespace pagesim {

namespace {

constexpr unsigned max_ways = 64;

bool buildable(unsigned entries, unsigned ways) {
    const unsigned w = ways == 0 ? entries : ways;
    return w != 0 && w <= max_ways && entries % w == 0 && std::has_single_bit(entries / w);
}

constexpr std::uint64_t all_free(unsigned ways) {
    return ways == max_ways ? ~std::uint64_t{0} : (std::uint64_t{1} << ways) - 1;
}

} // namespace

std::optional<std::string_view> invalid_geometry(const tlb_geometry& g) {
    if (!buildable(g.l1_entries, g.l1_ways)) return "L1 TLB: needs 1 to 64 ways and a power of two of sets";
    if (!buildable(g.l2_entries, g.l2_ways)) return "L2 TLB: needs 1 to 64 ways and a power of two of sets";
    return std::nullopt;
}

tlb_level::tlb_level(unsigned entries, unsigned ways)
    : sets_{ways == 0 ? 1 : entries / ways}, ways_{ways == 0 ? entries : ways}, hashed_{sets_ == 1 &&
                                                                                        ways_ >=
                                                                                            hash_from_ways},
      tags_(entries), held_(entries), free_ways_(sets_, all_free(ways_)), next_victim_(sets_) {
    PAGESIM_ASSERT(buildable(entries, ways));
    heads_.fill(chain_end);
    chain_.fill(chain_end);
}

void tlb_level::take_out(unsigned at) {
    const unsigned set = set_of(tags_[at]);
    const unsigned way = at - set * ways_;
    if (hashed_) chain_out(way);
    tags_[at] = translation_key{};
    free_ways_[set] |= std::uint64_t{1} << way;
}

tlb::tlb(const tlb_geometry& g) : l1_{g.l1_entries, g.l1_ways}, l2_{g.l2_entries, g.l2_ways} {}

void tlb::fill(translation_key key, descriptor d) {
    PAGESIM_ASSERT(d.leaf_or_table() && d.young());
    if (descriptor* const there = l2_.find(key)) {
        *there = d;
    } else {
        l2_.insert(key, d);
    }
    if (descriptor* const there = l1_.find(key)) {
        *there = d;
        memo_.remember(key, d);
    } else {
        fill_l1(key, d);
    }
}

template <typename Doomed>
void tlb::forget_if(Doomed doomed) {
    doomed_.clear();
    const auto note = [&](translation_key key, descriptor) {
        if (doomed(key)) doomed_.push_back(key);
    };
    l1_.for_each(note);
    l2_.for_each(note);
    for (const translation_key key : doomed_) forget(key);
}

void tlb::forget_range(asid space, vpn first, vpn end) {
    if (first >= end) return;
    if (end - first <= l2_.capacity() / 8) {
        for (vpn n = first; n < end; n = n + 1) forget(translation_key{space, n});
        return;
    }
    forget_if([=](translation_key k) { return k.space() == space && k.page() >= first && k.page() < end; });
}

void tlb::forget_all() {
    forget_if([](translation_key) { return true; });
}

namespace {

void check_entry(translation_key key, descriptor held, const page_table& table) {
    const std::uint64_t* const slot = table.leaf(key.page());
    PAGESIM_ASSERT(slot != nullptr);
    const descriptor d{*slot};
    PAGESIM_ASSERT(d.leaf_or_table() && d.young());
    PAGESIM_ASSERT(d.frame() == held.frame());
    PAGESIM_ASSERT(!held.user() || d.user());
    PAGESIM_ASSERT(held.read_only() || !d.read_only());
    PAGESIM_ASSERT(!held.user_exec() || d.user_exec());
}

} // namespace

void tlb::check_consistency(asid space, const page_table& table) const {
    memo_.for_each([&](translation_key key, access_kind kind) {
        bool backed = false;
        l1_.for_each([&](translation_key k, descriptor d) {
            backed = backed || (k == key && check_permission(d, kind, hafdbs::none) == permission::granted);
        });
        PAGESIM_ASSERT(backed);
    });
    const auto check = [&](translation_key key, descriptor held) {
        if (key.space() == space) check_entry(key, held, table);
    };
    l1_.for_each(check);
    l2_.for_each(check);
    l1_.for_each([&](translation_key key, descriptor held) {
        l2_.for_each([&](translation_key k, descriptor d) { PAGESIM_ASSERT(k != key || d == held); });
    });
}

} // namespace pagesim
