// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/scan_balance.hpp>

namespace pagesim {

bool inactive_is_low(const lruvec& lru, lru_type type) {
    constexpr unsigned pages_to_gib = 30 - page_shift;
    const std::uint64_t inactive = lru.size(inactive_list(type));
    const std::uint64_t active = lru.size(active_list(type));
    const std::uint64_t gib = (inactive + active) >> pages_to_gib;
    const std::uint64_t ratio = gib > 0 ? integer_sqrt(10 * gib) : 1;
    return inactive * ratio < active;
}

namespace {

bool file_is_tiny(const reclaim_context& rc, const scan_control& sc) {
    std::uint64_t free = 0;
    std::uint64_t high = 0;
    for (const zone& z : rc.home.zones()) {
        free += z.nr_free_pages();
        high += z.wmark_pages(wmark_level::high);
    }
    const std::uint64_t file = rc.lru.size(lru_list::active_file) + rc.lru.size(lru_list::inactive_file);
    const std::uint64_t anon = rc.lru.size(lru_list::inactive_anon) >> static_cast<unsigned>(sc.priority);
    return file + free <= high && !sc.may_deactivate.has(scan_type::anon) && anon != 0;
}

} // namespace

void prepare_scan_count(const reclaim_context& rc, scan_control& sc) {
    sc.anon_cost = rc.lru.anon_cost;
    sc.file_cost = rc.lru.file_cost;
    sc.may_deactivate = {};
    for (const lru_type t : {lru_type::anon, lru_type::file}) {
        const std::uint64_t before = rc.lru.refaults[static_cast<unsigned>(t)];
        const bool asks_activations =
            t == lru_type::file || rc.profile.deactivation == anon_deactivation::or_if_activations_moved;
        const bool moved = asks_activations && rc.lru.visible_activations(t, rc.cpu.clock.now()) != before;
        if (sc.force_deactivate || moved || inactive_is_low(rc.lru, t)) {
            sc.may_deactivate.set(t == lru_type::anon ? scan_type::anon : scan_type::file);
        }
    }
    const std::uint64_t file = rc.lru.size(lru_list::inactive_file) >> static_cast<unsigned>(sc.priority);
    sc.cache_trim_mode = file != 0 && !sc.may_deactivate.has(scan_type::file);
    sc.file_is_tiny = file_is_tiny(rc, sc);
}

scan_fraction fraction_of(unsigned swappiness, std::uint64_t anon_cost, std::uint64_t file_cost) {
    const std::uint64_t both = anon_cost + file_cost;
    const std::uint64_t anon = both + anon_cost;
    const std::uint64_t file = both + file_cost;
    const std::uint64_t total = anon + file;
    return {.anon = swappiness * (total + 1) / (anon + 1),
            .file = (200 - swappiness) * (total + 1) / (file + 1)};
}

namespace {

using balance = tracepoints::scan_count::balance;
using cause = tracepoints::scan_count::cause;

struct choice {
    balance how;
    cause why;
};

choice choose_balance(const reclaim_context& rc, const scan_control& sc) {
    if (!sc.may.has(scan_permission::swap) || rc.swap.nr_swap_pages() == 0)
        return {.how = balance::file, .why = cause::no_swap};
    if (sc.priority == 0 && rc.config.swappiness != 0)
        return {.how = balance::equal, .why = cause::last_priority};
    if (sc.file_is_tiny) return {.how = balance::anon, .why = cause::file_is_tiny};
    if (sc.cache_trim_mode) return {.how = balance::file, .why = cause::cache_trim_mode};
    return {.how = balance::fract, .why = cause::costs};
}

void trace_scan_count(const reclaim_context& rc, const scan_control& sc, const choice& chosen,
                      const scan_targets& nr) {
    if (rc.cpu.tracer == nullptr) return;
    const scan_fraction share = fraction_of(rc.config.swappiness, sc.anon_cost, sc.file_cost);
    tracepoints::scan_count t{.how = chosen.how,
                              .why = chosen.why,
                              .kswapd = sc.by_kswapd(),
                              .priority = sc.priority,
                              .deactivates_anon = sc.may_deactivate.has(scan_type::anon),
                              .deactivates_file = sc.may_deactivate.has(scan_type::file),
                              .anon_cost = sc.anon_cost,
                              .file_cost = sc.file_cost,
                              .anon_share = share.anon,
                              .file_share = share.file,
                              .size = {},
                              .target = nr};
    for (unsigned l = 0; l < nr_evictable_lists; ++l)
        t.size[l] = rc.lru.size_in_zones(static_cast<lru_list>(l), sc.reclaim_idx);
    rc.cpu.emit(t);
}

} // namespace

scan_targets get_scan_count(const reclaim_context& rc, const scan_control& sc) {
    const choice chosen = choose_balance(rc, sc);
    const scan_fraction share = fraction_of(rc.config.swappiness, sc.anon_cost, sc.file_cost);
    scan_targets nr{};
    for (unsigned l = 0; l < nr_evictable_lists; ++l) {
        const auto list = static_cast<lru_list>(l);
        const bool anon = type_of(list) == lru_type::anon;
        const std::uint64_t scan =
            rc.lru.size_in_zones(list, sc.reclaim_idx) >> static_cast<unsigned>(sc.priority);
        switch (chosen.how) {
        case balance::equal: nr[l] = scan; break;
        case balance::fract: nr[l] = scan * (anon ? share.anon : share.file) / share.denominator(); break;
        case balance::anon: nr[l] = anon ? scan : 0; break;
        case balance::file: nr[l] = anon ? 0 : scan; break;
        }
    }
    trace_scan_count(rc, sc, chosen, nr);
    return nr;
}

} // namespace pagesim
