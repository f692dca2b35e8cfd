// SPDX-License-Identifier: MIT
#include <pagesim/workload/perf_script.hpp>

#include "fields.hpp"

#include <fmt/format.h>

namespace pagesim {

namespace {

// "671", "671/672" or "name-671": the process.
maybe_number process_of(std::string_view word) {
    std::string_view rest = word;
    const auto number = take_decimal(rest);
    if (rest.empty() || rest.front() == '/') return number;
    const std::size_t dash = word.rfind('-');
    return dash == std::string_view::npos ? maybe_number{} : decimal(word.substr(dash + 1));
}

// It is told by one of the last three words before the time; the others may be the CPU and ftrace's flags.
std::uint64_t process_before(std::string_view text) {
    for (unsigned i = 0; i < 3; ++i) {
        if (const auto n = process_of(last_word(text))) return *n;
    }
    return perf_line::no_process;
}

struct sample {
    maybe_number address;
    reference_kind kind = reference_kind::load;
};

// The number behind "name=", hexadecimal with or without 0x.
maybe_number value_of(std::string_view text, std::string_view name) {
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view rest = text.substr(at + name.size());
    std::string_view word = next_word(rest);
    if (word.starts_with("0x")) word.remove_prefix(2);
    return hexadecimal(word);
}

// What perf prints behind an instruction's address, and never behind one of data.
bool is_symbol(std::string_view word) {
    return word.find("+0x") != std::string_view::npos || word.starts_with('(') || word == "[unknown]";
}

sample sample_of(std::string_view rest) {
    sample s;
    const std::string_view all = rest;
    std::string_view event = next_word(rest);
    std::string_view word = event;
    if (!event.empty()) {
        const std::string_view behind = rest;
        word = next_word(rest);
        if (!word.empty() && word.back() == ':') { // behind a period
            event = word;
            word = next_word(rest);
        }
        if (event.back() == ':') {
            if (event.find("store") != std::string_view::npos) s.kind = reference_kind::store;
        } else {
            word = event;
            rest = behind;
        }
    }
    if (word.starts_with("0x")) word.remove_prefix(2);
    s.address = hexadecimal(word);
    std::string_view ahead = rest;
    if (s.address && is_symbol(next_word(ahead))) return {}; // perf script without -F: where, not what
    if (s.address) {
        if (rest.find("OP STORE") != std::string_view::npos) s.kind = reference_kind::store;
        return s;
    }
    s.address = value_of(all, "address=");
    if (!s.address) s.address = value_of(all, "addr=");
    if (const auto code = value_of(all, "error_code="); code && (*code & 2U) != 0)
        s.kind = reference_kind::store;
    return s;
}

} // namespace

std::optional<perf_line> split_perf_line(std::string_view line) {
    for (std::size_t at = line.find(':'); at != std::string_view::npos; at = line.find(':', at + 1)) {
        const std::string_view rest = line.substr(at + 1);
        std::string_view before = line.substr(0, at);
        if (at_word_begin(before) || !at_word_end(rest)) continue;
        if (const auto ns = seconds_of(last_word(before)))
            return perf_line{.ns = *ns, .process = process_before(before), .rest = rest};
    }
    return std::nullopt;
}

bool perf_script_stream::is_of_first_process(const perf_line& p) {
    if (!std::exchange(begun_, true)) process_ = p.process;
    return p.process == process_;
}

std::string perf_script_stream::take(std::string_view line) {
    if (line.front() == '\t') {
        pass_over();
        return {};
    }
    const auto p = split_perf_line(line);
    if (!p) {
        if (!trimmed(line).empty())
            return fmt::format("{} has no time such as 12.345678: in it", in_quotes(line));
        pass_over();
        return {};
    }
    count_record();
    if (!is_of_first_process(*p)) {
        skip_here("a sample of another process");
        return {};
    }
    const sample s = sample_of(p->rest);
    if (!s.address || *s.address == 0) {
        skip_here("a sample without an address");
    } else if (*s.address >= user_address_end) {
        skip_here("an address beyond 48 bits");
    } else {
        pass_time(sim_time{p->ns});
        refer(*s.address >> page_shift, s.kind);
    }
    return {};
}

} // namespace pagesim
