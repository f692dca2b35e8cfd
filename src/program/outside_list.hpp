// SPDX-License-Identifier: MIT
// The pairs of a case and a counter that are known to be outside the bar, as a text file.
//
//     # a comment
//     6.1-classic-zram/mixed pageoutrun
//
// Every other pair has to be inside. The list is honest: a pair that is on it and is inside is a mistake, too, so
// what was gained once can't be lost again unnoticed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pagesim::program {

// One counter of one case, held against the real one.
struct verdict {
    std::string case_id;
    std::string_view counter;
    double simulated = 0;
    double real = 0;
    double low = 0; // of the band
    double high = 0;
    bool inside = false;
};

class outside_list {
public:
    // Throws usage_error with file, line and reason: an unreadable file, a line that is no pair, an unknown
    // counter, a pair that is there twice.
    static outside_list read(const std::string& path);

    // Throws usage_error if a pair's case is not among those that ran.
    void check_cases(const std::vector<verdict>& verdicts) const;
    // What is not as the list says, one line a pair.
    struct difference {
        std::vector<std::string> left;        // outside, and not on the list
        std::vector<std::string> came_inside; // on the list
        [[nodiscard]] bool empty() const { return left.empty() && came_inside.empty(); }
    };
    [[nodiscard]] difference compare(const std::vector<verdict>& verdicts) const;

private:
    using pair = std::pair<std::string, std::string>; // case and counter

    void take_line(std::string_view line, unsigned number);

    std::string path_;
    std::map<pair, unsigned> lines_; // where a pair stands
};

// The text of a list of those that are outside.
[[nodiscard]] std::string outside_list_of(const std::vector<verdict>& verdicts);

} // namespace pagesim::program
