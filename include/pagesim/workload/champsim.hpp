// SPDX-License-Identifier: MIT
// Reader of ChampSim's instruction traces: one record an instruction, no header, little-endian.
//
//     champsim (64 bytes)             cloudsuite (96 bytes)
//      0  u64     ip                   0  u64     ip                  the instruction's address
//      8  u8      is_branch, 0 or 1    8  u8      is_branch
//      9  u8      taken, 0 or 1        9  u8      taken
//     10  u8[2]   registers written   10  u8[4]   registers written
//     12  u8[4]   registers read      14  u8[4]   registers read
//     16  u64[2]  memory written      24  u64[4]  memory written      0: the slot is unused
//     32  u64[4]  memory read         56  u64[4]  memory read
//                                     88  u8[2]   address space, and 6 bytes of padding
//
// An instruction is fetched, then reads, then writes. How many bytes it takes is not known, so nothing
// straddles pages. Addresses are virtual. Those of 2^48 and more are the kernel's: an instruction there is
// skipped, with its data; data there are skipped alone. A flag that is neither 0 nor 1, or an ip of 0, is no
// ChampSim record.
//
// Nothing in a file tells which of the two records it has; cloudsuite must be asked for.
#pragma once

#include <pagesim/workload/trace_stream.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace pagesim {

enum class champsim_record : std::uint8_t { standard, cloudsuite };

class champsim_stream final : public record_trace {
public:
    explicit champsim_stream(std::string path, champsim_record kind = champsim_record::standard,
                             content_hash hashing = content_hash::none);

private:
    struct slots {
        unsigned at;
        unsigned count;
    };
    [[nodiscard]] std::string take(const char* record) override;
    void refer_to(const char* record, slots s, reference_kind kind);

    slots written_;
    slots read_;
};

// Whether bytes from the beginning of a file can be ChampSim's: as many whole records as there are.
[[nodiscard]] bool looks_like_champsim(std::string_view head);

} // namespace pagesim
