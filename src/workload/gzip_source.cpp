// SPDX-License-Identifier: MIT
#include "zlib_source.hpp"

#ifdef PAGESIM_HAVE_ZLIB

#include "compressed_bytes.hpp"
#include "inflater.hpp"

namespace pagesim {

namespace {

class gzip_source final : public byte_source {
public:
    gzip_source(std::unique_ptr<raw_file> file, std::string_view head)
        : byte_source{std::move(file)}, in_{head} {}

    read_result read(std::span<char> to) override {
        std::size_t done = 0;
        std::string failure;
        while (done < to.size() && failure.empty()) {
            failure = in_.refill(this->file());
            if (!failure.empty()) break;
            if (in_.ended()) {
                if (inside_) failure = "the gzip data end early";
                break;
            }
            failure = step(to, done);
        }
        return {.bytes = done, .failure = std::move(failure)};
    }

private:
    // Several gzip streams one after the other are one text; zeros may follow the last.
    std::string step(std::span<char> to, std::size_t& done) {
        if (!inside_ && *in_.data() == '\0') {
            in_.use(1);
            return {};
        }
        if (!inside_) inflater_.restart();
        inside_ = true;
        const inflate_result r = inflater_.step(in_, to.subspan(done));
        done += r.bytes;
        if (r.outcome == inflate_outcome::ended) inside_ = false;
        if (r.outcome == inflate_outcome::damaged) return "the gzip data are damaged";
        return {};
    }

    compressed_bytes in_;
    inflater inflater_{inflate_wrapper::gzip};
    bool inside_ = false;
};

} // namespace

std::unique_ptr<byte_source> make_gzip_source(std::unique_ptr<raw_file> file, std::string_view head) {
    return std::make_unique<gzip_source>(std::move(file), head);
}

} // namespace pagesim

#endif
