// SPDX-License-Identifier: MIT
// Reader of libCacheSim's csv: one request a line, in columns.
//
//     time,obj_id,obj_size,op             a header, if there is one, names the columns
//     0,5482,4096,read
//     1,77,20000,write
//
// Which column is which is said as libCacheSim says it, by numbers from 1, or read from the header, or else
// taken to be time, object, size (two columns: time, object).
//
//     csv:time-col=2,obj-id-col=5,obj-size-col=4,op-col=6,delimiter=;,has-header=true
//
// A delimiter that is not said is the one of tab, comma, |, : and ; that the first line has most of. The
// object is a number, or any text, which then stands for its FNV-1a. The size is in bytes (4096 without a
// column); a size of 0 is skipped. The time is in seconds, a decimal fraction may follow. An op of w, write,
// set, add, replace, put, store, update or 1 is a store, anything else a load. Lines that begin by # are
// skipped. What a request does: object_pages.hpp.
#pragma once

#include <pagesim/workload/object_pages.hpp>
#include <pagesim/workload/trace_stream.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace pagesim {

enum class csv_header : std::uint8_t { guess, present, absent };
inline constexpr unsigned most_csv_columns = 64;

struct csv_columns {
    // From 1; 0: not said.
    unsigned time = 0;
    unsigned object = 0;
    unsigned size = 0;
    unsigned op = 0;
    char delimiter = '\0'; // 0: to be guessed
    csv_header header = csv_header::guess;
};

// "time-col=2,obj-id-col=5": columns, or what is wrong.
[[nodiscard]] std::variant<csv_columns, std::string> parse_csv_columns(std::string_view text);
// What a file's first line shows, where nothing was said. `is_header`: it names columns.
struct csv_layout {
    csv_columns columns;
    bool is_header = false;
};
[[nodiscard]] csv_layout guess_csv_layout(std::string_view first_line, const csv_columns& said);
// Whether a line can be the first of such a file: a header that names an object's column, or three or more
// columns of which the first is a number.
[[nodiscard]] bool looks_like_csv(std::string_view line);

class csv_stream final : public text_trace {
public:
    explicit csv_stream(std::string path, const csv_columns& columns = {},
                        object_placement placement = object_placement::in_order,
                        content_hash hashing = content_hash::none);

    [[nodiscard]] bool met_no_page() const override { return met_no_page_; }

private:
    [[nodiscard]] std::string take(std::string_view line) override;
    [[nodiscard]] std::string request();

    csv_columns columns_;
    bool begun_ = false;
    std::array<std::string_view, most_csv_columns + 1> fields_; // of a line, from 1
    object_pages objects_;
    bool met_no_page_ = false;
};

} // namespace pagesim
