// SPDX-License-Identifier: MIT
#include <pagesim/sim/block_device.hpp>

#include <pagesim/base/assert.hpp>

#include <algorithm>
#include <functional>

namespace pagesim {

namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

// Rounded up, so that a transfer never takes no time by truncation.
sim_duration transfer_time(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    if (bytes_per_second == 0) return {};
    return {(bytes * nanoseconds_per_second + bytes_per_second - 1) / bytes_per_second};
}

} // namespace

flash_device::flash_device(const flash_config& config) : config_{config}, tags_(config.queue_depth) {
    PAGESIM_ASSERT(config.queue_depth > 0);
}

sim_time flash_device::submit(sim_time now, io_direction /*direction*/, page_count pages) {
    PAGESIM_ASSERT(pages.value > 0 && pages.value <= 1U << 20U);
    std::pop_heap(tags_.begin(), tags_.end(), std::greater<>{});
    const sim_time start = std::max(now, tags_.back());
    const sim_time data = std::max(start + config_.latency, channel_free_);
    const sim_time complete = data + transfer_time(pages.bytes(), config_.bytes_per_second);
    if (config_.bytes_per_second != 0) channel_free_ = complete;
    tags_.back() = complete;
    std::push_heap(tags_.begin(), tags_.end(), std::greater<>{});
    return complete;
}

} // namespace pagesim
