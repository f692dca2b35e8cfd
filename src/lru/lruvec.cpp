// SPDX-License-Identifier: MIT
#include <pagesim/lru/lruvec.hpp>

#include <algorithm>

namespace pagesim {

vm_item isolated_item(lru_type t) {
    return t == lru_type::anon ? vm_item::nr_isolated_anon : vm_item::nr_isolated_file;
}

std::uint64_t lagging_count::see(std::uint64_t exact, std::uint64_t threshold, sim_time now) {
    constexpr std::uint64_t stat_interval = 1'000'000'000;
    const std::uint64_t second = now.ns / stat_interval;
    if (second != folded_second_) {
        folded_second_ = second;
        shown_ = exact;
    }
    const std::uint64_t step = threshold + 1; // the change that is more than the threshold
    shown_ += (exact - shown_) / step * step;
    return shown_;
}

namespace {

vm_item activation_item(lru_type t) {
    return t == lru_type::anon ? vm_item::workingset_activate_anon : vm_item::workingset_activate_file;
}

} // namespace

std::uint64_t lruvec::visible_activations(lru_type type, sim_time now) {
    return activations_[static_cast<unsigned>(type)].see(node_->stat()[activation_item(type)], threshold_,
                                                         now);
}

void lruvec::refresh_stat() {
    for (const lru_type t : {lru_type::anon, lru_type::file}) {
        activations_[static_cast<unsigned>(t)].fold(node_->stat()[activation_item(t)]);
    }
}

lruvec::lruvec(node& home)
    : node_{&home}, lists_{home.frames().make_list(), home.frames().make_list(), home.frames().make_list(),
                           home.frames().make_list(), home.frames().make_list()} {
    for (const zone& z : home.zones()) {
        threshold_ = std::max<std::uint64_t>(threshold_, stat_threshold(z.managed(), 1));
    }
}

std::uint64_t lruvec::size_in_zones(lru_list l, zone_type highest) const {
    std::uint64_t n = 0;
    for (const zone& z : node_->zones()) {
        if (z.type() <= highest) n += z.nr_zone_lru(index_of(l));
    }
    return n;
}

std::uint64_t lruvec::evictable_size() const {
    std::uint64_t n = 0;
    for (unsigned l = 0; l < nr_evictable_lists; ++l) n += lists_[l].size();
    return n;
}

void lruvec::note_cost(lru_type type, std::uint64_t pages) {
    (type == lru_type::anon ? anon_cost : file_cost) += pages;
    if (anon_cost + file_cost > evictable_size() / 4) {
        anon_cost /= 2;
        file_cost /= 2;
    }
}

void lruvec::check_consistency() const {
    for (unsigned l = 0; l < nr_lru_lists; ++l) {
        const auto which = static_cast<lru_list>(l);
        std::uint64_t n = 0;
        lists_[l].for_each([&](const page& p) {
            PAGESIM_ASSERT_PAGE(p.test(page_flag::lru) && page_lru(p) == which && p.refcount() > 0, p);
            ++n;
        });
        PAGESIM_ASSERT(n == lists_[l].size());
        PAGESIM_ASSERT(n == node_->stat()[node_item(which)]);
        PAGESIM_ASSERT(n == size_in_zones(which, zone_type::movable));
    }
    PAGESIM_ASSERT(isolated[0] == node_->stat()[vm_item::nr_isolated_anon]);
    PAGESIM_ASSERT(isolated[1] == node_->stat()[vm_item::nr_isolated_file]);
}

} // namespace pagesim
