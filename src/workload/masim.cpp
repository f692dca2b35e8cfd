// SPDX-License-Identifier: MIT
#include <pagesim/workload/masim.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

constexpr std::uint64_t accesses_per_ms = 1'000'000 / masim_gap;
constexpr std::uint64_t most_accesses_a_record = access_record::max_instructions / masim_gap;

} // namespace

std::uint64_t masim_phase::weights() const {
    std::uint64_t sum = 0;
    for (const masim_pattern& p : patterns) sum += p.weight;
    return sum;
}

std::uint64_t masim_config::accesses() const {
    std::uint64_t n = 0;
    for (const masim_phase& p : phases) n += p.weights() == 0 ? 0 : p.milliseconds * accesses_per_ms;
    return n;
}

page_count masim_config::reachable() const {
    std::vector<page_count> most(regions.size());
    for (const masim_phase& phase : phases) {
        for (const masim_pattern& p : phase.patterns) {
            const masim_region& r = regions[p.region];
            page_count n = r.pages();
            if (p.weight == 0) n = {0};
            if (p.order == masim_order::sequential && p.stride > page_size && p.weight > 0)
                n = {(r.bytes + p.stride - 1) / p.stride};
            if (p.order == masim_order::sequential && p.stride == 0 && p.weight > 0) n = {1};
            most[p.region] = std::max(most[p.region], n);
        }
    }
    page_count sum;
    for (const page_count n : most) sum += n;
    return sum;
}

scan_result scan_masim(const std::string& path) {
    auto read = read_masim(path);
    if (const auto* error = std::get_if<input_error>(&read)) return *error;
    const auto& config = std::get<masim_config>(read);
    footprint f;
    f.touched = config.reachable();
    f.counts = {.records = config.accesses(), .skipped = config.comments, .accesses = config.accesses()};
    f.hash = config.hash;
    return f;
}

masim_stream::masim_stream(masim_config config) : config_{std::move(config)} {
    block_.reserve(block_records);
    counts_.skipped = config_.comments;
}

masim_stream::masim_stream(const std::string& path) : masim_stream{masim_config{}} {
    auto read = read_masim(path);
    if (auto* error = std::get_if<input_error>(&read)) {
        error_ = std::move(*error);
    } else {
        config_ = std::move(std::get<masim_config>(read));
        counts_.skipped = config_.comments;
    }
}

stream_item masim_stream::next() {
    if (error_) return *error_;
    if (mapped_ < config_.regions.size()) {
        const masim_region& r = config_.regions[mapped_++];
        return op_anon{.name = r.name, .first = r.first, .pages = r.pages()};
    }
    block_.clear();
    while (block_.size() < block_records) {
        if (left_ > 0) {
            fill();
            continue;
        }
        if (next_phase_ == config_.phases.size()) break;
        if (const auto sleep = begin_phase()) {
            if (block_.empty()) return *sleep;
            --next_phase_; // behind the block
            break;
        }
    }
    if (!block_.empty()) return access_block{.records = block_};
    return end_of_stream{};
}

std::optional<stream_item> masim_stream::begin_phase() {
    const masim_phase& phase = config_.phases[next_phase_++];
    batch_left_ = 0;
    if (phase.weights() == 0) return op_sleep{milliseconds(phase.milliseconds)};
    left_ = phase.milliseconds * accesses_per_ms;
    return std::nullopt;
}

void masim_stream::draw_pattern() {
    masim_phase& phase = config_.phases[next_phase_ - 1];
    std::uint64_t at = dice_.below(phase.weights());
    auto p = phase.patterns.begin();
    for (; at >= p->weight; ++p) at -= p->weight;
    pattern_ = &*p;
    batch_left_ = masim_batch;
}

void masim_stream::fill() {
    if (batch_left_ == 0) draw_pattern();
    const std::uint64_t most = std::min(left_, batch_left_);
    if (pattern_->order == masim_order::random) {
        run_random(most);
    } else {
        run_sequential(most);
    }
}

void masim_stream::put(std::uint64_t page, std::uint64_t accesses) {
    const masim_mode mode = pattern_->mode;
    auto writes = run_writes::none;
    if (mode == masim_mode::write_only)
        writes = accesses > 1 ? run_writes::first_and_later : run_writes::first;
    if (mode == masim_mode::read_write) writes = run_writes::later;
    const std::uint64_t data = mode == masim_mode::read_write ? 2 * accesses : accesses;
    block_.emplace_back(config_.regions[pattern_->region].first + page, writes, instruction_role::time_only,
                        accesses * masim_gap, data);
    left_ -= accesses;
    batch_left_ -= accesses;
    counts_.records += accesses;
    counts_.accesses += data;
}

void masim_stream::run_random(std::uint64_t most) {
    const std::uint64_t bytes = config_.regions[pattern_->region].bytes;
    const std::uint64_t n = std::min<std::uint64_t>(most, block_records - block_.size());
    for (std::uint64_t i = 0; i < n; ++i) put(dice_.below(bytes) >> page_shift, 1);
}

void masim_stream::run_sequential(std::uint64_t most) {
    const std::uint64_t bytes = config_.regions[pattern_->region].bytes;
    const std::uint64_t stride = pattern_->stride;
    while (most > 0 && block_.size() < block_records) {
        std::uint64_t at = pattern_->offset + stride;
        if (at >= bytes) at = 0;
        const std::uint64_t page = at >> page_shift;
        const std::uint64_t page_end = std::min((page + 1) << page_shift, bytes);
        std::uint64_t n = stride == 0 ? most : (page_end - at + stride - 1) / stride;
        n = std::min({n, most, most_accesses_a_record});
        pattern_->offset = at + (n - 1) * stride;
        put(page, n);
        most -= n;
    }
}

} // namespace pagesim
