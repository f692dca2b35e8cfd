// SPDX-License-Identifier: MIT
#include "outside_list.hpp"

#include "result_file.hpp"
#include "usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace pagesim::program {

namespace {

std::string numbers_of(const verdict& v) {
    return fmt::format("simulated {:.0f}, real {:.0f}, band {:.0f}..{:.0f}", v.simulated, v.real, v.low,
                       v.high);
}

} // namespace

outside_list outside_list::read(const std::string& path) {
    std::ifstream in{path};
    if (!in) throw usage_error{fmt::format("--known-outside: {}: can't be read", path)};
    outside_list list;
    list.path_ = path;
    unsigned number = 0;
    for (std::string line; std::getline(in, line);) list.take_line(line, ++number);
    if (in.bad()) throw usage_error{fmt::format("--known-outside: {}: can't be read", path)};
    return list;
}

void outside_list::take_line(std::string_view line, unsigned number) {
    std::istringstream in{std::string{line}};
    const std::vector<std::string> words{std::istream_iterator<std::string>{in}, {}};
    if (words.empty() || words[0].front() == '#') return;
    const auto wrong = [&](std::string_view reason) {
        return usage_error{fmt::format("{}:{}: {}", path_, number, reason)};
    };
    if (words.size() != 2) throw wrong("expected: CASE COUNTER");
    const auto& known = headline_counters();
    if (std::find(known.begin(), known.end(), words[1]) == known.end())
        throw wrong(fmt::format("'{}' is no headline counter", words[1]));
    if (!lines_.try_emplace({words[0], words[1]}, number).second)
        throw wrong("this pair is on the list already");
}

void outside_list::check_cases(const std::vector<verdict>& verdicts) const {
    std::set<std::string_view> ran;
    for (const verdict& v : verdicts) ran.insert(v.case_id);
    for (const auto& [listed, number] : lines_) {
        if (ran.find(listed.first) == ran.end())
            throw usage_error{
                fmt::format("{}:{}: no result of a case '{}' was given", path_, number, listed.first)};
    }
}

outside_list::difference outside_list::compare(const std::vector<verdict>& verdicts) const {
    difference d;
    for (const verdict& v : verdicts) {
        const auto at = lines_.find({v.case_id, std::string{v.counter}});
        if (at == lines_.end() && !v.inside)
            d.left.push_back(fmt::format("{} {} is outside: {}", v.case_id, v.counter, numbers_of(v)));
        if (at != lines_.end() && v.inside)
            d.came_inside.push_back(fmt::format("{} {} is inside now: {}; take it off the list, {}:{}",
                                                v.case_id, v.counter, numbers_of(v), path_, at->second));
    }
    return d;
}

std::string outside_list_of(const std::vector<verdict>& verdicts) {
    std::string text =
        "# SPDX-License-Identifier: MIT\n"
        "# Pairs of a case and a counter that are outside the bar (docs/fidelity.md), written by\n"
        "# pagesim conform --write-outside.\n";
    for (const verdict& v : verdicts) {
        if (!v.inside) text += fmt::format("{} {}\n", v.case_id, v.counter);
    }
    return text;
}

} // namespace pagesim::program
