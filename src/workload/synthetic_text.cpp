// SPDX-License-Identifier: MIT
// A synthetic stream's parameters as text, there and back.
#include <pagesim/workload/synthetic.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace pagesim {

namespace {

struct named_kind {
    std::string_view name;
    synthetic_kind kind;
};
constexpr std::array<named_kind, 4> kinds{{{"zipf", synthetic_kind::zipf},
                                           {"uniform", synthetic_kind::uniform},
                                           {"seqloop", synthetic_kind::seqloop},
                                           {"hotcold", synthetic_kind::hotcold}}};

std::string_view name_of(synthetic_kind k) {
    for (const named_kind& n : kinds) {
        if (n.kind == k) return n.name;
    }
    return {};
}

const named_kind* kind_of(std::string_view text) {
    const std::string_view name = text.substr(0, text.find(':'));
    for (const named_kind& n : kinds) {
        if (n.name == name && name.size() < text.size()) return &n;
    }
    return nullptr;
}

// A whole number, perhaps with k, M or G behind it.
std::optional<std::uint64_t> count_in(std::string_view text) {
    std::uint64_t n = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, n);
    const std::string_view unit{rest, static_cast<std::size_t>(end - rest)};
    std::uint64_t scale = 1;
    if (unit == "k") scale = 1000;
    if (unit == "M") scale = 1'000'000;
    if (unit == "G") scale = 1'000'000'000;
    if (error != std::errc{} || (scale == 1 && !unit.empty())) return std::nullopt;
    if (n > std::numeric_limits<std::uint64_t>::max() / scale) return std::nullopt;
    return n * scale;
}

// A number with at most six decimals, in millionths; at most 1000.
std::optional<std::uint64_t> millionths_in(std::string_view text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, point);
    const std::string_view decimals = point < text.size() ? text.substr(point + 1) : std::string_view{};
    if (whole.empty() || whole.size() > 3 || decimals.size() > 6 || point + 1 == text.size())
        return std::nullopt;
    std::uint64_t value = 0;
    for (const std::string_view digits : {whole, decimals}) {
        for (const char c : digits) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + static_cast<std::uint64_t>(c - '0');
        }
    }
    for (std::size_t i = decimals.size(); i < 6; ++i) value *= 10;
    return value;
}

constexpr std::uint64_t million = 1'000'000;

struct bounds {
    std::uint64_t low;
    std::uint64_t high;
};

// Reads a parameter into `to`; what is wrong, or nothing.
std::string read_count(std::string_view name, std::string_view text, bounds b, std::uint64_t& to) {
    const auto n = count_in(text);
    if (!n) return fmt::format("{}: '{}' is not a whole number such as 5000, 200k or 5M", name, text);
    if (*n < b.low || *n > b.high) return fmt::format("{}: {} is not from {} to {}", name, *n, b.low, b.high);
    to = *n;
    return {};
}

std::string read_millionths(std::string_view name, std::string_view text, std::uint64_t most,
                            std::uint64_t& to) {
    const auto n = millionths_in(text);
    if (!n) return fmt::format("{}: '{}' is not a number such as 0.25 with at most six decimals", name, text);
    if (*n > most) return fmt::format("{}: '{}' is not from 0 to {}", name, text, most / million);
    to = *n;
    return {};
}

std::string set(synthetic_config& c, std::string_view name, std::string_view value) {
    constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
    const bool hotcold = c.kind == synthetic_kind::hotcold;
    // A zipf stream keeps a table of its pages.
    const std::uint64_t most_pages =
        c.kind == synthetic_kind::zipf ? zipf_table::most_ranks : (1ULL << 32U) - 1;
    if (name == "pages") return read_count(name, value, {1, most_pages}, c.pages.value);
    if (name == "accesses") return read_count(name, value, {1, 1ULL << 60U}, c.accesses);
    if (name == "gap") return read_count(name, value, {1, access_record::max_instructions}, c.gap);
    if (name == "seed") return read_count(name, value, {0, any}, c.seed);
    if (name == "writes") return read_millionths(name, value, million, c.writes.value);
    if (name == "theta" && c.kind == synthetic_kind::zipf)
        return read_millionths(name, value, 10 * million, c.theta.millionths);
    if (name == "hot" && hotcold) return read_millionths(name, value, million, c.hot.value);
    if (name == "hot_accesses" && hotcold) return read_millionths(name, value, million, c.hot_accesses.value);
    if (name == "phase" && hotcold) return read_count(name, value, {0, any}, c.phase);
    if (name == "untouched") {
        if (value != "data" && value != "zero")
            return fmt::format("untouched: '{}' is neither data nor zero", value);
        c.untouched = value == "data" ? untouched_pages::hold_data : untouched_pages::read_as_zero;
        return {};
    }
    return fmt::format("{} has no parameter '{}'", name_of(c.kind), name);
}

std::string decimal(std::uint64_t millionths) {
    std::string text = fmt::format("{}.{:06}", millionths / million, millionths % million);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

} // namespace

bool is_synthetic(std::string_view text) { return kind_of(text) != nullptr; }

std::variant<synthetic_config, std::string> parse_synthetic(std::string_view text) {
    const named_kind* kind = kind_of(text);
    if (kind == nullptr)
        return fmt::format("'{}' begins by none of zipf:, uniform:, seqloop:, hotcold:", text);
    synthetic_config c{.kind = kind->kind};
    std::string_view rest = text.substr(kind->name.size() + 1);
    while (!rest.empty()) {
        const std::string_view word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) return fmt::format("'{}' is not NAME=VALUE", word);
        std::string wrong = set(c, word.substr(0, equals), word.substr(equals + 1));
        if (!wrong.empty()) return wrong;
    }
    return c;
}

std::string to_string(const synthetic_config& c) {
    const std::string_view untouched = c.untouched == untouched_pages::hold_data ? "data" : "zero";
    std::string text =
        fmt::format("{}:pages={},accesses={},writes={},gap={},seed={},untouched={}", name_of(c.kind),
                    c.pages.value, c.accesses, decimal(c.writes.value), c.gap, c.seed, untouched);
    if (c.kind == synthetic_kind::zipf) text += fmt::format(",theta={}", decimal(c.theta.millionths));
    if (c.kind == synthetic_kind::hotcold) {
        text += fmt::format(",hot={},hot_accesses={},phase={}", decimal(c.hot.value),
                            decimal(c.hot_accesses.value), c.phase);
    }
    return text;
}

} // namespace pagesim
