// SPDX-License-Identifier: MIT
#include <pagesim/cache/invalidate.hpp>

namespace pagesim {

namespace {

constexpr unsigned batch_entries = pagevec_size; // between two of which the CPU may be given away

void unlock_page(const writeback_context& wb, page& p) {
    p.clear(page_flag::locked);
    wb.cpu.wakes.wake_all({wait_reason::page_unlocked, raw(wb.frames.pfn_of(p))});
}

void invalidate_page(const writeback_context& wb, page& p, invalidate_cursor& c) {
    const bool skips_written = wb.bdi.profile().invalidate == invalidation::skips_written;
    if (p.test(page_flag::locked)) return;
    if (p.test(page_flag::writeback) && skips_written) return;
    wb.cpu.charge(wb.cpu.cost.invalidate_page);
    p.set(page_flag::locked);
    if (evict_page(wb, p) == evicted::yes) {
        ++c.gone;
        return;
    }
    unlock_page(wb, p);
    wb.batches.deactivate_file_page(p);
    ++c.failed;
}

void drop_value(const writeback_context& wb, mapping& file, std::uint64_t index) {
    if (file.kind() == file_kind::regular) wb.cache.clear_slot(file, index);
}

// A locked page that nobody writes loses its place; the cache's reference goes.
void delete_page(const writeback_context& wb, page& p) {
    PAGESIM_ASSERT_PAGE(!p.mapped() && !p.test(page_flag::writeback), p);
    wb.cpu.charge(wb.cpu.cost.invalidate_page);
    const bool released = wb.cache.release_private(p);
    PAGESIM_ASSERT_PAGE(released, p);
    wb.cache.cancel_dirty(p);
    wb.cache.remove(p);
    unlock_page(wb, p);
    wb.batches.put_page(p);
}

bool still_there(const mapping& file, const page& p) { return p.in_file() && p.file_id() == file.id(); }

step_result wait_for(const writeback_context& wb, truncate_cursor& c, page& p, wait_reason reason) {
    if (c.held == nullptr) {
        p.get();
        c.held = &p;
    }
    return sleep_on({reason, raw(wb.frames.pfn_of(p))});
}

// The second look at a page: now it is waited for.
step_result truncate_waiting(const writeback_context& wb, const mapping& file, truncate_cursor& c, page& p) {
    if (!c.locked && p.test(page_flag::locked)) return wait_for(wb, c, p, wait_reason::page_unlocked);
    p.set(page_flag::locked);
    c.locked = true;
    if (still_there(file, p) && p.test(page_flag::writeback))
        return wait_for(wb, c, p, wait_reason::page_written);
    c.locked = false;
    if (still_there(file, p)) {
        delete_page(wb, p);
    } else {
        unlock_page(wb, p);
    }
    if (c.held == nullptr) return step_again;
    c.held = nullptr;
    wb.batches.put_page(p);
    return step_again;
}

} // namespace

evicted evict_page(const writeback_context& wb, page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked) && p.in_file(), p);
    if (p.test(page_flag::dirty) || p.test(page_flag::writeback)) return evicted::no;
    const std::int32_t by_cache = p.test(page_flag::private_) ? 2 : 1;
    if (p.refcount() > by_cache) return evicted::no;
    if (!wb.cache.release_private(p)) return evicted::no;
    wb.cache.remove(p);
    unlock_page(wb, p);
    wb.batches.put_page(p);
    return evicted::yes;
}

step_result invalidate_mapping_pages(const writeback_context& wb, mapping& file, invalidate_cursor& c) {
    for (unsigned n = 0; n < batch_entries; ++n) {
        const std::uint64_t i = file.next_used(c.next);
        if (i == mapping::none || i > c.last) return step_done;
        c.next = i + 1;
        if (page* p = wb.cache.find(file, i)) {
            invalidate_page(wb, *p, c);
        } else {
            drop_value(wb, file, i);
        }
    }
    return step_again;
}

step_result truncate_inode_pages(const writeback_context& wb, mapping& file, truncate_cursor& c) {
    if (!c.begun) {
        c.begun = true;
        c.next = c.first;
    }
    if (c.held != nullptr) return truncate_waiting(wb, file, c, *c.held);
    for (unsigned n = 0; n < batch_entries; ++n) {
        const std::uint64_t i = file.next_used(c.next);
        if (i == mapping::none) {
            if (c.waits && file.next_used(c.first) == mapping::none) return step_done;
            c.waits = true; // what was passed over; again until all is gone
            c.next = c.first;
            return step_again;
        }
        c.next = i + 1;
        page* const p = wb.cache.find(file, i);
        if (p == nullptr) {
            wb.cache.clear_slot(file, i);
        } else if (c.waits) {
            return truncate_waiting(wb, file, c, *p);
        } else if (!p->test(page_flag::locked) && !p->test(page_flag::writeback)) {
            p->set(page_flag::locked);
            delete_page(wb, *p);
        }
    }
    return step_again;
}

} // namespace pagesim
