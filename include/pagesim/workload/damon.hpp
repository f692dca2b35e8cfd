// SPDX-License-Identifier: MIT
// Reader of DAMON's text: what the kernel's monitor saw of a process, a region a line (tracepoint
// damon_aggregated, as perf script, ftrace or damo print it).
//
//     kdamond.0  1234 [002]  57.104325: damon:damon_aggregated: target_id=0 nr_regions=12 941184129024-941184331104: 14 3
//
//     start-end    addresses, in decimal
//     14           in how many samples of the last aggregation (20 in 100 ms, by default) it was found accessed
//     3            for how many aggregations it has been so; not needed, and 5.15 does not print it
//
// A region that was found accessed is loaded page by page, once each at the time of its line, with as many
// references as there were samples. What is lost: which of its pages were accessed and when within the
// aggregation; DAMON does not know. A region of 0 costs nothing. Regions of more than 64 GiB that were
// accessed are a bad line: no such run would end.
//
// The first target is the one; lines of others are skipped, and so are comments (#) and lines of other
// events.
#pragma once

#include <pagesim/workload/trace_stream.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pagesim {

// Behind the event's name.
inline constexpr std::string_view damon_event = "damon_aggregated:";
inline constexpr page_count most_damon_pages{1ULL << 24U};

class damon_stream final : public text_trace {
public:
    explicit damon_stream(std::string path, content_hash hashing = content_hash::none)
        : text_trace{std::move(path), hashing, comments::by_hash} {}

private:
    [[nodiscard]] std::string take(std::string_view line) override;

    std::optional<std::uint64_t> target_;
};

} // namespace pagesim
