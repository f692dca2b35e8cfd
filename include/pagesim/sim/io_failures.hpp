// SPDX-License-Identifier: MIT
// Which requests a device fails: a choice of the test or experiment, no chance in it.
//
//     failures.add({.direction = io_direction::write, .first_page = 512, .end_page = 1024});   // a bad stretch
//     failures.add({.direction = io_direction::read, .first_request = 3, .end_request = 5});   // the 4th and 5th read
//
// Requests are numbered from 0, reads and writes apart. A request that touches a failing page fails as a whole.
#pragma once

#include <pagesim/sim/block_device.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pagesim {

enum class io_status : std::uint8_t { ok, failed };

struct io_failure {
    io_direction direction = io_direction::write;
    std::uint64_t first_page = 0; // of the device
    std::uint64_t end_page = ~std::uint64_t{0};
    std::uint64_t first_request = 0;
    std::uint64_t end_request = ~std::uint64_t{0};
};

class io_failures {
public:
    io_failures() = default;
    explicit io_failures(std::vector<io_failure> rules) : rules_{std::move(rules)} {}

    void add(const io_failure& f) { rules_.push_back(f); }
    void clear() { rules_.clear(); }

    // What becomes of the next request.
    [[nodiscard]] io_status next(io_direction direction, std::uint64_t page, std::uint64_t pages) {
        std::uint64_t& count = direction == io_direction::read ? reads_ : writes_;
        const std::uint64_t number = count++;
        const bool fails = std::ranges::any_of(rules_, [&](const io_failure& f) {
            return f.direction == direction && number >= f.first_request && number < f.end_request &&
                   page < f.end_page && page + pages > f.first_page;
        });
        return fails ? io_status::failed : io_status::ok;
    }

private:
    std::vector<io_failure> rules_;
    std::uint64_t reads_ = 0;
    std::uint64_t writes_ = 0;
};

} // namespace pagesim
