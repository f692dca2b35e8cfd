// SPDX-License-Identifier: MIT
// masim's configuration from its text.
#include <pagesim/base/assert.hpp>
#include <pagesim/workload/masim.hpp>
#include <pagesim/workload/ops.hpp>
#include <pagesim/workload/region_map.hpp>
#include <pagesim/workload/text_input.hpp>

#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t most_weight = 1'000'000'000;

class masim_parser {
public:
    // What is wrong with the line, or nothing.
    std::string take(std::string_view line) {
        const std::string_view text = trimmed(line);
        if (!line.empty() && line.front() == '#') {
            ++config.comments;
            return {};
        }
        if (text.empty()) {
            ++config.comments;
            return end_paragraph();
        }
        switch (expected_) {
        case expected::region: return take_region(text);
        case expected::phase_name:
            config.phases.push_back({.name = std::string{text}, .milliseconds = 0, .patterns = {}});
            expected_ = expected::phase_time;
            return {};
        case expected::phase_time: return take_time(text);
        case expected::pattern: return take_pattern(text);
        }
        return {};
    }
    std::string end() {
        if (config.regions.empty()) return "no regions";
        if (std::string wrong = end_paragraph(); !wrong.empty()) return wrong;
        return config.phases.empty() ? "no phases" : std::string{};
    }

    masim_config config;

private:
    enum class expected : std::uint8_t { region, phase_name, phase_time, pattern };

    std::string end_paragraph() {
        switch (expected_) {
        case expected::region:
            if (!config.regions.empty()) expected_ = expected::phase_name;
            return {};
        case expected::phase_name: return {};
        case expected::phase_time: return "the phase has no time";
        case expected::pattern:
            if (config.phases.back().patterns.empty()) return "the phase has no pattern";
            expected_ = expected::phase_name;
            return {};
        }
        return {};
    }

    std::string take_region(std::string_view line) {
        std::string_view rest = line;
        const std::string_view name = next_field(rest, ',');
        const auto bytes = decimal(rest.data() == nullptr ? rest : next_field(rest, ','));
        if (rest.data() != nullptr) static_cast<void>(next_field(rest, ','));
        if (!bytes || rest.data() != nullptr)
            return fmt::format("{} is not a region: NAME, BYTES", in_quotes(line));
        if (name.empty() || find_region(name))
            return fmt::format("region {} has no name of its own", in_quotes(name));
        masim_region r{.name = std::string{name}, .bytes = *bytes, .first = vpn{0}};
        if (*bytes == 0 || *bytes > most_region_pages.bytes())
            return fmt::format("a region has 1 byte to 4 TiB, not {}", *bytes);
        pages_ += r.pages();
        if (config.regions.size() == most_regions || pages_ > most_region_pages)
            return fmt::format("more than {} regions, or more than 4 TiB in all", most_regions);
        const auto first = map_.take(r.pages());
        PAGESIM_ASSERT(first); // 4 TiB fit
        r.first = *first;
        config.regions.push_back(std::move(r));
        return {};
    }

    std::string take_time(std::string_view line) {
        const auto ms = decimal(line);
        if (!ms || *ms > longest_sleep_ms)
            return fmt::format("{} is not a time in milliseconds, to {}", in_quotes(line), longest_sleep_ms);
        config.phases.back().milliseconds = *ms;
        expected_ = expected::pattern;
        return {};
    }

    std::string take_pattern(std::string_view line) {
        std::string_view rest = line;
        const std::string_view name = next_field(rest, ',');
        const auto region = find_region(name);
        if (!region) return fmt::format("no region {}", in_quotes(name));
        masim_pattern p{.region = *region};
        const auto number = [&rest] {
            return decimal(rest.data() == nullptr ? rest : next_field(rest, ','));
        };
        const auto random = number();
        const auto stride = number();
        const auto weight = number();
        if (!random || !stride || !weight || *random > 1 || *weight > most_weight)
            return fmt::format("{} is not a pattern: REGION, 0 or 1, STRIDE, WEIGHT, ro or wo or rw",
                               in_quotes(line));
        p.order = *random == 1 ? masim_order::random : masim_order::sequential;
        p.stride = std::min(*stride, config.regions[*region].bytes);
        p.weight = *weight;
        if (rest.data() != nullptr) {
            const std::string_view mode = next_field(rest, ',');
            if (rest.data() != nullptr || (mode != "ro" && mode != "wo" && mode != "rw"))
                return fmt::format("{} is neither ro nor wo nor rw", in_quotes(mode));
            if (mode == "ro") p.mode = masim_mode::read_only;
            if (mode == "rw") p.mode = masim_mode::read_write;
        }
        config.phases.back().patterns.push_back(p);
        return {};
    }

    [[nodiscard]] std::optional<std::size_t> find_region(std::string_view name) const {
        for (std::size_t i = 0; i < config.regions.size(); ++i) {
            if (config.regions[i].name == name) return i;
        }
        return std::nullopt;
    }

    expected expected_ = expected::region;
    page_count pages_;
    region_map map_;
};

} // namespace

std::variant<masim_config, input_error> read_masim(const std::string& path) {
    text_input input{path, content_hash::fnv1a};
    masim_parser parser;
    while (const auto line = input.next()) {
        if (std::string wrong = parser.take(*line); !wrong.empty()) return input.error_here(std::move(wrong));
    }
    if (input.error()) return *input.error();
    if (std::string wrong = parser.end(); !wrong.empty()) return input.error_here(std::move(wrong));
    parser.config.hash = input.hash();
    if (parser.config.accesses() == 0) return input_error{.file = path, .line = 0, .reason = "no accesses"};
    return std::move(parser.config);
}

} // namespace pagesim
