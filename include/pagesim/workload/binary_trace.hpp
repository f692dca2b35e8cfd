// SPDX-License-Identifier: MIT
// The binary trace: what any access stream delivers, written down so that it can be read again at memory speed.
//
// A lackey line is 15 bytes of text to be parsed; a record here is the 8 bytes that the machine runs. Nothing is
// lost on the way from one to the other: blocks, commands and counts are those of the stream that was written,
// and so is the fingerprint of a run. The bytes (all numbers little-endian; the file may be plain or compressed as a
// whole by zstd or xz, which readers see by themselves):
//
//     header    0  8 bytes   89 70 61 67 65 73 69 6d ("\x89pagesim")
//               8  u32       version of the format: 1
//              12  u32       size of the header, a multiple of 8: the first item follows
//              16  u64       recency window in pages; 0: lossless (window_fold.hpp)
//              24  u64       records of the source (references of a trace, ops of an ops file)
//              32  u64       lines of the source that were skipped
//              40  u64       references to pages
//              48  u64       different pages
//              56  u64       FNV-1a of the source file's bytes
//              64  u32       R, ranges that exist from the start (VMAs); at most 65530
//              68  u32       length N of the source's name, at most 4096
//              72  R ranges  of u64 first page, u64 end page, u64 flags (bit 0: a first read takes a private frame, else it
//                            maps the zero page); ascending, apart
//                  N bytes   the name, then zeros up to the header's size
//     items        u32 kind, u32 size, u64 records of the source so far, u64 references to pages so far, then by kind
//       0 end      size 16   u64 number of 8-byte records in all, u64 checksum of them; nothing follows
//       1 records  size = records (1 to 32768), each 8 bytes as in access_record.hpp
//       2 anon     size bytes: u64 first page, u64 pages, the name; padded with zeros to a multiple of 8
//       3 unmap    the same
//       4 sleep    size 8: u64 nanoseconds
//       5 mark     size bytes: the label, padded
//       6 mlock    as anon: pages within one region
//       7 munlock  the same
//       8 file     as anon, with 0 for the first page: an existing file is opened
//       9 map      as anon: all of an open file
//      10 pread    as anon, with page numbers of the file
//      11 pwrite   the same
//      12 close    size bytes: the name, padded
//      13 fsync    the same
//      14 drop     size 0
//      15 madvise  size bytes: u64 first page, u64 pages, u64 advice (the kernel's number), the name; padded
//
// The checksum folds four lanes, word i into lane i mod 4: lane = (lane xor word) * 0x100000001b3 (mod 2^64) from
// 0xcbf29ce484222325, and in the end the four lanes in the same way into one.
//
// Errors name the byte (after decompression) at which the file is wrong; what precedes it is delivered.
#pragma once

#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/footprint.hpp>
#include <pagesim/workload/text_input.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pagesim {

inline constexpr std::string_view binary_trace_magic{"\x89pagesim", 8};
inline constexpr std::uint32_t binary_trace_version = 1;

// What the header tells of the trace.
struct binary_trace_header {
    std::uint64_t window = 0;
    stream_counts counts;
    page_count touched;
    std::uint64_t source_hash = 0;
    std::string source_name;
    std::vector<page_range> ranges; // private frames on first read
};

class binary_checksum {
public:
    void add(std::span<const access_record> records);
    [[nodiscard]] std::uint64_t value() const;

private:
    std::array<std::uint64_t, 4> lanes_{0xcbf29ce484222325ULL, 0xcbf29ce484222325ULL, 0xcbf29ce484222325ULL,
                                        0xcbf29ce484222325ULL};
    unsigned next_ = 0;
};

// Where bytes of a trace go.
class byte_sink {
public:
    byte_sink() = default;
    byte_sink(const byte_sink&) = delete;
    byte_sink& operator=(const byte_sink&) = delete;
    virtual ~byte_sink() = default;
    // What went wrong, or nothing.
    [[nodiscard]] virtual std::string write(std::span<const char> bytes) = 0;
    [[nodiscard]] virtual std::string finish() = 0;
};

// A file, compressed by zstd if the path ends in ".zst" (level 1 to 19), else plain. Or what is wrong.
[[nodiscard]] std::variant<std::unique_ptr<byte_sink>, std::string> open_byte_sink(const std::string& path,
                                                                                   int level);

class binary_trace_writer {
public:
    // `to` must outlive the writer. The header's ranges and name must be within the limits of the format.
    binary_trace_writer(byte_sink& to, const binary_trace_header& header);

    // An item, and how many records of the source were read by then. Ends with end_of_stream; an input_error is
    // not an item. What went wrong, or nothing.
    [[nodiscard]] std::string write(const stream_item& item, std::uint64_t records_so_far);

private:
    [[nodiscard]] std::string put_item(std::uint32_t kind, std::uint64_t size, std::uint64_t so_far,
                                       std::span<const char> payload);

    byte_sink& to_;
    binary_checksum checksum_;
    std::uint64_t records_ = 0;
    std::uint64_t accesses_ = 0;
    std::string failure_;
};

// The header alone, with the hash of the whole file.
struct binary_scan {
    binary_trace_header header;
    std::uint64_t file_hash = 0;
};
[[nodiscard]] std::variant<binary_scan, input_error> scan_binary_trace(const std::string& path);

// Whether the file's content begins as a binary trace does (plain or compressed). A file that can't be read: no.
[[nodiscard]] bool is_binary_trace(const std::string& path);

class byte_source;

class binary_stream final : public access_stream {
public:
    explicit binary_stream(std::string path, content_hash hashing = content_hash::none);
    ~binary_stream() override;

    [[nodiscard]] stream_item next() override;
    [[nodiscard]] stream_counts counts() const override { return counts_; }
    // Valid once the first item, or an error, was delivered.
    [[nodiscard]] const binary_trace_header& header() const { return header_; }
    // Reads the header if nothing was read yet; what is wrong with it, or nothing.
    [[nodiscard]] const std::optional<input_error>& open();
    // FNV-1a of the file's bytes, to its end. Only with content_hash::fnv1a.
    [[nodiscard]] std::uint64_t hash();

private:
    struct item_head {
        std::uint32_t kind = 0;
        std::uint32_t size = 0;
        std::uint64_t records = 0;
        std::uint64_t accesses = 0;
    };

    // Exactly that many bytes, or an error is noted.
    [[nodiscard]] bool read(std::span<char> to, std::string_view what);
    [[nodiscard]] std::uint64_t read_u64(std::string_view what);
    [[nodiscard]] bool read_name(std::string& out, std::uint64_t length, std::string_view what);
    [[nodiscard]] bool read_ranges(std::uint64_t count);
    [[nodiscard]] stream_item fail(std::string reason);
    [[nodiscard]] stream_item next_item();
    [[nodiscard]] stream_item next_records(const item_head& head);
    [[nodiscard]] stream_item next_region(const item_head& head);
    [[nodiscard]] stream_item map_region(std::string name, std::uint64_t first, std::uint64_t pages);
    [[nodiscard]] stream_item unmap_region(std::string name, std::uint64_t first, std::uint64_t pages);
    [[nodiscard]] stream_item lock_part(std::string name, std::uint64_t first, std::uint64_t pages,
                                        op_lock::action what);
    [[nodiscard]] stream_item next_file_item(const item_head& head);
    [[nodiscard]] stream_item open_file_item(std::string name, std::uint64_t pages);
    [[nodiscard]] stream_item map_file(std::string name, std::uint64_t first, std::uint64_t pages);
    [[nodiscard]] stream_item next_descriptor(const item_head& head, op_descriptor::action what);
    [[nodiscard]] stream_item advise_part(std::string name, std::uint64_t first, std::uint64_t pages,
                                          std::uint64_t number);
    [[nodiscard]] bool within_a_region(std::uint64_t first, std::uint64_t pages) const;
    [[nodiscard]] stream_item next_sleep(const item_head& head);
    [[nodiscard]] stream_item next_mark(const item_head& head);
    [[nodiscard]] stream_item finish(const item_head& head);

    std::string path_;
    std::unique_ptr<byte_source> source_;
    bool opened_ = false;
    binary_trace_header header_;
    std::vector<access_record> block_;
    std::map<std::uint64_t, std::uint64_t> regions_; // first page -> end
    struct known_file {
        std::uint64_t pages;
        bool open;
    };
    std::map<std::string, known_file> files_; // by name
    binary_checksum checksum_;
    std::uint64_t records_ = 0;
    std::uint64_t at_ = 0; // bytes read
    stream_counts counts_;
    std::optional<input_error> error_;
    bool ended_ = false;
};

} // namespace pagesim
