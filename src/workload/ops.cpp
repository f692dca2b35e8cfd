// SPDX-License-Identifier: MIT
#include <pagesim/workload/ops.hpp>

#include "scan.hpp"

#include <pagesim/base/assert.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pagesim {

scan_result scan_ops(const std::string& path) {
    ops_stream stream{path, content_hash::fnv1a};
    page_set pages;
    return scan(stream, pages);
}

ops_stream::ops_stream(std::string path, content_hash hashing) : input_{std::move(path), hashing} {
    block_.reserve(block_records);
}

void ops_stream::performed_by(performer p) {
    PAGESIM_ASSERT(counts_.records == 0);
    map_ = region_map{p.end};
    performer_ = std::move(p);
}

std::optional<ops_stream::named_place> ops_stream::place_of(std::string_view name) const {
    const auto at = regions_.find(name);
    if (at == regions_.end()) return std::nullopt;
    return named_place{.is_file = at->second.is_file, .first = at->second.first, .pages = at->second.pages};
}

stream_item ops_stream::next() {
    block_.clear();
    for (;;) {
        emit_touch();
        if (block_.size() == block_records) break;
        if (command_) break;
        read_line();
    }
    if (!block_.empty()) return access_block{.records = block_};
    if (std::holds_alternative<end_of_stream>(*command_) || std::holds_alternative<input_error>(*command_)) {
        return *command_;
    }
    return *std::exchange(command_, std::nullopt);
}

void ops_stream::emit_touch() {
    const ops_cost& cost = default_ops_cost;
    const bool read = touch_.kind == access::read;
    const run_writes writes = read ? run_writes::none : run_writes::first;
    for (; touch_.left > 0 && block_.size() < block_records; --touch_.left) {
        const std::uint64_t further = read ? cost.further_read : cost.further_write[(touch_.done + 1) % 2];
        const std::uint64_t first = read ? cost.read : cost.write;
        block_.emplace_back(touch_.at, writes, instruction_role::time_only,
                            (touch_.done == 0 ? first : further) + (read ? 0 : performer_.further_stores), 1);
        touch_.at = touch_.at + 1;
        ++touch_.done;
        ++counts_.accesses;
    }
}

void ops_stream::read_line() {
    if (observation_is_due()) {
        command_ = op_mark{.label = observations_[observed_++].label, .by = op_mark::asker::observer};
        return;
    }
    if (look_is_due()) {
        ++looked_;
        command_ = op_mark{.label = {}, .by = op_mark::asker::recorder, .takes = performer_.snapshot};
        return;
    }
    const auto line = input_.next();
    if (!line) {
        command_ = end_of_stream{};
        if (input_.error()) {
            command_ = *input_.error();
        } else if (counts_.records == 0) {
            command_ = input_error{.file = input_.path(), .line = 0, .reason = "no ops"};
        }
        return;
    }
    const words w = split(*line);
    if (w.count == 0 || w.at[0].front() == '#') {
        ++counts_.skipped;
        return;
    }
    std::string wrong = parse(w);
    if (wrong.empty()) {
        ++counts_.records;
    } else {
        command_ = input_.error_here(std::move(wrong));
    }
}

ops_stream::words ops_stream::split(std::string_view line) {
    words w;
    for (;;) {
        const std::size_t begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return w;
        line.remove_prefix(begin);
        const std::size_t length = std::min(line.find_first_of(" \t"), line.size());
        if (w.count == w.at.size()) {
            ++w.count;
            return w;
        }
        w.at[w.count++] = line.substr(0, length);
        line.remove_prefix(length);
    }
}

} // namespace pagesim
