// SPDX-License-Identifier: MIT
// What a log of vmscan events says: who reclaimed, what it found on which list at which priority, how long it took.
//
// The counters of vmstat follow from the events, if the log is whole and all vmscan events were on:
//
//     pgscan_*        nr_scanned of lru_isolate on inactive lists. Not of lru_shrink_inactive, which is silent when
//                     nothing could be isolated
//     pgrefill        nr_scanned of lru_isolate on active lists
//     pgsteal_*       nr_reclaimed of lru_shrink_inactive
//     pgdeactivate    nr_deactivated of lru_shrink_active
//     nr_vmscan_write the writepage and write_folio events
//     pageoutrun      at most the kswapd_wake events: one run of kswapd can tell of several orders
//     allocstall_*    at least the direct_reclaim_begin events, since a retry counts again
//
// Source: include/trace/events/vmscan.h, mm/vmscan.c, Linux 5.8, 6.1, 6.12.
#pragma once

#include <pagesim/stat/ftrace_line.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pagesim {

class vmscan_log {
public:
    static constexpr std::size_t nr_lists =
        5; // inactive_anon, active_anon, inactive_file, active_file, unevictable
    static constexpr std::size_t nr_priorities = 13; // 12 is where reclaim begins (kernel: DEF_PRIORITY)
    enum class kind : std::uint8_t { anon, file };
    static constexpr std::size_t nr_kinds = 2;

    struct isolated {
        std::uint64_t calls = 0;
        std::uint64_t scanned = 0;
        std::uint64_t skipped = 0; // of a zone that was not asked for
        std::uint64_t taken = 0;
    };
    struct shrunk {
        std::uint64_t calls = 0;
        std::uint64_t scanned = 0;
        std::uint64_t reclaimed = 0;
        std::uint64_t writeback = 0;
        std::uint64_t immediate = 0;
        std::uint64_t activated = 0;
        std::uint64_t kept = 0; // since they were referenced
        std::uint64_t unmap_failed = 0;
    };
    struct aged {
        std::uint64_t taken = 0;
        std::uint64_t kept = 0; // on the active list
        std::uint64_t deactivated = 0;
    };
    struct throttled {
        std::uint64_t times = 0;
        std::uint64_t us = 0;
    };
    struct task {
        std::array<isolated, nr_lists> lists{};
        std::array<std::array<shrunk, nr_priorities>, nr_kinds> inactive{};
        std::array<std::array<aged, nr_priorities>, nr_kinds> active{};
        std::array<std::uint64_t, nr_kinds> written{};
        std::map<std::string, throttled, std::less<>> throttles; // by reason
        std::uint64_t wakeups = 0;                               // of kswapd, by this task
        std::uint64_t wakes = 0;                                 // kswapd itself
        std::uint64_t sleeps = 0;
        std::uint64_t begun = 0; // direct reclaim
        std::uint64_t ended = 0;
        std::uint64_t direct_reclaimed = 0;
        std::uint64_t slab_scanned = 0;
        std::vector<std::uint64_t>
            latencies; // microseconds of each direct reclaim that began and ended in the log
        std::optional<std::uint64_t> since; // when the one under way began

        [[nodiscard]] std::uint64_t scanned() const;  // on inactive lists
        [[nodiscard]] std::uint64_t refilled() const; // on active lists
        [[nodiscard]] std::uint64_t reclaimed() const;
        [[nodiscard]] std::uint64_t deactivated() const;
        void add(const task& other);
    };
    struct name {
        std::string comm;
        std::uint32_t pid = 0;
        auto operator<=>(const name&) const = default;
        [[nodiscard]] bool is_kswapd() const { return comm.starts_with("kswapd"); }
    };

    // Takes a line; the lines come in the order of time. Empty: it was an event, a comment or a blank line. Otherwise what
    // is wrong with it; such a line counts for nothing but bad_lines().
    std::string take(std::string_view line);

    [[nodiscard]] const std::map<name, task>& tasks() const { return tasks_; }
    // All tasks that are kswapd, or that are not.
    [[nodiscard]] task sum(bool kswapd) const;
    [[nodiscard]] std::uint64_t events() const { return events_; } // of vmscan
    [[nodiscard]] std::uint64_t other_events() const { return others_; }
    [[nodiscard]] std::uint64_t bad_lines() const { return bad_; }
    // Events that were lost on the way, as the log itself tells.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    // Of the first and the last vmscan event, in microseconds.
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> time() const { return {first_us_, last_us_}; }
    // Names of vmstat and what the events add up to; see above.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;

    [[nodiscard]] static std::string_view list_name(std::size_t list);

private:
    void take_comment(std::string_view line);
    bool take_event(const ftrace_line& line);

    std::map<name, task> tasks_;
    std::uint64_t events_ = 0;
    std::uint64_t others_ = 0;
    std::uint64_t bad_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t first_us_ = 0;
    std::uint64_t last_us_ = 0;
};

// The smallest value that at least `percent` of 100 values do not exceed (nearest rank). `sorted` is not empty.
[[nodiscard]] std::uint64_t percentile(const std::vector<std::uint64_t>& sorted, unsigned percent);

} // namespace pagesim
