// SPDX-License-Identifier: MIT
// Any bytes as DAMON's text.
#include "trace_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return pagesim::testing::fuzz_trace(data, size, pagesim::trace_format::damon);
}
