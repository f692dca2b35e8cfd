// SPDX-License-Identifier: MIT
#include <pagesim/workload/synthetic.hpp>

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/region_map.hpp>

#include "scan.hpp"

#include <algorithm>
#include <numeric>

namespace pagesim {

namespace {

constexpr std::uint64_t million = 1'000'000;

// A number near 0.618 of the pages that shares no factor with them: neighbours in rank lie far apart.
std::uint64_t scatter_for(std::uint64_t pages) {
    std::uint64_t n = std::max<std::uint64_t>(1, pages / 1000 * 618 + pages % 1000 * 618 / 1000);
    while (std::gcd(n, pages) != 1) ++n;
    return n;
}

} // namespace

synthetic_stream::synthetic_stream(const synthetic_config& c) : config_{c}, dice_{c.seed} {
    PAGESIM_ASSERT(c.pages.value > 0 && c.gap > 0 && c.gap <= access_record::max_instructions);
    if (c.kind == synthetic_kind::zipf) ranks_.emplace(c.pages.value, c.theta);
    if (config_.phase == 0) config_.phase = std::max<std::uint64_t>(1, (c.accesses + 1) / 2);
    scatter_ = scatter_for(c.pages.value);
    region_map map;
    first_ = map.take(c.pages).value();
    mapped_ = c.untouched == untouched_pages::hold_data;
    block_.reserve(block_records);
}

std::uint64_t synthetic_stream::choose_hot_or_cold() {
    const std::uint64_t pages = config_.pages.value;
    const std::uint64_t hot = std::clamp<std::uint64_t>(pages * config_.hot.value / million, 1, pages);
    const std::uint64_t begin = done_ / config_.phase * hot % pages;
    const bool is_hot = dice_.ratio(config_.hot_accesses.value, million) || hot == pages;
    const std::uint64_t at = is_hot ? dice_.below(hot) : hot + dice_.below(pages - hot);
    return (begin + at) % pages;
}

std::uint64_t synthetic_stream::choose_page() {
    const std::uint64_t pages = config_.pages.value;
    switch (config_.kind) {
    case synthetic_kind::zipf: return ranks_->choose(dice_) * scatter_ % pages;
    case synthetic_kind::uniform: return dice_.below(pages);
    case synthetic_kind::seqloop: return done_ % pages;
    case synthetic_kind::hotcold: break;
    }
    return choose_hot_or_cold();
}

void synthetic_stream::fill() {
    block_.clear();
    const std::uint64_t n = std::min<std::uint64_t>(block_records, config_.accesses - done_);
    for (std::uint64_t i = 0; i < n; ++i, ++done_) {
        const std::uint64_t page = choose_page();
        const auto writes = dice_.ratio(config_.writes.value, million) ? run_writes::first : run_writes::none;
        block_.emplace_back(first_ + page, writes, instruction_role::time_only, config_.gap, 1);
    }
}

stream_item synthetic_stream::next() {
    if (!mapped_) {
        mapped_ = true;
        return op_anon{.name = "pages", .first = first_, .pages = config_.pages};
    }
    if (done_ == config_.accesses) return end_of_stream{};
    fill();
    return access_block{.records = block_};
}

stream_counts synthetic_stream::counts() const { return {.records = done_, .skipped = 0, .accesses = done_}; }

std::uint64_t synthetic_stream::hash() const {
    fnv1a h;
    h.text(to_string(config_));
    return h.value();
}

std::vector<page_range> synthetic_stream::ranges() const {
    if (config_.untouched != untouched_pages::hold_data) return {};
    return {{.first = first_, .end = first_ + config_.pages.value}};
}

footprint scan_synthetic(const synthetic_config& c) {
    synthetic_stream stream{c};
    page_set pages;
    footprint f = std::get<footprint>(scan(stream, pages));
    f.ranges = stream.ranges();
    return f;
}

} // namespace pagesim
