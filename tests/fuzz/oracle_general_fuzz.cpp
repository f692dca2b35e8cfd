// SPDX-License-Identifier: MIT
// Any bytes as libCacheSim's oracleGeneral, but of objects below 16 MiB: a few larger ones are only slow.
#include "trace_fuzz.hpp"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t record_bytes = 24;
    constexpr std::size_t size_top_byte = 15; // behind time, object and the size's lower bytes
    std::vector<std::uint8_t> bytes{data, data + size};
    for (std::size_t at = size_top_byte; at < size; at += record_bytes) bytes[at] = 0;
    return pagesim::testing::fuzz_trace(bytes.data(), size, pagesim::trace_format::oracle_general);
}
