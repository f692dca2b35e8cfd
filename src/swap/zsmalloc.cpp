// SPDX-License-Identifier: MIT
#include <pagesim/swap/zsmalloc.hpp>

#include <pagesim/base/units.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

constexpr std::uint32_t handle_bytes = 8;
constexpr std::uint32_t min_object = 32;

} // namespace

std::uint32_t zsmalloc::class_of(std::uint32_t bytes) {
    const std::uint32_t need = std::max(bytes + handle_bytes, min_object);
    return std::min((need + class_step - 1) / class_step * class_step, max_class_size);
}

zsmalloc::layout zsmalloc::layout_for(std::uint32_t bytes) {
    const std::uint32_t size = class_of(bytes);
    layout best;
    std::uint64_t best_percent = 0;
    for (std::uint32_t frames = 1; frames <= 4; ++frames) {
        const std::uint64_t total = frames * page_size;
        const std::uint64_t percent = (total - total % size) * 100 / total;
        if (percent > best_percent) {
            best_percent = percent;
            best = {.frames = frames, .objects = static_cast<std::uint32_t>(total / size)};
        }
    }
    return best;
}

zsmalloc::zsmalloc(const cpu_context& cpu, frame_source& source, kmem_cache* zspages)
    : cpu_{cpu}, source_{source}, descriptors_{zspages}, zspages_(1) {
    classes_.resize(max_class_size / class_step + 1);
    for (std::uint32_t c = min_object / class_step; c < classes_.size(); ++c) {
        classes_[c].shape = layout_for(c * class_step - handle_bytes);
    }
}

zsmalloc::fullness zsmalloc::fullness_of(const zspage& z) const {
    const std::uint32_t objects = classes_[z.size_class].shape.objects;
    if (z.in_use == objects) return fullness::full;
    return z.in_use <= 3 * objects / 4 ? fullness::almost_empty : fullness::almost_full;
}

// Fuller zspages first: a new one goes behind a head that is fuller than itself.
void zsmalloc::link(std::uint32_t id) {
    zspage& z = zspages_[id];
    z.group = fullness_of(z);
    std::uint32_t& head = classes_[z.size_class].heads[static_cast<unsigned>(z.group)];
    z.prev = none;
    z.next = head;
    if (head != none && z.in_use < zspages_[head].in_use) {
        z.prev = head;
        z.next = zspages_[head].next;
        zspages_[head].next = id;
    } else {
        head = id;
    }
    if (z.next != none) zspages_[z.next].prev = id;
}

void zsmalloc::unlink(std::uint32_t id) {
    zspage& z = zspages_[id];
    if (z.prev != none) {
        zspages_[z.prev].next = z.next;
    } else {
        classes_[z.size_class].heads[static_cast<unsigned>(z.group)] = z.next;
    }
    if (z.next != none) zspages_[z.next].prev = z.prev;
}

void zsmalloc::regroup(std::uint32_t id) {
    if (fullness_of(zspages_[id]) == zspages_[id].group) return;
    unlink(id);
    link(id);
}

std::uint32_t zsmalloc::new_zspage(std::uint32_t cls) {
    zspage z;
    z.size_class = cls;
    if (descriptors_ != nullptr) {
        z.self = descriptors_->allocate();
        if (z.self == no_slab_object) return none;
    }
    for (std::uint32_t i = 0; i < classes_[cls].shape.frames; ++i) {
        z.frames[i] = source_.take_frame();
        if (z.frames[i] != nullptr) continue;
        for (std::uint32_t back = 0; back < i; ++back) source_.give_frame(*z.frames[back]);
        if (descriptors_ != nullptr) descriptors_->free(z.self);
        return none;
    }
    frames_ += classes_[cls].shape.frames;
    cpu_.count(vm_item::nr_zspages, classes_[cls].shape.frames);
    std::uint32_t id = 0;
    if (free_ids_.empty()) {
        id = static_cast<std::uint32_t>(zspages_.size());
        zspages_.push_back(z);
    } else {
        id = free_ids_.back();
        free_ids_.pop_back();
        zspages_[id] = z;
    }
    // So that a page tells where in the pool it is.
    for (std::uint32_t i = 0; i < classes_[cls].shape.frames; ++i) {
        z.frames[i]->set(page_flag::zsmalloc);
        z.frames[i]->set_index(id);
        z.frames[i]->set_private_data(i);
    }
    return id;
}

bool zsmalloc::replace_page(page& from, page& to) {
    if (from.index() >= zspages_.size()) return false;
    page*& place = zspages_[from.index()].frames[from.private_data()];
    if (place != &from) return false;
    to.set(page_flag::zsmalloc);
    to.set_index(from.index());
    to.set_private_data(from.private_data());
    from.clear(page_flag::zsmalloc);
    place = &to;
    return true;
}

zs_handle zsmalloc::allocate(std::uint32_t bytes) {
    const std::uint32_t cls = class_of(bytes) / class_step;
    size_class& c = classes_[cls];
    std::uint32_t id = c.heads[static_cast<unsigned>(fullness::almost_full)];
    if (id == none) id = c.heads[static_cast<unsigned>(fullness::almost_empty)];
    if (id != none) {
        ++zspages_[id].in_use;
        regroup(id);
        return zs_handle{id};
    }
    id = new_zspage(cls);
    if (id == none) return no_object;
    zspages_[id].in_use = 1;
    link(id);
    return zs_handle{id};
}

void zsmalloc::free(zs_handle h) {
    const auto id = static_cast<std::uint32_t>(h);
    PAGESIM_ASSERT(h != no_object && zspages_[id].in_use > 0);
    if (--zspages_[id].in_use > 0) {
        regroup(id);
        return;
    }
    unlink(id);
    release_zspage(id);
}

void zsmalloc::release_zspage(std::uint32_t id) {
    zspage& z = zspages_[id];
    const std::uint32_t n = classes_[z.size_class].shape.frames;
    for (std::uint32_t i = 0; i < n; ++i) {
        page& p = *std::exchange(z.frames[i], nullptr);
        p.clear(page_flag::zsmalloc);
        source_.give_frame(p);
    }
    if (descriptors_ != nullptr) descriptors_->free(z.self);
    frames_ -= n;
    cpu_.count(vm_item::nr_zspages, -static_cast<std::int64_t>(n));
    free_ids_.push_back(id);
}

} // namespace pagesim
