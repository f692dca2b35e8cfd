// SPDX-License-Identifier: MIT
// What a reader makes of a file, as text; and bytes for files to be read.
#pragma once

#include "temp_file.hpp"

#include <pagesim/workload/access_stream.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pagesim::testing {

// Numbers one behind the other, least significant byte first.
class packed {
public:
    template <typename Number>
    packed& put(std::uint64_t n) {
        for (unsigned i = 0; i < sizeof(Number); ++i) bytes_ += static_cast<char>(n >> (8 * i) & 0xffU);
        return *this;
    }
    packed& u8(std::uint64_t n) { return put<std::uint8_t>(n); }
    packed& u16(std::uint64_t n) { return put<std::uint16_t>(n); }
    packed& u32(std::uint64_t n) { return put<std::uint32_t>(n); }
    packed& u64(std::uint64_t n) { return put<std::uint64_t>(n); }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

// A record as text: page, then f/l for a write that comes first or later, then instructions+data.
inline std::string picture(access_record r) {
    return fmt::format("{:x}{}{}:{}+{}", raw(r.vpn()), r.first_is_write() ? "f" : "",
                       r.written_later() ? "l" : "", r.instructions(), r.data());
}

struct replayed {
    std::string items; // records, sleep(MILLISECONDS), map(NAME PAGES); "|" between two blocks
    std::string error; // "LINE: reason"
    stream_counts counts;
    std::vector<std::size_t> blocks;
    std::uint64_t references = 0;
};

inline replayed replay(access_stream& s) {
    replayed out;
    const auto add = [&out](const std::string& text) {
        if (out.items.size() < 4000) out.items += (out.items.empty() ? "" : " ") + text;
    };
    for (;;) {
        const stream_item item = s.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            EXPECT_FALSE(block->records.empty());
            EXPECT_LE(block->records.size(), block_records);
            if (!out.items.empty() && !out.blocks.empty() && out.items.back() != ')') add("|");
            out.blocks.push_back(block->records.size());
            for (const access_record r : block->records) {
                add(picture(r));
                out.references += r.accesses();
            }
        } else if (const auto* sleep = std::get_if<op_sleep>(&item)) {
            add(fmt::format("sleep({})", sleep->duration.ns / 1'000'000));
        } else if (const auto* anon = std::get_if<op_anon>(&item)) {
            add(fmt::format("map({} {})", anon->name, anon->pages.value));
        } else {
            if (const auto* e = std::get_if<input_error>(&item)) {
                out.error = std::to_string(e->line) + ": " + e->reason;
                EXPECT_EQ(std::get<input_error>(s.next()), *e) << "it stays";
            } else {
                EXPECT_TRUE(std::holds_alternative<end_of_stream>(item));
                EXPECT_TRUE(std::holds_alternative<end_of_stream>(s.next())) << "it stays";
            }
            out.counts = s.counts();
            EXPECT_EQ(out.references, out.counts.accesses);
            return out;
        }
    }
}

// The content as a file, read by a Stream.
template <typename Stream, typename... Arguments>
replayed replay_of(const std::string& content, const Arguments&... arguments) {
    const temp_file file{content};
    Stream s{file.path(), arguments...};
    return replay(s);
}
template <typename Stream, typename... Arguments>
std::string items_of(const std::string& content, const Arguments&... arguments) {
    const replayed r = replay_of<Stream>(content, arguments...);
    EXPECT_EQ(r.error, "");
    return r.items;
}
template <typename Stream, typename... Arguments>
std::string error_of(const std::string& content, const Arguments&... arguments) {
    return replay_of<Stream>(content, arguments...).error;
}
// "LINE: reason" of what was skipped first.
template <typename Stream>
std::string skipped_of(const std::string& content) {
    const temp_file file{content};
    Stream s{file.path()};
    static_cast<void>(replay(s));
    if (!s.first_skipped()) return {};
    EXPECT_EQ(s.first_skipped()->file, file.path());
    return std::to_string(s.first_skipped()->line) + ": " + s.first_skipped()->reason;
}

} // namespace pagesim::testing
