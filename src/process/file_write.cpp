// SPDX-License-Identifier: MIT
#include <pagesim/process/file_write.hpp>

#include <algorithm>

namespace pagesim {

namespace {

using phase = file_write_cursor::phase;

sim_duration cost_of(const cost_table& cost, const page& p) {
    if (p.test(page_flag::dirty)) return cost.write_page_dirty;
    return p.test(page_flag::uptodate) ? cost.write_page : cost.write_page_new;
}

// kernel: write_end: the page is locked and all of it has been overwritten.
step_result commit(const fault_context& fc, file_write_cursor& c, page& p) {
    const reclaim_context& rc = fc.rc;
    rc.cpu.charge(cost_of(rc.cpu.cost, p));
    rc.cache.attach_private(p);
    p.set(page_flag::uptodate);
    if (rc.cache.dirty_by_write(p)) ++c.dirtier->nr_dirtied;
    p.clear(page_flag::locked);
    rc.cpu.wakes.wake_all(lock_channel(rc, p));
    rc.batches.put_page(p);
    c.target = nullptr;
    ++c.position;
    c.at = phase::throttled;
    return step_again;
}

step_result lock_target(const fault_context& fc, file_write_cursor& c) {
    page& p = *c.target;
    if (p.test(page_flag::locked)) return sleep_on(lock_channel(fc.rc, p));
    if (!p.in_file() || p.file_id() != c.file->of->id()) {
        fc.rc.batches.put_page(p); // truncated or reclaimed meanwhile
        c.target = nullptr;
        c.at = phase::look_up;
        return step_again;
    }
    p.set(page_flag::locked);
    return commit(fc, c, p);
}

step_result allocate(const fault_context& fc, file_write_cursor& c) {
    const reclaim_context& rc = fc.rc;
    const step_result r = alloc_page_step(rc, c.alloc, gfp::highuser_movable);
    if (!r.done()) return r;
    if (c.alloc.outcome != alloc_outcome::page) {
        c.outcome = fault_outcome::out_of_memory;
        return step_done;
    }
    page& p = *c.alloc.result;
    if (c.file->of->slot(c.position).is_frame()) {
        rc.batches.put_page(p);
        c.at = phase::look_up;
        return step_again;
    }
    rc.cache.add_to_page_cache_lru(*c.file->of, p, c.position, added_for::writing, rc.swap.available());
    return commit(fc, c, p);
}

} // namespace

void begin_file_write(file_write_cursor& c, open_file& file, std::uint64_t first, std::uint64_t pages,
                      task_dirty& dirtier) {
    PAGESIM_ASSERT(c.alloc.at == alloc_cursor::phase::idle && c.target == nullptr);
    c.at = phase::begin;
    c.file = &file;
    c.position = first;
    c.end = std::min(first + pages, file.of->size().value);
    c.dirtier = &dirtier;
    c.balance = {};
    c.outcome = fault_outcome::resolved;
}

step_result file_write_step(const fault_context& fc, file_write_cursor& c) {
    switch (c.at) {
    case phase::begin:
        fc.rc.cpu.charge(fc.rc.cpu.cost.write_call);
        c.at = phase::look_up;
        break;
    case phase::allocating: return allocate(fc, c);
    case phase::locking: return lock_target(fc, c);
    case phase::throttled: {
        const step_result r = balance_dirty_pages_ratelimited(fc.bdi, *c.dirtier, c.balance);
        if (!r.done()) return r;
        c.at = phase::look_up;
        break;
    }
    case phase::look_up: break;
    }
    if (c.position >= c.end) return step_done; // it may have begun beyond the end of the file
    c.target = fc.rc.cache.find(*c.file->of, c.position);
    if (c.target != nullptr) c.target->get();
    c.at = c.target != nullptr ? phase::locking : phase::allocating;
    return step_again;
}

} // namespace pagesim
