// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "input.hpp"
#include "output.hpp"
#include "result_file.hpp"
#include "usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

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

struct tally {
    unsigned inside = 0;
    unsigned all = 0;
};

tally print_case(const result_file& result, const counted& s) {
    tally t;
    fmt::print(
        "\n{:<28} {:>12} {:>25} {:>12}\n",
        fmt::format("{} {} {} {}", result.case_name(), result.kernel(), result.policy(), result.swap()),
        "real", "band", "simulated");
    for (const std::string_view counter : headline_counters()) {
        const double real = result.real(counter);
        const band b = result.band_of(counter);
        const double ours = simulated(s, counter);
        const bool in = inside(ours, real, b);
        ++t.all;
        t.inside += in ? 1U : 0U;
        fmt::print("{:<28} {:>12.0f} {:>25} {:>12.0f} {}\n", counter, real,
                   fmt::format("{:.0f}..{:.0f}", b.low, b.high), ours, in ? "inside" : "OUTSIDE");
    }
    fmt::print("{} of {} headline counters inside\n", t.inside, t.all);
    return t;
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

} // namespace

int conform_command(const conform_options& o) {
    check_writable("--json", o.json_file);
    json cases = json::array();
    tally total;
    bool refused = false;
    for (const std::string& path : o.results) {
        try {
            const result_file result{path};
            const counted s = run_case(result, o.ops_dir);
            const tally t = print_case(result, s);
            total.inside += t.inside;
            total.all += t.all;
            cases.push_back(case_as_json(result, s));
        } catch (const usage_error& e) {
            fmt::print(stderr, "pagesim: {}\n", e.what());
            refused = true;
        }
    }
    fmt::print("\n{} of {} pairs inside, {} of {} cases ran\n", total.inside, total.all, cases.size(),
               o.results.size());
    if (!o.json_file.empty()) write_file(o.json_file, json{{"cases", std::move(cases)}}.dump(1) + "\n");
    if (refused) return bad_input_or_option;
    return o.strict && total.inside != total.all ? failed : ended;
}

} // namespace pagesim::program
