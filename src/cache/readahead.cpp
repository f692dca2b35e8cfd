// SPDX-License-Identifier: MIT
#include <pagesim/cache/readahead.hpp>

#include <algorithm>
#include <bit>

namespace pagesim {

namespace {

std::uint64_t get_init_ra_size(std::uint64_t request, std::uint64_t max) {
    const std::uint64_t n = std::bit_ceil(request);
    if (n <= max / 32) return n * 4;
    if (n <= max / 4) return n * 2;
    return max;
}

std::uint64_t get_next_ra_size(std::uint64_t current, std::uint64_t max) {
    if (current < max / 16) return 4 * current;
    if (current <= max / 2) return 2 * current;
    return max;
}

// The first page from `index` on that is not cached, looking at no more than `max`.
std::uint64_t next_miss(const mapping& file, std::uint64_t index, std::uint64_t max) {
    std::uint64_t n = 0;
    while (n < max && file.slot(index + n).is_frame()) ++n;
    return index + n;
}

// Cached pages right before `index`, at most `max`.
std::uint64_t count_history_pages(const mapping& file, std::uint64_t index, std::uint64_t max) {
    std::uint64_t n = 0;
    while (n < max && n < index && file.slot(index - 1 - n).is_frame()) ++n;
    return n;
}

void start_window(file_ra_state& ra, std::uint64_t index, std::uint64_t request, std::uint64_t max) {
    ra.start = index;
    ra.size = get_init_ra_size(request, max);
    ra.async_size = ra.size > request ? ra.size - request : ra.size;
}

bool continue_window(file_ra_state& ra, std::uint64_t index, std::uint64_t max,
                     const kernel_profile& profile) {
    if (index != ra.start + ra.size - ra.async_size && index != ra.start + ra.size) return false;
    const std::uint64_t next = get_next_ra_size(ra.size, max);
    ra.start += ra.size;
    ra.size = profile.next_window == next_window_rule::never_smaller ? std::max(ra.size, next) : next;
    ra.async_size = ra.size;
    return true;
}

// A stream without a window of its own is recognised by the pages that it left.
bool try_context_readahead(const mapping& file, file_ra_state& ra, std::uint64_t index, std::uint64_t request,
                           std::uint64_t max) {
    std::uint64_t history = count_history_pages(file, index, max);
    if (history <= request) return false;
    if (history >= index) history *= 2;
    ra.start = index;
    ra.size = std::min(history + request, max);
    ra.async_size = 1;
    return true;
}

// kernel: the label readit. A window whose marker the reader stands on already is joined with the next one.
readahead_window submit(file_ra_state& ra, std::uint64_t index, std::uint64_t max) {
    if (index == ra.start && ra.size == ra.async_size) {
        const std::uint64_t add = get_next_ra_size(ra.size, max);
        if (ra.size + add <= max) {
            ra.async_size = add;
            ra.size += add;
        } else {
            ra.size = max;
            ra.async_size = max / 2;
        }
    }
    return {.start = ra.start, .pages = ra.size, .lookahead = ra.async_size};
}

} // namespace

std::optional<readahead_window> ondemand_readahead(const mapping& file, file_ra_state& ra,
                                                   std::uint64_t index, std::uint64_t request,
                                                   readahead_cause cause, const kernel_profile& profile) {
    const std::uint64_t max = ra.ra_pages;
    const auto previous = static_cast<std::uint64_t>(ra.prev_pos) >> page_shift; // of -1: far away
    if (index == 0) {
        start_window(ra, index, request, max);
    } else if (continue_window(ra, index, max, profile)) {
        // the window goes on
    } else if (cause == readahead_cause::marker) {
        const std::uint64_t hole = next_miss(file, index + 1, max);
        if (hole - index > max) return std::nullopt;
        ra.start = hole;
        ra.size = get_next_ra_size(hole - index + request, max);
        ra.async_size = ra.size;
    } else if (request > max || index - previous <= 1) {
        start_window(ra, index, request, max);
    } else if (!try_context_readahead(file, ra, index, request, max)) {
        return readahead_window{.start = index, .pages = request, .lookahead = 0};
    }
    return submit(ra, index, max);
}

std::optional<readahead_window> mmap_read_around(file_ra_state& ra, std::uint64_t index) {
    if (ra.mmap_miss < mmap_lotsamiss * 10) ++ra.mmap_miss;
    if (ra.mmap_miss > mmap_lotsamiss) return std::nullopt;
    ra.start = index - std::min(index, ra.ra_pages / 2);
    ra.size = ra.ra_pages;
    ra.async_size = ra.ra_pages / 4;
    return readahead_window{.start = ra.start, .pages = ra.size, .lookahead = ra.async_size};
}

readahead_window clip_to_file(const mapping& file, readahead_window w) {
    if (w.start >= file.size().value) return {};
    w.pages = std::min(w.pages, file.size().value - w.start);
    return w;
}

} // namespace pagesim
