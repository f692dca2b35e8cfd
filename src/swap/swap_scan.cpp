// SPDX-License-Identifier: MIT
// The search for free slots (kernel: scan_swap_map_slots, mm/swapfile.c). The kernel's order of questions is kept: it
// decides which slots lie side by side, and so what a later readahead finds.
#include <pagesim/swap/swap_area.hpp>

#include <pagesim/base/assert.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t address_space_pages = 1U << 14U; // kernel: SWAP_ADDRESS_SPACE_PAGES
constexpr int latency_limit = 256;                       // kernel: LATENCY_LIMIT

} // namespace

struct swap_area::search {
    std::span<std::uint64_t> out;
    slot_reclaimer* reclaimer;
    std::uint64_t offset;    // where it looks
    std::uint64_t scan_base; // where it began
    int budget = latency_limit;
    bool scanned_many = false; // a linear scan has used a budget up
    unsigned taken = 0;

    [[nodiscard]] bool wants_cached_slots() const { return reclaimer != nullptr && reclaimer->wanted(); }
    // The CPU is offered to others, and the scan goes on.
    void spend() {
        if (--budget >= 0) return;
        budget = latency_limit;
        scanned_many = true;
    }
};

unsigned swap_area::scan_slots(std::span<std::uint64_t> out, slot_reclaimer* reclaimer) {
    if (highest_ == 0) return 0;
    search s{.out = out, .reclaimer = reclaimer, .offset = cluster_next_, .scan_base = cluster_next_};
    next_step next = start(s) || linear_scan(s) ? next_step::look : next_step::failed;
    while (next == next_step::look) next = examine(s);
    if (next == next_step::finished) set_cluster_next(s.offset + 1);
    return s.taken;
}

bool swap_area::start(search& s) {
    if (clustered()) return try_cluster(s);
    if (cluster_nr_ > 0) {
        --cluster_nr_;
    } else if (pages_ - in_use_ < swapfile_cluster) {
        cluster_nr_ = swapfile_cluster - 1;
    } else {
        start_run(s);
    }
    return true;
}

// Rotational: at a run of free slots, or at the lowest possibly free slot.
void swap_area::start_run(search& s) {
    cluster_nr_ = swapfile_cluster - 1;
    s.scan_base = s.offset = lowest_;
    std::uint64_t last = lowest_ + swapfile_cluster - 1;
    for (std::uint64_t at = lowest_; last <= highest_; ++at) {
        if (map_[at] != 0) {
            last = at + swapfile_cluster;
        } else if (at == last) {
            s.offset = at - (swapfile_cluster - 1);
            return;
        }
        if (--s.budget < 0) s.budget = latency_limit;
    }
}

bool swap_area::try_cluster(search& s) {
    for (;;) {
        if (current_ == no_cluster) {
            if (free_clusters_.empty()) return false;
            current_ = free_clusters_.front();
            current_next_ = std::uint64_t{current_} * swapfile_cluster;
        }
        const std::uint64_t end =
            std::min<std::uint64_t>(map_.size(), (std::uint64_t{current_} + 1) * swapfile_cluster);
        std::uint64_t slot = current_next_;
        while (slot < end && map_[slot] != 0) ++slot;
        if (slot < end) {
            current_next_ = slot + 1;
            s.offset = s.scan_base = slot;
            return true;
        }
        current_ = no_cluster;
    }
}

bool swap_area::cluster_conflict(std::uint64_t offset) {
    const std::uint64_t cluster = offset / swapfile_cluster;
    const bool conflict =
        !free_clusters_.empty() && cluster != free_clusters_.front() && cluster_is_free(cluster);
    if (conflict) current_ = no_cluster;
    return conflict;
}

bool swap_area::may_take(std::uint64_t offset, const search& s) const {
    return map_[offset] == 0 || (map_[offset] == swap_has_cache && s.wants_cached_slots());
}

// Upward to the highest possibly free slot, then from the lowest up to where the search began.
bool swap_area::linear_scan(search& s) const {
    while (++s.offset <= highest_) {
        s.spend();
        if (may_take(s.offset, s)) return true;
    }
    for (s.offset = lowest_; s.offset < s.scan_base; ++s.offset) {
        s.spend();
        if (may_take(s.offset, s)) return true;
    }
    return false;
}

// Looks at one slot: takes it, or finds out where to look next.
swap_area::next_step swap_area::examine(search& s) {
    const auto scan_on = [&] { return linear_scan(s) ? next_step::look : next_step::failed; };
    while (clustered() && cluster_conflict(s.offset)) {
        if (s.taken > 0) return next_step::finished;
        if (!try_cluster(s)) return scan_on();
    }
    if (highest_ == 0) return next_step::failed;
    if (s.offset > highest_) s.scan_base = s.offset = lowest_;
    if (map_[s.offset] == swap_has_cache && s.wants_cached_slots()) {
        return s.reclaimer->try_to_reclaim(s.offset) ? next_step::look : scan_on();
    }
    if (map_[s.offset] != 0) return s.taken > 0 ? next_step::finished : scan_on();
    take(s.offset);
    s.out[s.taken++] = s.offset;
    return go_on(s);
}

// One slot more was taken; is another one wanted, and where may it be?
swap_area::next_step swap_area::go_on(search& s) {
    if (s.taken == s.out.size() || s.offset >= highest_) return next_step::finished;
    if (--s.budget < 0) return next_step::finished;
    if (clustered()) {
        if (try_cluster(s)) return next_step::look;
    } else if (cluster_nr_ > 0 && map_[++s.offset] == 0) {
        --cluster_nr_;
        return next_step::look;
    }
    if (s.scanned_many) return next_step::finished;
    const std::uint64_t limit = s.offset < s.scan_base ? s.scan_base : highest_;
    for (; s.offset <= limit && --s.budget > 0; ++s.offset) {
        if (map_[s.offset] == 0) return next_step::look;
    }
    return next_step::finished;
}

void swap_area::set_cluster_next(std::uint64_t next) {
    if (clustered() && cluster_next_ / address_space_pages != next / address_space_pages) {
        if (highest_ <= lowest_) return;
        next = lowest_ + dice_.below(highest_ - lowest_ + 1);
        next = std::max(next / address_space_pages * address_space_pages, lowest_);
    }
    cluster_next_ = next;
}

} // namespace pagesim
