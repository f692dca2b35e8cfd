// SPDX-License-Identifier: MIT
#include <pagesim/workload/lackey.hpp>

#include <pagesim/workload/trace_stream.hpp>

#include "scan.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace pagesim {

namespace {

constexpr std::uint64_t address_end = 1ULL << 48U;
constexpr std::uint64_t largest_size = page_size;
constexpr unsigned not_a_digit = 16;

// The value of a lower-case hexadecimal digit.
constexpr std::array<std::uint8_t, 256> digit_values = [] {
    std::array<std::uint8_t, 256> values{};
    for (auto& v : values) v = not_a_digit;
    for (unsigned i = 0; i < 10; ++i) values['0' + i] = static_cast<std::uint8_t>(i);
    for (unsigned i = 0; i < 6; ++i) values['a' + i] = static_cast<std::uint8_t>(10 + i);
    return values;
}();

enum class line_kind : std::uint8_t { fetch, load, store };

struct reference {
    line_kind kind = line_kind::fetch;
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

constexpr unsigned head(char a, char b, char c) {
    return static_cast<unsigned char>(a) | unsigned{static_cast<unsigned char>(b)} << 8U |
           unsigned{static_cast<unsigned char>(c)} << 16U;
}

enum class line_verdict : std::uint8_t { reference, no_kind, no_address, address_too_high, no_size };

// "I  0401ab70,3" and the like. One pass, no allocation: this is where a trace's reading time goes.
inline line_verdict parse(std::string_view line, reference& out) {
    if (line.size() < 3) return line_verdict::no_kind;
    switch (head(line[0], line[1], line[2])) {
    case head('I', ' ', ' '): out.kind = line_kind::fetch; break;
    case head(' ', 'L', ' '): out.kind = line_kind::load; break;
    case head(' ', 'S', ' '):
    case head(' ', 'M', ' '): out.kind = line_kind::store; break;
    default: return line_verdict::no_kind;
    }
    const char* at = line.data() + 3;
    const char* const end = line.data() + line.size();
    const char* const digits = at;
    std::uint64_t address = 0;
    for (; at != end; ++at) {
        const unsigned digit = digit_values[static_cast<unsigned char>(*at)];
        if (digit == not_a_digit) break;
        address = address << 4U | digit;
    }
    if (at == digits || at - digits > 16 || at == end || *at != ',') return line_verdict::no_address;
    const char* const size_digits = ++at;
    std::uint64_t size = 0;
    for (; at != end && *at >= '0' && *at <= '9' && size <= largest_size; ++at) {
        size = size * 10 + static_cast<std::uint64_t>(*at - '0');
    }
    if (at == size_digits || at != end || size == 0 || size > largest_size) return line_verdict::no_size;
    if (address >= address_end || address + size > address_end) return line_verdict::address_too_high;
    out.address = address;
    out.size = size;
    return line_verdict::reference;
}

// "==PID==" or "--PID--" and anything behind it: valgrind's own.
bool is_banner(std::string_view line) {
    if (line.size() < 5 || line[0] != line[1] || (line[0] != '=' && line[0] != '-')) return false;
    std::size_t at = 2;
    while (at < line.size() && line[at] >= '0' && line[at] <= '9') ++at;
    return at > 2 && line.size() >= at + 2 && line[at] == line[0] && line[at + 1] == line[0];
}

} // namespace

std::string lackey_complaint(std::string_view line) {
    reference ignored;
    switch (parse(line, ignored)) {
    case line_verdict::no_kind:
        return fmt::format("{} is not a lackey record (I, L, S or M)", in_quotes(line));
    case line_verdict::no_address:
        return fmt::format("{}: no address of 1 to 16 hexadecimal digits and a comma behind it",
                           in_quotes(line));
    case line_verdict::address_too_high:
        return fmt::format("{}: ends beyond 48 bits of address", in_quotes(line));
    case line_verdict::no_size:
        return fmt::format("{}: no size from 1 to {} at its end", in_quotes(line), largest_size);
    case line_verdict::reference: break;
    }
    return {};
}

scan_result scan_lackey(const std::string& path) {
    lackey_stream stream{path, content_hash::fnv1a};
    page_set pages;
    scan_result result = scan(stream, pages);
    if (auto* f = std::get_if<footprint>(&result)) f->ranges = infer_ranges(pages);
    return result;
}

lackey_stream::lackey_stream(std::string path, content_hash hashing) : input_{std::move(path), hashing} {
    block_.reserve(block_records);
}

lackey_stream::lackey_stream(given_descriptor from, std::string name, content_hash hashing)
    : input_{from, std::move(name), hashing} {
    block_.reserve(block_records);
}

stream_item lackey_stream::next() {
    block_.clear();
    if (!last_) fill();
    if (!block_.empty()) return access_block{.records = block_};
    return *last_;
}

void lackey_stream::flush(open_run& run) {
    if (run.instructions + run.data == 0) return;
    block_.emplace_back(vpn{run.page}, static_cast<run_writes>(run.writes), instruction_role::fetched_here,
                        run.instructions, run.data);
    run = {};
}

void lackey_stream::fill() {
    open_run run = run_;
    stream_counts counts = counts_;
    const auto refer = [&](std::uint64_t page, std::uint64_t fetches, unsigned is_store) {
        if (page != run.page || run.instructions == access_record::max_instructions ||
            run.data == access_record::max_data) {
            flush(run);
            run.page = page;
        }
        run.writes |= is_store << (run.instructions + run.data == 0 ? 0U : 1U);
        run.instructions += fetches;
        run.data += 1 - fetches;
        ++counts.accesses;
    };
    reference r;
    while (block_.size() + 2 <= block_records) { // a line ends at most two runs
        const std::optional<std::string_view> line = input_.next();
        if (!line) {
            last_ = end_of_stream{};
            if (input_.error()) {
                last_ = *input_.error();
            } else if (counts.records == 0) {
                last_ = input_error{.file = input_.path(), .line = 0, .reason = "no accesses"};
            }
            break;
        }
        if (parse(*line, r) != line_verdict::reference) {
            if (line->empty() || is_banner(*line)) {
                ++counts.skipped;
                continue;
            }
            last_ = input_.error_here(lackey_complaint(*line));
            break;
        }
        ++counts.records;
        const std::uint64_t first = r.address >> page_shift;
        const std::uint64_t second = (r.address + r.size - 1) >> page_shift;
        const unsigned is_store = r.kind == line_kind::store ? 1U : 0U;
        refer(first, r.kind == line_kind::fetch ? 1U : 0U, is_store);
        if (second != first) refer(second, 0, is_store);
    }
    if (last_) flush(run);
    run_ = run;
    counts_ = counts;
}

} // namespace pagesim
