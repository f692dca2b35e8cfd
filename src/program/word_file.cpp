// SPDX-License-Identifier: MIT
#include "word_file.hpp"

#include "usage_error.hpp"

#include <pagesim/base/assert.hpp>

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace pagesim::program {

namespace {

constexpr std::uint64_t longest_fill = 512; // words: a shorter gap is filled with zeros
constexpr std::size_t buffer_words = 1U << 15U;

void make_little_endian(std::vector<std::uint64_t>& words) {
    if constexpr (std::endian::native == std::endian::big) {
        for (std::uint64_t& w : words) w = __builtin_bswap64(w);
    }
}

} // namespace

word_file::word_file(std::string path) : path_{std::move(path)}, file_{std::fopen(path_.c_str(), "wb")} {
    if (!file_)
        throw program_error{fmt::format("{}: can't be opened for writing: {}", path_, std::strerror(errno))};
    std::setvbuf(file_.get(), nullptr, _IONBF, 0); // the buffer is ours
    buffer_.reserve(buffer_words);
}

void word_file::check(bool good) const {
    if (!good)
        throw program_error{fmt::format("{}: could not be written in full: {}", path_, std::strerror(errno))};
}

void word_file::put(std::uint64_t place, std::span<const std::uint64_t> words) {
    const std::uint64_t next = first_ + buffer_.size();
    PAGESIM_ASSERT(place >= next);
    if (place - next > longest_fill || buffer_.size() >= buffer_words) {
        flush();
        first_ = place;
    } else {
        buffer_.insert(buffer_.end(), place - next, 0);
    }
    buffer_.insert(buffer_.end(), words.begin(), words.end());
}

void word_file::flush() {
    if (buffer_.empty()) return;
    make_little_endian(buffer_);
    check(fseeko(file_.get(), static_cast<off_t>(first_ * sizeof(std::uint64_t)), SEEK_SET) == 0);
    check(std::fwrite(buffer_.data(), sizeof(std::uint64_t), buffer_.size(), file_.get()) == buffer_.size());
    buffer_.clear();
}

void word_file::finish(std::uint64_t words) {
    flush();
    check(ftruncate(fileno(file_.get()), static_cast<off_t>(words * sizeof(std::uint64_t))) == 0);
    check(std::fclose(file_.release()) == 0);
}

} // namespace pagesim::program
