// SPDX-License-Identifier: MIT
// mem_map: one struct page for each frame, in one array, with the sentinels of all lists in front.
//
//     [ list heads | frame 0 | frame 1 | ... | frame n-1 ]
//
// The memory comes zeroed and is not touched before use: a frame that was never allocated costs the host
// nothing but address space.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/memory/page_list.hpp>

#include <cstddef>
#include <memory>

namespace pagesim {

class mem_map {
public:
    // Sentinels: five LRU lists, free areas (zones x orders x migratetypes), per-CPU lists and some to spare.
    static constexpr std::size_t max_lists = 1024;

    // Throws std::bad_alloc if the host has no room.
    explicit mem_map(page_count frames);

    [[nodiscard]] page_count size() const { return frames_; }

    [[nodiscard]] page& operator[](pfn n) {
        PAGESIM_ASSERT(raw(n) < frames_.value);
        return frame0_[raw(n)];
    }
    [[nodiscard]] const page& operator[](pfn n) const {
        PAGESIM_ASSERT(raw(n) < frames_.value);
        return frame0_[raw(n)];
    }
    [[nodiscard]] pfn pfn_of(const page& p) const { return pfn{static_cast<std::uint64_t>(&p - frame0_)}; }

    // A new empty list. At most max_lists in the life of a machine.
    [[nodiscard]] page_list make_list();

private:
    struct release {
        void operator()(page* p) const;
    };
    std::unique_ptr<page[], release> array_;
    page* frame0_;
    page_count frames_;
    std::size_t lists_ = 0;
};

} // namespace pagesim
