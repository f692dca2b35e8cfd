// SPDX-License-Identifier: MIT
#include <pagesim/process/writeback_calls.hpp>

namespace pagesim {

namespace {

mapping* file_at(const writeback_context& wb, std::uint32_t id) { return wb.cache.files()[id].get(); }

} // namespace

step_result fsync_file(const writeback_context& wb, mapping& file, fsync_cursor& c) {
    using phase = fsync_cursor::phase;
    switch (c.at) {
    case phase::begin:
        wb.cpu.charge(wb.cpu.cost.writeback_call);
        c.pages.sync = wb_sync::all;
        c.pages.walk = wb_walk::whole_file;
        c.at = file.tagged_pages(cache_tag::dirty) != 0 ? phase::writing : phase::waiting;
        return step_again;
    case phase::writing:
        if (const step_result r = do_writepages(wb, file, c.pages); !r.done()) return r;
        c.at = phase::waiting;
        return step_again;
    case phase::waiting:
        if (const step_result r = filemap_fdatawait_range(wb, file, c.wait); !r.done()) return r;
        c.at = phase::metadata;
        return step_again;
    case phase::metadata: break;
    }
    // The flusher decides where the file it is writing goes.
    if (wb.bdi.being_written(file)) return sleep_on(bdi_writeback::file_channel(file));
    wb.bdi.settle_file(file);
    c = {};
    return step_done;
}

step_result sync_files(const writeback_context& wb, sync_cursor& c) {
    using phase = sync_cursor::phase;
    switch (c.at) {
    case phase::begin:
        wb.cpu.charge(wb.cpu.cost.writeback_call);
        wb.bdi.wakeup_flusher_threads(wb_reason::sync);
        c.ticket = wb.bdi.queue_sync();
        c.at = phase::flusher;
        return step_again;
    case phase::flusher:
        if (!wb.bdi.sync_finished(c.ticket)) return sleep_on(bdi_writeback::sync_channel(c.ticket));
        c.at = phase::waiting;
        return step_again;
    case phase::waiting: break;
    }
    while (c.file < wb.cache.files().size()) {
        mapping* const file = file_at(wb, c.file);
        if (file != nullptr) {
            if (const step_result r = filemap_fdatawait_range(wb, *file, c.wait); !r.done()) return r;
        } else if (c.wait.held != nullptr) {
            wb.batches.put_page(*c.wait.held); // the file was deleted meanwhile
        }
        c.wait = {};
        ++c.file;
    }
    c = {};
    return step_done;
}

namespace {

// kernel: drop_slab_node().
void drop_slab(const reclaim_context& rc) {
    const bool doubles = rc.profile.drop_slab == drop_slab_end::doubling;
    for (std::uint64_t enough = doubles ? 1 : 10;; enough *= doubles ? 2 : 1) {
        if (do_shrink_slab(rc.cpu, rc.profile.backlog, rc.shadows, 0) <= enough) return;
    }
}

} // namespace

step_result drop_caches(const writeback_context& wb, const reclaim_context& rc, drop_what what,
                        drop_caches_cursor& c) {
    using phase = drop_caches_cursor::phase;
    const auto wants = [&](drop_what w) {
        return (static_cast<unsigned>(what) & static_cast<unsigned>(w)) != 0;
    };
    switch (c.at) {
    case phase::begin:
        wb.cpu.charge(wb.cpu.cost.writeback_call);
        c.at = wants(drop_what::pagecache) ? phase::files : phase::slab;
        return step_again;
    case phase::files:
        while (c.file < wb.cache.files().size()) {
            mapping* const file = file_at(wb, c.file);
            if (file != nullptr) {
                if (const step_result r = invalidate_mapping_pages(wb, *file, c.drop); !r.done()) return r;
            }
            c.drop = {};
            ++c.file;
        }
        wb.cpu.count(vm_item::drop_pagecache);
        c.at = phase::slab;
        return step_again;
    case phase::slab: break;
    }
    if (wants(drop_what::slab)) {
        drop_slab(rc);
        wb.cpu.count(vm_item::drop_slab);
    }
    c = {};
    return step_done;
}

} // namespace pagesim
