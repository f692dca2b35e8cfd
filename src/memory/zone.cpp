// SPDX-License-Identifier: MIT
#include <pagesim/memory/zone.hpp>

#include <pagesim/memory/page_state.hpp>

namespace pagesim {

std::string_view zone_name(zone_type type) {
    static constexpr std::array<std::string_view, max_nr_zones> names{"DMA", "DMA32", "Normal", "Movable"};
    return names[static_cast<std::size_t>(type)];
}

zone::zone(mem_map& frames, vmstat& stat, const zone_setup& setup)
    : frames_{&frames}, stat_{&stat}, type_{setup.type}, start_{setup.start}, present_{setup.present},
      managed_{setup.managed}, reserved_end_{setup.start + (setup.present.value - setup.managed.value)},
      wmarks_{setup.wmarks}, watermark_boost_factor_{setup.watermark_boost_factor},
      boosted_rule_{setup.boosted}, lowmem_reserve_{setup.lowmem_reserve},
      buddy_{frames, setup.start, setup.start + setup.present.value}, pcp_{frames, setup.pcp_rule,
                                                                           setup.pcp} {
    PAGESIM_ASSERT(managed_ <= present_);
    buddy_.free_range(reserved_end_, end_pfn());
    count_free_since(0);
}

// Brings vmstat up to date with the buddy lists, once for all that moved.
void zone::count_free_since(std::uint64_t before) {
    const std::uint64_t now = buddy_.nr_free();
    if (now == before) return;
    stat_->add(vm_item::nr_free_pages, static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before));
}

// ---- allocate and free
// ----------------------------------------------------------------------------------------

page* zone::rmqueue(page_order order, migratetype type, const rmqueue_rules& rules) {
    const std::uint64_t before = buddy_.nr_free();
    steal_report report;
    page* p = pcp_.has_order(order) ? pcp_.alloc(type, buddy_, report, rules.fallback, order)
                                    : buddy_.alloc(order, type, report, rules.fallback);
    count_free_since(before);
    for (unsigned i = 0; i < report.below_pageblock; ++i) {
        const bool flag = boost_watermark() || boosted_rule_ == boosted_flag::at_every_steal;
        if (flag && rules.wake == rmqueue_rules::kswapd::may_wake) boosted_ = true;
    }
    if (p != nullptr) p->set_refcount(1);
    return p;
}

// Raises all marks by one pageblock; false if this zone never does.
bool zone::boost_watermark() {
    if (watermark_boost_factor_ == 0 || managed_.value < 4 * pageblock_nr_pages) return false;
    const std::uint64_t most = mult_frac(wmarks_.high, watermark_boost_factor_, 10000);
    if (most == 0) return false;
    watermark_boost_ = std::min(watermark_boost_ + pageblock_nr_pages, std::max(most, pageblock_nr_pages));
    return true;
}

// Checks that the page may be freed, and forgets what it was.
page& zone::strip(page& p) const {
    static constexpr page_flags in_use{page_flag::locked,    page_flag::lru,   page_flag::writeback,
                                       page_flag::swapcache, page_flag::buddy, page_flag::pcp};
    PAGESIM_ASSERT_PAGE(p.refcount() == 0 && !p.mapped(), p);
    PAGESIM_ASSERT_PAGE(unlinked(p), p);
    PAGESIM_ASSERT_PAGE((p.flags() & in_use).empty(), p);
    p.clear_flags();
    p.set_mapping(0);
    p.set_index(0);
    p.set_private_data(0);
    return p;
}

void zone::free_page(page& p) { free_pages(p, page_order{0}); }

void zone::free_pages(page& head, page_order order) {
    const std::uint64_t before = buddy_.nr_free();
    if (pcp_.has_order(order)) {
        const migratetype type = buddy_.pageblock_type(frames_->pfn_of(head));
        pcp_.free(strip(head), type, buddy_, reclaim_, order);
    } else {
        buddy_.free(strip(head), order);
    }
    stat_->add(vm_item::pgfree, static_cast<std::int64_t>(pages_of(order).value));
    count_free_since(before);
}

std::uint64_t zone::isolate_free_page(page& head) {
    const std::uint64_t pages = 1ULL << head.private_data();
    if (!zone_watermark_ok(page_order{0}, wmarks_.min + pages, zone_type::dma)) return 0;
    const std::uint64_t before = buddy_.nr_free();
    buddy_.isolate(head);
    count_free_since(before);
    const pfn first = frames_->pfn_of(head);
    for (std::uint64_t i = 0; i < pages; ++i) (*frames_)[first + i].set_refcount(1);
    return pages;
}

void zone::drain_pcp() {
    const std::uint64_t before = buddy_.nr_free();
    pcp_.drain(buddy_);
    count_free_since(before);
}

page_count zone::take_initial(page_count n, migratetype type) {
    const std::uint64_t before = buddy_.nr_free();
    page_count taken;
    steal_report ignored;
    for (; taken < n; ++taken.value) {
        page* p = buddy_.alloc(page_order{0}, type, ignored);
        if (p == nullptr) break;
        p->set_refcount(1);
    }
    count_free_since(before);
    return taken;
}

bool zone::lay_out(const free_layout& layout) {
    const std::uint64_t before = buddy_.nr_free();
    const bool fits = buddy_.lay_out(layout);
    count_free_since(before);
    return fits;
}

void zone::lay_out(const memory_map& map) {
    const std::uint64_t before = buddy_.nr_free();
    buddy_.lay_out(map);
    reserved_end_ = start_;
    count_free_since(before);
}

void zone::stock_pcp(page& p) {
    p.set_refcount(0);
    pcp_.stock(p, migratetype::movable);
}

void zone::release_initial(page& p) {
    const std::uint64_t before = buddy_.nr_free();
    p.set_refcount(0);
    buddy_.free(p, page_order{0});
    count_free_since(before);
}

page_count zone::fill_pcp(page_count n, migratetype type) {
    const std::uint64_t before = buddy_.nr_free();
    steal_report ignored;
    const page_count filled{pcp_.fill(type, n.value, buddy_, ignored)};
    count_free_since(before);
    return filled;
}

// ---- watermarks
// -----------------------------------------------------------------------------------------------

std::uint64_t zone::wmark_pages(wmark_level level) const {
    switch (level) {
    case wmark_level::min: return wmarks_.min + watermark_boost_;
    case wmark_level::low: return wmarks_.low + watermark_boost_;
    case wmark_level::high: break;
    }
    return wmarks_.high + watermark_boost_;
}

std::uint64_t zone::totalreserve() const {
    return zone_totalreserve(managed_, lowmem_reserve_, high_wmark_pages());
}

bool zone::watermark_ok_with(std::uint64_t free, page_order order, std::uint64_t mark, zone_type highest,
                             alloc_reserves rights) const {
    const std::uint64_t needed = lowered_mark(mark, rights) + lowmem_reserve(highest);
    if (free <= needed + (pages_of(order).value - 1)) return false;
    if (raw(order) == 0) return true;
    for (unsigned o = raw(order); o < max_order; ++o) {
        if (buddy_.free_blocks(page_order{static_cast<std::uint8_t>(o)}) > 0) return true;
    }
    return false;
}

bool zone::zone_watermark_ok(page_order order, std::uint64_t mark, zone_type highest,
                             alloc_reserves rights) const {
    return watermark_ok_with(nr_free_pages(), order, mark, highest, rights);
}

bool zone::zone_watermark_fast(page_order order, std::uint64_t mark, zone_type highest,
                               alloc_reserves rights) const {
    if (raw(order) == 0 && nr_free_pages() > mark + lowmem_reserve(highest)) return true;
    return zone_watermark_ok(order, mark, highest, rights);
}

// ---- check
// ----------------------------------------------------------------------------------------------------

void zone::check_consistency() const {
    buddy_.check_consistency();
    pcp_.check_consistency();
    std::uint64_t blocks = 0;
    for (unsigned o = 0; o < max_order; ++o)
        blocks += buddy_.free_blocks(page_order{static_cast<std::uint8_t>(o)});
    std::uint64_t heads = 0;
    std::uint64_t stock = 0;
    std::array<std::int64_t, 5> lru{};
    for (pfn n = start_; n < end_pfn(); n = n + 1) {
        const page& p = (*frames_)[n];
        PAGESIM_ASSERT_PAGE(is_legal(p), p);
        PAGESIM_ASSERT_PAGE(!is_reserved(n) || state_of(p) == page_state::blank, p);
        if (p.test(page_flag::buddy)) ++heads;
        if (p.test(page_flag::pcp)) stock += 1ULL << (p.private_data() / nr_migratetypes);
        if (!p.test(page_flag::lru)) continue;
        if (p.test(page_flag::unevictable)) {
            ++lru[4];
        } else {
            ++lru[(p.test(page_flag::swapbacked) ? 0U : 2U) + (p.test(page_flag::active) ? 1U : 0U)];
        }
    }
    PAGESIM_ASSERT(heads == blocks);
    PAGESIM_ASSERT(stock == pcp_.count());
    PAGESIM_ASSERT(lru == nr_zone_lru_);
    PAGESIM_ASSERT(nr_free_pages() + stock <= managed_.value);
}

} // namespace pagesim
