// SPDX-License-Identifier: MIT
// zlib's decompressor, a step at a time.
#pragma once

#ifdef PAGESIM_HAVE_ZLIB

#include "compressed_bytes.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <span>

namespace pagesim {

enum class inflate_wrapper : std::uint8_t { none, gzip };
enum class inflate_outcome : std::uint8_t { goes_on, ended, damaged };

struct inflate_result {
    std::size_t bytes = 0; // put in place
    inflate_outcome outcome = inflate_outcome::goes_on;
};

class inflater {
public:
    explicit inflater(inflate_wrapper w) {
        const int window = w == inflate_wrapper::gzip ? MAX_WBITS + 16 : -MAX_WBITS;
        if (inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc{};
    }
    inflater(const inflater&) = delete;
    inflater& operator=(const inflater&) = delete;
    ~inflater() { inflateEnd(&stream_); }

    void restart() { inflateReset(&stream_); }

    // Uses what it can of `in`, which is not empty.
    inflate_result step(compressed_bytes& in, std::span<char> to) {
        constexpr std::size_t most = std::numeric_limits<uInt>::max();
        const std::size_t offered = std::min(in.size(), most);
        const std::size_t room = std::min(to.size(), most);
        // zlib does not write here, but its interface says that it may.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        stream_.avail_in = static_cast<uInt>(offered);
        stream_.next_out = reinterpret_cast<Bytef*>(to.data());
        stream_.avail_out = static_cast<uInt>(room);
        const int r = inflate(&stream_, Z_NO_FLUSH);
        in.use(offered - stream_.avail_in);
        inflate_result out{.bytes = room - stream_.avail_out};
        if (r == Z_MEM_ERROR) throw std::bad_alloc{};
        if (r == Z_STREAM_END) {
            out.outcome = inflate_outcome::ended;
        } else if (r != Z_OK && r != Z_BUF_ERROR) {
            out.outcome = inflate_outcome::damaged;
        }
        return out;
    }

private:
    z_stream stream_{};
};

} // namespace pagesim

#endif
