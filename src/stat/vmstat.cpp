// SPDX-License-Identifier: MIT
#include <pagesim/stat/vmstat.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace pagesim {

std::optional<vm_item> vm_item_from_name(std::string_view name) {
    const auto* const it = std::find(vm_item_names.begin(), vm_item_names.end(), name);
    if (it == vm_item_names.end()) return std::nullopt;
    return static_cast<vm_item>(it - vm_item_names.begin());
}

bool is_gauge(vm_item i) {
    switch (i) {
    // Named like gauges, but they only rise.
    case vm_item::nr_vmscan_write:
    case vm_item::nr_vmscan_immediate_reclaim:
    case vm_item::nr_dirtied:
    case vm_item::nr_written:
    case vm_item::nr_throttled_written:
    case vm_item::nr_foll_pin_acquired:
    case vm_item::nr_foll_pin_released: return false;
    default: return vm_item_name(i).substr(0, 3) == "nr_" || i == vm_item::workingset_nodes;
    }
}

void vmstat::clear_events() {
    for (std::size_t i = 0; i < nr_vm_items; ++i) {
        if (!is_gauge(static_cast<vm_item>(i))) values_[i] = 0;
    }
}

namespace {

// What 5.8 has no line for; the two tables' items it counts by zone, and prints earlier.
constexpr std::array missing_in_5_8{
    vm_item::nr_throttled_written,
    vm_item::nr_kernel_stack,
    vm_item::nr_page_table_pages,
    vm_item::nr_sec_page_table_pages,
    vm_item::nr_swapcached,
    vm_item::pgpromote_success,
    vm_item::pgpromote_candidate,
    vm_item::pgreuse,
    vm_item::pgdemote_kswapd,
    vm_item::pgdemote_direct,
    vm_item::thp_migration_success,
    vm_item::thp_migration_fail,
    vm_item::thp_migration_split,
    vm_item::cma_alloc_success,
    vm_item::cma_alloc_fail,
    vm_item::thp_scan_exceed_none_pte,
    vm_item::thp_scan_exceed_swap_pte,
    vm_item::thp_scan_exceed_share_pte,
    vm_item::ksm_swpin_copy,
    vm_item::cow_ksm,
    vm_item::zswpin,
    vm_item::zswpout,
    vm_item::workingset_refault_file,
    vm_item::workingset_activate_file,
    vm_item::workingset_restore_file,
};

// Of those, what 5.10 has: its lines are 5.8's with these, and workingset in two numbers each.
constexpr std::array new_in_5_10{
    vm_item::nr_kernel_stack,          vm_item::pgreuse,
    vm_item::thp_migration_success,    vm_item::thp_migration_fail,
    vm_item::thp_migration_split,      vm_item::workingset_refault_file,
    vm_item::workingset_activate_file, vm_item::workingset_restore_file,
};

template <typename Items>
bool is_among(const Items& items, vm_item i) {
    return std::find(items.begin(), items.end(), i) != items.end();
}

std::vector<vmstat_line> lines_of_5_10() {
    std::vector<vmstat_line> lines;
    for (const vmstat_line& l : lines_of(vmstat_lines::of_6_1)) {
        if (is_among(missing_in_5_8, l.item) && !is_among(new_in_5_10, l.item)) continue;
        lines.push_back(l);
        if (l.item == vm_item::nr_mlock)
            lines.push_back({"nr_page_table_pages", vm_item::nr_page_table_pages});
    }
    return lines;
}

std::vector<vmstat_line> lines_of_5_8() {
    std::vector<vmstat_line> lines;
    for (const vmstat_line& l : lines_of(vmstat_lines::of_6_1)) {
        switch (l.item) {
        case vm_item::workingset_refault_anon:
            lines.push_back({"workingset_refault", l.item, vm_item::workingset_refault_file});
            continue;
        case vm_item::workingset_activate_anon:
            lines.push_back({"workingset_activate", l.item, vm_item::workingset_activate_file});
            continue;
        case vm_item::workingset_restore_anon:
            lines.push_back({"workingset_restore", l.item, vm_item::workingset_restore_file});
            continue;
        default: break;
        }
        if (is_among(missing_in_5_8, l.item)) continue;
        lines.push_back(l);
        if (l.item != vm_item::nr_mlock) continue;
        lines.push_back({"nr_page_table_pages", vm_item::nr_page_table_pages});
        lines.push_back({"nr_kernel_stack", vm_item::nr_kernel_stack});
    }
    return lines;
}

} // namespace

std::vector<vmstat_line> lines_of(vmstat_lines kernel) {
    if (kernel == vmstat_lines::of_5_8) return lines_of_5_8();
    if (kernel == vmstat_lines::of_5_10) return lines_of_5_10();
    std::vector<vmstat_line> lines;
    for (std::size_t i = 0; i < nr_vm_items; ++i) {
        lines.push_back({vm_item_names[i], static_cast<vm_item>(i)});
    }
    return lines;
}

std::string format_vmstat(const vmstat& s, vmstat_lines kernel) {
    std::string text;
    for (const vmstat_line& l : lines_of(kernel)) {
        fmt::format_to(std::back_inserter(text), "{} {}\n", l.name, l.value(s));
    }
    return text + "nr_unstable 0\n";
}

} // namespace pagesim
