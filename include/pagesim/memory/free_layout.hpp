// SPDX-License-Identifier: MIT
// Which blocks are free, by migratetype and order: what /proc/pagetypeinfo shows of a zone.
#pragma once

#include <pagesim/memory/gfp.hpp>

#include <array>
#include <cstdint>

namespace pagesim {

inline constexpr unsigned max_order = 11; // kernel: MAX_ORDER (6.1): the number of orders

struct free_layout {
    // Index: migratetype, order.
    std::array<std::array<std::uint32_t, max_order>, nr_migratetypes> blocks{};

    [[nodiscard]] std::uint64_t pages() const {
        std::uint64_t n = 0;
        for (const auto& of_type : blocks) {
            for (unsigned o = 0; o < max_order; ++o) n += std::uint64_t{of_type[o]} << o;
        }
        return n;
    }
};

} // namespace pagesim
