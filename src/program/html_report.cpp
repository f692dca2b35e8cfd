// SPDX-License-Identifier: MIT
#include "html_report.hpp"

#include <array>
#include <utility>

namespace pagesim::program {

// The files of src/program/html (cmake/embed_files.cmake).
namespace html {
extern const std::string_view uplot_js;
extern const std::string_view uplot_css;
extern const std::string_view uplot_license;
extern const std::string_view report_js;
extern const std::string_view report_css;
extern const std::string_view report_html;
} // namespace html

namespace {

std::string replace_all(std::string_view text, std::string_view what, std::string_view by) {
    std::string out;
    for (std::size_t at = 0;;) {
        const std::size_t found = text.find(what, at);
        out += text.substr(at, found - at);
        if (found == std::string_view::npos) return out;
        out += by;
        at = found + what.size();
    }
}

std::string escape_html(std::string_view text) {
    return replace_all(replace_all(replace_all(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;");
}

} // namespace

std::string html_report(std::string_view title, std::vector<nlohmann::ordered_json> runs) {
    nlohmann::ordered_json data = nlohmann::ordered_json::array();
    for (nlohmann::ordered_json& run : runs) {
        run.erase("marks");
        run.erase("host");
        data.push_back(std::move(run));
    }
    // No name of a file or a process may end the element that holds the data.
    const std::string text = replace_all(data.dump(), "<", "\\u003c");
    const std::array<std::pair<std::string_view, std::string>, 7> parts{{
        {"TITLE", escape_html(title)},
        {"UPLOT_CSS", std::string{html::uplot_css}},
        {"REPORT_CSS", std::string{html::report_css}},
        {"RUNS", text},
        {"UPLOT_LICENSE", std::string{html::uplot_license}},
        {"UPLOT_JS", std::string{html::uplot_js}},
        {"REPORT_JS", std::string{html::report_js}},
    }};
    // One pass: what is put in is not looked at again.
    std::string out;
    std::string_view rest = html::report_html;
    while (!rest.empty()) {
        const std::size_t at = rest.find('@');
        out += rest.substr(0, at);
        if (at == std::string_view::npos) break;
        const std::size_t end = rest.find('@', at + 1);
        for (const auto& [name, value] : parts) {
            if (rest.substr(at + 1, end - at - 1) == name) out += value;
        }
        rest.remove_prefix(end + 1);
    }
    return out;
}

} // namespace pagesim::program
