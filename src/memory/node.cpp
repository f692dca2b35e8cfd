// SPDX-License-Identifier: MIT
#include <pagesim/memory/node.hpp>

#include <algorithm>

namespace pagesim {

namespace {

page_count total_managed(const std::vector<zone_config>& zones) {
    page_count n;
    for (const zone_config& z : zones) n += z.managed;
    return n;
}

per_zone managed_by_type(const std::vector<zone_config>& zones) {
    per_zone n{};
    for (const zone_config& z : zones) n[static_cast<std::size_t>(z.type)] = z.managed.value;
    return n;
}

// What the machine starts with; zones that movable requests alone can use are not counted for khugepaged.
std::uint64_t choose_min_free_kbytes(const std::vector<zone_config>& zones, const memory_config& config) {
    if (config.min_free_kbytes) return *config.min_free_kbytes;
    const page_count total = total_managed(zones);
    const std::uint64_t base = min_free_kbytes_for(total);
    if (config.khugepaged == khugepaged_reserve::absent) return base;
    std::uint64_t populated = 0;
    std::uint64_t above_high = 0;
    for (const zone_config& z : zones) {
        if (z.managed.value == 0 || z.type == zone_type::movable) continue;
        const std::uint64_t high =
            compute_watermarks(z.managed, total, base, config.watermark_scale_factor).high;
        ++populated;
        above_high += z.managed.value - std::min(high, z.managed.value);
    }
    return std::max(base, recommended_min_free_kbytes(total, populated, above_high));
}

} // namespace

node::node(mem_map& frames, vmstat& stat, const std::vector<zone_config>& zones, const memory_config& config,
           const kernel_profile& profile)
    : frames_{&frames}, stat_{&stat}, min_free_kbytes_{choose_min_free_kbytes(zones, config)} {
    const page_count total = total_managed(zones);
    PAGESIM_ASSERT(total.value > 0);
    const per_zone managed = managed_by_type(zones);
    zones_.reserve(zones.size());
    pfn start{0};
    for (const zone_config& z : zones) {
        if (z.present.value == 0) continue;
        PAGESIM_ASSERT(zones_.empty() || zones_.back().type() < z.type);
        const watermarks computed =
            compute_watermarks(z.managed, total, min_free_kbytes_, config.watermark_scale_factor);
        const watermarks wmarks = z.wmarks.value_or(computed);
        constexpr unsigned cpus = 1; // this version simulates one
        const pcp_size pcp = z.pcp.value_or(default_pcp_size(profile.pcp_high, z.managed, wmarks.low, cpus));
        zones_.emplace_back(
            frames, stat,
            zone_setup{.type = z.type,
                       .start = start,
                       .present = z.present,
                       .managed = z.managed,
                       .wmarks = wmarks,
                       .pcp = pcp,
                       .lowmem_reserve = compute_lowmem_reserve(z.type, managed, config.lowmem_reserve_ratio),
                       .pcp_rule = profile.pcp_high,
                       .boosted = profile.boosted,
                       .watermark_boost_factor = config.watermark_boost_factor});
        start = start + z.present.value;
    }
}

zone* node::find_zone(zone_type type) {
    for (zone& z : zones_) {
        if (z.type() == type) return &z;
    }
    return nullptr;
}

page_count node::managed() const {
    page_count n;
    for (const zone& z : zones_) n += z.managed();
    return n;
}

std::uint64_t node::nr_free_pages() const {
    std::uint64_t n = 0;
    for (const zone& z : zones_) n += z.nr_free_pages();
    return n;
}

std::uint64_t node::totalreserve_pages() const {
    std::uint64_t n = 0;
    for (const zone& z : zones_) n += z.totalreserve();
    return n;
}

void node::drain_all_pages() {
    for (zone& z : zones_) z.drain_pcp();
}

page_count node::take_initial(page_count n, migratetype type) {
    page_count taken;
    for (auto z = zones_.rbegin(); z != zones_.rend(); ++z) taken += z->take_initial(n - taken, type);
    return taken;
}

bool node::settle(std::optional<page_count> free_pages, page_count pcp_pages,
                  const std::optional<free_layout>& blocks) {
    drain_all_pages();
    for (auto z = zones_.rbegin(); z != zones_.rend(); ++z) {
        pcp_pages -= z->fill_pcp(pcp_pages, migratetype::movable);
    }
    if (blocks) return pcp_pages.value == 0 && zones_.back().lay_out(*blocks);
    if (free_pages && free_pages->value < nr_free_pages()) {
        take_initial(page_count{nr_free_pages()} - *free_pages, migratetype::unmovable);
    }
    return pcp_pages.value == 0 && (!free_pages || free_pages->value == nr_free_pages());
}

void node::check_consistency() const {
    for (const zone& z : zones_) z.check_consistency();
    PAGESIM_ASSERT(nr_free_pages() == (*stat_)[vm_item::nr_free_pages]);
}

} // namespace pagesim
