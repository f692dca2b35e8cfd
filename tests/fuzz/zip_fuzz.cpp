// SPDX-License-Identifier: MIT
// Any bytes behind the magic of a zip archive, or of gzip: never a crash, and the same bytes each time.
#include "fuzz_file.hpp"

#include <pagesim/base/assert.hpp>
#include <pagesim/base/hash.hpp>
#include <pagesim/workload/byte_input.hpp>

namespace {

using namespace pagesim;

// Of the content, and how it ended. A small archive may hold gigabytes of zeros.
std::pair<std::uint64_t, std::string> hash_of(const std::string& path) {
    constexpr unsigned most_bytes = 4U << 20U;
    byte_input in{path};
    fnv1a hash;
    for (unsigned n = 0; n < most_bytes; ++n) {
        const char* byte = in.next(1);
        if (byte == nullptr) return {hash.value(), in.error() ? in.error()->reason : "end"};
        hash.byte(static_cast<std::uint8_t>(*byte));
    }
    return {hash.value(), "enough"};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string content = data[0] % 4 != 0 ? std::string{"PK\x03\x04"} : std::string{"\x1f\x8b\x08"};
    content.append(reinterpret_cast<const char*>(data) + 1, size - 1);
    const testing::fuzz_file file{reinterpret_cast<const std::uint8_t*>(content.data()), content.size()};
    PAGESIM_ASSERT(hash_of(file.path()) == hash_of(file.path()));
    return 0;
}
