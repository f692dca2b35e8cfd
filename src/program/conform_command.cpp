// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "input.hpp"
#include "output.hpp"
#include "outside_list.hpp"
#include "result_file.hpp"
#include "usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;
constexpr std::string_view after_prefix = "after.";

// The bar: inside the band, widened by 3 % of the real value or 32, whichever is more.
bool inside(double simulated, double real, const band& b) {
    const double tolerance = std::max(0.03 * real, 32.0);
    return simulated >= b.low - tolerance && simulated <= b.high + tolerance;
}

// What one simulated case counted.
struct counted {
    vmstat delta; // AFTER - BEFORE
    vmstat after;
};

double simulated(const counted& c, std::string_view counter) {
    const bool after = counter.substr(0, after_prefix.size()) == after_prefix;
    double sum = 0;
    for (const std::string& name : summands(after ? counter.substr(after_prefix.size()) : counter)) {
        const auto item = vm_item_from_name(name);
        if (item) sum += static_cast<double>((after ? c.after : c.delta).raw(*item));
    }
    return sum;
}

// Each headline counter of a case.
std::vector<verdict> judge(const result_file& result, const counted& s) {
    std::vector<verdict> verdicts;
    for (const std::string_view counter : headline_counters()) {
        verdict v{.case_id = result.id(),
                  .counter = counter,
                  .simulated = simulated(s, counter),
                  .real = result.real(counter)};
        const band b = result.band_of(counter);
        v.low = b.low;
        v.high = b.high;
        v.inside = inside(v.simulated, v.real, b);
        verdicts.push_back(std::move(v));
    }
    return verdicts;
}

unsigned count_inside(const std::vector<verdict>& verdicts) {
    return static_cast<unsigned>(
        std::count_if(verdicts.begin(), verdicts.end(), [](const verdict& v) { return v.inside; }));
}

void print_case(const result_file& result, const std::vector<verdict>& verdicts) {
    fmt::print(
        "\n{:<28} {:>12} {:>25} {:>12}\n",
        fmt::format("{} {} {} {}", result.case_name(), result.kernel(), result.policy(), result.swap()),
        "real", "band", "simulated");
    for (const verdict& v : verdicts) {
        fmt::print("{:<28} {:>12.0f} {:>25} {:>12.0f} {}\n", v.counter, v.real,
                   fmt::format("{:.0f}..{:.0f}", v.low, v.high), v.simulated,
                   v.inside ? "inside" : "OUTSIDE");
    }
    fmt::print("{} of {} headline counters inside\n", count_inside(verdicts), verdicts.size());
}

json case_as_json(const result_file& result, const counted& s) {
    json counters = json::object();
    for (unsigned i = 0; i < static_cast<unsigned>(vm_item::count_); ++i) {
        const auto item = static_cast<vm_item>(i);
        counters[std::string{vm_item_name(item)}] = s.delta.raw(item);
    }
    for (const std::string_view counter : headline_counters()) {
        counters[std::string{counter}] = static_cast<std::int64_t>(simulated(s, counter));
    }
    return {{"file", result.path()}, {"kernel", result.kernel()},  {"policy", result.policy()},
            {"swap", result.swap()}, {"case", result.case_name()}, {"simulated", std::move(counters)}};
}

// Runs one case; refuses by name what it needs and this version has not.
counted run_case(const result_file& result, const std::string& ops_dir) {
    const std::string missing = result.missing();
    if (!missing.empty()) throw usage_error{fmt::format("{}: {}", result.path(), missing)};
    const machine_config config = result.machine();
    if (const auto wrong = find_fault_in(config)) {
        throw usage_error{fmt::format("{}: {}", result.path(), *wrong)};
    }
    const std::filesystem::path ops = std::filesystem::path{ops_dir} / result.ops();
    const opened_input input = open_input(ops.string(), "ops");
    machine m{config};
    m.start(*input.stream, input.ranges);
    const vmstat before = m.stat();
    m.run();
    if (const auto& error = m.workload().error()) {
        throw usage_error{fmt::format("{}: {}", result.path(), to_string(*error))};
    }
    return {.delta = m.stat() - before, .after = m.stat()};
}

// Whether what is outside is what the list says.
bool as_listed(const outside_list& list, const std::vector<verdict>& verdicts) {
    list.check_cases(verdicts);
    const outside_list::difference d = list.compare(verdicts);
    for (const std::string& line : d.left) fmt::print(stderr, "pagesim: {}\n", line);
    for (const std::string& line : d.came_inside) fmt::print(stderr, "pagesim: {}\n", line);
    if (!d.empty())
        fmt::print("not as listed: {} pairs outside, {} inside\n", d.left.size(), d.came_inside.size());
    return d.empty();
}

// All cases that ran; `refused` says whether one did not.
struct outcome {
    json cases = json::array();
    std::vector<verdict> verdicts;
    std::set<std::string> ids;
    bool refused = false;
};

void conform_to(const std::string& path, const conform_options& o, outcome& out) {
    const result_file result{path};
    if (!out.ids.insert(result.id()).second && !o.known_outside_file.empty())
        throw usage_error{fmt::format("{}: another result is called '{}', too", path, result.id())};
    const counted s = run_case(result, o.ops_dir);
    std::vector<verdict> verdicts = judge(result, s);
    if (!o.quiet) print_case(result, verdicts);
    std::move(verdicts.begin(), verdicts.end(), std::back_inserter(out.verdicts));
    out.cases.push_back(case_as_json(result, s));
}

} // namespace

int conform_command(const conform_options& o) {
    check_writable("--json", o.json_file);
    check_writable("--write-outside", o.write_outside_file);
    std::optional<outside_list> known;
    if (!o.known_outside_file.empty()) known = outside_list::read(o.known_outside_file);
    outcome out;
    for (const std::string& path : o.results) {
        try {
            conform_to(path, o, out);
        } catch (const usage_error& e) {
            fmt::print(stderr, "pagesim: {}\n", e.what());
            out.refused = true;
        }
    }
    const unsigned in = count_inside(out.verdicts);
    fmt::print("{}{} of {} pairs inside, {} of {} cases ran\n", o.quiet ? "" : "\n", in, out.verdicts.size(),
               out.cases.size(), o.results.size());
    if (!o.json_file.empty()) write_file(o.json_file, json{{"cases", std::move(out.cases)}}.dump(1) + "\n");
    if (!o.write_outside_file.empty()) write_file(o.write_outside_file, outside_list_of(out.verdicts));
    if (out.refused) return bad_input_or_option;
    if (known && !as_listed(*known, out.verdicts)) return failed;
    return o.strict && in != out.verdicts.size() ? failed : ended;
}

} // namespace pagesim::program
