// SPDX-License-Identifier: MIT
// A file of 64-bit words, little-endian, each at its place: what is skipped is a hole that needs no disk.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pagesim::program {

class word_file {
public:
    // Throws program_error if it can't be made.
    explicit word_file(std::string path);

    // Words at ascending places. Throw program_error if the disk does not take them.
    void put(std::uint64_t place, std::uint64_t word) { put(place, std::span{&word, 1}); }
    void put(std::uint64_t place, std::span<const std::uint64_t> words);
    // The file ends after so many words.
    void finish(std::uint64_t words);

private:
    void flush();
    void check(bool good) const;

    struct close {
        void operator()(std::FILE* f) const { std::fclose(f); }
    };
    std::string path_;
    std::unique_ptr<std::FILE, close> file_;
    std::vector<std::uint64_t> buffer_;
    std::uint64_t first_ = 0; // place of the buffer's first word
};

} // namespace pagesim::program
