// SPDX-License-Identifier: MIT
#include "byte_source.hpp"

#include "compressed_bytes.hpp"
#include "zlib_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef PAGESIM_HAVE_LZMA
#include <lzma.h>
#endif
#ifdef PAGESIM_HAVE_ZSTD
#include <zstd.h>
#endif

namespace pagesim {

namespace {

// What a file's header may make a decompressor allocate.
[[maybe_unused]] constexpr std::uint64_t most_decoder_memory = 256U << 20U;

std::string reason_of(int error) { return std::generic_category().message(error); }

class plain_source final : public byte_source {
public:
    plain_source(std::unique_ptr<raw_file> file, std::string_view head)
        : byte_source{std::move(file)}, head_{head} {}

    read_result read(std::span<char> to) override {
        const std::size_t n = std::min(head_.size(), to.size());
        std::copy_n(head_.begin(), n, to.begin());
        head_.erase(0, n);
        read_result r = file().read(to.subspan(n));
        r.bytes += n;
        return r;
    }

private:
    std::string head_;
};

#ifdef PAGESIM_HAVE_LZMA
class xz_source final : public byte_source {
public:
    xz_source(std::unique_ptr<raw_file> file, std::string_view head)
        : byte_source{std::move(file)}, in_{head} {
        if (lzma_stream_decoder(&stream_, most_decoder_memory, LZMA_CONCATENATED) != LZMA_OK)
            throw std::bad_alloc{};
    }
    ~xz_source() override { lzma_end(&stream_); }

    read_result read(std::span<char> to) override {
        stream_.next_out = reinterpret_cast<std::uint8_t*>(to.data());
        stream_.avail_out = to.size();
        std::string failure;
        while (stream_.avail_out > 0 && !done_ && failure.empty()) failure = step();
        return {.bytes = to.size() - stream_.avail_out, .failure = std::move(failure)};
    }

private:
    std::string step() {
        if (std::string failure = in_.refill(file()); !failure.empty()) return failure;
        const std::size_t offered = in_.size();
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(in_.data());
        stream_.avail_in = offered;
        const lzma_ret r = lzma_code(&stream_, in_.ended() ? LZMA_FINISH : LZMA_RUN);
        in_.use(offered - stream_.avail_in);
        switch (r) {
        case LZMA_OK: return {};
        case LZMA_STREAM_END: done_ = true; return {};
        case LZMA_BUF_ERROR: return "the xz data end early";
        case LZMA_OPTIONS_ERROR: return "the xz data use an option that liblzma does not know";
        case LZMA_MEM_ERROR: throw std::bad_alloc{};
        case LZMA_MEMLIMIT_ERROR:
            return fmt::format("the xz data need more than {} MiB to be decompressed",
                               most_decoder_memory >> 20U);
        default: return "the xz data are damaged";
        }
    }

    compressed_bytes in_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool done_ = false;
};
#endif

#ifdef PAGESIM_HAVE_ZSTD
class zstd_source final : public byte_source {
public:
    zstd_source(std::unique_ptr<raw_file> file, std::string_view head)
        : byte_source{std::move(file)}, in_{head} {
        if (!stream_) throw std::bad_alloc{};
    }

    read_result read(std::span<char> to) override {
        ZSTD_outBuffer out{to.data(), to.size(), 0};
        std::string failure;
        while (out.pos < out.size && failure.empty()) {
            failure = in_.refill(file());
            if (!failure.empty()) break;
            const std::size_t before = out.pos;
            if (in_.ended() && !inside_frame_) break;
            failure = step(out);
            if (failure.empty() && in_.ended() && out.pos == before && inside_frame_)
                failure = "the zstd data end early";
        }
        return {.bytes = out.pos, .failure = std::move(failure)};
    }

private:
    std::string step(ZSTD_outBuffer& out) {
        ZSTD_inBuffer in{in_.data(), in_.size(), 0};
        const std::size_t r = ZSTD_decompressStream(stream_.get(), &out, &in);
        in_.use(in.pos);
        if (ZSTD_isError(r) != 0) return fmt::format("the zstd data are damaged ({})", ZSTD_getErrorName(r));
        inside_frame_ = r != 0;
        return {};
    }

    struct free_stream {
        void operator()(ZSTD_DStream* s) const { ZSTD_freeDStream(s); }
    };

    compressed_bytes in_;
    std::unique_ptr<ZSTD_DStream, free_stream> stream_{ZSTD_createDStream()};
    bool inside_frame_ = false;
};
#endif

enum class content : std::uint8_t { plain, xz, zstd, gzip, zip, bzip2 };

content content_by(std::string_view head) {
    using namespace std::string_view_literals;
    const auto begins = [head](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
    if (begins("\xfd"
               "7zXZ\0"sv)) {
        return content::xz;
    }
    // A zstd file may begin by a frame that is to be skipped.
    const bool skippable = head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0U) == 0x50U &&
                           head.substr(1, 3) == "\x2a\x4d\x18"sv;
    if (skippable || begins("\x28\xb5\x2f\xfd"sv)) return content::zstd;
    if (begins("\x1f\x8b"sv)) return content::gzip;
    if (begins("PK\x03\x04"sv) || begins("PK\x05\x06"sv)) return content::zip;
    if (begins("BZh"sv)) return content::bzip2;
    return content::plain;
}

} // namespace

raw_file::~raw_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::string raw_file::open(const std::string& path) {
    // Without O_NONBLOCK the open of a FIFO would wait for its writer.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) return fmt::format("can't be opened: {}", reason_of(errno));
    struct stat about {};
    if (::fstat(descriptor_, &about) != 0) return fmt::format("can't be read: {}", reason_of(errno));
    if (S_ISDIR(about.st_mode)) return "is a directory";
    if (!S_ISREG(about.st_mode)) return "is not a regular file (an input is read twice)";
    return {};
}

read_result raw_file::read(std::span<char> to) {
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t n = ::read(descriptor_, to.data() + done, to.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return {.bytes = done, .failure = fmt::format("can't be read: {}", reason_of(errno))};
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    if (hashing_ == content_hash::fnv1a) hash_.text({to.data(), done});
    return {.bytes = done, .failure = {}};
}

void raw_file::drain() {
    std::array<char, 16384> buffer{};
    for (read_result r = read(buffer); r.bytes > 0 && r.failure.empty();) r = read(buffer);
}

bool can_decompress(compression c) {
    switch (c) {
#ifdef PAGESIM_HAVE_LZMA
    case compression::xz: return true;
#else
    case compression::xz: return false;
#endif
#ifdef PAGESIM_HAVE_ZSTD
    case compression::zstd: return true;
#else
    case compression::zstd: return false;
#endif
#ifdef PAGESIM_HAVE_ZLIB
    case compression::gzip: return true;
#else
    case compression::gzip: return false;
#endif
    }
    return false;
}

std::variant<std::unique_ptr<byte_source>, std::string> open_byte_source(const std::string& path,
                                                                         content_hash hashing) {
    auto file = std::make_unique<raw_file>(hashing);
    if (std::string wrong = file->open(path); !wrong.empty()) return wrong;
    std::array<char, 6> begin{};
    const read_result r = file->read(begin);
    if (!r.failure.empty()) return r.failure;
    const std::string_view head{begin.data(), r.bytes};
    switch (content_by(head)) {
    case content::plain: return std::make_unique<plain_source>(std::move(file), head);
    case content::xz:
#ifdef PAGESIM_HAVE_LZMA
        return std::make_unique<xz_source>(std::move(file), head);
#else
        return "is compressed by xz, which this build can't read (it was built without liblzma)";
#endif
    case content::zstd:
#ifdef PAGESIM_HAVE_ZSTD
        return std::make_unique<zstd_source>(std::move(file), head);
#else
        return "is compressed by zstd, which this build can't read (it was built without libzstd)";
#endif
    case content::gzip:
#ifdef PAGESIM_HAVE_ZLIB
        return make_gzip_source(std::move(file), head);
#else
        return "is compressed by gzip, which this build can't read (it was built without zlib)";
#endif
    case content::zip:
#ifdef PAGESIM_HAVE_ZLIB
        return make_zip_source(std::move(file), head);
#else
        return "is a zip archive, which this build can't read (it was built without zlib)";
#endif
    case content::bzip2: return "is compressed by bzip2; only gzip, xz and zstd can be read";
    }
    return "can't be read";
}

std::unique_ptr<byte_source> adopt_byte_source(given_descriptor from, content_hash hashing) {
    return std::make_unique<plain_source>(std::make_unique<raw_file>(from, hashing), std::string_view{});
}

} // namespace pagesim
