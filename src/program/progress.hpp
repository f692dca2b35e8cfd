// SPDX-License-Identifier: MIT
// A progress bar on a terminal; nothing in a pipe.
#pragma once

#include <cstdint>

namespace pagesim::program {

class progress_bar {
public:
    // `total`: records to come. Shows nothing unless standard error is a terminal.
    explicit progress_bar(std::uint64_t total);
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar();

    void show(std::uint64_t done);

private:
    std::uint64_t total_;
    std::uint64_t shown_ = ~std::uint64_t{0}; // percent
    bool visible_;
};

} // namespace pagesim::program
