// SPDX-License-Identifier: MIT
// Any bytes as a lackey trace: never a crash, the same items each time, and a footprint that holds every page.
#include "fuzz_file.hpp"

#include <pagesim/base/assert.hpp>
#include <pagesim/base/hash.hpp>
#include <pagesim/workload/lackey.hpp>

#include <algorithm>

namespace {

using namespace pagesim;

struct summary {
    std::uint64_t hash = 0;
    std::uint64_t accesses = 0;
    std::vector<vpn> pages;
    std::optional<input_error> error;
    stream_counts counts;
};

summary replay(const std::string& path) {
    lackey_stream s{path};
    summary out;
    fnv1a hash;
    for (;;) {
        const stream_item item = s.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            PAGESIM_ASSERT(!block->records.empty() && block->records.size() <= block_records);
            for (const access_record r : block->records) {
                PAGESIM_ASSERT(r.accesses() > 0);
                out.accesses += r.accesses();
                out.pages.push_back(r.vpn());
                hash.word(raw(r.vpn()) << 3U | (r.first_is_write() ? 1U : 0U) |
                          (r.written_later() ? 2U : 0U));
                hash.word(r.instructions() << 16U | r.data());
            }
            continue;
        }
        if (const auto* e = std::get_if<input_error>(&item)) out.error = *e;
        PAGESIM_ASSERT(out.error || std::holds_alternative<end_of_stream>(item));
        PAGESIM_ASSERT(s.next().index() == item.index());
        out.counts = s.counts();
        out.hash = hash.value();
        return out;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const pagesim::testing::fuzz_file file{data, size};
    const summary first = replay(file.path());
    const summary second = replay(file.path());
    PAGESIM_ASSERT(first.hash == second.hash && first.error == second.error && first.counts == second.counts);
    PAGESIM_ASSERT(first.accesses == first.counts.accesses);
    const scan_result scanned = scan_lackey(file.path());
    if (const auto* f = std::get_if<footprint>(&scanned)) {
        PAGESIM_ASSERT(f->counts == first.counts && f->stopped_by == first.error);
        for (const vpn n : first.pages) {
            PAGESIM_ASSERT(std::any_of(f->ranges.begin(), f->ranges.end(),
                                       [n](const page_range& r) { return n >= r.first && n < r.end; }));
        }
    } else {
        PAGESIM_ASSERT(first.error == std::get<input_error>(scanned) && first.pages.empty());
    }
    return 0;
}
