// SPDX-License-Identifier: MIT
#include <pagesim/workload/csv.hpp>

#include "fields.hpp"

#include <pagesim/base/hash.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace pagesim {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 6> time_names{"time",       "timestamp",  "ts",
                                                     "clock_time", "clock-time", "op_time"};
constexpr std::array<std::string_view, 10> object_names{"obj_id", "obj-id", "object_id", "object", "obj",
                                                        "id",     "key",    "lba",       "lbn",    "page"};
constexpr std::array<std::string_view, 6> size_names{"obj_size",    "obj-size", "size",
                                                     "object_size", "length",   "bytes"};
constexpr std::array<std::string_view, 4> op_names{"op", "operation", "rw", "type"};
constexpr std::array<std::string_view, 9> store_words{"w",   "write", "set",    "add", "replace",
                                                      "put", "store", "update", "1"};

std::string lower(std::string_view text) {
    std::string out{text.substr(0, 64)};
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

char guess_delimiter(std::string_view line) {
    constexpr std::string_view candidates = "\t,|:;";
    char best = ',';
    std::ptrdiff_t most = 0;
    for (const char c : candidates) {
        const auto n = std::count(line.begin(), line.end(), c);
        if (n > most) {
            most = n;
            best = c;
        }
    }
    return best;
}

// Seconds, with or without a fraction, in nanoseconds; of the fraction the milliseconds.
maybe_number csv_time(std::string_view text) {
    constexpr std::uint64_t most_seconds = 4'000'000'000;
    const std::size_t point = std::min(text.find('.'), text.size());
    const auto whole = decimal(text.substr(0, point));
    if (!whole || *whole > most_seconds) return std::nullopt;
    std::uint64_t ns = 0;
    std::uint64_t place = 100'000'000;
    for (const char c : text.substr(std::min(point + 1, text.size()))) {
        if (c < '0' || c > '9') return std::nullopt;
        ns += static_cast<std::uint64_t>(c - '0') * place;
        place /= 10;
    }
    return *whole * 1'000'000'000 + ns;
}

std::string set_column(csv_columns& c, std::string_view name, std::string_view value) {
    if (name == "delimiter") {
        if (value.size() != 1) return "delimiter is one character";
        c.delimiter = value.front();
        return {};
    }
    if (name == "has-header") {
        if (value != "true" && value != "false") return "has-header is true or false";
        c.header = value == "true" ? csv_header::present : csv_header::absent;
        return {};
    }
    constexpr std::array<std::pair<std::string_view, unsigned csv_columns::*>, 4> known{
        {{"time-col", &csv_columns::time},
         {"obj-id-col", &csv_columns::object},
         {"obj-size-col", &csv_columns::size},
         {"op-col", &csv_columns::op}}};
    for (const auto& [known_name, member] : known) {
        if (name != known_name) continue;
        const auto n = decimal(value);
        if (!n || *n == 0 || *n > most_csv_columns)
            return fmt::format("{} is a number from 1 to {}", name, most_csv_columns);
        c.*member = static_cast<unsigned>(*n);
        return {};
    }
    return fmt::format("{} is not known; known are: time-col, obj-id-col, obj-size-col, op-col, delimiter, "
                       "has-header",
                       in_quotes(name));
}

} // namespace

std::variant<csv_columns, std::string> parse_csv_columns(std::string_view text) {
    csv_columns c;
    while (!text.empty()) {
        // A comma may itself be the delimiter that is told.
        std::size_t end = text.find(',');
        if (text.starts_with("delimiter=,")) end = std::min(text.find(',', 11), text.size());
        const std::string_view part = text.substr(0, end);
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) return fmt::format("{} has no value", in_quotes(part));
        if (std::string wrong = set_column(c, part.substr(0, equals), part.substr(equals + 1));
            !wrong.empty())
            return wrong;
    }
    return c;
}

csv_layout guess_csv_layout(std::string_view first_line, const csv_columns& said) {
    csv_layout out{.columns = said};
    csv_columns& c = out.columns;
    if (c.delimiter == '\0') c.delimiter = guess_delimiter(first_line);
    csv_columns named;
    unsigned count = 0;
    bool any_number = false;
    bool text_for_number = false; // in a column that was said to be time or size
    for (std::string_view rest = first_line; rest.data() != nullptr;) {
        const std::string name = lower(next_field(rest, c.delimiter));
        ++count;
        const bool number{csv_time(name)};
        any_number = any_number || number;
        text_for_number = text_for_number || (!number && (count == said.time || count == said.size));
        if (named.time == 0 && is_one_of(name, time_names)) named.time = count;
        if (named.object == 0 && is_one_of(name, object_names)) named.object = count;
        if (named.size == 0 && is_one_of(name, size_names)) named.size = count;
        if (named.op == 0 && is_one_of(name, op_names)) named.op = count;
    }
    out.is_header =
        c.header == csv_header::present ||
        (c.header == csv_header::guess && (text_for_number || (!any_number && named.object != 0)));
    if (!out.is_header) named = {};
    const bool said_nothing = c.object == 0 && named.object == 0;
    if (c.time == 0) c.time = named.time;
    if (c.object == 0) c.object = named.object;
    if (c.size == 0) c.size = named.size;
    if (c.op == 0) c.op = named.op;
    if (said_nothing) {
        if (c.time == 0 && count > 1) c.time = 1;
        c.object = count > 1 ? 2 : 1;
        if (c.size == 0 && count > 2) c.size = 3;
    }
    return out;
}

bool looks_like_csv(std::string_view line) {
    const csv_layout layout = guess_csv_layout(line, {});
    const auto delimiters = std::count(line.begin(), line.end(), layout.columns.delimiter);
    if (layout.is_header) return delimiters > 0;
    std::string_view rest = line;
    return csv_time(next_field(rest, layout.columns.delimiter)) && delimiters >= 2;
}

csv_stream::csv_stream(std::string path, const csv_columns& columns, object_placement placement,
                       content_hash hashing)
    : text_trace{std::move(path), hashing, comments::by_hash}, columns_{columns}, objects_{placement} {}

std::string csv_stream::take(std::string_view line) {
    if (!std::exchange(begun_, true)) {
        const csv_layout layout = guess_csv_layout(line, columns_);
        columns_ = layout.columns;
        if (layout.is_header) {
            pass_over();
            return {};
        }
    }
    const unsigned last = std::max({columns_.time, columns_.object, columns_.size, columns_.op});
    unsigned n = 0;
    for (std::string_view rest = line; n < last && rest.data() != nullptr;)
        fields_[++n] = next_field(rest, columns_.delimiter);
    if (n < last) return fmt::format("{} has {} columns, not {}", in_quotes(line), n, last);
    return request();
}

std::string csv_stream::request() {
    const std::string_view name = fields_[columns_.object];
    if (name.empty()) return "the object's column is empty";
    object_id id;
    if (const auto number = decimal(name)) {
        id.value = *number;
    } else {
        fnv1a h;
        h.text(name);
        id.value = h.value();
    }
    std::uint64_t bytes = page_size;
    if (columns_.size != 0) {
        const auto size = decimal(fields_[columns_.size]);
        if (!size || *size > object_pages::most_bytes)
            return fmt::format("{} is not a size below 4 GiB", in_quotes(fields_[columns_.size]));
        bytes = *size;
    }
    maybe_number time;
    if (columns_.time != 0) {
        time = csv_time(fields_[columns_.time]);
        if (!time) return fmt::format("{} is not a time in seconds", in_quotes(fields_[columns_.time]));
    }
    if (bytes == 0) {
        count_record();
        skip_here("an object of size 0");
        return {};
    }
    const auto place = objects_.find(id, bytes);
    if (!place) {
        met_no_page_ = objects_.placement() == object_placement::by_number;
        return met_no_page_ ? fmt::format("object {} of {} bytes is not a page", in_quotes(name), bytes)
                            : std::string{"the objects need more than 48 bits of address"};
    }
    count_record();
    if (time) pass_time(sim_time{*time});
    const bool store = columns_.op != 0 && is_one_of(lower(fields_[columns_.op]), store_words);
    sweep(place->first, place->pages, store ? reference_kind::store : reference_kind::load);
    return {};
}

} // namespace pagesim
