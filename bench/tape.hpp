// SPDX-License-Identifier: MIT
// A stream kept in memory and played again: what a machine costs is then measured without what its input costs.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/page_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace pagesim::bench {

struct tape {
    std::vector<access_record> records;
    std::vector<page_range> ranges;

    [[nodiscard]] std::uint64_t accesses() const {
        std::uint64_t n = 0;
        for (const access_record r : records) n += r.accesses();
        return n;
    }
};

// The first blocks of a stream, at most `blocks` of them.
[[nodiscard]] inline tape record(access_stream& from, std::size_t blocks) {
    tape t;
    page_set pages;
    for (std::size_t i = 0; i < blocks; ++i) {
        const stream_item item = from.next();
        if (std::holds_alternative<end_of_stream>(item)) break;
        PAGESIM_ASSERT(std::holds_alternative<access_block>(item));
        const auto& block = std::get<access_block>(item).records;
        t.records.insert(t.records.end(), block.begin(), block.end());
        for (const access_record r : block) pages.insert(r.vpn());
    }
    t.ranges = pages.ranges(page_count{16});
    return t;
}

// Plays a tape a number of times, block by block.
class tape_stream final : public access_stream {
public:
    tape_stream(const tape& t, std::uint64_t times) : tape_{t}, left_{times} {}

    [[nodiscard]] stream_item next() override {
        if (at_ == tape_.records.size()) {
            ++played_;
            at_ = 0;
            if (--left_ == 0) at_ = tape_.records.size();
        }
        if (left_ == 0) return end_of_stream{};
        const std::size_t n = std::min(block_records, tape_.records.size() - at_);
        const access_block block{std::span{tape_.records}.subspan(at_, n)};
        at_ += n;
        return block;
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }
    [[nodiscard]] std::uint64_t played() const { return played_; }

private:
    const tape& tape_;
    std::uint64_t left_;
    std::uint64_t played_ = 0;
    std::size_t at_ = 0;
};

} // namespace pagesim::bench
