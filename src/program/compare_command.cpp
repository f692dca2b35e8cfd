// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "html_report.hpp"
#include "output.hpp"
#include "usage_error.hpp"

#include <pagesim/version.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;

std::string read_all(const std::string& path) {
    if (path == "-") return {std::istreambuf_iterator<char>{std::cin}, {}};
    std::ifstream in{path, std::ios::binary};
    if (!in || std::filesystem::is_directory(path)) throw usage_error{fmt::format("{}: can't be read", path)};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// A curve has a number for each sample.
void check_curve(const json& values, std::size_t samples) {
    const bool numbers = values.is_array() && std::all_of(values.begin(), values.end(),
                                                          [](const json& v) { return v.is_number(); });
    if (!numbers || values.size() != samples) throw std::runtime_error{"its series is damaged"};
}

void check_series(const json& series) {
    const std::size_t samples = series.at("time_ns").size();
    for (const char* name : {"time_ns", "memstall_some_ns", "memstall_full_ns"}) {
        check_curve(series.at(name), samples);
    }
    for (const char* group : {"vmstat", "verdicts"}) {
        for (const auto& [name, values] : series.at(group).items()) check_curve(values, samples);
    }
    for (const json& zone : series.at("zones")) {
        static_cast<void>(zone.at("name").get<std::string>());
        for (const char* level : {"free", "min", "low", "high"}) check_curve(zone.at(level), samples);
    }
    if (samples == 0) throw std::runtime_error{"its series is empty"};
}

json read_run(const std::string& path) {
    const std::string text = read_all(path);
    json run;
    try {
        run = json::parse(text);
    } catch (const json::parse_error& e) {
        const std::size_t at = std::min(e.byte, text.size());
        const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
        throw usage_error{fmt::format("{}:{}: is not JSON", path, line)};
    }
    try {
        static_cast<void>(run.at("pagesim").get<std::string>());
        for (const char* part : {"configuration", "time_ns", "verdicts", "vmstat", "mmu"}) {
            if (!run.at(part).is_object())
                throw std::runtime_error{fmt::format("'{}' is not an object", part)};
        }
        static_cast<void>(run.at("outcome_text").get<std::string>());
        if (run.contains("series")) check_series(run["series"]);
    } catch (const std::exception& e) {
        std::string_view reason = e.what(); // behind "[json.exception...] "
        if (reason.starts_with('[')) reason.remove_prefix(std::min(reason.find("] ") + 2, reason.size()));
        throw usage_error{fmt::format("{}: is not what `run --json` writes: {}", path, reason)};
    }
    return run;
}

// File names without folders and ".json"; all of the path where two would be the same.
std::vector<std::string> labels_of(const std::vector<std::string>& paths) {
    std::map<std::string, unsigned> uses;
    const auto short_name = [](const std::string& path) {
        return path == "-" ? "standard input" : std::filesystem::path{path}.stem().string();
    };
    for (const std::string& p : paths) ++uses[short_name(p)];
    std::vector<std::string> out;
    for (const std::string& p : paths) out.push_back(uses[short_name(p)] == 1 ? short_name(p) : p);
    return out;
}

std::string text_of(const json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); }

// The value, and how many times the first run's it is.
std::string cell_of(const json* value, const json* first) {
    if (value == nullptr) return "-";
    std::string out = text_of(*value);
    if (first == nullptr || first == value || !value->is_number() || !first->is_number()) return out;
    const double base = first->get<double>();
    if (base != 0 && *value != *first) out += fmt::format(" (x{:.3g})", value->get<double>() / base);
    return out;
}

class side_by_side {
public:
    side_by_side(const std::vector<json>& runs, const std::vector<std::string>& labels, bool all)
        : runs_{runs}, all_{all} {
        rows_.push_back({""});
        for (const std::string& l : labels) rows_.back().push_back(l);
    }

    // A row for each name that any of the runs has in `part`, in the first one's order.
    void add_part(const char* title, const char* part) {
        std::vector<std::string> names;
        for (const json& run : runs_) {
            for (const auto& [name, value] : run.at(part).items()) {
                if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
            }
        }
        const std::size_t heading = rows_.size();
        for (const std::string& name : names) {
            std::vector<const json*> values;
            for (const json& run : runs_) {
                const auto found = run.at(part).find(name);
                values.push_back(found == run.at(part).end() ? nullptr : &*found);
            }
            add_row(name, values);
        }
        if (rows_.size() > heading)
            rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(heading),
                         std::vector<std::string>{title});
    }
    void add_value(const char* name) {
        std::vector<const json*> values;
        for (const json& run : runs_) values.push_back(run.contains(name) ? &run.at(name) : nullptr);
        add_row(name, values);
    }

    [[nodiscard]] std::string text() const {
        std::vector<std::size_t> width;
        for (const auto& row : rows_) {
            if (row.size() == 1) continue;
            width.resize(row.size());
            for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
        }
        std::string out;
        for (const auto& row : rows_) {
            if (row.size() == 1) {
                out += fmt::format("\n{}\n", row.front());
                continue;
            }
            std::string line = fmt::format("  {:<{}}", row[0], width[0]);
            for (std::size_t i = 1; i < row.size(); ++i) line += fmt::format("  {:>{}}", row[i], width[i]);
            out += line + "\n";
        }
        return out;
    }

private:
    void add_row(const std::string& name, const std::vector<const json*>& values) {
        const json* const first = values.front();
        const bool equal = std::all_of(values.begin(), values.end(), [&](const json* v) {
            return v == nullptr ? first == nullptr : first != nullptr && *v == *first;
        });
        if (equal && !all_) return;
        std::vector<std::string> row{name};
        for (const json* v : values) row.push_back(cell_of(v, first));
        rows_.push_back(std::move(row));
    }

    const std::vector<json>& runs_;
    bool all_;
    std::vector<std::vector<std::string>> rows_; // of one cell: a heading
};

} // namespace

int compare_command(const compare_options& o) {
    check_writable("--html", o.html_file);
    std::vector<json> runs;
    for (const std::string& path : o.runs) runs.push_back(read_run(path));
    const std::vector<std::string> labels = labels_of(o.runs);
    side_by_side table{runs, labels, o.all};
    for (const char* name : {"pagesim", "outcome_text", "accesses", "task_switches", "fingerprint"}) {
        table.add_value(name);
    }
    table.add_value("input");
    table.add_part("configuration", "configuration");
    table.add_part("time_ns", "time_ns");
    table.add_part("verdicts", "verdicts");
    table.add_part("vmstat", "vmstat");
    table.add_part("mmu", "mmu");
    write_file("-", fmt::format("# pagesim {}: {} runs; {}, x: times the first\n", version, runs.size(),
                                o.all ? "all lines" : "lines that differ") +
                        table.text());
    if (o.html_file.empty()) return ended;
    for (std::size_t i = 0; i < runs.size(); ++i) runs[i]["label"] = labels[i];
    const std::string title = fmt::format("pagesim: {} runs", runs.size());
    write_file(o.html_file, html_report(title, std::move(runs)));
    return ended;
}

} // namespace pagesim::program
