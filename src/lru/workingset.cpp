// SPDX-License-Identifier: MIT
#include <pagesim/lru/workingset.hpp>

namespace pagesim {

shadow workingset_eviction(lruvec& lru, const page& p, shadow_sample order) {
    const std::uint64_t own_tick = order == shadow_sample::after_the_tick ? 1 : 0;
    const shadow s{lru.nonresident_age + own_tick, p.test(page_flag::workingset)};
    ++lru.nonresident_age;
    return s;
}

namespace {

// Pages that a longer memory would have cost: what the distance is held against.
std::uint64_t workingset_size(const lruvec& lru, lru_type type, swap_room swap) {
    std::uint64_t size = lru.size(lru_list::active_file);
    if (type == lru_type::anon) size += lru.size(lru_list::inactive_file);
    if (swap == swap_room::available) {
        size += lru.size(lru_list::active_anon);
        if (type == lru_type::file) size += lru.size(lru_list::inactive_anon);
    }
    return size;
}

} // namespace

void workingset_refault(const cpu_context& cpu, lruvec& lru, page& p, shadow s, swap_room swap) {
    const lru_type type = page_lru_type(p);
    const bool anon = type == lru_type::anon;
    const std::uint64_t distance = (lru.nonresident_age - s.clock()) & shadow::mask();
    const std::uint64_t size = workingset_size(lru, type, swap);
    const bool activated = distance <= size;
    cpu.count(anon ? vm_item::workingset_refault_anon : vm_item::workingset_refault_file);
    cpu.emit(tracepoints::workingset_refault{.file = !anon,
                                             .activated = activated,
                                             .restored = activated && s.was_workingset(),
                                             .distance = distance,
                                             .size = size});
    if (!activated) return;

    p.set(page_flag::active);
    ++lru.nonresident_age;
    cpu.charge(cpu.cost.activate_refault);
    cpu.count(anon ? vm_item::workingset_activate_anon : vm_item::workingset_activate_file);
    if (!s.was_workingset()) return;

    p.set(page_flag::workingset);
    lru.note_cost(type, 1);
    cpu.count(anon ? vm_item::workingset_restore_anon : vm_item::workingset_restore_file);
}

} // namespace pagesim
