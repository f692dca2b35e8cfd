// SPDX-License-Identifier: MIT
// zram: a swap device that keeps compressed pages in memory (kernel: drivers/block/zram).
//
// It answers at once: writing takes frames for its pool, reading takes only time. A slot's old content is
// dropped when the slot is freed or written again. How well pages compress is a parameter; contents are not
// simulated.
#pragma once

#include <pagesim/memory/kmem_cache.hpp>
#include <pagesim/sim/cost_table.hpp>
#include <pagesim/swap/swap_space.hpp>
#include <pagesim/swap/zsmalloc.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

inline constexpr kmem_cache_config zs_handle_slab{.object_bytes = 8};
inline constexpr kmem_cache_config zspage_slab{.object_bytes = 56};

struct zram_config {
    // Bytes that a page compresses to. More than 3264 is stored as a whole page, as zram does with what
    // hardly shrinks.
    std::uint32_t compressed_bytes = 1365;
};

class zram : public slot_listener {
public:
    // `handles`, `zspages`: the caches of what names an object and of what describes a zspage; null: they take no memory.
    zram(const cpu_context& cpu, frame_source& source, const zram_config& config,
         kmem_cache* handles = nullptr, kmem_cache* zspages = nullptr);

    // False if there was no memory to be had: the write fails.
    [[nodiscard]] bool write(std::uint64_t offset);
    void slot_freed(std::uint64_t offset) override;
    // CPU time that a page's content takes to compress and to expand, beyond that of a page of almost nothing.
    // A page that is stored whole is only copied back.
    [[nodiscard]] sim_duration compression_time(const cost_table& cost) const;
    [[nodiscard]] sim_duration expansion_time(const cost_table& cost) const;

    // A page of the pool moved; false if it is another's.
    [[nodiscard]] bool replace_page(page& from, page& to) { return pool_.replace_page(from, to); }

    [[nodiscard]] std::uint64_t stored_pages() const { return stored_; }
    [[nodiscard]] std::uint64_t pool_frames() const { return pool_.frames(); }

private:
    zsmalloc pool_;
    std::uint32_t compressed_bytes_;
    std::uint32_t object_bytes_;
    kmem_cache* handles_;
    std::vector<zs_handle> table_;   // by slot; grows with the highest slot written
    std::vector<slab_object> names_; // likewise
    std::uint64_t stored_ = 0;
};

} // namespace pagesim
