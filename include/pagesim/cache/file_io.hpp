// SPDX-License-Identifier: MIT
// Files' pages from their device and back.
//
// A request carries neighbouring pages. A synchronous device (pmem: the CPU copies) has answered when the call
// returns; the copy's time is in the costs of the path that asks (cost_table). Another device answers later, in an
// interrupt: pages that were read become uptodate and are unlocked, writes end.
//
// The pages of a write are under writeback and unlocked already.
#pragma once

#include <pagesim/cache/page_cache.hpp>
#include <pagesim/sim/block_device.hpp>
#include <pagesim/sim/event_queue.hpp>

#include <span>
#include <vector>

namespace pagesim {

class file_io final : public event_target {
public:
    // Without a device: synchronous.
    file_io(const cpu_context& cpu, mem_map& frames, page_cache& cache, block_device* device,
            unsigned max_request_pages);

    [[nodiscard]] io_mode mode() const {
        return device_ == nullptr ? io_mode::synchronous : io_mode::asynchronous;
    }

    // Locked pages that follow one another in a file. They are unlocked and uptodate when the read is over.
    void read_pages(std::span<page* const> pages) { transfer(io_direction::read, pages); }
    // Pages under writeback that follow one another.
    void write_pages(std::span<page* const> pages) { transfer(io_direction::write, pages); }

    void on_event(sim_time due, std::uint64_t request) override;
    [[nodiscard]] std::uint64_t requests_in_flight() const { return in_flight_; }

private:
    struct request {
        io_direction direction = io_direction::read;
        std::vector<page*> pages;
    };

    void transfer(io_direction direction, std::span<page* const> pages);
    void submit(io_direction direction, std::span<page* const> pages);
    void finish(io_direction direction, page& p);

    const cpu_context& cpu_;
    mem_map& frames_;
    page_cache& cache_;
    block_device* device_;
    unsigned max_request_pages_;
    std::vector<request> requests_;
    std::vector<std::uint32_t> free_requests_;
    std::uint64_t in_flight_ = 0;
};

} // namespace pagesim
