// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/references.hpp>

namespace pagesim {

reference_check page_check_references(const reclaim_context& rc, page& p) {
    const references found = rc.map.page_referenced(p);
    const bool referenced_before = p.test_and_clear(page_flag::referenced);
    if (found.locked_range) {
        const bool here = rc.profile.locked_ranges == locked_range_rule::reference_check;
        return {here ? page_references::activate : page_references::reclaim, why::range_locked};
    }
    const bool file = page_lru_type(p) == lru_type::file;
    if (found.ranges == 0) {
        const bool read = referenced_before && file;
        return {read ? page_references::reclaim_clean : page_references::reclaim, why::reclaimed};
    }
    if (!file && rc.profile.anon_references == anon_reference_rule::activate_at_once) {
        return {page_references::activate, why::referenced_again};
    }
    p.set(page_flag::referenced);
    if (referenced_before || found.ranges > 1) return {page_references::activate, why::referenced_again};
    if (file && found.flags.has(vm_flag::exec)) return {page_references::activate, why::referenced_exec};
    return {page_references::keep, why::referenced};
}

} // namespace pagesim
