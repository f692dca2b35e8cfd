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

std::optional<region> parse(std::string_view payload) {
    std::string_view target = next_word(payload);
    const std::string_view regions = next_word(payload);
    std::string_view span = next_word(payload);
    if (!target.starts_with("target_id=") || !regions.starts_with("nr_regions=") || span.empty() ||
        span.back() != ':')
        return std::nullopt;
    span.remove_suffix(1);
    target.remove_prefix(10);
    const std::size_t dash = span.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto id = decimal(target);
    const auto start = decimal(span.substr(0, dash));
    const auto end = decimal(span.substr(dash + 1));
    const auto accesses = decimal(next_word(payload));
    const std::string_view age = next_word(payload);
    if (!id || !start || !end || !accesses || (!age.empty() && !decimal(age))) return std::nullopt;
    return region{.target = *id, .start = *start, .end = *end, .accesses = *accesses};
}

// When an event was, from what stands before its name: "... 57.104325: damon:", or anything that is a line of perf script.
std::optional<std::uint64_t> time_before(std::string_view text) {
    constexpr std::string_view system = "damon:";
    std::string_view word = text;
    if (word.ends_with(system)) word.remove_suffix(system.size());
    word = trimmed(word);
    word.remove_prefix(word.find_last_of(' ') + 1);
    if (word.ends_with(':')) {
        word.remove_suffix(1);
        if (const auto ns = seconds_of(word)) return ns;
    }
    const auto p = split_perf_line(text);
    return p ? std::optional{p->ns} : std::nullopt;
}

} // namespace

std::string damon_stream::take(std::string_view line) {
    const std::size_t at = line.find(damon_event);
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
