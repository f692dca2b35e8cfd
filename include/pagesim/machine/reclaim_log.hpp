// SPDX-License-Identifier: MIT
// What reclaim did in a stretch of a run, and from what it decided.
//
//     standing     at both ends: list sizes, free pages and watermarks, what each type of page cost, the eviction clock
//     pass         one shrink_lruvec: the balance that get_scan_count chose and why, the targets, what came of it
//     refault      the distance, and the size of the workingset that it was held against
//     batch        one shrink_inactive_list: how many pages were scanned, and how many freed
//     verdict      of judge_page, with its reason
//
// A stretch lies between two observations (ops_stream::observe), or an observation and an end of the run. Listening
// does not change the run, nor its fingerprint.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/stat/trace_event.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim {

// Values of which the least, the middle one and the greatest are told.
class sample {
public:
    void add(std::uint64_t value) { values_.push_back(value); }
    [[nodiscard]] std::size_t count() const { return values_.size(); }
    // All 0 of none; the middle of an even number is the lower one of two.
    [[nodiscard]] std::uint64_t least() const;
    [[nodiscard]] std::uint64_t middle() const;
    [[nodiscard]] std::uint64_t greatest() const;

private:
    std::vector<std::uint64_t> values_;
};

class reclaim_log final : public trace_sink {
public:
    struct standing {
        sim_time time;
        std::array<std::uint64_t, nr_lru_lists> lists{};
        std::uint64_t free = 0;
        std::uint64_t min = 0; // the watermarks of all zones, with boost
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::uint64_t boost = 0;
        std::uint64_t anon_cost = 0;
        std::uint64_t file_cost = 0;
        std::uint64_t nonresident_age = 0;
        std::uint64_t free_swap = 0;
        vmstat stat;
    };
    struct pass {
        sim_time time;
        std::string comm;
        std::uint32_t pid = 0;
        tracepoints::scan_count chosen;
        std::uint64_t free = 0;                 // when it began
        std::array<std::uint64_t, 2> scanned{}; // anonymous, file
        std::array<std::uint64_t, 2> reclaimed{};
        std::array<std::uint64_t, 2> deactivated{};
    };
    struct refaults {
        std::uint64_t activated = 0;
        std::uint64_t restored = 0;
        sample distance;
        sample size;
    };
    struct batches {
        sample scanned;
        sample reclaimed;
        std::uint64_t all_scanned = 0;
        std::uint64_t all_reclaimed = 0;
    };
    struct counts {
        std::uint64_t kswapd_wakes = 0;
        std::uint64_t kswapd_sleeps = 0;
        std::uint64_t direct_reclaims = 0;
        std::array<std::uint64_t, 4> throttled{}; // by tracepoints::throttled::why
        std::array<std::uint64_t, nr_reasons> verdicts{};
    };

    // Numbers of observations; none: the first step, the end of the run.
    struct stretch {
        std::optional<std::uint64_t> from;
        std::optional<std::uint64_t> to;
    };
    explicit reclaim_log(stretch s) : stretch_{s} {}

    // Before the first step. `m` outlives the last event.
    void begin(const machine& m);
    // After the last step.
    void finish();

    void on(const trace_event& e) override;
    void on(sim_time time, const tracepoint& t) override;

    [[nodiscard]] const standing& first() const { return first_; }
    [[nodiscard]] const standing& last() const { return last_; }
    [[nodiscard]] const std::vector<pass>& passes() const { return passes_; }
    [[nodiscard]] const counts& counted() const { return counts_; }
    // By type: anonymous, file.
    [[nodiscard]] const refaults& refaulted(lru_type t) const { return refaults_[index(t)]; }
    [[nodiscard]] const batches& batched(lru_type t) const { return batches_[index(t)]; }

private:
    static constexpr std::size_t index(lru_type t) { return static_cast<std::size_t>(t); }
    [[nodiscard]] standing look() const;
    void open();
    void close();
    void note(sim_time time, const tracepoints::scan_count& t);
    void note(const tracepoints::workingset_refault& t);
    void note(const tracepoints::lru_shrink_inactive& t);
    void note(const tracepoints::lru_shrink_active& t);
    [[nodiscard]] pass* current_pass();

    stretch stretch_;
    const machine* machine_ = nullptr;
    bool listening_ = false;
    std::uint32_t current_ = tracepoints::sched_switch::idle; // task
    standing first_;
    standing last_;
    std::vector<pass> passes_;
    std::map<std::uint32_t, std::size_t> under_way_; // index of the pass, by task
    std::array<refaults, 2> refaults_;
    std::array<batches, 2> batches_;
    counts counts_;
};

// SCAN_EQUAL, SCAN_FRACT, SCAN_ANON, SCAN_FILE.
[[nodiscard]] std::string_view balance_name(tracepoints::scan_count::balance b);
// Why: "no_swap", "last_priority", "file_is_tiny", "cache_trim_mode", "costs".
[[nodiscard]] std::string_view balance_cause_name(tracepoints::scan_count::cause c);

} // namespace pagesim
