// SPDX-License-Identifier: MIT
#include <pagesim/process/file_read.hpp>

#include <algorithm>

namespace pagesim {

namespace {

using phase = file_read_cursor::phase;
constexpr std::int64_t page_bytes = static_cast<std::int64_t>(page_size);

bool by_batches(const fault_context& fc) { return fc.rc.profile.file_reads == file_read_rule::in_batches; }

// kernel: filemap_get_read_batch(): cached pages from the position on, up to one that needs attention.
void get_read_batch(const fault_context& fc, file_read_cursor& c) {
    const unsigned most = by_batches(fc) ? pagevec_size : 1;
    for (std::uint64_t n = c.position; n < c.end && c.batch_size < most; ++n) {
        page* p = fc.rc.cache.find(*c.file->of, n);
        if (p == nullptr) return;
        p->get();
        c.batch[c.batch_size++] = p;
        if (!p->test(page_flag::uptodate) || p->test(page_flag::readahead)) return;
    }
}

bool start_window(const fault_context& fc, file_read_cursor& c, std::uint64_t index, readahead_cause cause) {
    const std::uint64_t request = c.end - index;
    const auto w = c.file->advice == access_advice::random
                       ? std::optional{readahead_window{.start = index, .pages = request, .lookahead = 0}}
                       : ondemand_readahead(*c.file->of, c.file->ra, index, request, cause, fc.rc.profile);
    if (!w) return false;
    begin_read_ahead(c.ahead, *c.file->of, *w);
    return true;
}

step_result look_up(const fault_context& fc, file_read_cursor& c) {
    c.copied = 0;
    get_read_batch(fc, c);
    if (c.batch_size == 0 && !std::exchange(c.read_ahead_tried, true)) {
        c.at = start_window(fc, c, c.position, readahead_cause::miss) ? phase::reading_ahead : phase::look_up;
        return step_again;
    }
    c.read_ahead_tried = false;
    if (c.batch_size == 0) {
        c.at = phase::single;
        return step_again;
    }
    page& last = *c.batch[c.batch_size - 1];
    c.at = phase::waiting;
    if (last.test(page_flag::readahead) && !last.test(page_flag::writeback)) {
        last.clear(page_flag::readahead);
        const std::uint64_t index = last.index();
        if (start_window(fc, c, index, readahead_cause::marker)) c.at = phase::next_window;
    }
    return step_again;
}

void drop_last(const fault_context& fc, file_read_cursor& c) {
    fc.rc.batches.put_page(*c.batch[--c.batch_size]);
}

// The last page of the batch may still be on its way; those before it go on without it.
step_result wait_for_last(const fault_context& fc, file_read_cursor& c) {
    page& last = *c.batch[c.batch_size - 1];
    if (last.test(page_flag::uptodate)) {
        c.at = phase::copying;
        return step_again;
    }
    if (last.test(page_flag::locked)) return sleep_on(lock_channel(fc.rc, last));
    drop_last(fc, c); // it never arrived: look again
    c.at = c.batch_size > 0 ? phase::copying : phase::look_up;
    return step_again;
}

void mark_accessed(const fault_context& fc, const file_read_cursor& c, page& p) {
    const std::int64_t previous = by_batches(fc) ? c.file->ra.prev_pos - 1 : c.previous;
    const auto at = static_cast<std::int64_t>(c.position) * page_bytes;
    const bool goes_on = by_batches(fc)
                             ? c.copied == 0 && at / page_bytes == previous / page_bytes && previous >= 0
                             : at == previous;
    if (!goes_on) fc.rc.batches.mark_page_accessed(p);
}

step_result copy(const fault_context& fc, file_read_cursor& c) {
    while (c.copied < c.batch_size) {
        page& p = *c.batch[c.copied];
        mark_accessed(fc, c, p);
        fc.rc.cpu.charge(fc.rc.cpu.cost.read_page);
        // 5.8 notes the last page and the offset in it, which after a whole page is 0 again.
        c.previous = static_cast<std::int64_t>(c.position) * page_bytes;
        ++c.position;
        c.file->ra.prev_pos =
            by_batches(fc) ? static_cast<std::int64_t>(c.position) * page_bytes : c.previous;
        ++c.copied;
        if (fc.rc.cpu.should_yield()) return step_again;
    }
    while (c.batch_size > 0) drop_last(fc, c);
    c.at = phase::look_up;
    return step_again;
}

step_result read_single(const fault_context& fc, file_read_cursor& c) {
    const step_result r = read_single_page(fc.rc, *c.file->of, c.position, c.alloc);
    if (!r.done()) return r;
    if (c.alloc.outcome != alloc_outcome::page) {
        c.outcome = fault_outcome::out_of_memory;
        c.end = c.position;
    } else if (c.alloc.result != nullptr) {
        fc.rc.batches.put_page(*c.alloc.result);
    }
    c.read_ahead_tried = true;
    c.at = phase::look_up;
    return step_again;
}

} // namespace

void begin_file_read(file_read_cursor& c, open_file& file, std::uint64_t first, std::uint64_t pages) {
    PAGESIM_ASSERT(c.alloc.at == alloc_cursor::phase::idle && !c.ahead.active() && c.batch_size == 0);
    const std::uint64_t size = file.of->size().value;
    c.at = phase::begin;
    c.file = &file;
    c.position = first;
    c.end = std::min(first + pages, size);
    c.read_ahead_tried = false;
    c.copied = 0;
    c.previous = file.ra.prev_pos;
    c.outcome = fault_outcome::resolved;
}

step_result file_read_step(const fault_context& fc, file_read_cursor& c) {
    switch (c.at) {
    case phase::begin:
        fc.rc.cpu.charge(fc.rc.cpu.cost.read_call);
        c.at = phase::look_up;
        return step_again;
    case phase::reading_ahead:
    case phase::next_window: {
        const step_result r = read_ahead_step(fc.rc, c.ahead);
        if (!r.done()) return r;
        c.at = c.at == phase::reading_ahead ? phase::look_up : phase::waiting;
        return step_again;
    }
    case phase::single: return read_single(fc, c);
    case phase::waiting: return wait_for_last(fc, c);
    case phase::copying: return copy(fc, c);
    case phase::look_up: break;
    }
    return c.position < c.end ? look_up(fc, c) : step_done;
}

} // namespace pagesim
