// SPDX-License-Identifier: MIT
#include <pagesim/workload/object_pages.hpp>

#include <pagesim/base/assert.hpp>

#include <utility>

namespace pagesim {

namespace {

constexpr std::size_t least_slots = 1024;
constexpr unsigned page_bits = 36;

// Spreads numbers that differ in few bits (the finish of splitmix64).
constexpr std::uint64_t spread(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

} // namespace

object_pages::object_pages(object_placement p) : placement_{p} {
    if (p == object_placement::in_order) slots_.resize(least_slots);
}

object_pages::slot& object_pages::slot_of(std::uint64_t id) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = spread(id) & mask;
    while (slots_[i].place >> page_bits != 0 && slots_[i].id != id) i = (i + 1) & mask;
    return slots_[i];
}

void object_pages::grow() {
    std::vector<slot> old(slots_.size() * 2);
    std::swap(old, slots_);
    for (const slot& s : old) {
        if (s.place >> page_bits != 0) slot_of(s.id) = s;
    }
}

std::optional<object_pages::place> object_pages::find_in_order(object_id id, std::uint64_t bytes) {
    PAGESIM_ASSERT(bytes > 0 && bytes <= most_bytes);
    constexpr std::uint64_t page_mask = (1ULL << page_bits) - 1;
    slot& s = slot_of(id.value);
    if (s.place >> page_bits != 0)
        return place{.first = s.place & page_mask, .pages = {s.place >> page_bits}};
    const page_count pages{(bytes + page_size - 1) >> page_shift};
    if (pages.value > pages_end - next_page_) return std::nullopt;
    const place here{.first = next_page_, .pages = pages};
    s = {.id = id.value, .place = here.first | pages.value << page_bits};
    next_page_ += pages.value;
    if (++used_ * 2 > slots_.size()) grow();
    return here;
}

} // namespace pagesim
