// SPDX-License-Identifier: MIT
// Slots, the slot cache and the swap cache; the areas themselves are in swap_areas.cpp.
#include <pagesim/swap/swap_space.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::int64_t activate_above = 5 * swap_space::slot_cache_size;   // 320, one CPU
constexpr std::int64_t deactivate_below = 2 * swap_space::slot_cache_size; // 128

} // namespace

swap_space::swap_space(const cpu_context& cpu, mem_map& frames, lru_batches& batches)
    : cpu_{cpu}, frames_{frames}, batches_{batches} {}

bool swap_space::cache_active() {
    if (!slot_cache_enabled_) return false;
    if (!slot_cache_active_ && nr_free_ > activate_above) {
        slot_cache_active_ = true;
    } else if (slot_cache_active_ && nr_free_ < deactivate_below) {
        slot_cache_active_ = false;
        drain_slot_cache();
    }
    return slot_cache_active_;
}

void swap_space::drain_slot_cache() {
    const entries left{slots_.data() + slots_at_, slots_left_};
    slots_left_ = 0;
    free_entries(left);
    free_entries({returned_.data(), returned_count_});
    returned_count_ = 0;
}

std::optional<swap_entry> swap_space::alloc_slot() {
    if (cache_active()) {
        if (slots_left_ == 0) {
            slots_at_ = 0;
            slots_left_ = get_swap_pages(slots_);
            cpu_.charge(cpu_.cost.slot_refill);
        }
        if (slots_left_ > 0) {
            --slots_left_;
            return slots_[slots_at_++];
        }
    }
    std::array<swap_entry, 1> one{};
    if (get_swap_pages(one) == 0) return std::nullopt;
    return one[0];
}

void swap_space::free_entry(swap_entry e) {
    swap_info& info = *areas_[e.type];
    const bool was_full = info.area.full();
    info.area.release(e.offset);
    if (was_full && info.usable) make_available(e.type);
    ++nr_free_;
    if (info.listener != nullptr) info.listener->slot_freed(e.offset);
    const std::uint64_t word = info.cache[e.offset];
    PAGESIM_ASSERT(word == 0 || (word & 1U) != 0);
    if (word != 0) set_word(e, 0);
}

// kernel: swapcache_free_entries().
void swap_space::free_entries(entries all) {
    if (areas_.size() > 1) std::ranges::stable_sort(all, {}, [](const swap_entry& e) { return e.type; });
    for (const swap_entry e : all) free_entry(e);
}

void swap_space::free_swap_slot(swap_entry e) {
    if (!use_slot_cache()) {
        free_entry(e);
        return;
    }
    if (returned_count_ == slot_cache_size) {
        free_entries(returned_);
        returned_count_ = 0;
        cpu_.charge(cpu_.cost.slot_return);
    }
    returned_[returned_count_++] = e;
}

void swap_space::return_slot(swap_entry e) {
    if (areas_[e.type]->area.drop_cache(e.offset)) free_swap_slot(e);
}

void swap_space::swap_free(swap_entry e) {
    if (areas_[e.type]->area.drop_count(e.offset)) free_swap_slot(e);
}

void swap_space::free_swap_and_cache(swap_entry e) {
    swap_free(e);
    page* cached = lookup(e);
    if (cached != nullptr && count(e) == 0 && (!cached->mapped() || vm_swap_full())) try_to_reclaim(e);
}

void swap_space::clear_cache_mark(swap_entry e) {
    // swap_free has dropped the last count meanwhile: the mark is then all that is left of the slot.
    return_slot(e);
}

void swap_space::set_word(swap_entry e, std::uint64_t word) {
    swap_info& info = *areas_[e.type];
    std::uint64_t& now = info.cache[e.offset];
    if (nodes_ != nullptr && now == 0 && word != 0) info.nodes.fill(e.offset, *nodes_);
    if (nodes_ != nullptr && now != 0 && word == 0) info.nodes.empty(e.offset, *nodes_);
    now = word;
}

page* swap_space::lookup(swap_entry e) const {
    if (!has_area(e.type)) return nullptr;
    const std::uint64_t word = areas_[e.type]->cache[e.offset];
    if (word == 0 || (word & 1U) != 0) return nullptr;
    return &frames_[pfn{(word >> 1U) - 1}];
}

std::optional<shadow> swap_space::shadow_at(swap_entry e) const {
    const std::uint64_t word = areas_[e.type]->cache[e.offset];
    if ((word & 1U) == 0) return std::nullopt;
    return shadow::from_bits(word >> 1U);
}

std::optional<shadow> swap_space::add_to_swap_cache(page& p, const swap_entry& e) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::swapcache) && areas_[e.type]->area.has_cache(e.offset), p);
    const std::optional<shadow> old = shadow_at(e);
    PAGESIM_ASSERT_PAGE(lookup(e) == nullptr, p);
    set_word(e, (raw(frames_.pfn_of(p)) + 1) << 1U);
    p.get();
    p.set(page_flag::swapcache);
    p.set_private_data(e.packed());
    ++cached_;
    cpu_.count(vm_item::nr_file_pages);
    cpu_.count(vm_item::nr_swapcached);
    return old;
}

void swap_space::take_out_of_cache(page& p, std::uint64_t word_left) {
    const swap_entry e = entry_of(p);
    PAGESIM_ASSERT_PAGE(p.test(page_flag::swapcache) && lookup(e) == &p, p);
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::writeback), p);
    set_word(e, word_left);
    p.clear(page_flag::swapcache);
    p.set_private_data(0);
    --cached_;
    cpu_.count(vm_item::nr_file_pages, -1);
    cpu_.count(vm_item::nr_swapcached, -1);
    return_slot(e);
}

void swap_space::replace_page(page& from, page& to) {
    const swap_entry e = entry_of(from);
    PAGESIM_ASSERT_PAGE(from.test(page_flag::swapcache) && lookup(e) == &from, from);
    set_word(e, (raw(frames_.pfn_of(to)) + 1) << 1U);
    to.get();
    to.set(page_flag::swapcache);
    to.set_private_data(e.packed());
    from.clear(page_flag::swapcache);
    from.set_private_data(0);
    const bool last = from.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, from);
}

bool swap_space::try_to_free_swap(page& p) {
    if (!p.test(page_flag::swapcache) || p.test(page_flag::writeback)) return false;
    if (count(entry_of(p)) != 0) return false;
    drop_from_swap_cache(p);
    return true;
}

void swap_space::drop_from_swap_cache(page& p) {
    delete_from_swap_cache(p);
    p.set(page_flag::dirty);
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
}

bool swap_space::try_to_reclaim(swap_entry e) {
    page* cached = lookup(e);
    if (cached == nullptr) return false;
    cached->get(); // it outlives its slot
    const bool left = !cached->test(page_flag::locked) && try_to_free_swap(*cached);
    batches_.put_page(*cached);
    return left;
}

void swap_space::check_consistency() const {
    std::uint64_t cached = 0;
    std::uint64_t total = 0;
    std::uint64_t in_use = 0;
    for (std::uint8_t type = 0; type < nr_swapfiles(); ++type) {
        if (!has_area(type)) continue;
        const swap_info& info = *areas_[type];
        info.area.check_consistency();
        if (info.usable) total += info.area.total();
        in_use += info.area.in_use();
        for (std::uint64_t o = 1; o < info.cache.size(); ++o) {
            const page* p = lookup({o, type});
            if (p == nullptr) continue;
            ++cached;
            PAGESIM_ASSERT_PAGE(p->test(page_flag::swapcache) && entry_of(*p) == (swap_entry{o, type}), *p);
            PAGESIM_ASSERT_PAGE(info.area.has_cache(o), *p);
        }
        const bool listed = std::ranges::count(available_, type) == 1;
        PAGESIM_ASSERT(listed == (info.usable && !info.area.full()));
    }
    PAGESIM_ASSERT(cached == cached_ && cached == cpu_.stat[vm_item::nr_swapcached]);
    PAGESIM_ASSERT(total == total_);
    PAGESIM_ASSERT(nr_free_ + static_cast<std::int64_t>(in_use) == static_cast<std::int64_t>(total_));
}

} // namespace pagesim
