// SPDX-License-Identifier: MIT
// Any bytes as a drmemtrace, half of them behind a good header, so that the body is reached.
#include "trace_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pagesim;
    if (size == 0) return 0;
    const std::string header =
        data[0] % 2 == 0 ? std::string{"\x19\0\0\0\x07\0\0\0\0\0\0\0", 12} : std::string{};
    return testing::fuzz_trace(data + 1, size - 1, trace_format::drmemtrace, header);
}
