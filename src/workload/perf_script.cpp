// SPDX-License-Identifier: MIT
#include <pagesim/workload/perf_script.hpp>

#include "fields.hpp"

#include <fmt/format.h>

#include <array>

namespace pagesim {

namespace {

// "671", "671/672" or "name-671": the process.
std::optional<std::uint64_t> process_of(std::string_view word) {
    const std::size_t slash = word.find('/');
    if (slash != std::string_view::npos) return decimal(word.substr(0, slash));
    if (const auto number = decimal(word)) return number;
    const std::size_t dash = word.rfind('-');
    return dash == std::string_view::npos ? std::nullopt : decimal(word.substr(dash + 1));
}

// Of the words that precede the time, the last ones: process, CPU, and ftrace's flags.
class words_before {
public:
    void push(std::string_view word) {
        for (std::size_t i = last_.size() - 1; i > 0; --i) last_[i] = last_[i - 1];
        last_[0] = word;
    }
    [[nodiscard]] std::optional<std::uint64_t> process() const {
        for (std::size_t i = 0; i < last_.size(); ++i) {
            if (last_[i].empty()) break;
            if (last_[i].front() == '[') continue;
            if (const auto n = process_of(last_[i])) return n;
        }
        return std::nullopt;
    }

private:
    std::array<std::string_view, 3> last_{};
};

struct sample {
    std::optional<std::uint64_t> address;
    reference_kind kind = reference_kind::load;
};

// The number behind "name=", hexadecimal with or without 0x.
std::optional<std::uint64_t> value_of(std::string_view text, std::string_view name) {
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
    std::string_view word = next_word(rest);
    std::string_view ahead = rest;
    const std::string_view second = next_word(ahead);
    if (!second.empty() && second.back() == ':') { // behind a period
        word = second;
        rest = ahead;
    }
    if (!word.empty() && word.back() == ':') {
        if (word.find("store") != std::string_view::npos) s.kind = reference_kind::store;
        word = next_word(rest);
    }
    if (word.starts_with("0x")) word.remove_prefix(2);
    s.address = hexadecimal(word);
    ahead = rest;
    if (s.address && is_symbol(next_word(ahead))) return {}; // perf script without -F: where, not what
    if (s.address) {
        if (rest.find("OP STORE") != std::string_view::npos) s.kind = reference_kind::store;
        return s;
    }
    s.address = value_of(all, "address=");
    if (!s.address) s.address = value_of(all, "addr=");
    if ((value_of(all, "error_code=").value_or(0) & 2U) != 0) s.kind = reference_kind::store;
    return s;
}

} // namespace

std::optional<perf_line> split_perf_line(std::string_view line) {
    words_before before;
    for (std::string_view rest = line;;) {
        const std::string_view word = next_word(rest);
        if (word.empty()) return std::nullopt;
        if (word.back() == ':') {
            if (const auto ns = seconds_of(word.substr(0, word.size() - 1)))
                return perf_line{.ns = *ns, .process = before.process(), .rest = rest};
        }
        before.push(word);
    }
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
