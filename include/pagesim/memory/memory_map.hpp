// SPDX-License-Identifier: MIT
// Which frame of a described machine is used for what when the run begins, from the first frame on.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/memory/gfp.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

enum class frame_use : std::uint8_t {
    in_use,           // by the kernel, for good
    per_cpu,          // free, and perhaps on the per-CPU list: as many as there are
    locked,           // the program's own, anonymous, on the unevictable list
    locked_file,      // the same of a file that lives in memory alone: nobody can move it
    metadata_mount,   // a file system's own, whose buffers belong to the mount (metadata_pages::by_mount)
    metadata_bh_lru,  // the same, kept by the CPU (by_bh_lru)
    free_unmovable,   // in the buddy lists
    free_movable,     //
    free_reclaimable, //
};

struct frame_run {
    frame_use use;
    std::uint64_t frames;
};

// Runs that follow each other; what is free is as large blocks as can be.
using memory_map = std::vector<frame_run>;

[[nodiscard]] constexpr bool is_free(frame_use u) { return u >= frame_use::free_unmovable; }
// Precondition: is_free(u).
[[nodiscard]] constexpr migratetype type_of(frame_use u) {
    if (u == frame_use::free_unmovable) return migratetype::unmovable;
    return u == frame_use::free_movable ? migratetype::movable : migratetype::reclaimable;
}
[[nodiscard]] inline std::uint64_t frames_of(const memory_map& map) {
    std::uint64_t n = 0;
    for (const frame_run& r : map) n += r.frames;
    return n;
}
// Calls visit(frame number) for each frame of that use, in order, until it answers false.
template <typename Visit>
void for_each_frame(const memory_map& map, frame_use use, Visit visit) {
    std::uint64_t n = 0;
    for (const frame_run& r : map) {
        for (std::uint64_t i = 0; r.use == use && i < r.frames; ++i) {
            if (!visit(n + i)) return;
        }
        n += r.frames;
    }
}

} // namespace pagesim
