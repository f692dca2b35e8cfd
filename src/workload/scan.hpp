// SPDX-License-Identifier: MIT
// The first pass over any input: run the stream through and remember the pages.
#pragma once

#include <pagesim/workload/footprint.hpp>

namespace pagesim {

// `stream` hashes its file.
template <typename Stream>
scan_result scan(Stream& stream, page_set& pages) {
    footprint f;
    for (;;) {
        const stream_item item = stream.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            for (const access_record r : block->records) pages.insert(r.vpn());
            f.folded += block->records.size();
        } else if (const auto* lock = std::get_if<op_lock>(&item)) {
            const std::uint64_t brought = lock->what == op_lock::action::mlock ? lock->pages.value : 0;
            for (std::uint64_t i = 0; i < brought; ++i) pages.insert(lock->first + i);
        } else if (const auto* error = std::get_if<input_error>(&item)) {
            f.stopped_by = *error;
            break;
        } else if (std::holds_alternative<end_of_stream>(item)) {
            break;
        }
    }
    f.counts = stream.counts();
    if (f.stopped_by && f.counts.records == 0) return *f.stopped_by;
    f.touched = pages.count();
    f.hash = stream.hash();
    return f;
}

} // namespace pagesim
