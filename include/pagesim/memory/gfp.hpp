// SPDX-License-Identifier: MIT
// What a caller of the allocator permits and asks for (kernel: gfp_t, include/linux/gfp_types.h).
//
// Only the bits that change behaviour here are modelled. Which zone a request may use at the highest
// (kernel: gfp_zone) and which migratetype it has follow from them.
#pragma once

#include <pagesim/base/flags.hpp>

#include <cstdint>

namespace pagesim {

enum class gfp_flag : std::uint8_t {
    highmem = 1,
    movable = 3,
    reclaimable = 4,
    high = 5, // may dip into the reserve below min
    io = 6,
    fs = 7,
    direct_reclaim = 10,
    kswapd_reclaim = 11,
    nowarn = 13,
    noretry = 16,
    nomemalloc = 19,
};

using gfp_flags = flag_set<gfp_flag>;

namespace gfp {

inline constexpr gfp_flags reclaim{gfp_flag::direct_reclaim, gfp_flag::kswapd_reclaim};
inline constexpr gfp_flags kernel = reclaim | gfp_flags{gfp_flag::io, gfp_flag::fs};
inline constexpr gfp_flags noio = reclaim;
inline constexpr gfp_flags highuser_movable = kernel | gfp_flags{gfp_flag::highmem, gfp_flag::movable};

} // namespace gfp

// Zone indices (kernel: enum zone_type on arm64). Suffixes of pgalloc_*, allocstall_* and pgskip_* follow
// this order.
enum class zone_type : std::uint8_t { dma, dma32, normal, movable };
inline constexpr unsigned max_nr_zones = 4;

enum class migratetype : std::uint8_t { unmovable, movable, reclaimable };
inline constexpr unsigned nr_migratetypes = 3;

// kernel: gfp_zone(). Only a movable highmem request reaches ZONE_MOVABLE; all else is served from NORMAL
// down.
[[nodiscard]] constexpr zone_type gfp_zone(gfp_flags f) {
    return f.has(gfp_flag::movable) && f.has(gfp_flag::highmem) ? zone_type::movable : zone_type::normal;
}

// kernel: gfp_migratetype().
[[nodiscard]] constexpr migratetype gfp_migratetype(gfp_flags f) {
    if (f.has(gfp_flag::movable)) return migratetype::movable;
    return f.has(gfp_flag::reclaimable) ? migratetype::reclaimable : migratetype::unmovable;
}

static_assert(gfp_zone(gfp::highuser_movable) == zone_type::movable);
static_assert(gfp_migratetype(gfp::kernel) == migratetype::unmovable);

} // namespace pagesim
