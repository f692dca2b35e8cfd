// SPDX-License-Identifier: MIT
// The table walker: what hardware does after a TLB miss, and what it reports when it cannot go on.
//
//     order of checks   every table present → page valid → access flag → permission
//     fault level       the level of the descriptor that stopped the walk: nothing at level 0 is level 0, no level 3
//                       table is level 2, an empty, swapped or PROT_NONE page is level 3
//     steps             descriptors fetched, the faulting one included; there is no cache of upper levels
//
// With HA the walker sets a missing access flag; with HD it clears AP[2] for a store where DBM allows it.
// Both are written to the descriptor itself. A page that only permission denies keeps its new access flag.
#pragma once

#include <pagesim/mmu/page_table.hpp>

#include <cstdint>
#include <optional>

namespace pagesim {

enum class access_kind : std::uint8_t { read, write, fetch };
enum class fault_kind : std::uint8_t { translation, access_flag, permission };
inline constexpr unsigned nr_fault_kinds = 3;

// ID_AA64MMFR1_EL1.HAFDBS: what the walker updates by itself.
enum class hafdbs : std::uint8_t { none, access_flag, access_flag_and_dirty };

struct mmu_fault {
    fault_kind kind = fault_kind::translation;
    std::uint8_t level = 0;

    friend constexpr bool operator==(const mmu_fault&, const mmu_fault&) = default;
};

// What a valid, young descriptor says to an access from EL0. `update`: granted once the walker has cleared
// AP[2].
enum class permission : std::uint8_t { granted, update, denied };

[[nodiscard]] constexpr permission check_permission(descriptor d, access_kind kind, hafdbs feature) {
    if (kind == access_kind::fetch) return d.user_exec() ? permission::granted : permission::denied;
    if (!d.user()) return permission::denied;
    if (kind == access_kind::read || !d.read_only()) return permission::granted;
    return d.writable() && feature == hafdbs::access_flag_and_dirty ? permission::update : permission::denied;
}

struct walk_result {
    descriptor leaf{};              // as it stands after the walk; none unless a TLB may hold it
    std::optional<mmu_fault> fault; // permission faults come with a leaf
    std::uint8_t steps = 0;
    bool set_access_flag = false;
    bool cleared_read_only = false;
};

// Walks for one access and updates the descriptor as `feature` allows. `r` is fresh; it is filled in place because a
// copy of it would wait for its members to reach the host's cache.
inline void walk_into(walk_result& r, page_table& table, vpn n, access_kind kind, hafdbs feature) {
    const auto fault = [](fault_kind k, int level) {
        return mmu_fault{.kind = k, .level = static_cast<std::uint8_t>(level)};
    };
    if (raw(n) >= vpn_limit) {
        r.fault = fault(fault_kind::translation, 0);
        return;
    }
    std::uint64_t* const slot = table.leaf(n);
    if (slot == nullptr) {
        const int level =
            std::max(table.missing_level(n) - 1, 0); // without a root TTBR0 holds an empty table
        r.fault = fault(fault_kind::translation, level);
        r.steps = static_cast<std::uint8_t>(level + 1);
        return;
    }
    r.steps = table_levels;
    descriptor d{*slot};
    if (!d.leaf_or_table()) {
        r.fault = fault(fault_kind::translation, 3);
        return;
    }
    if (!d.young()) {
        if (feature == hafdbs::none) {
            r.fault = fault(fault_kind::access_flag, 3);
            return;
        }
        d = d.mkyoung();
        *slot = d.word();
        r.set_access_flag = true;
    }
    const permission verdict = check_permission(d, kind, feature);
    if (verdict == permission::update) {
        d = d.hw_mkdirty();
        *slot = d.word();
        r.cleared_read_only = true;
    } else if (verdict == permission::denied) {
        r.fault = fault(fault_kind::permission, 3);
    }
    r.leaf = d;
}

[[nodiscard]] inline walk_result walk(page_table& table, vpn n, access_kind kind, hafdbs feature) {
    walk_result r;
    walk_into(r, table, n, kind, feature);
    return r;
}

} // namespace pagesim
