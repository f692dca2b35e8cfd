// SPDX-License-Identifier: MIT
// Reader of plain page numbers, one reference a line, as textbooks and small simulators have them.
//
//     17            a load from page 17
//     0x2a w        a store to page 42; r is a load
//
// Numbers are decimal, or hexadecimal behind 0x, below 2^36. Empty lines and lines that begin by # are
// skipped.
#pragma once

#include <pagesim/workload/trace_stream.hpp>

#include <string>
#include <string_view>

namespace pagesim {

class page_list_stream final : public text_trace {
public:
    explicit page_list_stream(std::string path, content_hash hashing = content_hash::none)
        : text_trace{std::move(path), hashing, comments::by_hash} {}

private:
    [[nodiscard]] std::string take(std::string_view line) override;
};

} // namespace pagesim
