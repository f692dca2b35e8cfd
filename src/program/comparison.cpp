// SPDX-License-Identifier: MIT
#include "comparison.hpp"

#include <algorithm>
#include <cmath>

namespace pagesim::program {

namespace {

constexpr double least_tolerance = 32;
constexpr double tolerated_share = 0.03;

} // namespace

bool compared::inside() const {
    const double t = std::max(tolerated_share * real, least_tolerance);
    return simulated >= real_runs.low - t && simulated <= real_runs.high + t;
}

double compared::error() const { return std::abs(simulated - real) / std::max(real, least_tolerance); }

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

band band_in_proportion(double real, double real_at_end, const band& at_end) {
    if (real_at_end > 0) {
        return {.low = real * at_end.low / real_at_end, .high = real * at_end.high / real_at_end};
    }
    return {.low = std::max(real - (real_at_end - at_end.low), 0.0),
            .high = real + (at_end.high - real_at_end)};
}

void tally::add(const std::string& where, const std::vector<compared>& pairs) {
    for (const compared& p : pairs) pairs_.push_back({.where = where, .what = p});
}

std::size_t tally::inside() const {
    return static_cast<std::size_t>(
        std::count_if(pairs_.begin(), pairs_.end(), [](const pair& p) { return p.what.inside(); }));
}

double tally::median_error() const {
    std::vector<double> errors;
    for (const pair& p : pairs_) errors.push_back(p.what.error());
    return median(std::move(errors));
}

std::vector<tally::pair> tally::worst(std::size_t most) const {
    std::vector<pair> out;
    for (const pair& p : pairs_) {
        if (!p.what.inside()) out.push_back(p);
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const pair& a, const pair& b) { return a.what.error() > b.what.error(); });
    if (out.size() > most) out.resize(most);
    return out;
}

std::optional<std::size_t> course::first_outside() const {
    const auto it = std::find_if(at.begin(), at.end(), [](const compared& c) { return !c.inside(); });
    if (it == at.end()) return std::nullopt;
    return static_cast<std::size_t>(it - at.begin());
}

std::vector<const course*> series_comparison::departures() const {
    std::vector<const course*> out;
    for (const course& c : courses) {
        if (c.first_outside()) out.push_back(&c);
    }
    std::stable_sort(out.begin(), out.end(), [](const course* a, const course* b) {
        const std::size_t first_a = *a->first_outside();
        const std::size_t first_b = *b->first_outside();
        if (first_a != first_b) return first_a < first_b;
        return a->at[first_a].error() > b->at[first_b].error();
    });
    return out;
}

const course* series_comparison::find(std::string_view counter) const {
    const auto it =
        std::find_if(courses.begin(), courses.end(), [&](const course& c) { return c.counter == counter; });
    return it == courses.end() ? nullptr : &*it;
}

} // namespace pagesim::program
