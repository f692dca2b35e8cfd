// SPDX-License-Identifier: MIT
#include <pagesim/stat/vmstat.hpp>

#include <fmt/format.h>

#include <algorithm>
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

std::string format_vmstat(const vmstat& s) {
    std::string text;
    for (std::size_t i = 0; i < nr_vm_items; ++i) {
        const auto item = static_cast<vm_item>(i);
        fmt::format_to(std::back_inserter(text), "{} {}\n", vm_item_name(item), s[item]);
    }
    return text + "nr_unstable 0\n";
}

} // namespace pagesim
