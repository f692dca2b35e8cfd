// SPDX-License-Identifier: MIT
// zsmalloc: where zram keeps compressed pages (kernel: mm/zsmalloc.c).
//
// Objects of one size class share a zspage of one to four frames; which of the four wastes least is chosen
// once per class. Classes are 16 bytes apart. An object takes its length and 8 bytes for a handle; what is
// larger than 4096 takes a frame of its own.
//
//     class of 48 bytes: a zspage is 3 frames, 256 objects
//
// A new object goes into the fullest zspage that has room (more than three quarters full first), a zspage
// that becomes empty gives its frames back at once. We keep no bytes, only which object lies in which
// zspage: what matters to reclaim is how many frames the pool holds.
//
// Left out: merging of classes with equal layout, compaction of the pool.
#pragma once

#include <pagesim/memory/kmem_cache.hpp>
#include <pagesim/memory/page.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace pagesim {

// Where the pool gets frames from and gives them back to. The source may wake kswapd or dip into reserves.
class frame_source {
public:
    frame_source() = default;
    frame_source(const frame_source&) = delete;
    frame_source& operator=(const frame_source&) = delete;
    virtual ~frame_source() = default;
    // A frame, or null if there is none to be had without waiting.
    virtual page* take_frame() = 0;
    virtual void give_frame(page& p) = 0;
};

// An object in the pool. 0 is none.
enum class zs_handle : std::uint32_t {};
inline constexpr zs_handle no_object{0};

class zsmalloc {
public:
    zsmalloc(const cpu_context& cpu, frame_source& source, kmem_cache* zspages = nullptr);

    // kernel: zs_malloc(). no_object if no frame could be had.
    [[nodiscard]] zs_handle allocate(std::uint32_t bytes);
    void free(zs_handle h);

    // kernel: zs_page_migrate(): another frame takes the place of one of the pool's. False if the page is not the pool's;
    // otherwise the pool's reference to it is the caller's to drop, and the other's is the pool's.
    [[nodiscard]] bool replace_page(page& from, page& to);

    [[nodiscard]] std::uint64_t frames() const { return frames_; }

    // Frames and objects of the zspage that an object of so many bytes goes to.
    struct layout {
        std::uint32_t frames = 1;
        std::uint32_t objects = 1;
    };
    [[nodiscard]] static layout layout_for(std::uint32_t bytes);

private:
    enum class fullness : std::uint8_t { almost_empty, almost_full, full };
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::uint32_t class_step = 16;
    static constexpr std::uint32_t max_class_size = 4096;

    struct zspage {
        std::uint32_t size_class = 0;
        std::uint32_t in_use = 0;
        std::uint32_t next = none;
        std::uint32_t prev = none;
        fullness group = fullness::almost_empty;
        std::array<page*, 4> frames{};
        slab_object self = no_slab_object;
    };
    struct size_class {
        layout shape;
        std::array<std::uint32_t, 3> heads{none, none, none};
    };

    [[nodiscard]] static std::uint32_t class_of(std::uint32_t bytes);
    [[nodiscard]] fullness fullness_of(const zspage& z) const;
    [[nodiscard]] std::uint32_t new_zspage(std::uint32_t cls);
    void release_zspage(std::uint32_t id);
    void link(std::uint32_t id);
    void unlink(std::uint32_t id);
    void regroup(std::uint32_t id);

    const cpu_context& cpu_;
    frame_source& source_;
    kmem_cache* descriptors_;
    std::vector<size_class> classes_;
    std::vector<zspage> zspages_; // id = index; 0 is never used
    std::vector<std::uint32_t> free_ids_;
    std::uint64_t frames_ = 0;
};

} // namespace pagesim
