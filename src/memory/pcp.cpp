// SPDX-License-Identifier: MIT
#include <pagesim/memory/pcp.hpp>

namespace pagesim {

namespace {

// What a list is refilled by, in blocks.
std::uint64_t refill_size(std::uint64_t batch, page_order order) {
    return batch > 1 ? std::max<std::uint64_t>(batch >> raw(order), 2) : batch;
}

} // namespace

pcp_lists::pcp_lists(mem_map& frames, pcp_high_rule rule, pcp_size size)
    : lists_{make_lists(frames, std::make_index_sequence<nr_pcp_lists>{})}, rule_{rule}, size_{size} {
    PAGESIM_ASSERT(size.batch >= 1);
}

void pcp_lists::set_size(pcp_size size) {
    PAGESIM_ASSERT(size.batch >= 1);
    size_ = size;
}

// Marks and counts a block that comes to a list; the caller links it.
void pcp_lists::take_in(page& head, unsigned slot) {
    head.set(page_flag::pcp);
    head.set_private_data(slot);
    count_ += pages_of(order_of(slot)).value;
}

// All fields of a block that left its list are zero again.
page& pcp_lists::take_out(page& head, unsigned slot) {
    head.clear_flags();
    head.set_private_data(0);
    count_ -= pages_of(order_of(slot)).value;
    return head;
}

std::uint64_t pcp_lists::fill(migratetype type, std::uint64_t n, buddy& from, steal_report& report,
                              fragmentation rule, page_order order) {
    const unsigned to = slot(type, order);
    for (std::uint64_t moved = 0; moved < n; ++moved) {
        page* p = from.alloc(order, type, report, rule);
        if (p == nullptr) return moved;
        take_in(*p, to);
        lists_[to].push_back(*p);
    }
    return n;
}

page* pcp_lists::alloc(migratetype type, buddy& from, steal_report& report, fragmentation rule,
                       page_order order) {
    PAGESIM_ASSERT(has_order(order));
    free_factor_ >>= 1U;
    const unsigned which = slot(type, order);
    if (lists_[which].empty()) {
        if (fill(type, refill_size(size_.batch, order), from, report, rule, order) == 0) return nullptr;
        ++refills_;
    }
    return &take_out(lists_[which].pop_front(), which);
}

void pcp_lists::stock(page& p, migratetype type) {
    const unsigned to = slot(type, page_order{0});
    take_in(p, to);
    lists_[to].push_back(p);
}

void pcp_lists::free(page& head, migratetype type, buddy& to, zone_reclaim reclaim, page_order order) {
    PAGESIM_ASSERT(has_order(order));
    const unsigned which = slot(type, order);
    take_in(head, which);
    lists_[which].push_front(head);
    if (raw(order) > 0 && free_factor_ > 0) { // kernel: free_high
        ++overflows_;
        return give_back_from(which, count_, to);
    }
    const std::uint64_t high = effective_high(reclaim);
    if (count_ < high) return;
    ++overflows_;
    if (rule_ == pcp_high_rule::six_batches) {
        give_back_in_turn(size_.batch, to);
    } else {
        give_back_from(which, overflow_size(high), to);
    }
}

void pcp_lists::drain(buddy& to) { give_back_from(0, count_, to); }

// kernel: nr_pcp_high().
std::uint64_t pcp_lists::effective_high(zone_reclaim reclaim) const {
    if (rule_ == pcp_high_rule::six_batches || reclaim == zone_reclaim::idle) return size_.high;
    return std::min(4 * size_.batch, size_.high);
}

// How many pages an overflow gives back; raises free_factor (kernel: nr_pcp_free()).
std::uint64_t pcp_lists::overflow_size(std::uint64_t high) {
    if (high < size_.batch) return 1;
    const std::uint64_t most = high - size_.batch;
    const std::uint64_t n = size_.batch << free_factor_;
    if (n < most && free_factor_ < max_free_factor) ++free_factor_;
    return std::min(std::max(n, size_.batch), most);
}

void pcp_lists::give_back_oldest(unsigned which, buddy& to) {
    page& p = take_out(lists_[which].pop_back(), which);
    to.free(p, order_of(which), static_cast<migratetype>(which % nr_migratetypes));
}

// 6.1: empties one list after the other, oldest blocks first, beginning with `first`, until n pages or a few more are
// back.
void pcp_lists::give_back_from(unsigned first, std::uint64_t n, buddy& to) {
    const std::uint64_t left = count_ - std::min(n, count_);
    for (unsigned which = first; count_ > left; which = (which + 1) % nr_pcp_lists) {
        while (count_ > left && !lists_[which].empty()) give_back_oldest(which, to);
    }
}

// 5.8: visits the lists in turn beginning with the second. Each visit, to an empty list too, adds one page
// to what the next list found must give; one that is found after two empty ones gives all.
void pcp_lists::give_back_in_turn(std::uint64_t n, buddy& to) {
    n = std::min(n, count_);
    std::uint64_t share = 0;
    unsigned which = 0;
    while (n > 0) {
        do {
            ++share;
            which = (which + 1) % nr_migratetypes;
        } while (lists_[which].empty());
        if (share == nr_migratetypes) share = n;
        do {
            give_back_oldest(which, to);
            --n;
            --share;
        } while (n > 0 && share > 0 && !lists_[which].empty());
    }
}

void pcp_lists::check_consistency() const {
    std::uint64_t pages = 0;
    for (unsigned which = 0; which < nr_pcp_lists; ++which) {
        std::uint64_t linked = 0;
        lists_[which].for_each([&](const page& p) {
            PAGESIM_ASSERT_PAGE(p.flags() == page_flags{page_flag::pcp} && p.private_data() == which, p);
            PAGESIM_ASSERT_PAGE(p.refcount() == 0 && !p.mapped() && p.mapping() == 0 && p.index() == 0, p);
            ++linked;
        });
        PAGESIM_ASSERT(linked == lists_[which].size());
        PAGESIM_ASSERT(linked == 0 || has_order(order_of(which)));
        pages += linked * pages_of(order_of(which)).value;
    }
    PAGESIM_ASSERT(pages == count_);
}

} // namespace pagesim
