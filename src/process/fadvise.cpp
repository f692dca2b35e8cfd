// SPDX-License-Identifier: MIT
#include <pagesim/process/fadvise.hpp>

#include <algorithm>

namespace pagesim {

namespace {

using phase = fadvise_cursor::phase;
constexpr std::uint64_t default_ra_pages = 32; // kernel: VM_READAHEAD_PAGES
constexpr std::uint64_t io_pages = 320;        // kernel: bdi->io_pages, 1280 KiB

void set_window(open_file& file, std::uint64_t pages) {
    file.ra.ra_pages = pages;
    file.advice = access_advice::normal;
}

// Where the advice begins; `done` if all of it is said.
step_result begin(const writeback_context& wb, open_file& file, fadvise_cursor& c) {
    wb.cpu.charge(wb.cpu.cost.writeback_call);
    switch (c.advice) {
    case file_advice::normal: set_window(file, default_ra_pages); return step_done;
    case file_advice::sequential: set_window(file, 2 * default_ra_pages); return step_done;
    case file_advice::random: file.advice = access_advice::random; return step_done;
    case file_advice::noreuse: return step_done;
    case file_advice::willneed: {
        const std::uint64_t most = std::max(io_pages, file.ra.ra_pages);
        begin_read_ahead(c.read, *file.of,
                         {.start = c.first, .pages = std::min(c.last - c.first, most - 1) + 1});
        c.at = phase::reading;
        return step_again;
    }
    case file_advice::dontneed: break;
    }
    c.pages.walk = wb_walk::range;
    c.pages.first = c.first;
    c.pages.last = c.last;
    c.at = file.of->tagged_pages(cache_tag::dirty) != 0 ? phase::writing : phase::draining;
    return step_again;
}

step_result finish(fadvise_cursor& c) {
    c.at = phase::begin;
    return step_done;
}

} // namespace

step_result fadvise(const fault_context& fc, const writeback_context& wb, open_file& file,
                    fadvise_cursor& c) {
    switch (c.at) {
    case phase::begin: return begin(wb, file, c);
    case phase::reading:
        if (const step_result r = read_ahead_step(fc.rc, c.read); !r.done()) return r;
        return finish(c);
    case phase::writing:
        if (const step_result r = do_writepages(wb, *file.of, c.pages); !r.done()) return r;
        c.at = phase::draining;
        return step_again;
    case phase::draining:
        wb.batches.lru_add_drain();
        c.drop = {.next = c.first, .last = c.last};
        c.at = phase::invalidating;
        return step_again;
    case phase::invalidating:
        if (const step_result r = invalidate_mapping_pages(wb, *file.of, c.drop); !r.done()) return r;
        if (c.drop.failed == 0) return finish(c);
        wb.batches.lru_add_drain(); // they may have been in a batch
        c.drop = {.next = c.first, .last = c.last};
        c.at = phase::again;
        return step_again;
    case phase::again:
        if (const step_result r = invalidate_mapping_pages(wb, *file.of, c.drop); !r.done()) return r;
        return finish(c);
    }
    return step_done;
}

} // namespace pagesim
