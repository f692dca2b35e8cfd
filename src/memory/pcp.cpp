// SPDX-License-Identifier: MIT
#include <pagesim/memory/pcp.hpp>

namespace pagesim {

namespace {

// Takes the marks of the stock off a page: all its fields are zero again.
void strip(page& p) {
    p.clear_flags();
    p.set_private_data(0);
}

void mark(page& p, migratetype type) {
    p.set(page_flag::pcp);
    p.set_private_data(static_cast<std::uint32_t>(type));
}

} // namespace

pcp_lists::pcp_lists(mem_map& frames, pcp_high_rule rule, pcp_size size)
    : lists_{frames.make_list(), frames.make_list(), frames.make_list()}, rule_{rule}, size_{size} {
    PAGESIM_ASSERT(size.batch >= 1);
}

void pcp_lists::set_size(pcp_size size) {
    PAGESIM_ASSERT(size.batch >= 1);
    size_ = size;
}

std::uint64_t pcp_lists::fill(migratetype type, std::uint64_t n, buddy& from, steal_report& report,
                              fragmentation rule) {
    page_list& to = lists_[static_cast<std::size_t>(type)];
    for (std::uint64_t moved = 0; moved < n; ++moved) {
        page* p = from.alloc(page_order{0}, type, report, rule);
        if (p == nullptr) return moved;
        mark(*p, type);
        to.push_back(*p);
    }
    return n;
}

page* pcp_lists::alloc(migratetype type, buddy& from, steal_report& report, fragmentation rule) {
    free_factor_ >>= 1U;
    page_list& stock = lists_[static_cast<std::size_t>(type)];
    if (stock.empty()) {
        if (fill(type, size_.batch, from, report, rule) == 0) return nullptr;
        ++refills_;
    }
    page& p = stock.pop_front();
    strip(p);
    return &p;
}

void pcp_lists::stock(page& p, migratetype type) {
    mark(p, type);
    lists_[static_cast<std::size_t>(type)].push_back(p);
}

void pcp_lists::free(page& p, migratetype type, buddy& to, zone_reclaim reclaim) {
    mark(p, type);
    const auto which = static_cast<unsigned>(type);
    lists_[which].push_front(p);
    const std::uint64_t high = effective_high(reclaim);
    if (count() < high) return;
    ++overflows_;
    if (rule_ == pcp_high_rule::six_batches) {
        give_back_in_turn(size_.batch, to);
    } else {
        give_back_from(which, overflow_size(high), to);
    }
}

void pcp_lists::drain(buddy& to) { give_back_from(0, count(), to); }

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
    page& p = lists_[which].pop_back();
    strip(p);
    to.free(p, page_order{0}, static_cast<migratetype>(which));
}

// 6.1: empties one list after the other, oldest pages first, beginning with `first`.
void pcp_lists::give_back_from(unsigned first, std::uint64_t n, buddy& to) {
    n = std::min(n, count());
    for (unsigned which = first; n > 0; which = (which + 1) % nr_migratetypes) {
        for (; n > 0 && !lists_[which].empty(); --n) give_back_oldest(which, to);
    }
}

// 5.8: visits the lists in turn beginning with the second. Each visit, to an empty list too, adds one page
// to what the next list found must give; one that is found after two empty ones gives all.
void pcp_lists::give_back_in_turn(std::uint64_t n, buddy& to) {
    n = std::min(n, count());
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
    for (unsigned which = 0; which < nr_migratetypes; ++which) {
        std::uint64_t linked = 0;
        lists_[which].for_each([&](const page& p) {
            PAGESIM_ASSERT_PAGE(p.flags() == page_flags{page_flag::pcp} && p.private_data() == which, p);
            PAGESIM_ASSERT_PAGE(p.refcount() == 0 && !p.mapped() && p.mapping() == 0 && p.index() == 0, p);
            ++linked;
        });
        PAGESIM_ASSERT(linked == lists_[which].size());
    }
}

} // namespace pagesim
