// SPDX-License-Identifier: MIT
#include "zlib_source.hpp"

#ifdef PAGESIM_HAVE_ZLIB

#include "compressed_bytes.hpp"
#include "inflater.hpp"
#include "little_endian.hpp"

#include <fmt/format.h>

#include <array>

namespace pagesim {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view member_magic = "PK\x03\x04"sv;
constexpr std::string_view descriptor_magic = "PK\x07\x08"sv;
constexpr std::uint16_t flag_encrypted = 1;
constexpr std::uint16_t flag_descriptor = 8; // checksum and sizes follow the data
constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t method_deflated = 8;
constexpr std::uint16_t extra_zip64 = 1;
constexpr std::uint32_t in_extra = 0xffffffff; // a size that stands in the zip64 field

bool is_directory_magic(std::string_view s) {
    return s == "PK\x01\x02"sv || s == "PK\x05\x06"sv || s == "PK\x06\x06"sv || s == "PK\x06\x07"sv ||
           s == "PK\x06\x08"sv;
}

struct member {
    std::string name;
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::uint32_t checksum = 0;
    std::uint64_t stored_left = 0; // of a stored member
    std::uint32_t sum = 0;         // of what was read
    bool zip64 = false;
};

class zip_source final : public byte_source {
public:
    zip_source(std::unique_ptr<raw_file> file, std::string_view head)
        : byte_source{std::move(file)}, in_{head} {}

    read_result read(std::span<char> to) override {
        std::size_t done = 0;
        while (done < to.size() && !ended_ && failure_.empty()) {
            if (inside_) {
                step(to, done);
            } else {
                begin_member();
            }
        }
        return {.bytes = done, .failure = failure_};
    }

private:
    void fail(std::string reason) {
        if (failure_.empty()) failure_ = std::move(reason);
    }
    // Exactly that many bytes of the archive, or a failure.
    bool take(std::span<char> to) {
        for (std::size_t done = 0; done < to.size();) {
            if (std::string wrong = in_.refill(this->file()); !wrong.empty()) fail(std::move(wrong));
            if (in_.ended()) fail("the zip data end early");
            if (!failure_.empty()) return false;
            const std::size_t n = std::min(in_.size(), to.size() - done);
            std::copy_n(in_.data(), n, to.begin() + static_cast<std::ptrdiff_t>(done));
            in_.use(n);
            done += n;
        }
        return true;
    }

    void begin_member() {
        std::array<char, 30> head{};
        if (!take(std::span{head}.first(4))) return;
        const std::string_view magic{head.data(), 4};
        if (is_directory_magic(magic)) {
            ended_ = true;
            if (members_ == 0) fail("is a zip archive without a member");
            return;
        }
        if (magic != member_magic) return fail("the zip data are damaged: a member should begin");
        if (!take(std::span{head}.subspan(4))) return;
        now_ = {.name = {},
                .flags = get_le<std::uint16_t>(&head[6]),
                .method = get_le<std::uint16_t>(&head[8]),
                .checksum = get_le<std::uint32_t>(&head[14]),
                .sum = static_cast<std::uint32_t>(crc32(0, nullptr, 0))};
        now_.name.resize(get_le<std::uint16_t>(&head[26]));
        std::vector<char> extra(get_le<std::uint16_t>(&head[28]));
        if (!take(now_.name) || !take(extra)) return;
        now_.stored_left = get_le<std::uint32_t>(&head[22]);
        read_extra(extra, now_.stored_left == in_extra);
        if ((now_.flags & flag_encrypted) != 0) return fail_member("is encrypted");
        if (now_.method != method_stored && now_.method != method_deflated)
            return fail_member(
                fmt::format("is compressed by method {}; only deflate can be read", now_.method));
        if (now_.method == method_stored && (now_.flags & flag_descriptor) != 0)
            return fail_member("is stored without its size");
        inflater_.restart();
        inside_ = true;
        ++members_;
    }

    // A field of 64-bit sizes: the member's own size comes first.
    void read_extra(std::span<const char> extra, bool size_is_there) {
        while (extra.size() >= 4) {
            const auto id = get_le<std::uint16_t>(extra.data());
            const std::size_t bytes = get_le<std::uint16_t>(extra.data() + 2);
            extra = extra.subspan(4);
            if (bytes > extra.size()) return;
            if (id == extra_zip64) {
                now_.zip64 = true;
                if (size_is_there && bytes >= 8) now_.stored_left = get_le<std::uint64_t>(extra.data());
            }
            extra = extra.subspan(bytes);
        }
    }

    void fail_member(std::string_view reason) {
        fail(fmt::format("the zip archive's member {} {}", in_quotes(now_.name), reason));
    }

    void step(std::span<char> to, std::size_t& done) {
        const std::span<char> room = to.subspan(done);
        std::size_t got = 0;
        bool over = false;
        if (now_.method == method_stored) {
            got = std::min<std::uint64_t>(room.size(), now_.stored_left);
            if (got > 0) {
                if (std::string wrong = in_.refill(this->file()); !wrong.empty()) return fail(wrong);
                if (in_.ended()) return fail("the zip data end early");
                got = std::min(got, in_.size());
                std::copy_n(in_.data(), got, room.begin());
                in_.use(got);
            }
            now_.stored_left -= got;
            over = now_.stored_left == 0;
        } else {
            if (std::string wrong = in_.refill(this->file()); !wrong.empty()) return fail(wrong);
            if (in_.ended()) return fail("the zip data end early");
            const inflate_result r = inflater_.step(in_, room);
            if (r.outcome == inflate_outcome::damaged) return fail_member("is damaged");
            got = r.bytes;
            over = r.outcome == inflate_outcome::ended;
        }
        now_.sum = static_cast<std::uint32_t>(
            crc32(now_.sum, reinterpret_cast<const Bytef*>(room.data()), static_cast<uInt>(got)));
        done += got;
        if (over) end_member();
    }

    void end_member() {
        inside_ = false;
        if ((now_.flags & flag_descriptor) != 0) {
            std::array<char, 20> tail{};
            const std::span<char> bytes{tail};
            if (!take(bytes.first(4))) return;
            if (std::string_view{tail.data(), 4} == descriptor_magic && !take(bytes.first(4))) return;
            now_.checksum = get_le<std::uint32_t>(tail.data());
            if (!take(bytes.first(now_.zip64 ? 16 : 8))) return;
        }
        if (now_.checksum != now_.sum) fail_member("is damaged (its checksum is wrong)");
    }

    compressed_bytes in_;
    inflater inflater_{inflate_wrapper::none};
    member now_;
    std::uint64_t members_ = 0;
    bool inside_ = false;
    bool ended_ = false;
    std::string failure_;
};

} // namespace

std::unique_ptr<byte_source> make_zip_source(std::unique_ptr<raw_file> file, std::string_view head) {
    return std::make_unique<zip_source>(std::move(file), head);
}

} // namespace pagesim

#endif
