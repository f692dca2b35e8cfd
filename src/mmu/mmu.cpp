// SPDX-License-Identifier: MIT
#include <pagesim/mmu/mmu.hpp>

namespace pagesim {

translation mmu::refuse(mmu_fault f, std::uint8_t steps) {
    ++stats_.faults[static_cast<unsigned>(f.kind)];
    return {.outcome = translation_outcome::fault, .fault = f, .steps = steps};
}

translation mmu::walk_and_fill(page_table& table, translation_key key, access_kind kind, held before) {
    walk_result w;
    walk_into(w, table, key.page(), kind, model_.hardware_update);
    ++stats_.walks;
    stats_.walk_steps += w.steps;
    stats_.hw_access_flag += w.set_access_flag ? 1 : 0;
    stats_.hw_dirty += w.cleared_read_only ? 1 : 0;
    if (!w.leaf.none()) {
        if (before == held::nowhere) {
            tlb_.fill_new(key, w.leaf);
        } else {
            tlb_.fill(key, w.leaf);
        }
    }
    if (w.fault) {
        ++stats_.faulted_walks;
        return refuse(*w.fault, w.steps);
    }
    return {.outcome = translation_outcome::walk, .frame = w.leaf.frame(), .steps = w.steps};
}

translation mmu::translate(page_table& table, asid space, vpn n, access_kind kind) {
    if (raw(n) >= vpn_limit) return refuse({.kind = fault_kind::translation, .level = 0}, 0);
    const translation_key key{space, n};
    translation_outcome found = translation_outcome::l1_hit;
    const descriptor* entry = tlb_.find_l1(key);
    if (entry == nullptr) {
        entry = tlb_.find_l2(key);
        found = translation_outcome::l2_hit;
    }
    if (entry == nullptr) return walk_and_fill(table, key, kind, held::nowhere);

    const descriptor d = *entry;
    const permission verdict = check_permission(d, kind, model_.hardware_update);
    if (verdict == permission::update) return walk_and_fill(table, key, kind, held::somewhere);
    if (found == translation_outcome::l2_hit) tlb_.fill_l1(key, d);
    if (verdict == permission::denied) return refuse({.kind = fault_kind::permission, .level = 3}, 0);
    ++(found == translation_outcome::l1_hit ? stats_.l1_hits : stats_.l2_hits);
    return {.outcome = found, .frame = d.frame()};
}

} // namespace pagesim
