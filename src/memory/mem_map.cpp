// SPDX-License-Identifier: MIT
#include <pagesim/memory/mem_map.hpp>

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace pagesim {

namespace {

// In front of the array, in the same mapping: its length in bytes. Keeps the array at a multiple of 64.
constexpr std::size_t header_bytes = 64;
// Any two frames or heads must be within reach of a signed 32-bit link.
constexpr std::uint64_t most_frames = (1ULL << 31U) - 1 - mem_map::max_lists;

static_assert(sizeof(std::size_t) == 8, "the array of a large machine needs 64-bit addresses");

// Zeroed and aligned to 64 bytes. The host backs only what is written to, and reserves nothing for the rest.
page* map_array(page_count frames) {
    if (frames.value > most_frames) throw std::bad_alloc{};
    const std::size_t bytes = header_bytes + (mem_map::max_lists + frames.value) * sizeof(page);
    void* base =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc{};
    std::memcpy(base, &bytes, sizeof bytes);
    return reinterpret_cast<page*>(static_cast<std::byte*>(base) + header_bytes);
}

} // namespace

mem_map::mem_map(page_count frames)
    : array_{map_array(frames)}, frame0_{array_.get() + max_lists}, frames_{frames} {}

void mem_map::release::operator()(page* p) const {
    std::byte* base = reinterpret_cast<std::byte*>(p) - header_bytes;
    std::size_t bytes = 0;
    std::memcpy(&bytes, base, sizeof bytes);
    munmap(base, bytes);
}

page_list mem_map::make_list() {
    PAGESIM_ASSERT(lists_ < max_lists);
    return page_list{array_[lists_++]};
}

} // namespace pagesim
