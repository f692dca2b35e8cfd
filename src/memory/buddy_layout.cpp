// SPDX-License-Identifier: MIT
// Bringing the free memory of a described machine into its state.
#include <pagesim/memory/buddy.hpp>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

namespace pagesim {

namespace {

// Places for blocks of one order and migratetype after the other, largest first. A block must not merge: of what it could
// merge with at least one frame stays in use.
class places {
public:
    places(std::vector<bool> usable, std::uint64_t start)
        : usable_{std::move(usable)}, start_{start}, end_{start + usable_.size()} {}

    // The first frame of the next place, or none.
    std::optional<std::uint64_t> next(unsigned order, migratetype type) {
        if (order >= pageblock_order) return from_end(order, 1ULL << order, std::nullopt);
        // In the pageblocks of the type, then in one that is nobody's.
        if (const auto n = from_end(order, pageblock_nr_pages, type)) return n;
        return from_end(order, pageblock_nr_pages, std::nullopt);
    }
    // The pageblock of that frame is the type's from now on.
    void give(std::uint64_t n, migratetype type) { owners_[n / pageblock_nr_pages] = type; }

private:
    // In spans of that many frames, the last first, whose pageblocks are of the type, or nobody's.
    std::optional<std::uint64_t> from_end(unsigned order, std::uint64_t span,
                                          std::optional<migratetype> type) {
        for (std::uint64_t at = end_ / span * span; at >= start_ + span; at -= span) {
            const std::uint64_t first = at - span;
            if (owner_of(first) != type) continue;
            for (std::uint64_t n = first; n < at; n += 1ULL << order) {
                if (take(n, order)) return n;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<migratetype> owner_of(std::uint64_t n) const {
        const auto found = owners_.find(n / pageblock_nr_pages);
        return found == owners_.end() ? std::nullopt : std::optional{found->second};
    }
    [[nodiscard]] bool is_usable(std::uint64_t n, std::uint64_t span) const {
        if (n < start_ || n + span > end_) return false;
        for (std::uint64_t i = n; i < n + span; ++i) {
            if (!usable_[i - start_]) return false;
        }
        return true;
    }
    bool take(std::uint64_t n, unsigned order) {
        const std::uint64_t span = 1ULL << order;
        if (!is_usable(n, span)) return false;
        for (std::uint64_t i = n; i < n + span; ++i) usable_[i - start_] = false;
        const std::uint64_t beside = n ^ span;
        if (order < max_order - 1 && is_usable(beside, span)) usable_[beside - start_] = false;
        return true;
    }

    std::vector<bool> usable_; // was free, and is not spoken for
    std::uint64_t start_;
    std::uint64_t end_;
    std::map<std::uint64_t, migratetype> owners_; // of pageblocks
};

} // namespace

// Whatever is free is in use for good. Tells which frames that were, from the first on.
std::vector<bool> buddy::take_all() {
    std::vector<bool> was_free(end_ - start_, false);
    steal_report ignored;
    for (unsigned t = 0; t < nr_migratetypes; ++t) {
        const auto type = static_cast<migratetype>(t);
        for (unsigned o = max_order; o-- > 0;) {
            const page_order order{static_cast<std::uint8_t>(o)};
            while (!blocks(order, type).empty()) {
                const std::uint64_t head = number(*alloc(order, type, ignored));
                for (std::uint64_t n = head; n < head + pages_of(order).value; ++n) {
                    was_free[n - start_] = true;
                    frame(n).set_refcount(1);
                }
            }
        }
    }
    return was_free;
}

void buddy::lay_out(const memory_map& map) {
    PAGESIM_ASSERT(frames_of(map) == end_ - start_);
    static_cast<void>(take_all());
    for (std::uint64_t n = start_; n < end_; ++n) frame(n).set_refcount(1);
    std::uint64_t end = end_;
    for (auto run = map.rbegin(); run != map.rend(); ++run) { // so that the lists begin with the lowest
        const std::uint64_t first = end - run->frames;
        if (is_free(run->use)) {
            const migratetype type = type_of(run->use);
            for (std::uint64_t n = first; n < end; ++n) {
                frame(n).set_refcount(0);
                types_[pageblock_of(n)] = type;
            }
            while (end > first) { // the largest block that ends here
                unsigned order = std::min(max_order - 1, static_cast<unsigned>(std::countr_zero(end)));
                while (1ULL << order > end - first) --order;
                end -= 1ULL << order;
                free_block(end, order, type, placement::head);
            }
        }
        end = first;
    }
}

bool buddy::lay_out(const free_layout& layout) {
    places free_places{take_all(), start_};
    for (unsigned o = max_order; o-- > 0;) {
        for (unsigned t = 0; t < nr_migratetypes; ++t) {
            const auto type = static_cast<migratetype>(t);
            for (std::uint32_t left = layout.blocks[t][o]; left > 0; --left) {
                const auto n = free_places.next(o, type);
                if (!n) return false;
                for (std::uint64_t i = *n; i < *n + (1ULL << o); ++i) (*frames_)[pfn{i}].set_refcount(0);
                for (std::uint64_t i = *n; i < *n + (1ULL << o); i += pageblock_nr_pages) {
                    types_[pageblock_of(i)] = type;
                    free_places.give(i, type);
                }
                free((*frames_)[pfn{*n}], page_order{static_cast<std::uint8_t>(o)}, type);
            }
        }
    }
    return true;
}

} // namespace pagesim
