// SPDX-License-Identifier: MIT
// The areas of swap_space: which there are, and which is asked for slots next.
#include <pagesim/swap/swap_space.hpp>

#include <algorithm>

namespace pagesim {

namespace {

// An area's swap cache is many trees, each of so many slots, and each knows a slot by its number in the area.
constexpr std::uint64_t address_space_pages = 1U << 14U; // kernel: SWAP_ADDRESS_SPACE_PAGES
constexpr std::uint64_t most_index = 1U << 18U;          // three levels

} // namespace

// What a search of one area may do about slots that only the swap cache holds.
class swap_space::area_reclaimer final : public slot_reclaimer {
public:
    area_reclaimer(swap_space& swap, std::uint8_t type) : swap_{swap}, type_{type} {}
    [[nodiscard]] bool wanted() const override { return swap_.vm_swap_full(); }
    bool try_to_reclaim(std::uint64_t offset) override { return swap_.try_to_reclaim({offset, type_}); }

private:
    swap_space& swap_;
    std::uint8_t type_;
};

std::uint8_t swap_space::swapon(const swap_area_layout& layout, std::optional<int> priority,
                                slot_listener* listener) {
    PAGESIM_ASSERT(!priority || (*priority >= 0 && *priority <= swap_priority_max));
    const auto free_type = std::ranges::find_if(areas_, [](const auto& a) { return !a; });
    const auto type = static_cast<std::uint8_t>(free_type - areas_.begin());
    PAGESIM_ASSERT(type < most_areas);
    if (free_type == areas_.end()) areas_.emplace_back();
    areas_[type] =
        std::make_unique<swap_info>(swap_info{.area = swap_area{layout},
                                              .priority = priority ? *priority : --least_priority_,
                                              .listener = listener,
                                              .cache = std::vector<std::uint64_t>(layout.pages.value + 1),
                                              .nodes = xarray_nodes{most_index, address_space_pages}});
    put_in_use(type);
    return type;
}

// kernel: _enable_swap_info(), reenable_swap_slots_cache_unlock().
void swap_space::put_in_use(std::uint8_t type) {
    swap_info& info = *areas_[type];
    info.usable = true;
    nr_free_ += static_cast<std::int64_t>(info.area.total());
    total_ += info.area.total();
    if (!info.area.full()) make_available(type);
    slot_cache_enabled_ = true;
}

void swap_space::begin_swapoff(std::uint8_t type) {
    PAGESIM_ASSERT(usable(type));
    swap_info& info = *areas_[type];
    make_unavailable(type);
    if (info.priority < 0) { // the defaults after it move up
        for (const auto& other : areas_) {
            if (other != nullptr && other->priority < info.priority) ++other->priority;
        }
        ++least_priority_;
    }
    info.usable = false;
    nr_free_ -= static_cast<std::int64_t>(info.area.total());
    total_ -= info.area.total();
    slot_cache_enabled_ = false;
    drain_slot_cache();
}

void swap_space::finish_swapoff(std::uint8_t type) {
    PAGESIM_ASSERT(has_area(type) && !usable(type) && area(type).in_use() == 0);
    areas_[type] = nullptr;
    slot_cache_enabled_ = std::ranges::any_of(areas_, [](const auto& a) { return a && a->usable; });
}

void swap_space::cancel_swapoff(std::uint8_t type) {
    PAGESIM_ASSERT(has_area(type) && !usable(type));
    if (areas_[type]->priority < 0) areas_[type]->priority = --least_priority_;
    put_in_use(type);
}

unsigned swap_space::nr_rotate_swap() const {
    return static_cast<unsigned>(std::ranges::count_if(
        areas_, [](const auto& a) { return a && a->area.medium() == swap_medium::rotational; }));
}

swap_room swap_space::available() const { return nr_free_ > 0 ? swap_room::available : swap_room::none; }

swap_space::totals swap_space::si_swapinfo() const {
    std::uint64_t leaving = 0;
    for (const auto& info : areas_) {
        if (info && !info->usable) leaving += info->area.in_use();
    }
    return {.total = total_ + leaving,
            .free = static_cast<std::uint64_t>(nr_free_ + static_cast<std::int64_t>(leaving))};
}

// Behind its equals.
void swap_space::make_available(std::uint8_t type) {
    const auto below = [&](std::uint8_t t) { return areas_[t]->priority < areas_[type]->priority; };
    available_.insert(std::ranges::find_if(available_, below), type);
}

void swap_space::make_unavailable(std::uint8_t type) { std::erase(available_, type); }

// kernel: plist_requeue().
void swap_space::requeue(std::uint8_t type) {
    make_unavailable(type);
    make_available(type);
}

unsigned swap_space::scan(std::uint8_t type, entries out) {
    std::array<std::uint64_t, slot_cache_size> offsets{};
    area_reclaimer reclaimer{*this, type};
    swap_area& area = areas_[type]->area;
    const unsigned got = area.scan_slots(std::span{offsets}.first(out.size()), &reclaimer);
    if (area.full()) make_unavailable(type);
    for (unsigned i = 0; i < got; ++i) out[i] = {offsets[i], type};
    return got;
}

unsigned swap_space::get_swap_pages(entries out) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), nr_swap_pages()));
    if (want == 0) return 0;
    nr_free_ -= static_cast<std::int64_t>(want);
    unsigned got = 0;
    // Each area is asked once; as it is asked it goes behind its equals.
    std::array<std::uint8_t, most_areas> order{};
    std::ranges::copy(available_, order.begin());
    const std::size_t areas = available_.size();
    for (const std::uint8_t type : std::span{order}.first(areas)) {
        requeue(type);
        got = scan(type, out.first(want));
        if (got > 0) break;
    }
    nr_free_ += static_cast<std::int64_t>(want - got);
    return got;
}

} // namespace pagesim
