// SPDX-License-Identifier: MIT
#include <pagesim/workload/trace_stream.hpp>

#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/ops.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace pagesim {

std::vector<page_range> infer_ranges(const page_set& pages) {
    page_count gap = lackey_range_gap;
    std::vector<page_range> ranges = pages.ranges(gap);
    while (ranges.size() > most_regions) {
        gap = {gap.value * 2};
        ranges = pages.ranges(gap);
    }
    return ranges;
}

trace_stream::trace_stream(instruction_role role) : role_{role} { block_.reserve(block_records); }

stream_item trace_stream::next() {
    block_.clear();
    // What its record refers to is still the open run, or a sweep.
    if (sleep_) return op_sleep{*std::exchange(sleep_, std::nullopt)};
    while (block_.size() + most_pages_at_once + 1 <= block_records && !sleep_) {
        if (sweep_.left > 0) {
            emit_sweep();
        } else if (last_) {
            flush();
            break;
        } else {
            fill();
        }
    }
    if (!block_.empty()) return access_block{.records = block_};
    if (sleep_) return op_sleep{*std::exchange(sleep_, std::nullopt)};
    return *last_;
}

void trace_stream::begin_sweep(std::uint64_t first, page_count pages, reference_kind kind,
                               std::uint64_t references) {
    PAGESIM_ASSERT(sweep_.left == 0 && first <= user_pages_end && pages.value <= user_pages_end - first);
    sweep_ = {.page = first, .left = pages.value, .references = references, .kind = kind};
}

void trace_stream::emit_sweep() {
    while (sweep_.left > 0 && block_.size() + most_pages_at_once + 1 <= block_records) {
        refer_often(sweep_.page, sweep_.kind, sweep_.references);
        ++sweep_.page;
        --sweep_.left;
    }
}

void trace_stream::pass_a_grain(sim_time t) {
    flush();
    sleep_ = std::min(t - *time_, milliseconds(longest_sleep_ms));
    time_ = t;
}

void trace_stream::finish(const std::string& path, const std::optional<input_error>& error) {
    if (error) {
        last_ = *error;
    } else if (counts_.accesses > 0 || sweep_.left > 0) {
        last_ = end_of_stream{};
    } else if (first_skipped_) {
        last_ = *first_skipped_;
        std::get<input_error>(*last_).reason +=
            fmt::format(", and no other of the {} records could be performed", counts_.records);
    } else {
        last_ = input_error{.file = path, .line = 0, .reason = "no accesses"};
    }
}

text_trace::text_trace(std::string path, content_hash hashing, comments c)
    : trace_stream{instruction_role::time_only}, input_{std::move(path), hashing}, comments_{c} {}

void text_trace::fill() {
    while (!must_pause()) {
        const std::optional<std::string_view> line = input_.next();
        if (!line) {
            std::optional<input_error> error = input_.error();
            if (!error) {
                if (std::string wrong = at_end(); !wrong.empty()) error = input_.error_here(std::move(wrong));
            }
            return finish(input_.path(), error);
        }
        if (line->empty() || (comments_ == comments::by_hash && line->front() == '#')) {
            pass_over();
            continue;
        }
        std::string wrong = take(*line);
        if (!wrong.empty()) return finish(input_.path(), input_.error_here(std::move(wrong)));
    }
}

record_trace::record_trace(std::string path, content_hash hashing, instruction_role role,
                           std::size_t record_bytes)
    : trace_stream{role}, input_{std::move(path), hashing}, record_bytes_{record_bytes} {}

void record_trace::fill() {
    while (!must_pause()) {
        const char* record = input_.next(record_bytes_);
        if (record == nullptr) {
            std::optional<input_error> error = input_.error();
            if (!error) {
                if (const std::string wrong = at_end(); !wrong.empty()) error = input_.error_here(wrong);
            }
            return finish(input_.path(), error);
        }
        if (const std::string wrong = take(record); !wrong.empty())
            return finish(input_.path(), input_.error_here(wrong));
    }
}

} // namespace pagesim
