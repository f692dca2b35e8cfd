// SPDX-License-Identifier: MIT
#include <pagesim/fault/read_ahead.hpp>

namespace pagesim {

namespace {

constexpr gfp_flags reading = gfp::reclaim | gfp_flags{gfp_flag::io, gfp_flag::highmem, gfp_flag::movable,
                                                       gfp_flag::noretry, gfp_flag::nowarn};

void submit(const reclaim_context& rc, read_ahead_cursor& c) {
    if (c.batch.empty()) return;
    rc.cpu.charge(rc.cpu.cost.readahead_call);
    rc.files.read_pages(c.batch);
    c.batch.clear();
}

} // namespace

void begin_read_ahead(read_ahead_cursor& c, mapping& file, readahead_window w) {
    c.file = &file;
    c.window = clip_to_file(file, w);
    c.next = 0;
}

step_result read_ahead_step(const reclaim_context& rc, read_ahead_cursor& c) {
    while (c.next < c.window.pages) {
        const std::uint64_t index = c.window.start + c.next;
        if (c.alloc.at == alloc_cursor::phase::idle && c.file->slot(index).is_frame()) {
            submit(rc, c);
            ++c.next;
            continue;
        }
        const step_result r = alloc_page_step(rc, c.alloc, reading);
        if (!r.done()) return r;
        if (c.alloc.outcome != alloc_outcome::page) break;
        page& p = *c.alloc.result;
        if (c.file->slot(index).is_frame()) {
            rc.batches.put_page(p); // somebody brought it while reclaim ran
            continue;
        }
        rc.cpu.charge(rc.cpu.cost.readahead_page);
        rc.cache.add_to_page_cache_lru(*c.file, p, index, added_for::reading, rc.swap.available());
        if (c.next + c.window.lookahead == c.window.pages && c.window.lookahead > 0)
            p.set(page_flag::readahead);
        rc.batches.put_page(p); // the cache's reference remains
        c.batch.push_back(&p);
        ++c.next;
        if (rc.cpu.should_yield()) return step_again;
    }
    submit(rc, c);
    c.file = nullptr;
    return step_done;
}

step_result read_single_page(const reclaim_context& rc, mapping& file, std::uint64_t index, alloc_cursor& c) {
    const step_result r = alloc_page_step(rc, c, gfp::highuser_movable);
    if (!r.done()) return r;
    if (c.outcome != alloc_outcome::page) {
        c.result = nullptr;
        return step_done;
    }
    page& p = *c.result;
    if (file.slot(index).is_frame()) {
        rc.batches.put_page(p);
        c.result = nullptr;
        return step_done;
    }
    rc.cpu.charge(rc.cpu.cost.readahead_page + rc.cpu.cost.readahead_call);
    rc.cache.add_to_page_cache_lru(file, p, index, added_for::reading, rc.swap.available());
    page* const one = &p;
    rc.files.read_pages({&one, 1});
    return step_done;
}

} // namespace pagesim
