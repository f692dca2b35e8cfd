// SPDX-License-Identifier: MIT
// A result of a real kernel: what machine it ran on, and what it counted.
//
// Only its description (configuration, *_before) builds the simulated machine; its deltas and *_after are
// what the simulation is held against.
#pragma once

#include <pagesim/machine/machine_config.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace pagesim::program {

struct band {
    double low = 0;
    double high = 0;
};

class result_file {
public:
    // Throws usage_error if the file can't be read or is no result.
    explicit result_file(std::string path);

    [[nodiscard]] const std::string& path() const { return path_; }
    // What a list of pairs calls it: the names of its folder and its own, "6.1-classic-zram/mixed".
    [[nodiscard]] std::string id() const;
    [[nodiscard]] std::string ops() const; // name of the ops file
    [[nodiscard]] std::string case_name() const;
    [[nodiscard]] std::string kernel() const; // "6.1"
    [[nodiscard]] std::string policy() const; // "classic" or "mglru"
    [[nodiscard]] std::string swap() const;   // "zram", "nullb", ...

    // What the case needs and this version has not; empty if it can run.
    [[nodiscard]] std::string missing() const;
    // The machine that the result describes. Throws usage_error if the description is incomplete.
    [[nodiscard]] machine_config machine() const;

    // A counter's delta (sums for pgscan, pgsteal, pgalloc, allocstall) or, with "after." in front, a gauge
    // at the end.
    [[nodiscard]] double real(std::string_view counter) const;
    // What real runs vary by; the real value itself where the file gives no band.
    [[nodiscard]] band band_of(std::string_view counter) const;

private:
    [[nodiscard]] const nlohmann::json& run() const { return json_.at("runs").at(0); }

    std::string path_;
    nlohmann::json json_;
};

// The counters that the bar is set for.
[[nodiscard]] const std::vector<std::string_view>& headline_counters();
// The members of a sum such as "pgscan"; the counter itself otherwise.
[[nodiscard]] std::vector<std::string> summands(std::string_view counter);

} // namespace pagesim::program
