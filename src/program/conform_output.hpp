// SPDX-License-Identifier: MIT
// What `pagesim conform` prints and writes of a case: the table, the course from mark to mark, and what reclaim did where
// they part.
#pragma once

#include "conform_run.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace pagesim::program {

// "zipf 6.1 classic zram".
[[nodiscard]] std::string title_of(const result_file& result);

[[nodiscard]] std::string table_text(const result_file& result, const std::vector<compared>& at_end);
// How many pairs are inside, how many cases ran, by how much pairs err, and who is furthest outside.
struct cases_run {
    std::size_t ran = 0;
    std::size_t asked_for = 0;
};
[[nodiscard]] std::string total_text(const tally& t, const cases_run& cases);
[[nodiscard]] nlohmann::ordered_json json_of(const tally& t);
[[nodiscard]] nlohmann::ordered_json json_of(const compared& c);

[[nodiscard]] std::string series_text(const series_comparison& s);
[[nodiscard]] nlohmann::ordered_json json_of(const series_comparison& s);

[[nodiscard]] std::string explanation_text(const series_comparison& s, const departure& d,
                                           const reclaim_log& log);
[[nodiscard]] nlohmann::ordered_json explanation_json(const series_comparison& s, const departure& d,
                                                      const reclaim_log& log);

} // namespace pagesim::program
