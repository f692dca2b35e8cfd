// SPDX-License-Identifier: MIT
// Where the objects of a cache's trace lie.
//
// A cache's trace names objects by numbers of 64 bits and tells their sizes; a process has pages. Two
// placements:
//
//     by_number   the object's number is the page's, and it has one page: a trace of pages in a cache's format
//     in_order    each object has as many pages of its own as its size needs when it is first asked for, one
//                 object behind the other in the order of their first requests, from first_object_page on
//
// A request for an object is a reference to each of its pages. One that comes back larger keeps its pages.
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace pagesim {

enum class object_placement : std::uint8_t { by_number, in_order };

struct object_id {
    std::uint64_t value = 0;
};

class object_pages {
public:
    static constexpr std::uint64_t first_object_page = 0x10000; // at 256 MiB
    // An object has at most 4 GiB.
    static constexpr std::uint64_t most_bytes = 0xffffffff;

    struct place {
        std::uint64_t first = 0;
        page_count pages;
    };

    explicit object_pages(object_placement p);

    // Nothing: its number or size is none that a page can have (by_number), or 48 bits of address are full
    // (in_order). 1 to most_bytes bytes.
    [[nodiscard]] std::optional<place> find(object_id id, std::uint64_t bytes) {
        if (placement_ == object_placement::in_order) return find_in_order(id, bytes);
        if (id.value >= pages_end || bytes > page_size) return std::nullopt;
        return place{.first = id.value, .pages = {1}};
    }
    [[nodiscard]] object_placement placement() const { return placement_; }

private:
    static constexpr std::uint64_t pages_end = 1ULL << 36U;
    // First page and number of pages in one word: 36 bits and 21; 0 pages: the slot is free.
    struct slot {
        std::uint64_t id = 0;
        std::uint64_t place = 0;
    };
    [[nodiscard]] std::optional<place> find_in_order(object_id id, std::uint64_t bytes);
    [[nodiscard]] slot& slot_of(std::uint64_t id);
    void grow();

    object_placement placement_;
    std::vector<slot> slots_; // open addressing, a power of two of them
    std::uint64_t used_ = 0;
    std::uint64_t next_page_ = first_object_page;
};

} // namespace pagesim
