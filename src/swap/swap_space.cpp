// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_space.hpp>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t activate_above = 5 * swap_space::slot_cache_size;   // 320, one CPU
constexpr std::uint64_t deactivate_below = 2 * swap_space::slot_cache_size; // 128

} // namespace

swap_space::swap_space(const cpu_context& cpu, mem_map& frames, page_count pages, std::uint64_t seed)
    : cpu_{cpu}, frames_{frames} {
    if (pages.value == 0) return;
    area_.emplace(pages, seed);
    cache_.resize(area_->max());
    nr_free_ = pages.value;
}

swap_room swap_space::available() const { return nr_free_ > 0 ? swap_room::available : swap_room::none; }

bool swap_space::cache_active() {
    if (!slot_cache_active_ && nr_free_ > activate_above) {
        slot_cache_active_ = true;
    } else if (slot_cache_active_ && nr_free_ < deactivate_below) {
        drain_slot_cache();
        slot_cache_active_ = false;
    }
    return slot_cache_active_;
}

void swap_space::drain_slot_cache() {
    for (; slots_left_ > 0; --slots_left_) free_entry(slots_[slots_at_++]);
    for (unsigned i = 0; i < returned_count_; ++i) free_entry(returned_[i]);
    returned_count_ = 0;
}

unsigned swap_space::get_swap_pages(std::span<std::uint64_t> out) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), nr_free_));
    if (want == 0) return 0;
    const unsigned got = area_->scan_slots(out.first(want));
    nr_free_ -= got;
    return got;
}

std::optional<swap_entry> swap_space::alloc_slot() {
    if (!exists()) return std::nullopt;
    if (cache_active()) {
        if (slots_left_ == 0) {
            slots_at_ = 0;
            slots_left_ = get_swap_pages(slots_);
            cpu_.charge(cpu_.cost.slot_refill);
        }
        if (slots_left_ > 0) {
            --slots_left_;
            return swap_entry{.offset = slots_[slots_at_++]};
        }
    }
    std::array<std::uint64_t, 1> one{};
    if (get_swap_pages(one) == 0) return std::nullopt;
    return swap_entry{.offset = one[0]};
}

void swap_space::free_entry(std::uint64_t offset) {
    area_->release(offset);
    ++nr_free_;
    if (listener_ != nullptr) listener_->slot_freed(offset);
    if ((cache_[offset] & 1U) != 0) cache_[offset] = 0;
    PAGESIM_ASSERT(cache_[offset] == 0);
}

void swap_space::free_swap_slot(std::uint64_t offset) {
    if (!slot_cache_active_) {
        free_entry(offset);
        return;
    }
    if (returned_count_ == slot_cache_size) {
        for (std::uint64_t o : returned_) free_entry(o);
        returned_count_ = 0;
        cpu_.charge(cpu_.cost.slot_return);
    }
    returned_[returned_count_++] = offset;
}

void swap_space::return_slot(swap_entry e) {
    if (area_->drop_cache(e.offset)) free_swap_slot(e.offset);
}

void swap_space::swap_free(swap_entry e) {
    if (area_->drop_count(e.offset)) free_swap_slot(e.offset);
}

void swap_space::clear_cache_mark(swap_entry e) {
    // swap_free has dropped the last count meanwhile: the mark is then all that is left of the slot.
    if (area_->drop_cache(e.offset)) free_swap_slot(e.offset);
}

page* swap_space::lookup(swap_entry e) const {
    const std::uint64_t word = cache_[e.offset];
    if (word == 0 || (word & 1U) != 0) return nullptr;
    return &frames_[pfn{(word >> 1U) - 1}];
}

std::optional<shadow> swap_space::shadow_at(swap_entry e) const {
    const std::uint64_t word = cache_[e.offset];
    if ((word & 1U) == 0) return std::nullopt;
    return shadow::from_bits(word >> 1U);
}

std::optional<shadow> swap_space::add_to_swap_cache(page& p, const swap_entry& e) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::swapcache) && area_->has_cache(e.offset), p);
    const std::optional<shadow> old = shadow_at(e);
    PAGESIM_ASSERT_PAGE(lookup(e) == nullptr, p);
    cache_[e.offset] = (raw(frames_.pfn_of(p)) + 1) << 1U;
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
    cache_[e.offset] = word_left;
    p.clear(page_flag::swapcache);
    p.set_private_data(0);
    --cached_;
    cpu_.count(vm_item::nr_file_pages, -1);
    cpu_.count(vm_item::nr_swapcached, -1);
    if (area_->drop_cache(e.offset)) free_swap_slot(e.offset);
}

bool swap_space::try_to_free_swap(page& p) {
    if (!p.test(page_flag::swapcache) || p.test(page_flag::writeback)) return false;
    if (area_->count(entry_of(p).offset) != 0) return false;
    drop_from_swap_cache(p);
    return true;
}

void swap_space::drop_from_swap_cache(page& p) {
    delete_from_swap_cache(p);
    p.set(page_flag::dirty);
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
}

void swap_space::check_consistency() const {
    if (!exists()) return;
    area_->check_consistency();
    std::uint64_t cached = 0;
    for (std::uint64_t o = 1; o < cache_.size(); ++o) {
        const page* p = lookup({.offset = o});
        if (p == nullptr) continue;
        ++cached;
        PAGESIM_ASSERT_PAGE(p->test(page_flag::swapcache) && entry_of(*p).offset == o, *p);
        PAGESIM_ASSERT_PAGE(area_->has_cache(o), *p);
    }
    PAGESIM_ASSERT(cached == cached_ && cached == cpu_.stat[vm_item::nr_swapcached]);
    PAGESIM_ASSERT(area_->in_use() + nr_free_ == area_->total());
}

} // namespace pagesim
