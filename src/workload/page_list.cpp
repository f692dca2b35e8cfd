// SPDX-License-Identifier: MIT
#include <pagesim/workload/page_list.hpp>

#include "fields.hpp"

#include <fmt/format.h>

namespace pagesim {

std::string page_list_stream::take(std::string_view line) {
    std::string_view rest = line;
    const std::string_view first = next_word(rest);
    const std::string_view second = next_word(rest);
    if (first.empty()) {
        pass_over();
        return {};
    }
    const auto page = number_of(first);
    if (!page) return fmt::format("{} is not a page number", in_quotes(first));
    if (*page >= user_pages_end) return fmt::format("page {} is not below 2^36", *page);
    const bool store = second == "w" || second == "W";
    if (!second.empty() && !store && second != "r" && second != "R")
        return fmt::format("{} behind the page is neither r nor w", in_quotes(second));
    if (!trimmed(rest).empty()) return fmt::format("{} is more than a page and r or w", in_quotes(line));
    count_record();
    refer(*page, store ? reference_kind::store : reference_kind::load);
    return {};
}

} // namespace pagesim
