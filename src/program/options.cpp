// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "usage_error.hpp"

#include <pagesim/swap/swap_space.hpp>

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

sim_duration parse_duration(std::string_view option, std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1000}, {"ns", 1}}};
    constexpr std::uint64_t longest = 1'000'000 * units.front().second;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    for (const auto& [name, ns] : units) {
        if (error == std::errc{} && unit == name && number > 0 && number <= longest / ns)
            return {number * ns};
    }
    throw usage_error{fmt::format("{}: '{}' is not a time such as 1s, 250ms or 40us", option, text)};
}

namespace {

// Splits off what stands before the next colon.
std::string_view next_part(std::string_view& text) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
    return part;
}

int parse_priority(std::string_view whole, std::string_view number) {
    int value = 0;
    const char* const last = number.data() + number.size();
    const auto [end, error] = std::from_chars(number.data(), last, value);
    if (error != std::errc{} || end != last || value < 0 || value > swap_priority_max) {
        throw usage_error{
            fmt::format("--swap: '{}': prio is a number from 0 to {}", whole, swap_priority_max)};
    }
    return value;
}

} // namespace

std::optional<swap_config> parse_swap(std::string_view text, swap_device device) {
    const std::string_view whole = text;
    swap_config area;
    area.device = device;
    std::string_view part = next_part(text);
    if (part == "zram" || part == "flash") {
        area.device = part == "zram" ? swap_device::zram : swap_device::flash;
        part = next_part(text);
    }
    if (part.empty()) throw usage_error{fmt::format("--swap: '{}' names no size", whole)};
    area.pages = parse_size("--swap", part);
    while (!text.empty()) {
        part = next_part(text);
        if (part.starts_with("prio=")) {
            area.priority = parse_priority(whole, part.substr(5));
        } else if (part == "rotational") {
            area.medium = swap_medium::rotational;
        } else {
            throw usage_error{
                fmt::format("--swap: '{}': '{}' is neither prio=N nor rotational", whole, part)};
        }
    }
    if (area.pages.value == 0 || area.device == swap_device::none) return std::nullopt;
    return area;
}

} // namespace pagesim::program
