// SPDX-License-Identifier: MIT
// The fuzzer's bytes as a file, in memory.
#pragma once

#include <pagesim/base/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace pagesim::testing {

class fuzz_file {
public:
    fuzz_file(const std::uint8_t* data, std::size_t size) : descriptor_{::memfd_create("fuzz", MFD_CLOEXEC)} {
        PAGESIM_ASSERT(descriptor_ >= 0);
        PAGESIM_ASSERT(::write(descriptor_, data, size) == static_cast<ssize_t>(size));
        path_ = "/proc/self/fd/" + std::to_string(descriptor_);
    }
    fuzz_file(const fuzz_file&) = delete;
    fuzz_file& operator=(const fuzz_file&) = delete;
    ~fuzz_file() { ::close(descriptor_); }

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    int descriptor_;
    std::string path_;
};

} // namespace pagesim::testing
