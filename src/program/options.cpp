// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "usage_error.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace pagesim::program {

page_count parse_size(std::string_view option, std::string_view text) {
    constexpr std::array<std::pair<std::string_view, unsigned>, 9> units{{{"", 0},
                                                                          {"B", 0},
                                                                          {"KiB", 10},
                                                                          {"MiB", 20},
                                                                          {"GiB", 30},
                                                                          {"TiB", 40},
                                                                          {"K", 10},
                                                                          {"M", 20},
                                                                          {"G", 30}}};
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    for (const auto& [name, shift] : units) {
        if (error != std::errc{} || unit != name) continue;
        if (number > (1ULL << 50U) >> shift) break;
        const std::uint64_t bytes = number << shift;
        if (bytes % page_size != 0) {
            throw usage_error{fmt::format("{}: '{}' is not a whole number of 4 KiB pages", option, text)};
        }
        return page_count{bytes >> page_shift};
    }
    throw usage_error{fmt::format("{}: '{}' is not a size such as 24MiB, 512KiB or 1GiB", option, text)};
}

} // namespace pagesim::program
