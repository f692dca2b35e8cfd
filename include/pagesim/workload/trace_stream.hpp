// SPDX-License-Identifier: MIT
// What the readers of recorded traces share: folding, time, and the account of what was read.
//
//     a record or line --> refer(page) ----> open run --> block     references to one page in a row: one record
//                     \--> sweep(pages) --/
//                     \--> pass_time(t) --> op_sleep
//                     \--> skip(reason)     counted; the first is remembered with its place
//
// Three kinds of input. A *good* record becomes references. One that is well formed but can't be performed
// (an address of the kernel, of another process, none at all) is *skipped*, and so is what is no reference
// (comments, markers); the account tells how many, and where and why the first of those that could not be
// performed was left out. Anything else is *bad*: the trace ends there with an error, after all that precedes
// it.
//
// Time. Where instructions were recorded, each is one unit of CPU time. Where they were not, a reference
// costs untimed_gap instructions, as in a synthetic stream. A trace with time stamps keeps them to a
// millisecond: what happened within one is a burst, then the process sleeps until the next. (What it did
// between two samples, computing or waiting, is not in the trace.)
//
// Ranges. None of these formats tells of mmap. What is touched is what is mapped: infer_ranges().
//
// Your own reader: derive from text_trace or record_trace and write take(); see page_list.hpp for the least.
#pragma once

#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/byte_input.hpp>
#include <pagesim/workload/footprint.hpp>
#include <pagesim/workload/text_input.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pagesim {

// Instructions from one reference to the next where the trace does not tell.
inline constexpr std::uint64_t untimed_gap = 100;
// Addresses from here on are the kernel's, or no addresses.
inline constexpr std::uint64_t user_address_end = 1ULL << 48U;
inline constexpr std::uint64_t user_pages_end = user_address_end >> page_shift;
// Time stamps are kept to this.
inline constexpr sim_duration time_stamp_grain = milliseconds(1);

enum class reference_kind : std::uint8_t { load, store };

// Ranges that hold the pages: touched ones at most 16 pages apart are in one (lackey.hpp says why), or
// further apart where there would be more ranges than a process may have.
[[nodiscard]] std::vector<page_range> infer_ranges(const page_set& pages);

class trace_stream : public access_stream {
public:
    [[nodiscard]] stream_item next() final;
    [[nodiscard]] stream_counts counts() const final { return counts_; }
    // FNV-1a of the whole file's bytes, if hashing was asked for.
    [[nodiscard]] virtual std::uint64_t hash() = 0;
    // The first record that could not be performed: its place, and why.
    [[nodiscard]] const std::optional<input_error>& first_skipped() const { return first_skipped_; }
    // A cache's trace, placed by number, was stopped by an object that has no page's number or size.
    [[nodiscard]] virtual bool met_no_page() const { return false; }

protected:
    // fetched_here: the trace tells each instruction. time_only: it does not.
    explicit trace_stream(instruction_role role);

    // Reads records until must_pause() or the end.
    virtual void fill() = 0;

    // One record may refer to this many pages one by one; more are a sweep.
    static constexpr std::size_t most_pages_at_once = 32;
    [[nodiscard]] bool must_pause() const {
        return block_.size() + most_pages_at_once + 1 > block_records || sweep_.left > 0 || sleep_ || last_;
    }

    void count_record() { ++counts_.records; }
    // An instruction fetched from the page.
    void fetch(std::uint64_t page) { add(page, 1, 0, 0); }
    void refer(std::uint64_t page, reference_kind kind) {
        add(page, role_ == instruction_role::time_only ? untimed_gap : 0, 1,
            kind == reference_kind::store ? 1U : 0U);
    }
    // At least once, and no more often than a record can tell.
    void refer_often(std::uint64_t page, reference_kind kind, std::uint64_t references) {
        references = std::clamp<std::uint64_t>(references, 1, access_record::max_data);
        const std::uint64_t instructions =
            role_ == instruction_role::time_only
                ? std::min(untimed_gap * references, access_record::max_instructions)
                : 0;
        add(page, instructions, references, kind == reference_kind::store ? 1U : 0U);
    }
    // Pages one after the other, each with so many references. At most one for each record, as its last.
    void sweep(std::uint64_t first, page_count pages, reference_kind kind, std::uint64_t references = 1) {
        if (pages.value == 1) return refer_often(first, kind, references);
        begin_sweep(first, pages, kind, references);
    }
    // The record's time stamp, before its references (at most one refer() or sweep() then).
    void pass_time(sim_time t) {
        if (!time_) {
            time_ = t;
        } else if (t > *time_ && t - *time_ >= time_stamp_grain) {
            pass_a_grain(t);
        }
    }
    // What is no reference and was not to be one.
    void pass_over() { ++counts_.skipped; }
    void skip(input_error why) {
        ++counts_.skipped;
        if (!first_skipped_) first_skipped_ = std::move(why);
    }
    [[nodiscard]] bool has_skipped() const { return first_skipped_.has_value(); }
    // No more comes. `path`: of the file, for the error if nothing came.
    void finish(const std::string& path, const std::optional<input_error>& error);

private:
    struct run {
        std::uint64_t page = 0;
        std::uint64_t instructions = 0;
        std::uint64_t data = 0;
        unsigned writes = 0; // run_writes, as bits
    };
    struct pending_sweep {
        std::uint64_t page = 0;
        std::uint64_t left = 0;
        std::uint64_t references = 1;
        reference_kind kind = reference_kind::load;
    };

    void add(std::uint64_t page, std::uint64_t instructions, std::uint64_t data, unsigned is_store) {
        if (page != run_.page || run_.instructions + instructions > access_record::max_instructions ||
            run_.data + data > access_record::max_data) {
            flush();
            run_.page = page;
        }
        run_.writes |= is_store << (run_.instructions + run_.data == 0 ? 0U : 1U);
        run_.instructions += instructions;
        run_.data += data;
        counts_.accesses += role_ == instruction_role::fetched_here ? instructions + data : data;
    }
    void flush() {
        if (run_.instructions + run_.data == 0) return;
        block_.emplace_back(vpn{run_.page}, static_cast<run_writes>(run_.writes), role_, run_.instructions,
                            run_.data);
        run_ = {};
    }
    void begin_sweep(std::uint64_t first, page_count pages, reference_kind kind, std::uint64_t references);
    void pass_a_grain(sim_time t);
    void emit_sweep();

    instruction_role role_;
    std::vector<access_record> block_;
    run run_;
    pending_sweep sweep_;
    std::optional<sim_time> time_;      // of the last grain
    std::optional<sim_duration> sleep_; // to be delivered before what follows
    stream_counts counts_;
    std::optional<input_error> first_skipped_;
    std::optional<stream_item> last_; // what is delivered for ever in the end
};

// A trace of lines. take() gets each but empty ones and, where the format has them, comments (#).
class text_trace : public trace_stream {
public:
    [[nodiscard]] std::uint64_t hash() final { return input_.hash(); }

protected:
    enum class comments : std::uint8_t { none, by_hash };
    text_trace(std::string path, content_hash hashing, comments c);

    // What is wrong with the line, or nothing.
    [[nodiscard]] virtual std::string take(std::string_view line) = 0;
    // What is wrong at the end, or nothing.
    [[nodiscard]] virtual std::string at_end() { return {}; }
    void skip_here(std::string_view reason) {
        has_skipped() ? pass_over() : skip(input_.error_here(std::string{reason}));
    }

private:
    void fill() final;

    text_input input_;
    comments comments_;
};

// A trace of records of one size, without a header or with one that is such a record.
class record_trace : public trace_stream {
public:
    [[nodiscard]] std::uint64_t hash() final { return input_.hash(); }

protected:
    record_trace(std::string path, content_hash hashing, instruction_role role, std::size_t record_bytes);

    // What is wrong with the record, or nothing.
    [[nodiscard]] virtual std::string take(const char* record) = 0;
    // What is wrong at the end, or nothing.
    [[nodiscard]] virtual std::string at_end() { return {}; }
    void skip_here(std::string_view reason) { has_skipped() ? pass_over() : skip(input_.error_here(reason)); }

private:
    void fill() final;

    byte_input input_;
    std::size_t record_bytes_;
};

} // namespace pagesim
