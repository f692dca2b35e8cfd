// SPDX-License-Identifier: MIT
// A block device, as far as it matters here: when does a request complete?
#pragma once

#include <pagesim/base/units.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

enum class io_direction : std::uint8_t { read, write };
enum class io_mode : std::uint8_t { synchronous, asynchronous };

class block_device {
public:
    block_device() = default;
    block_device(const block_device&) = delete;
    block_device& operator=(const block_device&) = delete;
    virtual ~block_device() = default;

    [[nodiscard]] virtual io_mode mode() const = 0;
    // Takes one request and tells when it will be complete. `now` never goes back.
    [[nodiscard]] virtual sim_time submit(sim_time now, io_direction direction, page_count pages) = 0;
};

struct flash_config {
    sim_duration latency = microseconds(100); // from start to completion, without the transfer
    std::uint64_t bytes_per_second = 0;       // of the one channel; 0: a transfer takes no time
    unsigned queue_depth = 64;                // requests under way at once
};

// A flash-like device: some latency, one channel, a number of tags.
//
//     submitted ── waits for a tag ── start ── latency ── waits for the channel ── transfer ── complete
//
// A request starts when one of the queue_depth tags is free, in order of submission. Latencies overlap;
// transfers use the channel one after the other, in order of submission. With unlimited bandwidth and free
// tags a request completes exactly `latency` after it was submitted (the behaviour of null_blk with a
// completion timer).
class flash_device final : public block_device {
public:
    explicit flash_device(const flash_config& config);

    [[nodiscard]] io_mode mode() const override { return io_mode::asynchronous; }
    [[nodiscard]] sim_time submit(sim_time now, io_direction direction, page_count pages) override;

private:
    flash_config config_;
    std::vector<sim_time> tags_; // a heap, earliest first: when each tag is free again
    sim_time channel_free_{};
};

} // namespace pagesim
