// SPDX-License-Identifier: MIT
#include <pagesim/workload/trace_format.hpp>

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/ops.hpp>

#include <fmt/format.h>

namespace pagesim {

std::variant<trace_format, input_error> detect_format(const std::string& path) {
    if (is_binary_trace(path)) return trace_format::binary;
    text_input input{path};
    for (;;) {
        const auto line = input.next();
        if (!line) {
            if (input.error()) return *input.error();
            return input_error{.file = path, .line = 0, .reason = "is empty"};
        }
        const std::size_t begin = line->find_first_not_of(" \t");
        if (begin == std::string_view::npos) continue;
        const std::string_view head = line->substr(0, 3);
        if (head == "I  " || head == " L " || head == " S " || head == " M ") return trace_format::lackey;
        if (head.substr(0, 2) == "==" || head.substr(0, 2) == "--") return trace_format::lackey;
        const std::string_view word = line->substr(begin, line->find_first_of(" \t", begin) - begin);
        if (word.front() == '#' || is_ops_word(word)) return trace_format::ops;
        return input.error_here(
            fmt::format("{} begins neither a lackey trace nor an ops file, nor is the file a binary trace",
                        in_quotes(*line)));
    }
}

} // namespace pagesim
