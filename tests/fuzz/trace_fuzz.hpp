// SPDX-License-Identifier: MIT
// Any bytes as a trace of some format: never a crash, the same items each time, what is counted is what is delivered, and a
// footprint that holds every page.
#pragma once

#include "fuzz_file.hpp"

#include <pagesim/base/assert.hpp>
#include <pagesim/base/hash.hpp>
#include <pagesim/workload/trace_reader.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace pagesim::testing {

// A few bytes may ask for millions of pages: enough is enough.
inline constexpr unsigned most_fuzzed_blocks = 2;

struct fuzz_summary {
    std::uint64_t hash = 0;
    std::uint64_t accesses = 0;
    bool whole = false;
    std::vector<vpn> pages;
    std::optional<input_error> error;
    stream_counts counts;
};

inline fuzz_summary replay(access_stream& s) {
    fuzz_summary out;
    fnv1a hash;
    for (unsigned blocks = 0; blocks < most_fuzzed_blocks;) {
        const stream_item item = s.next();
        hash.word(item.index());
        if (const auto* block = std::get_if<access_block>(&item)) {
            PAGESIM_ASSERT(!block->records.empty() && block->records.size() <= block_records);
            ++blocks;
            for (const access_record r : block->records) {
                PAGESIM_ASSERT(r.accesses() > 0);
                out.accesses += r.accesses();
                out.pages.push_back(r.vpn());
                hash.word(r.word());
            }
        } else if (const auto* sleep = std::get_if<op_sleep>(&item)) {
            hash.word(sleep->duration.ns);
        } else if (const auto* anon = std::get_if<op_anon>(&item)) {
            PAGESIM_ASSERT(anon->pages.value > 0 && raw(anon->first) + anon->pages.value <= 1ULL << 36U);
        } else {
            if (const auto* e = std::get_if<input_error>(&item)) out.error = *e;
            PAGESIM_ASSERT(out.error || std::holds_alternative<end_of_stream>(item));
            PAGESIM_ASSERT(s.next().index() == item.index());
            out.whole = true;
            break;
        }
    }
    out.counts = s.counts();
    out.hash = hash.value();
    return out;
}

inline fuzz_summary replay(const std::string& path, trace_format format, object_placement p) {
    const auto s = open_trace(path, {.format = format, .columns = {}}, p);
    return replay(*s);
}

inline void check_trace(const std::string& path, trace_format format) {
    const bool has_objects = format == trace_format::oracle_general || format == trace_format::csv;
    for (const auto placement : {object_placement::by_number, object_placement::in_order}) {
        if (placement == object_placement::in_order && !has_objects) break;
        const fuzz_summary first = replay(path, format, placement);
        const fuzz_summary second = replay(path, format, placement);
        PAGESIM_ASSERT(first.hash == second.hash && first.error == second.error &&
                       first.counts == second.counts);
        if (!first.whole) return;
        PAGESIM_ASSERT(first.accesses == first.counts.accesses);
        if (first.error) PAGESIM_ASSERT(!first.error->reason.empty());
        const scan_trace_result scanned = scan_trace(path, {.format = format, .columns = {}});
        const auto* s = std::get_if<scanned_trace>(&scanned);
        if (s == nullptr || s->placement != placement || format == trace_format::masim) continue;
        PAGESIM_ASSERT(s->found.counts == first.counts && s->found.stopped_by == first.error);
        for (const vpn n : first.pages) {
            PAGESIM_ASSERT(std::any_of(s->found.ranges.begin(), s->found.ranges.end(),
                                       [n](const page_range& r) { return n >= r.first && n < r.end; }));
        }
    }
}

// The bytes behind `before`, as a file of the format.
inline int fuzz_trace(const std::uint8_t* data, std::size_t size, trace_format format,
                      std::string before = {}) {
    before.append(reinterpret_cast<const char*>(data), size);
    const fuzz_file file{reinterpret_cast<const std::uint8_t*>(before.data()), before.size()};
    check_trace(file.path(), format);
    return 0;
}

} // namespace pagesim::testing
