// SPDX-License-Identifier: MIT
// What the kernels of the ground truth had done by the time that a workload began: it follows from the boot alone, and that
// is the same for all workloads with the same kernel and devices.
#pragma once

#include <pagesim/machine/machine_config.hpp>
#include <pagesim/memory/free_layout.hpp>
#include <pagesim/memory/memory_map.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace pagesim::program {

struct boot {
    std::string_view kernel;
    std::string_view swap;
    bool files;                 // the workload has files
    std::uint64_t kcompactd_ms; // from the first op until kcompactd's timer goes off
    slab_room slabs;
    std::string_view map; // of 192 MiB
};

// Null if it is not known.
[[nodiscard]] const boot* boot_of(std::string_view kernel, std::string_view swap, bool files);
// What each frame was used for.
[[nodiscard]] memory_map map_of(const boot& b);
// The same boot with another size of memory: "Node 0, zone DMA 6 1 2 ..." tells how many blocks of each order are free, and
// of those as many are unmovable and reclaimable as in the map. None if the text is of another shape.
[[nodiscard]] std::optional<free_layout> free_blocks_of(std::string_view buddyinfo, const boot& b);

} // namespace pagesim::program
