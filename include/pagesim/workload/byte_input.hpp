// SPDX-License-Identifier: MIT
// Records of one size from a binary file: plain or compressed as text_input's lines are, and the same buffer.
//
// A file that ends within a record is cut off: all records before that are delivered, then it is an error,
// which names the byte (after decompression) at which the incomplete record begins.
#pragma once

#include <pagesim/workload/text_input.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace pagesim {

class byte_input {
public:
    // A record has at most this many bytes.
    static constexpr std::size_t longest_record = 4096;

    // A file that can't be opened is reported by the first next().
    explicit byte_input(std::string path, content_hash hashing = content_hash::none);
    ~byte_input();
    byte_input(const byte_input&) = delete;
    byte_input& operator=(const byte_input&) = delete;

    // The next `bytes` > 0 bytes, valid until the next call; null at the end or after an error (see error()).
    [[nodiscard]] const char* next(std::size_t bytes) {
        if (static_cast<std::size_t>(end_ - at_) < bytes && !refill(bytes)) return nullptr;
        const char* record = at_;
        at_ += bytes;
        offset_ += bytes;
        last_bytes_ = bytes;
        return record;
    }

    [[nodiscard]] const std::optional<input_error>& error() const { return error_; }
    // `reason`, at the record delivered last.
    [[nodiscard]] input_error error_here(std::string_view reason) const;
    [[nodiscard]] const std::string& path() const { return path_; }
    // As text_input::hash().
    [[nodiscard]] std::uint64_t hash();

private:
    // Reads on until there are `bytes`; false at the end or after an error.
    [[nodiscard]] bool refill(std::size_t bytes);
    [[nodiscard]] input_error error_at(std::uint64_t offset, std::string_view reason) const;

    std::string path_;
    std::unique_ptr<byte_source> source_; // null: could not be opened
    std::unique_ptr<char[]> buffer_;
    const char* at_ = nullptr; // the unread part of the buffer
    const char* end_ = nullptr;
    std::uint64_t offset_ = 0; // of at_ in the decompressed file
    std::uint64_t last_bytes_ = 0;
    bool ended_ = false;
    std::optional<input_error> error_;
    content_hash hashing_;
};

} // namespace pagesim
