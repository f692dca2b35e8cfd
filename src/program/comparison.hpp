// SPDX-License-Identifier: MIT
// The bar, and what is held against it: one counter, all of a case, a case's course from mark to mark.
//
//     low - t                low        real       high                high + t
//        |--------------------|==========|==========|--------------------|          t = max(3 % of real, 32)
//        inside ................................................... inside
//
// low..high is what real runs vary by. The same bar holds at a mark on the way, with the band of that moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim::program {

struct band {
    double low = 0;
    double high = 0;
};

// One counter of a real machine beside ours, at one moment.
struct compared {
    std::string_view counter;
    double real = 0;
    band real_runs;
    double simulated = 0;

    [[nodiscard]] bool inside() const;
    // |simulated - real| / max(real, 32).
    [[nodiscard]] double error() const;
};

// 0 of nothing; the mean of the two in the middle of an even number.
[[nodiscard]] double median(std::vector<double> values);

// The band at a mark where one run alone was recorded: that of the end, narrowed in proportion to the counter.
[[nodiscard]] band band_in_proportion(double real, double real_at_end, const band& at_end);

// How many of so many pairs are inside, and by how much all of them err.
class tally {
public:
    struct pair {
        std::string where; // the case
        compared what;
    };

    void add(const std::string& where, const std::vector<compared>& pairs);
    [[nodiscard]] std::size_t inside() const;
    [[nodiscard]] std::size_t all() const { return pairs_.size(); }
    [[nodiscard]] double median_error() const;
    // Outside, the largest error first.
    [[nodiscard]] std::vector<pair> worst(std::size_t most) const;

private:
    std::vector<pair> pairs_;
};

// A moment at which both were looked at. The last one is the end of the run.
struct moment {
    std::string label;
    std::uint64_t op = 0; // ops before it
    double real_ms = 0;   // since the first op
    double simulated_ms = 0;
};

// One counter at each moment.
struct course {
    std::string_view counter;
    std::vector<compared> at;

    [[nodiscard]] std::optional<std::size_t> first_outside() const;
};

struct series_comparison {
    std::vector<moment> moments;
    std::vector<course> courses;

    // Courses that are outside somewhere: who leaves first comes first, of equals the one further off there.
    [[nodiscard]] std::vector<const course*> departures() const;
    [[nodiscard]] const course* find(std::string_view counter) const;
};

} // namespace pagesim::program
