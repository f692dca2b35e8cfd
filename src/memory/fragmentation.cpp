// SPDX-License-Identifier: MIT
#include <pagesim/memory/fragmentation.hpp>

namespace pagesim {

namespace {

constexpr int extfrag_threshold = 500; // vm.extfrag_threshold

// kernel: struct contig_page_info.
struct contig_page_info {
    std::uint64_t free_pages = 0;
    std::uint64_t free_blocks = 0;
    std::uint64_t suitable_blocks = 0; // as blocks of just the order
};

contig_page_info contig_pages(const zone& z, unsigned suitable) {
    contig_page_info info;
    for (unsigned o = 0; o < max_order; ++o) {
        const std::uint64_t blocks = z.free_area().free_blocks(page_order{static_cast<std::uint8_t>(o)});
        info.free_blocks += blocks;
        info.free_pages += blocks << o;
        if (o >= suitable) info.suitable_blocks += blocks << (o - suitable);
    }
    return info;
}

// kernel: compact_gap(): room for what is copied, and for others meanwhile.
std::uint64_t compact_gap(page_order order) { return 2 * pages_of(order).value; }

} // namespace

int fragmentation_index(const zone& z, page_order order) {
    const contig_page_info info = contig_pages(z, raw(order));
    if (info.free_blocks == 0) return 0;
    if (info.suitable_blocks > 0) return -1000;
    const std::uint64_t wanted = pages_of(order).value;
    return 1000 - static_cast<int>((1000 + info.free_pages * 1000 / wanted) / info.free_blocks);
}

unsigned extfrag_for_order(const zone& z, page_order order) {
    const contig_page_info info = contig_pages(z, raw(order));
    if (info.free_pages == 0) return 0;
    const std::uint64_t small = info.free_pages - (info.suitable_blocks << raw(order));
    return static_cast<unsigned>(small * 100 / info.free_pages);
}

compaction_suitability compaction_suitable(const zone& z, page_order order, zone_type highest) {
    if (z.zone_watermark_ok(order, z.min_wmark_pages(), highest)) return compaction_suitability::not_needed;
    const bool costly = raw(order) > page_alloc_costly_order;
    const std::uint64_t mark = (costly ? z.low_wmark_pages() : z.min_wmark_pages()) + compact_gap(order);
    if (!z.zone_watermark_ok(page_order{0}, mark, highest)) return compaction_suitability::too_little_free;
    if (!costly) return compaction_suitability::suitable;
    const int index = fragmentation_index(z, order);
    const bool for_want_of_memory = index >= 0 && index <= extfrag_threshold;
    return for_want_of_memory ? compaction_suitability::too_little_free : compaction_suitability::suitable;
}

} // namespace pagesim
