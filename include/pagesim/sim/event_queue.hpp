// SPDX-License-Identifier: MIT
// What happens later, in a total order.
//
// Two events never tie. The order is {time, phase, sequence}:
//
//     time       nanoseconds
//     phase      io_completion  a device answers before anybody looks whether it has
//                timer          a sleep ends before the tick of the same instant accounts for it
//                tick           the scheduler's clock
//                sample         observers see the instant as it ends
//     sequence   the order of scheduling
//
// The kernel half runs in atoms, so an event may be dispatched a little after its time; it is told both
// (due, and the clock). Events are never taken back: who no longer wants one ignores it when it comes.
//
// A binary heap in a vector; after warm-up no event allocates.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/base/units.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pagesim {

enum class event_phase : std::uint8_t { io_completion, timer, tick, sample };

class event_target {
public:
    event_target() = default;
    event_target(const event_target&) = delete;
    event_target& operator=(const event_target&) = delete;
    virtual ~event_target() = default;
    virtual void on_event(sim_time due, std::uint64_t arg) = 0;
};

class event_queue {
public:
    // `when` must not lie before the last event dispatched.
    void schedule(sim_time when, event_phase phase, event_target& target, std::uint64_t arg = 0) {
        PAGESIM_ASSERT(when >= last_);
        PAGESIM_ASSERT(sequence_ < 1ULL << sequence_bits);
        const std::uint64_t order = static_cast<std::uint64_t>(phase) << sequence_bits | sequence_++;
        heap_.push_back({when, order, &target, arg});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    // `never` if nothing is to come.
    [[nodiscard]] sim_time next_time() const { return heap_.empty() ? never : heap_.front().when; }
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

    // Dispatches the earliest event if its time is at most `until`; false if there is none.
    bool run_one(sim_time until) {
        if (heap_.empty() || heap_.front().when > until) return false;
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const event e = heap_.back();
        heap_.pop_back();
        PAGESIM_ASSERT(e.when >= last_);
        last_ = e.when;
        e.target->on_event(e.when, e.arg);
        return true;
    }

private:
    static constexpr unsigned sequence_bits = 56;

    struct event {
        sim_time when;
        std::uint64_t order; // phase, then sequence
        event_target* target;
        std::uint64_t arg;
    };
    static_assert(sizeof(event) == 32);

    [[nodiscard]] static bool later(const event& a, const event& b) {
        return a.when != b.when ? a.when > b.when : a.order > b.order;
    }

    std::vector<event> heap_;
    std::uint64_t sequence_ = 0;
    sim_time last_{};
};

} // namespace pagesim
