// SPDX-License-Identifier: MIT
// Files of a small machine, their pages made dirty by hand, and a flusher that has the CPU for itself.
//
//     dirty_files d{*m};
//     mapping& a = d.create("a", 100);
//     d.dirty(a, 3);
//     d.run_for(seconds(6));              // the flusher wakes, writes, sleeps
#pragma once

#include <pagesim/cache/balance_dirty_pages.hpp>
#include <support/small_machine.hpp>

#include <string>

namespace pagesim::testing {

class dirty_files {
public:
    explicit dirty_files(small_machine& m) : m_{m} {}

    mapping& create(const std::string& name, std::uint64_t pages) {
        return m_.parts.cache.create(name, page_count{pages}, file_kind::regular);
    }
    // A clean page of the file in the page cache, on no batch, without references but the cache's and the buffers'.
    page& clean(mapping& file, std::uint64_t index) {
        machine_parts& parts = m_.parts;
        if (page* there = parts.cache.find(file, index)) return *there;
        page* p =
            get_page_from_freelist(parts.home, gfp::highuser_movable, page_order{0}, alloc_mark::none).frame;
        parts.cache.add_to_page_cache_lru(file, *p, index, added_for::writing, swap_room::available);
        p->set(page_flag::uptodate);
        p->clear(page_flag::locked);
        parts.cache.attach_private(*p);
        parts.batches.put_page(*p);
        parts.batches.lru_add_drain();
        return *p;
    }
    page& dirty(mapping& file, std::uint64_t index) {
        page& p = clean(file, index);
        if (m_.parts.cache.dirty_by_write(p)) ++task.nr_dirtied;
        return p;
    }
    void dirty(mapping& file, std::uint64_t first, std::uint64_t pages) {
        for (std::uint64_t i = 0; i < pages; ++i) dirty(file, first + i);
    }
    // The flusher and the device go on for so long.
    void run_for(sim_duration d) {
        machine_parts& parts = m_.parts;
        const sim_time end = parts.clock.now() + d;
        while (parts.clock.now() < end) {
            while (parts.events.run_one(parts.clock.now())) {}
            if (flusher_step(parts.wb, flusher).kind != step_kind::sleep) continue;
            parts.clock.advance_to(std::min(std::max(parts.events.next_time(), parts.clock.now()), end));
        }
    }
    // Runs the flusher until it sleeps, and no event.
    void run_flusher() {
        while (flusher_step(m_.parts.wb, flusher).kind != step_kind::sleep) {}
    }
    // The device has written so many pages lately, and so has a share of the limits.
    void warm_up(std::uint64_t pages) {
        mapping& file = create("warm", pages);
        dirty(file, 0, pages);
        m_.parts.bdi.start_background();
        writepages_cursor c;
        while (!do_writepages(m_.parts.wb, file, c).done()) {}
        m_.parts.bdi.settle_file(file);
        run_flusher();
    }
    [[nodiscard]] std::uint64_t written() const { return m_.parts.stat[vm_item::nr_written]; }
    [[nodiscard]] std::uint64_t nr_dirty() const { return m_.parts.stat[vm_item::nr_dirty]; }

    flusher_cursor flusher;
    task_dirty task;

private:
    small_machine& m_;
};

} // namespace pagesim::testing
