// SPDX-License-Identifier: MIT
#include <pagesim/cache/flusher.hpp>

namespace pagesim {

namespace {

using phase = flusher_cursor::phase;
using stage = flusher_cursor::stage;
constexpr std::uint64_t round_jiffies = hz / 10;
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

step_result begin_work(const writeback_context& wb, flusher_cursor& c, const wb_work& work) {
    c.work = work;
    c.work_began = wb.bdi.jiffies();
    c.dirtied_before = static_cast<std::int64_t>(c.work_began);
    c.at = phase::round;
    return step_again;
}

// kernel: wb_do_writeback(): the next of its stages that has something to do.
step_result choose(const writeback_context& wb, flusher_cursor& c) {
    bdi_writeback& bdi = wb.bdi;
    switch (c.doing) {
    case stage::queued:
        if (const auto work = bdi.next_queued()) return begin_work(wb, c, *work);
        c.doing = stage::start_all;
        [[fallthrough]];
    case stage::start_all:
        if (const auto work = bdi.next_start_all()) return begin_work(wb, c, *work);
        c.doing = stage::periodic;
        if (const auto work = bdi.next_periodic()) return begin_work(wb, c, *work);
        [[fallthrough]];
    case stage::periodic:
        c.doing = stage::background;
        if (bdi.over_bg_thresh())
            return begin_work(wb, c, {.kind = wb_work_kind::background, .nr_pages = no_limit});
        [[fallthrough]];
    case stage::background:
    case stage::none: break;
    }
    c.doing = stage::queued;
    if (bdi.work_queued()) return step_again;
    bdi.set_in_progress(false);
    bdi.end_run();
    c.at = phase::asleep;
    return step_again;
}

step_result end_work(const writeback_context& wb, flusher_cursor& c) {
    switch (c.doing) {
    case stage::queued: wb.bdi.finish_queued(); break;
    case stage::start_all: wb.bdi.finish_start_all(); break;
    case stage::periodic:
    case stage::none: break;
    case stage::background: c.doing = stage::none; break;
    }
    c.at = phase::choosing;
    return step_again;
}

// Whether the work goes on with another round.
bool goes_on(const writeback_context& wb, const flusher_cursor& c) {
    if (c.work.nr_pages <= 0) return false;
    const bool yields = c.work.kind == wb_work_kind::background || c.work.kind == wb_work_kind::periodic;
    if (yields && wb.bdi.work_queued()) return false;
    return c.work.kind != wb_work_kind::background || wb.bdi.over_bg_thresh();
}

step_result begin_round(const writeback_context& wb, flusher_cursor& c) {
    if (!goes_on(wb, c)) return end_work(wb, c);
    const std::uint64_t now = wb.bdi.jiffies();
    if (c.work.kind == wb_work_kind::background) c.dirtied_before = static_cast<std::int64_t>(now);
    if (c.work.kind == wb_work_kind::periodic) {
        const std::uint64_t expire = jiffies_of_centisecs(wb.bdi.config().expire_centisecs);
        c.dirtied_before = static_cast<std::int64_t>(now) - static_cast<std::int64_t>(expire);
    }
    if (wb.bdi.io_empty()) wb.bdi.queue_io(c.dirtied_before);
    c.round_began = now;
    c.wrote = 0;
    c.at = phase::file;
    return step_again;
}

// kernel of 5.8: wb_update_bandwidth(). A quiet time is not measured.
void estimate_of_round(const writeback_context& wb, const flusher_cursor& c) {
    bdi_writeback& bdi = wb.bdi;
    if (bdi.profile().bandwidth != bandwidth_updates::by_flusher_rounds) return;
    const std::uint64_t stamp = bdi.estimate().stamp;
    const std::uint64_t elapsed = bdi.jiffies() - stamp;
    if (elapsed < bandwidth_interval) return;
    if (elapsed > hz && stamp < c.work_began) {
        bdi.restart_estimate();
    } else {
        bdi.update_bandwidth();
    }
}

step_result end_round(const writeback_context& wb, flusher_cursor& c) {
    estimate_of_round(wb, c);
    if (c.wrote == 0) return end_work(wb, c);
    c.at = phase::round;
    return step_again;
}

step_result begin_file(const writeback_context& wb, flusher_cursor& c) {
    c.file = wb.bdi.take_next();
    if (c.file == nullptr) return end_round(wb, c);
    const bool sync = c.work.kind == wb_work_kind::sync;
    c.chunk = wb.bdi.chunk_size(c.work);
    c.pages = {};
    c.pages.sync = sync ? wb_sync::all : wb_sync::none;
    c.pages.walk = sync ? wb_walk::whole_file : wb_walk::cyclic;
    c.pages.nr_to_write = c.chunk;
    c.at = phase::writing;
    return step_again;
}

step_result write_file(const writeback_context& wb, flusher_cursor& c) {
    const step_result r = do_writepages(wb, *c.file, c.pages);
    if (!r.done()) return r;
    const std::int64_t wrote = c.chunk - c.pages.nr_to_write;
    c.work.nr_pages -= wrote;
    c.wrote += wrote;
    const auto slice =
        c.pages.nr_to_write <= 0 ? bdi_writeback::slice::used_up : bdi_writeback::slice::not_used_up;
    if (wb.bdi.put_back(*c.file, slice, c.work.kind)) ++c.wrote;
    c.at = phase::file;
    const bool long_enough = wb.bdi.jiffies() > c.round_began + round_jiffies;
    if (c.wrote > 0 && (long_enough || c.work.nr_pages <= 0)) return end_round(wb, c);
    return step_again;
}

} // namespace

step_result flusher_step(const writeback_context& wb, flusher_cursor& c) {
    switch (c.at) {
    case phase::asleep:
        if (!wb.bdi.begin_run()) return sleep_on(bdi_writeback::flusher_channel);
        wb.cpu.charge(wb.cpu.cost.flusher_run);
        wb.bdi.set_in_progress(true);
        c.doing = stage::queued;
        c.at = phase::choosing;
        return step_again;
    case phase::choosing: return choose(wb, c);
    case phase::round: return begin_round(wb, c);
    case phase::file: return begin_file(wb, c);
    case phase::writing: return write_file(wb, c);
    }
    return step_done;
}

} // namespace pagesim
