// SPDX-License-Identifier: MIT
// A result of a real kernel: what machine it ran on, and what it counted.
//
// Only its description (configuration, *_before) builds the simulated machine; its deltas, marks and *_after are
// what the simulation is held against.
#pragma once

#include "comparison.hpp"

#include <pagesim/machine/machine_config.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace pagesim::program {

// A moment of the real run at which the counters were read.
struct real_mark {
    std::string label;
    std::uint64_t op = 0; // ops before it
    double ms = 0;        // since the first op
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

    // Where the workload's regions end: below what its program had mapped. `names` is how many regions, files and
    // marks the ops name.
    [[nodiscard]] vpn regions_end(std::size_t names) const;

    // Instructions that a page of a store takes beyond those of one word, because more is written.
    [[nodiscard]] std::uint64_t further_stores() const;

    // What the recording program takes to read the counters, and the ops before which it does that unasked.
    [[nodiscard]] sim_duration snapshot_time() const;
    [[nodiscard]] std::vector<std::uint64_t> looks() const;

    // A counter's delta (sums for pgscan, pgsteal, pgalloc, allocstall) or, with "after." in front, a gauge
    // at the end.
    [[nodiscard]] double real(std::string_view counter) const;
    // What real runs vary by; the real value itself where the file gives no band.
    [[nodiscard]] band band_of(std::string_view counter) const;

    [[nodiscard]] std::uint64_t ops_count() const;
    // How long the run took, milliseconds of virtual time; 0 if the file does not tell.
    [[nodiscard]] double end_ms() const;
    // The marks on the way, each tenth of the ops among them. Throws usage_error if the file tells of none, or not in
    // order.
    [[nodiscard]] std::vector<real_mark> marks() const;
    // As real() and band_of(), at the mark with that index. Where the file holds the marks of one run only, the band is
    // that of the end in proportion.
    [[nodiscard]] double real_at(std::string_view counter, std::size_t mark) const;
    [[nodiscard]] band band_at(std::string_view counter, std::size_t mark) const;

private:
    [[nodiscard]] metadata_pages metadata() const;
    [[nodiscard]] sim_duration since_tick() const;
    [[nodiscard]] const nlohmann::json& run() const { return json_.at("runs").at(0); }

    std::string path_;
    nlohmann::json json_;
};

// The counters that the bar is set for.
[[nodiscard]] const std::vector<std::string_view>& headline_counters();
// The members of a sum such as "pgscan"; the counter itself otherwise.
[[nodiscard]] std::vector<std::string> summands(std::string_view counter);

} // namespace pagesim::program
