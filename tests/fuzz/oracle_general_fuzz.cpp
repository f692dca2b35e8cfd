// SPDX-License-Identifier: MIT
// Any bytes as libCacheSim's oracleGeneral, but of objects below 64 KiB: larger ones only take longer.
#include "trace_fuzz.hpp"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t record_bytes = 24;
    constexpr std::size_t size_high_half = 14; // behind time, object and the size's lower half
    std::vector<std::uint8_t> bytes{data, data + size};
    for (std::size_t at = size_high_half; at < size; at += record_bytes) {
        bytes[at] = 0;
        if (at + 1 < size) bytes[at + 1] = 0;
    }
    return pagesim::testing::fuzz_trace(bytes.data(), size, pagesim::trace_format::oracle_general);
}
