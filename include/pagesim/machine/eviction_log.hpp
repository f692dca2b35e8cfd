// SPDX-License-Identifier: MIT
// Pages that were evicted and then wanted again: which, how soon, and by which decision they had gone.
//
//     an anonymous page or one of shared memory     wanted again when a fault finds its slot and has to read it
//     a page of a file                              when it is in the page cache again; readahead may have been first
//
// Pages are told apart by their slot of swap, and by file and index. Listening does not change the run.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/task_name.hpp>
#include <pagesim/stat/trace_event.hpp>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pagesim {

class eviction_log final : public trace_sink {
public:
    struct decision {
        sim_time time;
        why reason = why::reclaimed;
        std::string comm; // who reclaimed
        std::uint32_t pid = 0;
        std::optional<int> priority;
    };
    struct comeback {
        decision out;
        sim_time time;
        std::string page; // "0x40003@1001" (page number and process) or "file:12"
        [[nodiscard]] sim_duration away() const { return time - out.time; }
    };

    // Keeps the `most` that came back soonest.
    explicit eviction_log(std::size_t most) : most_{most} {}

    // Before the first step. `m` outlives the last event.
    void begin(const machine& m) { machine_ = &m; }
    // After the last step.
    void finish() { learn_fresh(machine_->now()); }

    void on(const trace_event& e) override;
    void on(sim_time time, const tracepoint& t) override;

    // Soonest first; of equals, who came back first.
    [[nodiscard]] const std::vector<comeback>& soonest() const { return soonest_; }
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }
    [[nodiscard]] std::uint64_t came_back() const { return came_back_; }

private:
    // A slot (packed) or a page of a file (number and index).
    struct identity {
        std::uint32_t file = 0; // 0: a slot
        std::uint64_t index = 0;
        auto operator<=>(const identity&) const = default;
    };

    void learn_fresh(sim_time time);
    void went(sim_time time, std::uint64_t frame, why reason);
    void came(sim_time time, const identity& who, std::string page);
    void wanted(sim_time time, vpn at);

    std::size_t most_;
    const machine* machine_ = nullptr;
    std::uint32_t current_ = tracepoints::sched_switch::idle;
    std::vector<std::uint64_t> fresh_;        // frames that were handed out and hold nothing yet
    std::map<std::uint64_t, identity> holds_; // by frame
    std::map<identity, decision> out_;
    std::vector<std::pair<std::uint32_t, identity>>
        undated_; // by task: the priority is told when its batch is over
    std::vector<comeback> soonest_;
    std::uint64_t evicted_ = 0;
    std::uint64_t came_back_ = 0;
};

} // namespace pagesim
