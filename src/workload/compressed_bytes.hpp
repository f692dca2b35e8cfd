// SPDX-License-Identifier: MIT
// Compressed bytes on their way to a decoder; begins with the ones that told the format.
#pragma once

#include "byte_source.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pagesim {

class compressed_bytes {
public:
    explicit compressed_bytes(std::string_view head) : bytes_(text_input::buffer_bytes), end_{head.size()} {
        std::copy(head.begin(), head.end(), bytes_.begin());
    }

    // Reads on if nothing is left. What is wrong, or nothing.
    std::string refill(raw_file& file) {
        if (at_ != end_ || ended_) return {};
        read_result r = file.read(bytes_);
        at_ = 0;
        end_ = r.bytes;
        ended_ = r.bytes == 0;
        return std::move(r.failure);
    }
    [[nodiscard]] const char* data() const { return bytes_.data() + at_; }
    [[nodiscard]] std::size_t size() const { return end_ - at_; }
    [[nodiscard]] bool ended() const { return ended_; }
    void use(std::size_t n) { at_ += n; }

private:
    std::vector<char> bytes_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    bool ended_ = false;
};

} // namespace pagesim
