// SPDX-License-Identifier: MIT
// Any bytes as a file of unknown format, compressed or not: it is told the same each time, and what it is
// told to be is read.
// A part of the bytes may be the parameters of csv.
#include "trace_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pagesim;
    const testing::fuzz_file file{data, size};
    const auto format = detect_format(file.path());
    PAGESIM_ASSERT(format == detect_format(file.path()));
    if (const auto* f = std::get_if<trace_format>(&format)) {
        if (*f != trace_format::ops && *f != trace_format::binary) testing::check_trace(file.path(), *f);
    }
    const std::string text{reinterpret_cast<const char*>(data), size};
    const auto choice = parse_format("csv:" + text.substr(0, text.find('\n')));
    if (const auto* c = std::get_if<format_choice>(&choice)) {
        const auto s = open_trace(file.path(), *c, object_placement::in_order);
        static_cast<void>(testing::replay(*s));
    }
    return 0;
}
