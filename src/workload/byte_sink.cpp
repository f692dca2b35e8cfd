// SPDX-License-Identifier: MIT
#include <pagesim/workload/binary_trace.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>

#ifdef PAGESIM_HAVE_ZSTD
#include <zstd.h>
#endif

namespace pagesim {

namespace {

class file_sink final : public byte_sink {
public:
    explicit file_sink(std::FILE* f) : file_{f} {}
    ~file_sink() override {
        if (file_ != nullptr) std::fclose(file_);
    }
    std::string write(std::span<const char> bytes) override {
        return std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size() ? std::string{} : reason();
    }
    std::string finish() override {
        std::FILE* f = file_;
        file_ = nullptr;
        return std::fclose(f) == 0 ? std::string{} : reason();
    }

private:
    static std::string reason() {
        return fmt::format("can't be written: {}", std::generic_category().message(errno));
    }

    std::FILE* file_;
};

#ifdef PAGESIM_HAVE_ZSTD
class zstd_sink final : public byte_sink {
public:
    zstd_sink(std::unique_ptr<byte_sink> to, int level) : to_{std::move(to)}, out_(ZSTD_CStreamOutSize()) {
        if (stream_ == nullptr) throw std::bad_alloc{};
        ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1);
    }
    std::string write(std::span<const char> bytes) override {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        while (in.pos < in.size) {
            if (std::string wrong = step(in, ZSTD_e_continue); !wrong.empty()) return wrong;
        }
        return {};
    }
    std::string finish() override {
        ZSTD_inBuffer none{nullptr, 0, 0};
        do {
            if (std::string wrong = step(none, ZSTD_e_end); !wrong.empty()) return wrong;
        } while (left_ != 0);
        return to_->finish();
    }

private:
    std::string step(ZSTD_inBuffer& in, ZSTD_EndDirective how) {
        ZSTD_outBuffer out{out_.data(), out_.size(), 0};
        left_ = ZSTD_compressStream2(stream_.get(), &out, &in, how);
        if (ZSTD_isError(left_) != 0) return fmt::format("zstd failed: {}", ZSTD_getErrorName(left_));
        return to_->write({out_.data(), out.pos});
    }

    struct free_stream {
        void operator()(ZSTD_CStream* s) const { ZSTD_freeCStream(s); }
    };
    std::unique_ptr<byte_sink> to_;
    std::vector<char> out_;
    std::unique_ptr<ZSTD_CStream, free_stream> stream_{ZSTD_createCStream()};
    std::size_t left_ = 0;
};
#endif

} // namespace

std::variant<std::unique_ptr<byte_sink>, std::string> open_byte_sink(const std::string& path,
                                                                     [[maybe_unused]] int level) {
    const bool compress = path.ends_with(".zst");
#ifndef PAGESIM_HAVE_ZSTD
    if (compress) return "this build can't compress (it was built without libzstd); name a file without .zst";
#endif
    std::FILE* f = std::fopen(path.c_str(), "wb");
    if (f == nullptr)
        return fmt::format("can't be opened for writing: {}", std::generic_category().message(errno));
    std::unique_ptr<byte_sink> file = std::make_unique<file_sink>(f);
#ifdef PAGESIM_HAVE_ZSTD
    if (compress) return std::make_unique<zstd_sink>(std::move(file), level);
#endif
    return file;
}

} // namespace pagesim
