// SPDX-License-Identifier: MIT
// A file that lives as long as a test looks at it.
#pragma once

#include <pagesim/base/assert.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace pagesim::testing {

class temp_file {
public:
    explicit temp_file(std::string_view content) {
        std::string name = (std::filesystem::temp_directory_path() / "pagesim_test_XXXXXX").string();
        const int descriptor = ::mkstemp(name.data());
        PAGESIM_ASSERT(descriptor >= 0);
        ::close(descriptor);
        path_ = name;
        std::ofstream{path_, std::ios::binary} << content;
    }
    template <typename Bytes>
    static temp_file of(const Bytes& bytes) {
        return temp_file{std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
    }
    temp_file(const temp_file&) = delete;
    temp_file& operator=(const temp_file&) = delete;
    ~temp_file() { std::filesystem::remove(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace pagesim::testing
