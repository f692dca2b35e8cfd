// SPDX-License-Identifier: MIT
#include <pagesim/stat/ftrace_line.hpp>

#include <charconv>

namespace pagesim {

namespace {

template <typename Number>
std::optional<Number> decimal(std::string_view text) {
    Number n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_blanks(std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return s;
}

// Takes the first word off.
std::string_view take_word(std::string_view& rest) {
    rest = without_blanks(rest);
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    return word;
}

// "6.893560:", with any number of places.
std::optional<std::uint64_t> microseconds(std::string_view word) {
    constexpr std::uint64_t latest = 1'000'000'000'000; // seconds
    if (word.empty() || word.back() != ':') return std::nullopt;
    word.remove_suffix(1);
    const std::size_t point = word.find('.');
    if (point == std::string_view::npos) return std::nullopt;
    const auto seconds = decimal<std::uint64_t>(word.substr(0, point));
    std::string_view places = word.substr(point + 1);
    if (!seconds || *seconds >= latest || !decimal<std::uint64_t>(places)) return std::nullopt;
    std::uint64_t us = 0;
    for (std::size_t i = 0; i < 6; ++i) {
        us = us * 10 + (i < places.size() ? static_cast<std::uint64_t>(places[i] - '0') : 0);
    }
    return *seconds * 1'000'000 + us;
}

// "kswapd0-37", "kswapd0-37 (  37)", "kswapd0    37" or "kswapd0  37/37".
bool take_task(std::string_view before, ftrace_line& line) {
    before = without_blanks(before);
    if (!before.empty() && before.back() == ')') {
        const std::size_t group = before.rfind('(');
        if (group == std::string_view::npos) return false;
        before = without_blanks(before.substr(0, group));
    }
    std::size_t number = before.size();
    while (number > 0 && is_digit(before[number - 1])) --number;
    const auto pid = decimal<std::uint32_t>(before.substr(number));
    if (!pid || number < 2) return false;
    if (before[number - 1] == '/') { // the thread; before it the process
        --number;
        while (number > 0 && is_digit(before[number - 1])) --number;
        if (number == 0) return false;
    }
    if (before[number - 1] != '-' && before[number - 1] != ' ') return false;
    line.pid = *pid;
    line.comm = without_blanks(before.substr(0, number - 1));
    return !line.comm.empty();
}

// What follows the CPU: flags, which may be missing, the time, the event and its fields.
bool take_event(std::string_view rest, ftrace_line& line) {
    std::string_view word = take_word(rest);
    auto time = microseconds(word);
    if (!time) time = microseconds(take_word(rest));
    if (!time) return false;
    line.us = *time;
    word = take_word(rest);
    if (word.size() < 2 || word.back() != ':') return false;
    word.remove_suffix(1);
    line.event = word.substr(word.rfind(':') + 1); // perf names the group, too
    line.fields = without_blanks(rest);
    return !line.event.empty();
}

} // namespace

std::optional<std::string_view> ftrace_line::text(std::string_view name) const {
    for (std::size_t at = fields.find(name); at != std::string_view::npos; at = fields.find(name, at + 1)) {
        const std::size_t equals = at + name.size();
        const bool begins = at == 0 || fields[at - 1] == ' ';
        if (!begins || equals >= fields.size() || fields[equals] != '=') continue;
        const std::string_view value = fields.substr(equals + 1);
        return value.substr(0, value.find(' '));
    }
    return std::nullopt;
}

std::optional<std::uint64_t> ftrace_line::number(std::string_view name) const {
    const auto word = text(name);
    if (!word) return std::nullopt;
    if (word->starts_with('-')) {
        return decimal<std::int64_t>(*word) ? std::optional<std::uint64_t>{0} : std::nullopt;
    }
    return decimal<std::uint64_t>(*word);
}

std::optional<ftrace_line> parse_ftrace_line(std::string_view text) {
    for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
        const std::size_t end = text.find(']', at);
        if (end == std::string_view::npos) return std::nullopt;
        ftrace_line line;
        const bool is_cpu = decimal<std::uint32_t>(text.substr(at + 1, end - at - 1)).has_value();
        if (is_cpu && take_task(text.substr(0, at), line) && take_event(text.substr(end + 1), line))
            return line;
    }
    return std::nullopt;
}

} // namespace pagesim
