// SPDX-License-Identifier: MIT
// Reader of DynamoRIO's drmemtrace: the final traces of one thread each, 64-bit; plain or compressed.
//
//      0  u16  type        a record has 12 bytes, little-endian, packed
//      2  u16  size        bytes of a reference or an instruction; of a marker, its kind
//      4  u64  address     virtual; or a thread, a process, a version, a marker's value
//
//     0 read, 1 write                       data, after the instruction that does it; a size of 0 is not known
//     10-16 instructions, by kind of jump, 48, 49: fetched, one unit of time each
//     17 bundle                             `size` more instructions behind the last, of the lengths that the
//                                           bytes of the address tell
//     22, 24 thread, process                of what follows; only the first process is run
//     25 header, first; 26 footer, last     without a footer the trace was cut off; several may come one after
//                                           the other
//     anything else                         prefetches, flushes, markers, encodings: nothing that can fault
//
// The time is that of the instructions: time stamps (markers) were taken under the recorder and are several
// times too long. Traces strip mmap, or never had it: what is touched is mapped. References beyond 48 bits
// are skipped.
//
// Refused with a clear word: unprocessed files (raw/, which need the program's binaries), and 32-bit traces,
// whose records have 8 bytes.
#pragma once

#include <pagesim/workload/trace_stream.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pagesim {

class drmemtrace_stream final : public record_trace {
public:
    explicit drmemtrace_stream(std::string path, content_hash hashing = content_hash::none);

private:
    struct entry {
        std::uint16_t type = 0;
        std::uint16_t size = 0;
        std::uint64_t address = 0;
    };
    enum class part : std::uint8_t { before_header, body, behind_footer };

    [[nodiscard]] std::string take(const char* record) override;
    [[nodiscard]] std::string at_end() override;
    [[nodiscard]] std::string take_header(const entry& e);
    [[nodiscard]] std::string take_body(const entry& e);
    void fetch_at(std::uint64_t address, std::uint64_t size);
    [[nodiscard]] std::string fetch_bundle(const entry& e);
    void refer_to(const entry& e, reference_kind kind);
    [[nodiscard]] bool left_out(std::uint64_t address, std::uint64_t size);

    part at_ = part::before_header;
    std::uint64_t next_pc_ = 0;
    std::optional<std::uint64_t> first_process_;
    std::uint64_t process_ = 0;
};

// Whether bytes from the beginning of a file are a drmemtrace header, of 64 or 32 bits.
[[nodiscard]] bool looks_like_drmemtrace(std::string_view head);

} // namespace pagesim
