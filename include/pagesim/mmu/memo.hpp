// SPDX-License-Identifier: MIT
// The name of a translation, and the host-side memo that answers for the first-level TLB.
//
// A memo entry says "the modelled L1 TLB holds this page, and the access needs nothing else". It is a
// direct-mapped table of keys: one load, one compare. It holds no frame, because an access that hits needs
// none.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/mmu/walker.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

// vpn (36 bits) | asid << 36 | valid << 52. A key of zero names nothing.
class translation_key {
public:
    constexpr translation_key() = default;
    constexpr translation_key(asid a, vpn n) : word_{valid_bit | (std::uint64_t{raw(a)} << 36U) | raw(n)} {
        PAGESIM_ASSERT(raw(n) < vpn_limit);
    }

    [[nodiscard]] constexpr bool valid() const { return word_ != 0; }
    [[nodiscard]] constexpr vpn page() const { return vpn{word_ & (vpn_limit - 1)}; }
    [[nodiscard]] constexpr asid space() const { return asid{static_cast<std::uint16_t>(word_ >> 36U)}; }

    friend constexpr bool operator==(translation_key, translation_key) = default;

private:
    static constexpr std::uint64_t valid_bit = 1ULL << 52U;
    std::uint64_t word_ = 0;
};

class translation_memo {
public:
    static constexpr std::size_t entries = 1024;

    // Whether the L1 TLB holds the page and the access changes nothing. Fetches are never remembered.
    [[nodiscard]] bool hit(translation_key key, access_kind kind) const {
        if (kind == access_kind::fetch) return false;
        return slots_[slot_of(key)].key[static_cast<std::size_t>(kind)] == key;
    }

    // `d` is what the L1 TLB holds for the key.
    void remember(translation_key key, descriptor d) {
        slot& s = slots_[slot_of(key)];
        s.key[0] = d.user() ? key : translation_key{};
        s.key[1] = d.user() && !d.read_only() ? key : translation_key{};
    }
    void forget(translation_key key) {
        slot& s = slots_[slot_of(key)];
        if (s.key[0] == key || s.key[1] == key) s = slot{};
    }

    // Calls visit(key, access_kind) for all that would hit.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const slot& s : slots_) {
            if (s.key[0].valid()) visit(s.key[0], access_kind::read);
            if (s.key[1].valid()) visit(s.key[1], access_kind::write);
        }
    }

private:
    struct slot {
        std::array<translation_key, 2> key{}; // by access_kind: read, write
    };
    static_assert(sizeof(slot) == 16);
    static_assert(static_cast<int>(access_kind::read) == 0 && static_cast<int>(access_kind::write) == 1);

    [[nodiscard]] static constexpr std::size_t slot_of(translation_key key) {
        return raw(key.page()) % entries;
    }

    alignas(64) std::array<slot, entries> slots_{};
};

} // namespace pagesim
