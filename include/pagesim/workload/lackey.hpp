// SPDX-License-Identifier: MIT
// Reader of valgrind's memory traces: `valgrind --tool=lackey --trace-mem=yes --log-file=FILE PROGRAM`.
//
//     I  0401ab70,3        instruction fetch: address in hexadecimal, size in bytes
//      L 1fff000708,8      load
//      S 1fff000708,8      store
//      M 0425d018,4        modify: a load and a store; one write here
//
// Lines of valgrind itself, ==PID== or --PID-- and what follows, are skipped and counted; so are empty
// lines. Any other line is bad: a kind that is not one of the four, an address that is not 1 to 16
// lower-case digits or does not end below 2^48, a size outside 1 to 4096, anything behind the size.
//
// An access that straddles two pages touches both; the second half of a fetch counts as data, so that the
// sum of instructions is the number of I lines. The trace tells neither time nor threads nor mmap: each
// instruction is one unit of time, all of it is one task, and the pages it touches are its ranges.
#pragma once

#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/footprint.hpp>
#include <pagesim/workload/text_input.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim {

// Touched pages at most this far apart are taken to lie in one range. A recorded program maps more than it
// touches; with 16 pages (64 KiB) between them two touched ones are rarely parts of different objects.
inline constexpr page_count lackey_range_gap{16};

using lackey_footprint = footprint;

// The first pass: what the trace touches. A file without an access is an error ("no accesses").
[[nodiscard]] scan_result scan_lackey(const std::string& path);

class lackey_stream final : public access_stream {
public:
    explicit lackey_stream(std::string path, content_hash hashing = content_hash::none);
    // Read as it is written, from a pipe.
    lackey_stream(given_descriptor from, std::string name, content_hash hashing);

    [[nodiscard]] stream_item next() override;
    [[nodiscard]] stream_counts counts() const override { return counts_; }
    // As text_input::hash.
    [[nodiscard]] std::uint64_t hash() { return input_.hash(); }

private:
    // The run of references that is being folded; accesses of 0: none yet.
    struct open_run {
        std::uint64_t page = 0;
        std::uint64_t instructions = 0;
        std::uint64_t data = 0;
        unsigned writes = 0; // run_writes, as bits
    };

    // Fills the block; sets last_ at the end of the input or at a bad line.
    void fill();
    void flush(open_run& run);

    text_input input_;
    std::vector<access_record> block_;
    open_run run_;
    stream_counts counts_;
    std::optional<stream_item> last_; // what is delivered for ever when the block is used up
};

// What is wrong with a line that is neither a record nor skipped, without the line's place.
[[nodiscard]] std::string lackey_complaint(std::string_view line);

} // namespace pagesim
