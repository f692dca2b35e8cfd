// SPDX-License-Identifier: MIT
#include <pagesim/workload/damon.hpp>

#include <pagesim/workload/perf_script.hpp>

#include "fields.hpp"

#include <fmt/format.h>

namespace pagesim {

namespace {

struct region {
    std::uint64_t target = 0;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t accesses = 0;
};

// Where the event's name begins. The search is for its rarer half: "kdamond.0" precedes it in each line.
std::size_t find_event(std::string_view line) {
    constexpr std::size_t half = 5;
    constexpr std::string_view begin = damon_event.substr(0, half);
    constexpr std::string_view end = damon_event.substr(half);
    for (std::size_t at = line.find(end); at != std::string_view::npos; at = line.find(end, at + 1)) {
        if (line.substr(0, at).ends_with(begin)) return at - half;
    }
    return std::string_view::npos;
}

std::optional<region> parse(std::string_view rest) {
    constexpr std::string_view before_target = "target_id=";
    skip_blanks(rest);
    if (!rest.starts_with(before_target)) return std::nullopt;
    rest.remove_prefix(before_target.size());
    const auto target = take_decimal(rest);
    if (!target || !at_word_end(rest) || !next_word(rest).starts_with("nr_regions=")) return std::nullopt;
    skip_blanks(rest);
    const auto start = take_decimal(rest);
    if (!start || !rest.starts_with('-')) return std::nullopt;
    rest.remove_prefix(1);
    const auto end = take_decimal(rest);
    if (!end || !rest.starts_with(':')) return std::nullopt;
    rest.remove_prefix(1);
    if (!at_word_end(rest)) return std::nullopt;
    skip_blanks(rest);
    const auto accesses = take_decimal(rest);
    if (!accesses) return std::nullopt;
    skip_blanks(rest);
    if (!rest.empty() && (!take_decimal(rest) || !at_word_end(rest))) return std::nullopt; // the age
    return region{.target = *target, .start = *start, .end = *end, .accesses = *accesses};
}

// When an event was, from what stands before its name: "... 57.104325: damon:", or anything that is a line of perf script.
maybe_number time_before(std::string_view text) {
    constexpr std::string_view system = "damon:";
    std::string_view rest = text;
    if (rest.ends_with(system)) rest.remove_suffix(system.size());
    std::string_view word = last_word(rest);
    if (word.ends_with(':')) {
        word.remove_suffix(1);
        if (const auto ns = seconds_of(word)) return ns;
    }
    const auto p = split_perf_line(text);
    return p ? maybe_number{p->ns} : std::nullopt;
}

} // namespace

std::string damon_stream::take(std::string_view line) {
    const std::size_t at = find_event(line);
    if (at == std::string_view::npos) {
        if (!split_perf_line(line) && !trimmed(line).empty())
            return fmt::format("{} is no event, nor a region of DAMON", in_quotes(line));
        pass_over();
        return {};
    }
    const auto r = parse(line.substr(at + damon_event.size()));
    if (!r)
        return fmt::format("{}: not target_id=N nr_regions=N START-END: ACCESSES AGE",
                           in_quotes(line.substr(at)));
    if (r->start >= r->end)
        return fmt::format("the region from {} to {} is empty or turned round", r->start, r->end);
    count_record();
    if (!target_) target_ = r->target;
    if (r->target != *target_) {
        skip_here("a region of another target");
        return {};
    }
    if (r->end > user_address_end) {
        skip_here("a region beyond 48 bits of address");
        return {};
    }
    const std::uint64_t first = r->start >> page_shift;
    const page_count pages{((r->end + page_size - 1) >> page_shift) - first};
    if (r->accesses > 0 && pages > most_damon_pages)
        return fmt::format("an accessed region of {} pages, which is more than 64 GiB", pages.value);
    if (const auto ns = time_before(line.substr(0, at))) pass_time(sim_time{*ns});
    if (r->accesses > 0) sweep(first, pages, reference_kind::load, r->accesses);
    return {};
}

} // namespace pagesim
