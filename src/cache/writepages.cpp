// SPDX-License-Identifier: MIT
#include <pagesim/cache/writepages.hpp>

#include <utility>

namespace pagesim {

namespace {

using phase = writepages_cursor::phase;
constexpr std::size_t bio_max_vecs = 256; // kernel: BIO_MAX_VECS

void submit(const writeback_context& wb, writepages_cursor& c) {
    if (c.run.empty()) return;
    wb.files.write_pages(c.run);
    c.run.clear();
}

void unlock_page(const writeback_context& wb, page& p) {
    p.clear(page_flag::locked);
    wb.cpu.wakes.wake_all({wait_reason::page_unlocked, raw(wb.frames.pfn_of(p))});
}

// Nobody may wait for a write that was collected and never submitted.
step_result wait_for(const writeback_context& wb, writepages_cursor& c, page& p, wait_reason reason) {
    submit(wb, c);
    return sleep_on({reason, raw(wb.frames.pfn_of(p))});
}

void hold(writepages_cursor& c, page& p) {
    p.get();
    c.held = &p;
}

void let_go(const writeback_context& wb, writepages_cursor& c) {
    if (c.held != nullptr) wb.batches.put_page(*std::exchange(c.held, nullptr));
}

// kernel: tag_pages_for_writeback().
void tag_pages(mapping& file, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t i = file.next_tagged(first, cache_tag::dirty); i != mapping::none && i <= last;
         i = file.next_tagged(i + 1, cache_tag::dirty))
        file.set_tag(i, cache_tag::towrite);
}

void begin_pass(mapping& file, writepages_cursor& c, std::uint64_t first, std::uint64_t end) {
    c.index = first;
    c.resume = first;
    c.end = end;
    if (c.sync == wb_sync::all) tag_pages(file, first, end);
    c.at = phase::next_page;
}

void begin_walk(mapping& file, writepages_cursor& c) {
    if (c.walk != wb_walk::cyclic) return begin_pass(file, c, c.first, c.last);
    c.began = file.writeback_index;
    c.second_pass_to_come = c.began != 0;
    begin_pass(file, c, c.began, mapping::none - 1);
}

// kernel: __wb_update_bandwidth() at the end of do_writepages().
step_result finish(const writeback_context& wb, writepages_cursor& c) {
    c.at = phase::begin;
    if (wb.bdi.profile().bandwidth == bandwidth_updates::by_files && wb.bdi.estimate_due())
        wb.bdi.update_bandwidth();
    return step_done;
}

step_result end_pass(const writeback_context& wb, mapping& file, writepages_cursor& c) {
    submit(wb, c);
    if (c.second_pass_to_come && c.nr_to_write > 0) {
        c.second_pass_to_come = false;
        begin_pass(file, c, 0, c.began - 1);
        return step_again;
    }
    if (c.walk == wb_walk::cyclic || (c.walk == wb_walk::whole_file && c.nr_to_write > 0))
        file.writeback_index = c.resume;
    return finish(wb, c);
}

void write_page(const writeback_context& wb, writepages_cursor& c, page& p) {
    const cost_table& cost = wb.cpu.cost;
    const bool synchronous = wb.files.mode() == io_mode::synchronous;
    // The cost was measured with the end of the write in it; a device that answers later has that in its interrupt.
    wb.cpu.charge(synchronous ? cost.write_file_page : cost.write_file_page - cost.end_writeback);
    static_cast<void>(wb.cache.clear_page_dirty_for_io(p));
    wb.cache.start_writeback(p);
    unlock_page(wb, p);
    if (!c.run.empty() && c.run.back()->index() + 1 != p.index()) submit(wb, c);
    c.run.push_back(&p);
    if (c.run.size() == bio_max_vecs) submit(wb, c);
    --c.nr_to_write;
    c.resume = std::uint64_t{p.index()} + 1;
}

// The page is locked, by us.
step_result locked(const writeback_context& wb, const mapping& file, writepages_cursor& c, page& p) {
    const bool ours = p.in_file() && p.file_id() == file.id();
    const bool written_now = p.test(page_flag::writeback);
    if (!ours || !p.test(page_flag::dirty) || (written_now && c.sync == wb_sync::none)) {
        unlock_page(wb, p);
    } else if (written_now) {
        if (c.held == nullptr) hold(c, p);
        c.at = phase::writing_before;
        return wait_for(wb, c, p, wait_reason::page_written);
    } else {
        write_page(wb, c, p);
    }
    let_go(wb, c);
    c.at = phase::next_page;
    return step_again;
}

step_result next_page(const writeback_context& wb, mapping& file, writepages_cursor& c) {
    const cache_tag tag = c.sync == wb_sync::all ? cache_tag::towrite : cache_tag::dirty;
    const std::uint64_t i = file.next_tagged(c.index, tag);
    if (i == mapping::none || i > c.end) return end_pass(wb, file, c);
    if (c.sync == wb_sync::none && c.nr_to_write <= 0) return end_pass(wb, file, c);
    c.index = i + 1;
    page& p = *wb.cache.find(file, i);
    if (p.test(page_flag::locked)) {
        hold(c, p);
        c.at = phase::locking;
        return wait_for(wb, c, p, wait_reason::page_unlocked);
    }
    p.set(page_flag::locked);
    return locked(wb, file, c, p);
}

} // namespace

step_result do_writepages(const writeback_context& wb, mapping& file, writepages_cursor& c) {
    switch (c.at) {
    case phase::begin:
        if (c.nr_to_write <= 0) return step_done;
        if (wb.bdi.profile().bandwidth == bandwidth_updates::by_files) wb.bdi.restart_estimate_if_idle();
        if (file.tagged_pages(cache_tag::dirty) == 0) return finish(wb, c);
        begin_walk(file, c);
        return next_page(wb, file, c);
    case phase::next_page: return next_page(wb, file, c);
    case phase::locking:
        if (c.held->test(page_flag::locked)) return wait_for(wb, c, *c.held, wait_reason::page_unlocked);
        c.held->set(page_flag::locked);
        return locked(wb, file, c, *c.held);
    case phase::writing_before: return locked(wb, file, c, *c.held);
    }
    return step_done;
}

step_result filemap_fdatawait_range(const writeback_context& wb, mapping& file, fdatawait_cursor& c) {
    if (c.held != nullptr) {
        page& p = *c.held;
        if (p.test(page_flag::writeback))
            return sleep_on({wait_reason::page_written, raw(wb.frames.pfn_of(p))});
        c.held = nullptr;
        wb.batches.put_page(p);
    }
    const std::uint64_t i = file.next_tagged(c.next, cache_tag::writeback);
    if (i == mapping::none || i > c.last) return step_done;
    c.next = i + 1;
    c.held = wb.cache.find(file, i);
    c.held->get();
    return sleep_on({wait_reason::page_written, raw(wb.frames.pfn_of(*c.held))});
}

} // namespace pagesim
