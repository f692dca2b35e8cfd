// SPDX-License-Identifier: MIT
// The text of a file as bytes, decompressed: what text_input cuts into lines.
#pragma once

#include <pagesim/base/hash.hpp>
#include <pagesim/workload/text_input.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

namespace pagesim {

// Bytes that were put in place; none and no failure: the end. With a failure they are the last ones, and
// good.
struct read_result {
    std::size_t bytes = 0;
    std::string failure; // why it can't go on; empty: it can
};

// The file as it lies on disk.
class raw_file {
public:
    explicit raw_file(content_hash hashing) : hashing_{hashing} {}
    raw_file(given_descriptor from, content_hash hashing) : descriptor_{from.number}, hashing_{hashing} {}
    raw_file(const raw_file&) = delete;
    raw_file& operator=(const raw_file&) = delete;
    ~raw_file();

    // What is wrong with it, or nothing.
    [[nodiscard]] std::string open(const std::string& path);
    [[nodiscard]] read_result read(std::span<char> to);
    // Reads on to the end, so that the hash is that of the whole file.
    void drain();
    [[nodiscard]] std::uint64_t hash() const { return hash_.value(); }

private:
    int descriptor_ = -1;
    content_hash hashing_;
    fnv1a hash_;
};

class byte_source {
public:
    explicit byte_source(std::unique_ptr<raw_file> file) : file_{std::move(file)} {}
    byte_source(const byte_source&) = delete;
    byte_source& operator=(const byte_source&) = delete;
    virtual ~byte_source() = default;

    // Never less than fits, but at the end of the text.
    [[nodiscard]] virtual read_result read(std::span<char> to) = 0;
    [[nodiscard]] raw_file& file() { return *file_; }

private:
    std::unique_ptr<raw_file> file_;
};

// The source for what the file contains, or why there is none.
[[nodiscard]] std::variant<std::unique_ptr<byte_source>, std::string>
open_byte_source(const std::string& path, content_hash hashing);

// Plain bytes.
[[nodiscard]] std::unique_ptr<byte_source> adopt_byte_source(given_descriptor from, content_hash hashing);

} // namespace pagesim
