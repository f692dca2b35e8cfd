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

// kernel: set_cpu_partial(), and slub_set_cpu_partial() where slabs are counted.
std::uint32_t cpu_partial_of(std::uint32_t object_bytes, page_order order, cpu_partial_rule rule) {
    const auto pick = [&](std::uint32_t page, std::uint32_t kilobyte, std::uint32_t quarter,
                          std::uint32_t less) {
        if (object_bytes >= page_size) return page;
        if (object_bytes >= 1024) return kilobyte;
        return object_bytes >= 256 ? quarter : less;
    };
    if (rule == cpu_partial_rule::by_objects) return pick(2, 6, 13, 30);
    const std::uint32_t a_slab = bytes_of(order) / object_bytes;
    return (2 * pick(6, 24, 52, 120) + a_slab - 1) / a_slab; // as if each were half full
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

kmem_cache::kmem_cache(const cpu_context& cpu, slab_source& source, const kmem_cache_config& config,
                       cpu_partial_rule rule)
    : cpu_{cpu}, source_{source}, config_{config}, rule_{rule}, order_{order_for(config.object_bytes)},
      cpu_partial_{cpu_partial_of(config.object_bytes, order_, rule)} {
    if (config.boot_room == 0) return;
    own_ = 1;
    slabs_.push_back({.order = order_, .room = config.boot_room, .where = place::cpu, .of_boot = true});
}

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
    slab& fresh = slabs_[number];
    fresh = {.head = head, .order = order, .room = bytes_of(order) / config_.object_bytes};
    cpu_.charge(cpu_.cost.new_slab + cpu_.cost.slab_object * fresh.room);
    return number;
}

// kernel: get_partial_node(): the first of the node's list becomes the CPU's own, and some more go to its list.
std::uint32_t kmem_cache::take_from_node() {
    std::uint32_t own = 0;
    std::uint32_t available = 0; // objects, or slabs behind the first
    while (!node_slabs_.empty() && available <= cpu_partial_ / 2) {
        const std::uint32_t number = node_slabs_.front();
        node_slabs_.pop_front();
        const slab& s = slabs_[number];
        if (rule_ == cpu_partial_rule::by_objects) {
            available += s.room - s.in_use;
        } else if (own != 0) {
            ++available;
        }
        if (own == 0) {
            own = number;
        } else {
            put_cpu_partial(number);
        }
    }
    return own;
}

slab_object kmem_cache::allocate() {
    if (own_ != 0 && slabs_[own_].in_use == slabs_[own_].room) {
        slabs_[own_].where = place::nowhere;
        own_ = 0;
    }
    if (own_ == 0 && !cpu_slabs_.empty()) {
        own_ = cpu_slabs_.back();
        cpu_slabs_.pop_back();
    }
    if (own_ == 0) own_ = take_from_node();
    if (own_ == 0) own_ = new_slab();
    if (own_ == 0) return no_slab_object;
    slab& s = slabs_[own_];
    s.where = place::cpu;
    ++s.in_use;
    ++objects_;
    return slab_object{own_};
}

bool kmem_cache::cpu_list_is_full() const {
    if (cpu_slabs_.empty()) return false;
    if (rule_ == cpu_partial_rule::by_slabs) return cpu_slabs_.size() >= cpu_partial_;
    return slabs_[cpu_slabs_.back()].free_with_older > cpu_partial_;
}

void kmem_cache::put_cpu_partial(std::uint32_t number) {
    slab& s = slabs_[number];
    const std::uint32_t older = cpu_slabs_.empty() ? 0 : slabs_[cpu_slabs_.back()].free_with_older;
    s.where = place::cpu_partial;
    s.free_with_older = older + s.room - s.in_use;
    cpu_slabs_.push_back(number);
}

// All that the CPU has go to the node's list; empty ones only if that has few.
void kmem_cache::unfreeze_partials() {
    std::vector<std::uint32_t> empty;
    for (; !cpu_slabs_.empty(); cpu_slabs_.pop_back()) {
        const std::uint32_t number = cpu_slabs_.back();
        if (slabs_[number].may_go() && node_slabs_.size() >= min_partial) {
            empty.push_back(number);
            continue;
        }
        slabs_[number].where = place::node_partial;
        node_slabs_.push_back(number);
    }
    for (; !empty.empty(); empty.pop_back()) discard(empty.back());
}

void kmem_cache::discard(std::uint32_t number) {
    slab& s = slabs_[number];
    page* const head = s.head;
    const page_order order = s.order;
    s = {};
    free_numbers_.push_back(number);
    const auto give = [this, head, order] {
        count_pages(-static_cast<std::int64_t>(pages_of(order).value));
        source_.give_slab(*head, order);
    };
    if (config_.typesafe_by_rcu) {
        cpu_.call_rcu(give);
    } else {
        give();
    }
}

void kmem_cache::free(slab_object o) {
    if (o == no_slab_object) return;
    const auto number = static_cast<std::uint32_t>(o);
    slab& s = slabs_[number];
    PAGESIM_ASSERT(s.exists() && s.in_use > 0);
    --objects_;
    --s.in_use;
    switch (s.where) {
    case place::cpu:
    case place::cpu_partial: return;
    case place::nowhere:
        if (cpu_list_is_full()) unfreeze_partials();
        put_cpu_partial(number);
        return;
    case place::node_partial: break;
    }
    if (!s.may_go() || node_slabs_.size() < min_partial) return;
    node_slabs_.erase(std::find(node_slabs_.begin(), node_slabs_.end(), number));
    discard(number);
}

void kmem_cache::check_consistency() const {
    std::uint64_t objects = 0;
    std::uint64_t pages = 0;
    std::size_t on_lists = 0;
    for (const slab& s : slabs_) {
        if (!s.exists()) continue;
        PAGESIM_ASSERT(s.in_use <= s.room && (s.where != place::nowhere || s.in_use == s.room));
        objects += s.in_use;
        pages += s.of_boot ? 0 : pages_of(s.order).value;
        on_lists += s.where == place::cpu_partial || s.where == place::node_partial ? 1U : 0U;
    }
    PAGESIM_ASSERT(objects == objects_ && pages == pages_ &&
                   on_lists == cpu_slabs_.size() + node_slabs_.size());
    PAGESIM_ASSERT(own_ == 0 || slabs_[own_].where == place::cpu);
}

} // namespace pagesim
