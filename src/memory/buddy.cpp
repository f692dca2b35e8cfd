// SPDX-License-Identifier: MIT
#include <pagesim/memory/buddy.hpp>

#include <algorithm>
#include <array>
#include <bit>

namespace pagesim {

namespace {

constexpr std::array all_types{migratetype::unmovable, migratetype::movable, migratetype::reclaimable};
static_assert(all_types.size() == nr_migratetypes);

// Whose lists a request tries when its own are empty, in order, indexed by the request's type.
constexpr std::array<std::array<migratetype, 2>, nr_migratetypes> fallbacks{{
    {migratetype::reclaimable, migratetype::movable},   // unmovable
    {migratetype::reclaimable, migratetype::unmovable}, // movable
    {migratetype::unmovable, migratetype::movable},     // reclaimable
}};

// Whether the request takes over the whole pageblock around a block of that order (kernel:
// can_steal_fallback).
constexpr bool takes_pageblock(unsigned order, migratetype wanted) {
    return order >= pageblock_order / 2 || wanted != migratetype::movable;
}

// What compaction can move away: LRU pages, and the pages of a zram pool.
bool movable_in_use(const page& p) { return p.test(page_flag::lru) || p.test(page_flag::zsmalloc); }

} // namespace

buddy::buddy(mem_map& frames, pfn start, pfn end) : frames_{&frames}, start_{raw(start)}, end_{raw(end)} {
    PAGESIM_ASSERT(start_ < end_ && end_ <= frames.size().value);
    lists_.reserve(std::size_t{max_order} * nr_migratetypes);
    for (unsigned i = 0; i < max_order * nr_migratetypes; ++i) lists_.push_back(frames.make_list());
    types_.assign(pageblock_of(end_ - 1) + 1, migratetype::movable);
}

void buddy::free_range(pfn first, pfn end) {
    PAGESIM_ASSERT(raw(first) >= start_ && first <= end && raw(end) <= end_);
    std::uint64_t n = raw(first);
    while (n < raw(end)) {
        auto order = std::min(max_order - 1, static_cast<unsigned>(std::countr_zero(n)));
        while (n + (1ULL << order) > raw(end)) --order;
        free_block(n, order, pageblock_type(pfn{n}), placement::tail);
        n += 1ULL << order;
    }
}

// ---- lists
// ----------------------------------------------------------------------------------------------------

void buddy::link(page& head, unsigned order, migratetype type, placement where) {
    head.set(page_flag::buddy);
    head.set_private_data(order);
    head.set_index(static_cast<std::uint32_t>(type));
    page_list& list = lists_[slot(order, type)];
    if (where == placement::tail) {
        list.push_back(head);
    } else {
        list.push_front(head);
    }
    nr_free_ += 1ULL << order;
}

void buddy::unlink(page& head) {
    const unsigned order = head.private_data();
    lists_[slot(order, static_cast<migratetype>(head.index()))].remove(head);
    head.clear_flags();
    head.set_private_data(0);
    head.set_index(0);
    nr_free_ -= 1ULL << order;
}

void buddy::move_to_tail(page& head, migratetype type) {
    const unsigned order = head.private_data();
    unlink(head);
    link(head, order, type, placement::tail);
}

std::uint64_t buddy::free_blocks(page_order order) const {
    std::uint64_t n = 0;
    for (migratetype t : all_types) n += blocks(order, t).size();
    return n;
}

std::uint64_t buddy::pageblocks(migratetype type) const {
    return static_cast<std::uint64_t>(std::count(types_.begin(), types_.end(), type));
}

// ---- free
// -----------------------------------------------------------------------------------------------------

// The buddy of the block at `n` if it is free and of the same order.
page* buddy::free_buddy(std::uint64_t n, unsigned order) const {
    const std::uint64_t other = n ^ (1ULL << order);
    if (other < start_ || other >= end_) return nullptr;
    page& p = frame(other);
    return p.test(page_flag::buddy) && p.private_data() == order ? &p : nullptr;
}

// Whether the block at `n`, once it merged with its (still used) buddy, would merge again at once.
bool buddy::merge_likely(std::uint64_t n, unsigned order) const {
    if (order >= max_order - 2) return false;
    const std::uint64_t combined = n & ~(1ULL << order);
    return free_buddy(combined, order + 1) != nullptr;
}

void buddy::free_block(std::uint64_t n, unsigned order, migratetype type, placement where) {
    while (order < max_order - 1) {
        page* other = free_buddy(n, order);
        if (other == nullptr) break;
        unlink(*other);
        n &= ~(1ULL << order);
        ++order;
    }
    if (merge_likely(n, order)) where = placement::tail;
    link(frame(n), order, type, where);
}

void buddy::free(page& head, page_order order) { free(head, order, pageblock_type(frames_->pfn_of(head))); }

void buddy::free(page& head, page_order order, migratetype type) {
    const std::uint64_t n = number(head);
    PAGESIM_ASSERT_PAGE(raw(order) < max_order && (n & (pages_of(order).value - 1)) == 0, head);
    PAGESIM_ASSERT_PAGE(n >= start_ && n + pages_of(order).value <= end_, head);
    PAGESIM_ASSERT_PAGE(head.flags().empty() && head.refcount() == 0 && unlinked(head), head);
    free_block(n, raw(order), type, placement::head);
}

// ---- allocate
// -------------------------------------------------------------------------------------------------

page* buddy::alloc(page_order order, migratetype type, steal_report& report, fragmentation rule) {
    PAGESIM_ASSERT(raw(order) < max_order);
    page* p = take_smallest(raw(order), type);
    if (p == nullptr && steal(raw(order), type, rule, report)) {
        p = take_smallest(raw(order), type);
        PAGESIM_ASSERT(p != nullptr);
    }
    return p;
}

page* buddy::take_smallest(unsigned order, migratetype type) {
    for (unsigned o = order; o < max_order; ++o) {
        page_list& list = lists_[slot(o, type)];
        if (list.empty()) continue;
        page& head = list.front();
        unlink(head);
        split(number(head), o, order, type);
        return &head;
    }
    return nullptr;
}

// Gives back the upper halves of a block of order `from` until what is left at `n` has order `to`.
void buddy::split(std::uint64_t n, unsigned from, unsigned to, migratetype type) {
    while (from > to) {
        --from;
        link(frame(n + (1ULL << from)), from, type, placement::head);
    }
}

void buddy::isolate(page& head) {
    const unsigned order = head.private_data();
    const std::uint64_t n = number(head);
    unlink(head);
    if (order + 1 < pageblock_order) return;
    for (std::uint64_t at = n; at < n + (1ULL << order); at += pageblock_nr_pages)
        types_[pageblock_of(at)] = migratetype::movable;
}

// ---- steal
// ----------------------------------------------------------------------------------------------------

// The first block of that order on another type's list, in the order of the fallback table.
page* buddy::fallback_block(unsigned order, migratetype wanted) const {
    for (migratetype t : fallbacks[static_cast<std::size_t>(wanted)]) {
        const page_list& list = lists_[slot(order, t)];
        if (!list.empty()) return &list.front();
    }
    return nullptr;
}

buddy::candidate buddy::choose_fallback(unsigned order, migratetype wanted, fragmentation rule) const {
    const unsigned lowest = rule == fragmentation::avoided ? std::max(order, pageblock_order) : order;
    for (unsigned o = max_order; o-- > lowest;) {
        page* block = fallback_block(o, wanted);
        if (block == nullptr) continue;
        if (takes_pageblock(o, wanted)) return {block, o};
        for (unsigned small = order;; ++small) { // ends at o at the latest
            block = fallback_block(small, wanted);
            if (block != nullptr) return {block, small};
        }
    }
    return {};
}

bool buddy::steal(unsigned order, migratetype wanted, fragmentation rule, steal_report& report) {
    const auto [block, found] = choose_fallback(order, wanted, rule);
    if (block == nullptr) return false;
    ++report.steals;
    const std::uint64_t n = number(*block);
    if (found >= pageblock_order) {
        const std::size_t first = pageblock_of(n);
        const std::size_t count = std::size_t{1} << (found - pageblock_order);
        for (std::size_t i = 0; i < count; ++i) types_[first + i] = wanted;
        report.retyped_pageblocks += static_cast<unsigned>(count);
        move_to_tail(*block, wanted);
        return true;
    }
    ++report.below_pageblock;
    if (takes_pageblock(found, wanted) && steal_pageblock(n, wanted, report)) return true;
    move_to_tail(*block, wanted);
    return true;
}

// Moves all free blocks of the pageblock around `n`, and retypes it if half of it is then of the wanted
// kind. False if the pageblock crosses the end of the range: nothing is moved.
bool buddy::steal_pageblock(std::uint64_t n, migratetype wanted, steal_report& report) {
    std::uint64_t at = n & ~(pageblock_nr_pages - 1);
    const std::uint64_t last = at + pageblock_nr_pages;
    if (last > end_) return false;
    if (at < start_) at = n;
    std::uint64_t free = 0;
    std::uint64_t movable = 0;
    while (at < last) {
        page& p = frame(at);
        if (!p.test(page_flag::buddy)) {
            if (movable_in_use(p)) ++movable;
            ++at;
            continue;
        }
        const std::uint64_t size = 1ULL << p.private_data();
        move_to_tail(p, wanted);
        free += size;
        at += size;
    }
    migratetype& type = types_[pageblock_of(n)];
    std::uint64_t alike = 0;
    if (wanted == migratetype::movable) {
        alike = movable;
    } else if (type == migratetype::movable) {
        alike = pageblock_nr_pages - free - movable;
    }
    if (free + alike >= pageblock_nr_pages / 2) {
        type = wanted;
        ++report.retyped_pageblocks;
    }
    return true;
}

// ---- check
// ----------------------------------------------------------------------------------------------------

void buddy::check_block(const page& head, unsigned order, migratetype type, std::vector<bool>& seen) const {
    const std::uint64_t n = number(head);
    const std::uint64_t size = 1ULL << order;
    PAGESIM_ASSERT_PAGE(head.flags() == page_flags{page_flag::buddy} && head.private_data() == order, head);
    PAGESIM_ASSERT_PAGE(head.index() == static_cast<std::uint32_t>(type), head);
    PAGESIM_ASSERT_PAGE((n & (size - 1)) == 0 && n >= start_ && n + size <= end_, head);
    PAGESIM_ASSERT_PAGE(order == max_order - 1 || free_buddy(n, order) == nullptr, head);
    for (std::uint64_t i = n; i < n + size; ++i) {
        const page& p = frame(i);
        PAGESIM_ASSERT_PAGE(!seen[i - start_], p);
        PAGESIM_ASSERT_PAGE(p.refcount() == 0 && !p.mapped() && p.mapping() == 0, p);
        PAGESIM_ASSERT_PAGE(i == n || (p.flags().empty() && unlinked(p) && p.private_data() == 0), p);
        seen[i - start_] = true;
    }
}

void buddy::check_consistency() const {
    std::vector<bool> seen(end_ - start_, false);
    std::uint64_t pages = 0;
    for (unsigned order = 0; order < max_order; ++order) {
        for (migratetype t : all_types) {
            std::uint64_t linked = 0;
            lists_[slot(order, t)].for_each([&](const page& head) {
                check_block(head, order, t, seen);
                ++linked;
            });
            PAGESIM_ASSERT(linked == lists_[slot(order, t)].size());
            pages += linked << order;
        }
    }
    PAGESIM_ASSERT(pages == nr_free_);
}

} // namespace pagesim
