// SPDX-License-Identifier: MIT
#include <pagesim/memory/kmem_cache.hpp>

#include <pagesim/base/assert.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint32_t min_objects = 8;   // kernel: 4 * (fls(1 CPU) + 1)
constexpr std::uint32_t least_waste = 16;  // the waste is at most one part in so many
constexpr std::uint8_t max_slab_order = 3; // kernel: PAGE_ALLOC_COSTLY_ORDER

std::uint32_t bytes_of(page_order order) {
    return static_cast<std::uint32_t>(pages_of(order).value * page_size);
}

} // namespace

page_order kmem_cache::order_for(std::uint32_t object_bytes) {
    for (std::uint8_t o = 0; o < max_slab_order; ++o) {
        const std::uint32_t bytes = bytes_of(page_order{o});
        if (bytes / object_bytes >= min_objects && bytes % object_bytes <= bytes / least_waste)
            return page_order{o};
    }
    return page_order{max_slab_order};
}

kmem_cache::kmem_cache(const cpu_context& cpu, slab_source& source, const kmem_cache_config& config)
    : cpu_{cpu}, source_{source}, config_{config}, order_{order_for(config.object_bytes)} {}

void kmem_cache::count_pages(std::int64_t n) {
    pages_ += static_cast<std::uint64_t>(n);
    cpu_.count(config_.type == migratetype::reclaimable ? vm_item::nr_slab_reclaimable
                                                        : vm_item::nr_slab_unreclaimable,
               n);
}

std::uint32_t kmem_cache::new_slab() {
    page_order order = order_;
    page* head = source_.take_slab(order, config_.type);
    if (head == nullptr && raw(order) > 0) {
        order = page_order{0};
        head = source_.take_slab(order, config_.type);
    }
    if (head == nullptr) return 0;
    count_pages(static_cast<std::int64_t>(pages_of(order).value));
    std::uint32_t number = 0;
    if (free_numbers_.empty()) {
        number = static_cast<std::uint32_t>(slabs_.size());
        slabs_.emplace_back();
    } else {
        number = free_numbers_.back();
        free_numbers_.pop_back();
    }
    slabs_[number] = {.head = head, .order = order, .room = bytes_of(order) / config_.object_bytes};
    return number;
}

slab_object kmem_cache::allocate() {
    if (partial_.empty()) {
        const std::uint32_t number = new_slab();
        if (number == 0) return no_slab_object;
        slabs_[number].partial = true;
        partial_.push_front(number);
    }
    const std::uint32_t number = partial_.front();
    slab& s = slabs_[number];
    ++objects_;
    if (++s.in_use == s.room) {
        partial_.pop_front();
        s.partial = false;
    }
    return slab_object{number};
}

void kmem_cache::free(slab_object o) {
    if (o == no_slab_object) return;
    const auto number = static_cast<std::uint32_t>(o);
    slab& s = slabs_[number];
    PAGESIM_ASSERT(s.head != nullptr && s.in_use > 0);
    --objects_;
    --s.in_use;
    if (!s.partial) {
        s.partial = true;
        partial_.push_back(number);
    }
    if (s.in_use > 0 || partial_.size() <= min_partial) return;
    partial_.erase(std::find(partial_.begin(), partial_.end(), number));
    page* const head = s.head;
    const page_order order = s.order;
    s = {};
    free_numbers_.push_back(number);
    count_pages(-static_cast<std::int64_t>(pages_of(order).value));
    source_.give_slab(*head, order);
}

void kmem_cache::check_consistency() const {
    std::uint64_t objects = 0;
    std::uint64_t pages = 0;
    std::size_t partial = 0;
    for (const slab& s : slabs_) {
        if (s.head == nullptr) continue;
        PAGESIM_ASSERT(s.in_use <= s.room && s.partial == (s.in_use < s.room));
        objects += s.in_use;
        pages += pages_of(s.order).value;
        partial += s.partial ? 1U : 0U;
    }
    PAGESIM_ASSERT(objects == objects_ && pages == pages_ && partial == partial_.size());
}

} // namespace pagesim
