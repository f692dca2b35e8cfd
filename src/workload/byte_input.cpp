// SPDX-License-Identifier: MIT
#include <pagesim/workload/byte_input.hpp>

#include "byte_source.hpp"

#include <fmt/format.h>

namespace pagesim {

byte_input::byte_input(std::string path, content_hash hashing)
    : path_{std::move(path)}, buffer_{std::make_unique_for_overwrite<char[]>(text_input::buffer_bytes)},
      at_{buffer_.get()}, end_{buffer_.get()}, hashing_{hashing} {
    auto opened = open_byte_source(path_, hashing);
    if (auto* wrong = std::get_if<std::string>(&opened)) {
        error_ = input_error{.file = path_, .line = 0, .reason = std::move(*wrong)};
    } else {
        source_ = std::move(std::get<std::unique_ptr<byte_source>>(opened));
    }
}

byte_input::~byte_input() = default;

input_error byte_input::error_at(std::uint64_t offset, std::string_view reason) const {
    return {.file = path_, .line = 0, .reason = fmt::format("at byte {}: {}", offset, reason)};
}

input_error byte_input::error_here(std::string_view reason) const {
    return error_at(offset_ - last_bytes_, reason);
}

bool byte_input::refill(std::size_t bytes) {
    PAGESIM_ASSERT(bytes <= longest_record);
    if (error_ || ended_) return false;
    const auto rest = static_cast<std::size_t>(end_ - at_);
    std::memmove(buffer_.get(), at_, rest);
    const read_result r = source_->read({buffer_.get() + rest, text_input::buffer_bytes - rest});
    at_ = buffer_.get();
    end_ = at_ + rest + r.bytes;
    // What is good of a damaged file is delivered first; the source then fails again.
    if (rest + r.bytes >= bytes) return true;
    ended_ = true;
    if (!r.failure.empty()) {
        error_ = error_at(offset_ + rest + r.bytes, r.failure);
    } else if (rest + r.bytes > 0) {
        error_ = error_at(
            offset_, fmt::format("the file ends within a record: {} of {} bytes", rest + r.bytes, bytes));
    }
    at_ = end_;
    return false;
}

std::uint64_t byte_input::hash() {
    PAGESIM_ASSERT(hashing_ == content_hash::fnv1a);
    if (source_ == nullptr) return 0;
    source_->file().drain();
    return source_->file().hash();
}

} // namespace pagesim
