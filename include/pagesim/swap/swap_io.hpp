// SPDX-License-Identifier: MIT
// A page out to its slot, and back.
//
// Two kinds of device, told apart by when they answer and by nothing else:
//
//     synchronous (zram)    the write is over before write_page returns: writeback set and ended within, and reclaim
//                           frees the page in the same pass. A read costs time only.
//     asynchronous (flash)  pages gather in requests (neighbouring slots merge), requests gather behind a plug; the
//                           device answers later, in an interrupt that ends writeback (and rotates the page to the
//                           tail of its list, PG_reclaim) or unlocks the page that was read.
//
// The plug (kernel: struct blk_plug) is flushed when its owner says so, when the owner sleeps, when it holds 32
// requests (5.10: 16), or when a new request begins while the newest has reached 128 KiB.
//
// Each page needs a bio (swap/bio_pool.hpp). A write that finds none waits behind the plug until its owner has slept;
// then resume() queues it, or sends the owner to sleep again.
//
// A device takes so many writes at once (sim/write_throttle.hpp), counted from when they are made, not from when they
// are submitted. Who makes one more flushes its plug and sleeps; so a task that was preempted with a full plug may
// keep others waiting.
//
// Each area has a device of its own; requests to different areas may share a plug, but never merge.
//
// A request may fail (sim/io_failures.hpp):
//
//     write    the page is dirty again and not to be rotated: it stays in memory, on its list, and in the swap cache;
//              the next scan writes it again
//     read     the page stays in the swap cache, unlocked and not uptodate; a fault that wants it ends in SIGBUS
//
// zram's driver takes a page directly (rw_page). When that fails the kernel tries once more by an ordinary request,
// which fails as well: so a failed write to zram counts as a page written out, and writeback ends twice.
//
// Source: mm/page_io.c, block/blk-mq.c of Linux 6.1. Left out: 5.10's mq-deadline, which sorts what a device without
// free tags leaves waiting.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/lru/lru_add.hpp>
#include <pagesim/sim/block_device.hpp>
#include <pagesim/sim/event_queue.hpp>
#include <pagesim/sim/io_failures.hpp>
#include <pagesim/sim/write_throttle.hpp>
#include <pagesim/swap/bio_pool.hpp>
#include <pagesim/swap/swap_space.hpp>
#include <pagesim/swap/zram.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace pagesim {

// Requests that wait to be submitted together. Owned by whoever plugs: a reclaim pass, a readahead window.
class io_plug {
public:
    [[nodiscard]] bool empty() const { return requests_.empty() && waiting_ == nullptr; }

private:
    friend class swap_io;
    std::vector<std::uint32_t> requests_;
    page* waiting_ = nullptr; // to be written once there is a bio for it
};

// The device of one area: exactly one of the two.
struct swap_target {
    block_device* device = nullptr;  // asynchronous
    zram* store = nullptr;           // synchronous
    unsigned max_request_pages = 31; // what one request may carry (255 sectors)
    io_failures failures{};
    write_throttle throttle{{}, 1};
    std::array<std::vector<std::uint32_t>, 2> waiting{}; // requests that may not begin yet, by class
};

class swap_io : public event_target {
public:
    static constexpr unsigned plug_flush_pages = 32; // kernel: BLK_PLUG_FLUSH_SIZE, 128 KiB

    swap_io(const cpu_context& cpu, swap_space& swap, lru_batches& batches, lruvec& lru, bio_pool& bios,
            const kernel_profile& profile);

    // The area's device, from now on; and no more (nothing is under way then).
    void attach(std::uint8_t type, swap_target target);
    void detach(std::uint8_t type);
    [[nodiscard]] io_failures& failures(std::uint8_t type = 0) { return targets_[type]->failures; }

    [[nodiscard]] io_mode mode(swap_entry e) const {
        return targets_[e.type]->store != nullptr ? io_mode::synchronous : io_mode::asynchronous;
    }

    // kernel: swap_writepage(). The page is locked, in the swap cache and not dirty. On return it is
    // unlocked and either under writeback, or clean (a synchronous device), or dirty again (nobody needs
    // the slot any more: the page left the swap cache; or the device had no room).
    void write_page(page& p, io_plug& plug);
    // kernel: swap_readpage(). The page is locked; it is unlocked when the read is over, and uptodate unless that
    // failed. Without a plug the request is submitted at once. 5.8's zram forgets what it gave to the swap cache for a
    // single user; the page is then dirty.
    void read_page(page& p, swap_entry e, io_plug* plug);
    // Queues the page that waits for a bio, if there is one; before any other. False: the current task must sleep first
    // (cpu_context::waits_for_io).
    [[nodiscard]] bool resume(io_plug& plug);
    // Submits what waits (kernel: blk_finish_plug, or the owner is about to sleep).
    void flush(io_plug& plug);

    void on_event(sim_time due, std::uint64_t request) override;

    [[nodiscard]] std::uint64_t requests_in_flight() const { return in_flight_; }

private:
    struct request {
        io_direction direction = io_direction::write;
        io_status status = io_status::ok;
        swap_entry next{}; // the slot that would extend it
        std::vector<page*> pages;
        std::vector<slab_object> bios; // of the pages
        write_class by = write_class::others;
        bool counted = false; // by the throttle
        sim_time begun{};
    };

    void write_to(swap_target& target, page& p, swap_entry e);
    void read_from(swap_target& target, page& p, swap_entry e);
    void queue(io_direction direction, page& p, swap_entry e, slab_object bio, io_plug* plug);
    [[nodiscard]] bool merge(io_plug& plug, io_direction direction, page& p, swap_entry e, slab_object bio);
    void submit_all(io_plug& plug);
    [[nodiscard]] std::uint32_t new_request();
    void submit(std::uint32_t id);
    [[nodiscard]] bool begin_write(swap_target& target, std::uint32_t id);
    void end_request(swap_target& target, std::uint32_t id);
    void wake_writers(std::uint8_t type, write_class c);
    void end_write(page& p, io_status status);
    void end_read(page& p, io_status status);

    const cpu_context& cpu_;
    swap_space& swap_;
    lru_batches& batches_;
    lruvec& lru_;
    bio_pool& bios_;
    const kernel_profile& profile_;
    std::vector<std::unique_ptr<swap_target>> targets_; // by type
    std::vector<request> requests_;
    std::vector<std::uint32_t> free_requests_;
    std::uint64_t in_flight_ = 0;
};

} // namespace pagesim
