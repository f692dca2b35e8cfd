// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <unistd.h>

namespace pagesim::program {

progress_bar::progress_bar(std::uint64_t total)
    : total_{total}, visible_{total > 0 && isatty(STDERR_FILENO) != 0} {}

progress_bar::~progress_bar() {
    if (visible_ && shown_ != ~std::uint64_t{0}) fmt::print(stderr, "\r\033[K");
}

void progress_bar::show(std::uint64_t done) {
    if (!visible_) return;
    constexpr std::uint64_t width = 40;
    const std::uint64_t percent = std::min<std::uint64_t>(done * 100 / total_, 100);
    if (percent == shown_) return;
    shown_ = percent;
    const std::uint64_t filled = percent * width / 100;
    fmt::print(stderr, "\r[{}{}] {:3} %", std::string(filled, '#'), std::string(width - filled, ' '),
               percent);
    std::fflush(stderr);
}

} // namespace pagesim::program
