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
// The plug (kernel: struct blk_plug) is flushed when its owner says so, when the owner sleeps, when it
// holds 32 requests, or when a new request begins while the newest has reached 128 KiB.
//
// Source: mm/page_io.c, block/blk-mq.c of Linux 6.1.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/lru/lru_add.hpp>
#include <pagesim/sim/block_device.hpp>
#include <pagesim/sim/event_queue.hpp>
#include <pagesim/swap/swap_space.hpp>
#include <pagesim/swap/zram.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

// Requests that wait to be submitted together. Owned by whoever plugs: a reclaim pass, a readahead window.
class io_plug {
public:
    [[nodiscard]] bool empty() const { return requests_.empty(); }

private:
    friend class swap_io;
    std::vector<std::uint32_t> requests_;
};

class swap_io : public event_target {
public:
    static constexpr unsigned plug_requests = 32;    // kernel: BLK_MAX_REQUEST_COUNT
    static constexpr unsigned plug_flush_pages = 32; // kernel: BLK_PLUG_FLUSH_SIZE, 128 KiB

    struct limits {
        unsigned max_request_pages = 31; // what one request may carry (255 sectors)
    };

    swap_io(const cpu_context& cpu, swap_space& swap, lru_batches& batches, lruvec& lru, block_device& device,
            limits l);
    swap_io(const cpu_context& cpu, swap_space& swap, lru_batches& batches, lruvec& lru, zram& store,
            zram_read reads);

    [[nodiscard]] io_mode mode() const {
        return store_ != nullptr ? io_mode::synchronous : io_mode::asynchronous;
    }

    // kernel: swap_writepage(). The page is locked, in the swap cache and not dirty. On return it is
    // unlocked and either under writeback, or clean (a synchronous device), or dirty again (nobody needs
    // the slot any more: the page left the swap cache; or the device had no room).
    void write_page(page& p, io_plug& plug);
    // kernel: swap_readpage(). The page is locked; it is unlocked and uptodate when the read is over.
    // Without a plug the request is submitted at once. 5.8's zram forgets what it gave to the swap cache for a
    // single user; the page is then dirty.
    void read_page(page& p, swap_entry e, io_plug* plug);
    // Submits what waits (kernel: blk_finish_plug, or the owner is about to sleep).
    void flush(io_plug& plug);

    void on_event(sim_time due, std::uint64_t request) override;

    [[nodiscard]] std::uint64_t requests_in_flight() const { return in_flight_; }

private:
    struct request {
        io_direction direction = io_direction::write;
        std::uint64_t next_slot = 0; // the slot that would extend it
        std::vector<page*> pages;
    };

    void queue(io_direction direction, page& p, std::uint64_t slot, io_plug* plug);
    [[nodiscard]] bool merge(io_plug& plug, io_direction direction, page& p, std::uint64_t slot);
    [[nodiscard]] std::uint32_t new_request();
    void submit(std::uint32_t id);
    void start_writeback(page& p);
    void end_page_writeback(page& p);

    const cpu_context& cpu_;
    swap_space& swap_;
    lru_batches& batches_;
    lruvec& lru_;
    block_device* device_ = nullptr;
    zram* store_ = nullptr;
    zram_read reads_ = zram_read::keeps_copy;
    limits limits_{};
    std::vector<request> requests_;
    std::vector<std::uint32_t> free_requests_;
    std::uint64_t in_flight_ = 0;
};

} // namespace pagesim
