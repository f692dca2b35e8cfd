// SPDX-License-Identifier: MIT
// What the host and the guest agree on.
//
// The guest's memory is a file on the host. Above what the kernel manages lie two areas that only /dev/mem sees:
// the job, which the host writes before the machine starts, and the report, which it reads when the machine is off.
// So neither reading an op nor taking a snapshot costs the kernel a page, a cache or an interrupt.
//
//     job      header | settings: lines of "key value" | names of 64 bytes | operations
//     report   header | entries: head, text | ...
//
// Each part begins at a multiple of 8, numbers are little-endian. The areas are device memory to the kernel, so they
// are read and written in whole, aligned words. layout.py says the same to the host.
#pragma once

#include <cstdint>

namespace lab {

inline constexpr std::uint64_t page_bytes = 4096;

inline constexpr std::uint64_t job_at = 0x60000000;
inline constexpr std::uint64_t report_at = 0x6c000000;
inline constexpr std::uint64_t report_bytes = 0x2000000;
inline constexpr std::uint64_t job_magic = 0x31626f6a62616c70;    // "plabjob1"
inline constexpr std::uint64_t report_magic = 0x317065726261706c; // "lpabrep1"

inline constexpr std::uint64_t most_names = 256;
inline constexpr std::uint64_t name_bytes = 64;
inline constexpr std::uint64_t most_settings_bytes = 4096;

enum class word : std::uint32_t {
    anon = 1,
    file,
    map,
    r,
    w,
    pread,
    pwrite,
    unmap,
    mlock,
    munlock,
    madvise,
    sleep,
    mark,
    fsync,
    drop,
    close,
    count_
};

struct job_header {
    std::uint64_t magic;
    std::uint64_t settings_bytes; // a multiple of 8
    std::uint64_t names;
    std::uint64_t operations;
};

struct operation {
    std::uint16_t what; // a word
    std::uint16_t name; // its number
    std::uint32_t page;
    std::uint32_t count;
    std::uint32_t extra; // milliseconds, or the advice
};
static_assert(sizeof(operation) == 16);

enum class report_state : std::uint64_t { begun = 1, done = 2, failed = 3 };

struct report_header {
    std::uint64_t magic;
    report_state state;
    std::uint64_t used; // bytes of all entries
};

struct entry_head {
    std::uint64_t bytes; // of the text
    std::uint64_t operation;
    std::uint64_t ns; // when, of CLOCK_MONOTONIC
    char kind[24];
    char label[64];
};
static_assert(sizeof(entry_head) % 8 == 0);

} // namespace lab
