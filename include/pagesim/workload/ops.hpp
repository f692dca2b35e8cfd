// SPDX-License-Identifier: MIT
// Reader of ops files: a workload written down, one op a line.
//
//     # a comment
//     anon a 45000         mmap of a private anonymous region of 45000 pages
//     w a 0 45000          one 8-byte store in each of 45000 pages from page 0 on (the count may be left out: 1)
//     mark filled          a snapshot of the counters
//     r a 128 64           one 8-byte load in each of 64 pages
//     mlock a 0 500        pages 0 to 499 are faulted in and may not be reclaimed; munlock the same
//     madvise a 0 9 cold   advice: normal, random, sequential, willneed, dontneed, free, cold or pageout
//     file f 2000          a file of 2000 pages, which exists, is opened
//     pread f 0 64         read(2) of 64 pages from page 0 on; pwrite the same
//     map f                mmap of all of it, shared; r, w, mlock, madvise and unmap then take it like a region
//     fsync f
//     close f
//     drop                 the page cache is emptied as far as it is clean
//     sleep 250            milliseconds
//     unmap a              munmap; the name is free again
//
// Words are parted by blanks or tabs; empty lines and comment lines are skipped and counted.
//
// Time: what the kernel's laboratory needs for one op under instruction-counted time on Linux 6.1, arm64.
// The first page of an op carries the op's own loop, each further one a load or a store.
#pragma once

#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/footprint.hpp>
#include <pagesim/workload/region_map.hpp>
#include <pagesim/workload/text_input.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pagesim {

// Instructions of an op, measured: its first page, and each further page. A further store takes 48.5, so 48
// and 49 by turns.
struct ops_cost {
    std::uint64_t read = 125;
    std::uint64_t write = 169;
    std::uint64_t further_read = 5;
    std::array<std::uint64_t, 2> further_write{48, 49};
};
inline constexpr ops_cost default_ops_cost{};

// The longest sleep, milliseconds (11 days).
inline constexpr std::uint64_t longest_sleep_ms = 1'000'000'000;
// The most regions at one time (kernel: vm.max_map_count), and the most pages in all of them (4 TiB).
inline constexpr std::size_t most_regions = 65530;
inline constexpr page_count most_region_pages{1ULL << 30U};

using ops_footprint = footprint;

// The first pass. A file without an op is an error ("no ops").
[[nodiscard]] scan_result scan_ops(const std::string& path);

class ops_stream final : public access_stream {
public:
    explicit ops_stream(std::string path, content_hash hashing = content_hash::none);

    [[nodiscard]] stream_item next() override;
    [[nodiscard]] stream_counts counts() const override { return counts_; }
    // As text_input::hash.
    [[nodiscard]] std::uint64_t hash() { return input_.hash(); }
    // Marks beside the file's own that do not change the run: each before the op of that number, counted from 0; the
    // number of all ops stands for the end. In ascending order, before the first item is asked for.
    struct observation {
        std::uint64_t before_op = 0;
        std::string label;
    };
    void observe(std::vector<observation> at) { observations_ = std::move(at); }
    // The program that performs the ops, said before the first item is asked for.
    struct performer {
        vpn end = region_map::top; // its regions go below that
        page_count file_alignment{
            1}; // mappings of a file that are as large begin at a multiple of it; 1: anywhere
        std::uint64_t further_stores =
            0;                   // instructions that each page of a w op takes more: more of it is written
        sim_duration snapshot{}; // what it takes to read the counters at a mark
        std::vector<std::uint64_t> looks{}; // before ops of these numbers it reads them unasked; ascending
    };
    void performed_by(performer p);
    // What the name stands for, if a line before this one has introduced it.
    struct named_place {
        bool is_file = false;
        vpn first{0}; // of a region
        page_count pages;
    };
    [[nodiscard]] std::optional<named_place> place_of(std::string_view name) const;

private:
    enum class access : std::uint8_t { read, write };
    // What a name stands for: an anonymous region, or a file, which may be open and mapped.
    struct region {
        vpn first{0}; // if mapped
        page_count pages;
        bool is_file = false;
        bool open = false;
        bool mapped = true;
    };
    // What is left of an r or w op.
    struct touch {
        access kind = access::read;
        vpn at{0};
        std::uint64_t left = 0;
        std::uint64_t done = 0;
    };
    // The words of a line; a word that is not there is empty.
    struct words {
        std::array<std::string_view, 5> at;
        std::size_t count = 0; // 6 stands for any more than 5
    };

    [[nodiscard]] static words split(std::string_view line);
    void read_line();
    [[nodiscard]] bool observation_is_due() const {
        return observed_ < observations_.size() && observations_[observed_].before_op <= counts_.records;
    }
    [[nodiscard]] bool look_is_due() const {
        return looked_ < performer_.looks.size() && performer_.looks[looked_] <= counts_.records;
    }
    [[nodiscard]] std::string parse(const words& w); // each: what is wrong, or nothing
    [[nodiscard]] std::string parse_anon(const words& w);
    [[nodiscard]] std::string parse_file(const words& w);
    [[nodiscard]] std::string parse_map(const words& w);
    [[nodiscard]] std::string parse_transfer(const words& w, op_transfer::action what);
    [[nodiscard]] std::string parse_descriptor(const words& w, op_descriptor::action what);
    // What is wrong with a new mapping of so many pages; else its place is taken.
    [[nodiscard]] std::string take_pages(std::uint64_t pages, page_count alignment, vpn& first);
    // The pages that NAME PAGE [COUNT] name, counted from the region's or file's start.
    struct part {
        const region* of = nullptr;
        std::uint64_t first = 0;
        page_count pages;
    };
    [[nodiscard]] std::variant<part, std::string> parse_part(const words& w) const;
    // The same of what is mapped, as virtual pages.
    struct mapped_part {
        vpn first{0};
        page_count pages;
    };
    [[nodiscard]] std::variant<mapped_part, std::string> parse_mapped_part(const words& w) const;
    [[nodiscard]] std::string parse_touch(const words& w, access kind);
    [[nodiscard]] std::string parse_lock(const words& w, op_lock::action what);
    [[nodiscard]] std::string parse_advise(const words& w);
    [[nodiscard]] std::string parse_unmap(const words& w);
    [[nodiscard]] std::string parse_sleep(const words& w);
    [[nodiscard]] std::string parse_mark(const words& w);
    [[nodiscard]] std::string parse_drop(const words& w);
    void emit_touch();

    text_input input_;
    std::vector<access_record> block_;
    touch touch_;
    std::optional<stream_item> command_; // comes behind the block; an end or error stays
    std::map<std::string, region, std::less<>> regions_;
    region_map map_;
    performer performer_;
    std::size_t looked_ = 0;
    page_count mapped_; // in all regions
    stream_counts counts_;
    std::vector<observation> observations_;
    std::size_t observed_ = 0;
};

// Whether a line begins by a word of the language.
[[nodiscard]] bool is_ops_word(std::string_view word);

} // namespace pagesim
