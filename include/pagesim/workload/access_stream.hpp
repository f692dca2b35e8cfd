// SPDX-License-Identifier: MIT
// Where accesses come from.
//
//     a file (plain, .gz, .xz, .zst)     text_input        lines, bounded, numbered
//            |                           byte_input        records of one size
//            |                               |
//            |         lackey_stream | ops_stream | trace_stream  lines, records -> items
//            |                               |
//     your own generator  ------------->  access_stream::next()
//                                            |
//              access_block | op_... (a command) | end_of_stream | input_error
//
// A stream is pulled: the machine asks for the next item when it has used up the last one, so nothing of a
// trace of any length is kept in memory. An item is one of two things. A *block* is up to 32768 records of
// 8 bytes, 256 KiB, which stay in the host's second-level cache; the machine runs through it in a tight
// loop without another call. A *command* changes the address space, the clock or the report, and always
// stands between two blocks.
//
// The rule of folding. Consecutive references to one page, of whatever kind, are one record
// (access_record.hpp). It loses nothing: between two of them nothing can happen to the page that the
// machine would not meet at an event, and a translation that hit once hits again. What is kept is the
// number of references, the instructions among them and whether the page was written first or later. A
// recorded program fetches instructions from one page while it reads and writes others, so runs are short;
// a fold of two to one is usual.
//
// Errors. A stream delivers everything before a bad line, then the input_error, and that same error from
// then on; at its end it delivers end_of_stream from then on. Nothing throws but for want of memory.
//
// Repetition. The same file gives the same items, block cuts included, each time and on every machine.
//
// A file is read twice: `scan_lackey`, `scan_ops` and `scan_trace` learn how many pages it touches (so that a
// memory size can be chosen and a recorded program's ranges be mapped), then the stream runs. Reading again
// costs less than keeping.
//
// Writing your own: derive, return a block whose span stays valid until the next call, and in the end
// end_of_stream. The pages must lie in ranges that were mapped by op_anon or given to the machine at its
// start.
//
// Left out: several processes or threads in one stream.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/workload/access_record.hpp>
#include <pagesim/workload/advice.hpp>
#include <pagesim/workload/input_error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

namespace pagesim {

// The most records that one block holds: 256 KiB of them.
inline constexpr std::size_t block_records = 32768;
// The most pages of a file (16 TiB).
inline constexpr page_count most_file_pages{1ULL << 32U};

// Valid until the stream's next item is asked for. Not empty.
struct access_block {
    std::span<const access_record> records;
};

// mmap of a private anonymous region.
struct op_anon {
    std::string name;
    vpn first{0};
    page_count pages;
};

// open(2) of an existing file of that many pages, by its name. Nothing of it is cached at first.
struct op_file {
    std::string name;
    page_count pages;
};

// mmap of the whole open file, shared and writable.
struct op_map {
    std::string name;
    vpn first{0};
    page_count pages;
};

// pread(2) or pwrite(2) of whole pages of an open file.
struct op_transfer {
    enum class action : std::uint8_t { pread, pwrite };
    std::string name;
    std::uint64_t page = 0;
    page_count pages;
    action what = action::pread;
};

// close(2) or fsync(2) of an open file.
struct op_descriptor {
    enum class action : std::uint8_t { close, fsync };
    std::string name;
    action what = action::close;
};

// drop_caches: clean pages of files that nobody maps (1), and slab (2).
struct op_drop {};

// munmap of the whole region, or of a file's mapping.
struct op_unmap {
    std::string name;
    vpn first{0};
    page_count pages;
};

// mlock or munlock of a part of a region.
struct op_lock {
    enum class action : std::uint8_t { mlock, munlock };
    std::string name;
    vpn first{0};
    page_count pages;
    action what = action::mlock;
};

// madvise of a part of a region.
struct op_advise {
    std::string name;
    vpn first{0};
    page_count pages;
    advice what = advice::normal;
};

struct op_sleep {
    sim_duration duration;
};

// A snapshot of the counters is wanted here. What the workload asks for makes an event, takes its time and brings late
// counters up to date; so does what its recorder looks at, but nobody keeps that; an observer changes nothing.
struct op_mark {
    enum class asker : std::uint8_t { workload, recorder, observer };
    std::string label;
    asker by = asker::workload;
    sim_duration takes{};
};

struct end_of_stream {};

using stream_item =
    std::variant<access_block, op_anon, op_unmap, op_lock, op_advise, op_sleep, op_mark, op_file, op_map,
                 op_transfer, op_descriptor, op_drop, end_of_stream, input_error>;

// What was read so far. A stream reads ahead by at most one block.
struct stream_counts {
    std::uint64_t records = 0;  // of the input: references of a trace, ops of an ops file
    std::uint64_t skipped = 0;  // banner lines, comments, empty lines
    std::uint64_t accesses = 0; // references to pages

    friend bool operator==(const stream_counts&, const stream_counts&) = default;
};

class access_stream {
public:
    access_stream() = default;
    access_stream(const access_stream&) = delete;
    access_stream& operator=(const access_stream&) = delete;
    virtual ~access_stream() = default;

    [[nodiscard]] virtual stream_item next() = 0;
    [[nodiscard]] virtual stream_counts counts() const = 0;
};

} // namespace pagesim
