// SPDX-License-Identifier: MIT
#include <pagesim/workload/text_input.hpp>

#include "byte_source.hpp"

#include <fmt/format.h>

#include <utility>

namespace pagesim {

text_input::text_input(std::string path, content_hash hashing)
    : path_{std::move(path)}, buffer_{std::make_unique_for_overwrite<char[]>(buffer_bytes)},
      at_{buffer_.get()}, end_{buffer_.get()}, hashing_{hashing} {
    auto opened = open_byte_source(path_, hashing);
    if (auto* wrong = std::get_if<std::string>(&opened)) {
        error_ = input_error{.file = path_, .line = 0, .reason = std::move(*wrong)};
    } else {
        source_ = std::move(std::get<std::unique_ptr<byte_source>>(opened));
    }
}

text_input::text_input(given_descriptor from, std::string name, content_hash hashing)
    : path_{std::move(name)}, source_{adopt_byte_source(from, hashing)},
      buffer_{std::make_unique_for_overwrite<char[]>(buffer_bytes)}, at_{buffer_.get()}, end_{buffer_.get()},
      hashing_{hashing} {}

text_input::~text_input() = default;

// No line ends in what is left of the buffer: its rest goes to the front, and the text is read on behind it.
std::optional<std::string_view> text_input::next_across_buffers() {
    for (;;) {
        if (error_) return std::nullopt;
        if (static_cast<std::size_t>(end_ - at_) > longest_line + 1) return fail_too_long();
        if (ended_) break;
        const auto searched = static_cast<std::size_t>(end_ - at_);
        refill();
        const char* from = at_ + searched;
        const void* newline = std::memchr(from, '\n', static_cast<std::size_t>(end_ - from));
        if (newline == nullptr) continue;
        const char* line_begin = std::exchange(at_, static_cast<const char*>(newline) + 1);
        return deliver(line_begin, at_ - 1);
    }
    if (!failure_.empty()) {
        fail(failure_);
        return std::nullopt;
    }
    if (at_ == end_) return std::nullopt;
    return deliver(std::exchange(at_, end_), end_);
}

void text_input::refill() {
    const auto rest = static_cast<std::size_t>(end_ - at_);
    std::memmove(buffer_.get(), at_, rest);
    read_result r = source_->read({buffer_.get() + rest, buffer_bytes - rest});
    at_ = buffer_.get();
    end_ = at_ + rest + r.bytes;
    failure_ = std::move(r.failure);
    ended_ = r.bytes == 0 || !failure_.empty();
}

std::optional<std::string_view> text_input::fail_too_long() {
    fail(fmt::format("the line is longer than {} bytes", longest_line));
    return std::nullopt;
}

// In the line behind the one delivered last. Nothing is delivered any more.
void text_input::fail(std::string reason) {
    error_ = input_error{.file = path_, .line = line_ + 1, .reason = std::move(reason)};
    at_ = end_;
}

std::uint64_t text_input::hash() {
    PAGESIM_ASSERT(hashing_ == content_hash::fnv1a);
    if (source_ == nullptr) return 0;
    source_->file().drain();
    return source_->file().hash();
}

} // namespace pagesim
