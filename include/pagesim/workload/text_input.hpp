// SPDX-License-Identifier: MIT
// Lines of a text file: plain, or compressed by gzip, xz or zstd (told by the first bytes, not by the name),
// or in a zip archive, whose members are one text.
//
// Streaming: one buffer of 256 KiB, whatever the file's size. A line ends by \n, by \r\n or by the end of the
// file; what it ended by is not part of it. A line of more than longest_line bytes is an error, and so is
// anything but a regular file (an input is read twice). Several xz or gzip streams or zstd frames one after
// the other are one text. Compressed data that are damaged or end early are an error at the line in which
// that happens; all lines before it are delivered first.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/workload/input_error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pagesim {

class byte_source;

enum class compression : std::uint8_t { xz, zstd, gzip };
// Whether this build can read it (liblzma, libzstd and zlib are optional). Who reads gzip reads zip archives
// too.
[[nodiscard]] bool can_decompress(compression c);

// Whether the bytes of the file, as they lie on disk, are hashed (FNV-1a) while it is read.
enum class content_hash : std::uint8_t { none, fnv1a };

// A descriptor that is open for reading and is given away: it is read once, to its end, as plain text. A
// pipe, for one.
struct given_descriptor {
    int number = -1;
};

class text_input {
public:
    static constexpr std::size_t buffer_bytes = 256 * 1024;
    static constexpr std::size_t longest_line = 64 * 1024;

    // A file that can't be opened is reported by the first next().
    explicit text_input(std::string path, content_hash hashing = content_hash::none);
    // `name` is for errors.
    text_input(given_descriptor from, std::string name, content_hash hashing);
    ~text_input();
    text_input(const text_input&) = delete;
    text_input& operator=(const text_input&) = delete;

    // The next line, valid until the next call; nothing at the end or after an error (see error()).
    [[nodiscard]] std::optional<std::string_view> next() {
        const auto left = static_cast<std::size_t>(end_ - at_);
        if (const void* newline = std::memchr(at_, '\n', left); newline != nullptr) {
            const char* line_end = static_cast<const char*>(newline);
            const char* line_begin = at_;
            at_ = line_end + 1;
            return deliver(line_begin, line_end);
        }
        return next_across_buffers();
    }

    [[nodiscard]] const std::optional<input_error>& error() const { return error_; }
    // Number of the line delivered last; 0 before the first.
    [[nodiscard]] std::uint64_t line() const { return line_; }
    // `reason`, at the line delivered last.
    [[nodiscard]] input_error error_here(std::string reason) const {
        return {.file = path_, .line = line_, .reason = std::move(reason)};
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    // Hash of the whole file; reads on to its end. Only with content_hash::fnv1a, after the last line that
    // is wanted.
    [[nodiscard]] std::uint64_t hash();

private:
    std::optional<std::string_view> deliver(const char* begin, const char* end) {
        if (begin != end && end[-1] == '\r') --end;
        const auto length = static_cast<std::size_t>(end - begin);
        if (length > longest_line) return fail_too_long();
        ++line_;
        return std::string_view{begin, length};
    }
    std::optional<std::string_view> next_across_buffers();
    std::optional<std::string_view> fail_too_long();
    void fail(std::string reason);
    void refill();

    std::string path_;
    std::unique_ptr<byte_source> source_; // null: could not be opened
    std::unique_ptr<char[]> buffer_;
    const char* at_ = nullptr; // the unread part of the buffer
    const char* end_ = nullptr;
    std::uint64_t line_ = 0;
    bool ended_ = false;  // the source has given all
    std::string failure_; // of the source, to be told when the lines before it are used up
    std::optional<input_error> error_;
    content_hash hashing_;
};

} // namespace pagesim
