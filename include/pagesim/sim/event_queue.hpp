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
// A heap in a vector, four children to a node; after warm-up no event allocates. An event that is being dispatched
// leaves a hole at the root, and what its handler schedules first falls straight into it: most handlers schedule one.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/base/units.hpp>

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
        const event e{when, order, &target, arg};
        if (root_is_hole_) {
            root_is_hole_ = false;
            sink(e);
        } else {
            heap_.push_back(e);
            rise(e);
        }
    }

    // `never` if nothing is to come.
    [[nodiscard]] sim_time next_time() const {
        if (empty()) return never;
        return root_is_hole_ ? heap_[earliest_child(0)].when : heap_.front().when;
    }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const { return heap_.size() - (root_is_hole_ ? 1 : 0); }

    // Dispatches the earliest event if its time is at most `until`; false if there is none. Not from a handler.
    bool run_one(sim_time until) {
        PAGESIM_ASSERT(!root_is_hole_);
        if (heap_.empty() || heap_.front().when > until) return false;
        const event e = heap_.front();
        PAGESIM_ASSERT(e.when >= last_);
        last_ = e.when;
        root_is_hole_ = true;
        e.target->on_event(e.when, e.arg);
        if (root_is_hole_) close_hole();
        return true;
    }

private:
    static constexpr unsigned sequence_bits = 56;
    static constexpr std::size_t arity = 4;

    struct event {
        sim_time when;
        std::uint64_t order; // phase, then sequence
        event_target* target;
        std::uint64_t arg;
    };
    static_assert(sizeof(event) == 32);

    // Without a branch: which of two is earlier cannot be predicted.
    [[nodiscard]] static std::size_t earlier(const event& a, const event& b) {
        const auto before = static_cast<unsigned>(a.when < b.when);
        const auto same = static_cast<unsigned>(a.when == b.when);
        return before | (same & static_cast<unsigned>(a.order < b.order));
    }
    [[nodiscard]] std::size_t earlier_of(std::size_t a, std::size_t b) const {
        return a ^ ((a ^ b) & (0 - earlier(heap_[b], heap_[a])));
    }
    // Precondition: the node has a child.
    [[nodiscard]] std::size_t earliest_child(std::size_t node) const {
        const std::size_t first = node * arity + 1;
        if (first + arity <= heap_.size()) {
            return earlier_of(earlier_of(first, first + 1), earlier_of(first + 2, first + 3));
        }
        std::size_t best = first;
        for (std::size_t i = first + 1; i < heap_.size(); ++i) best = earlier_of(best, i);
        return best;
    }
    // Puts `e` where it belongs on the way down from the root, which is a hole.
    void sink(const event& e) {
        std::size_t hole = 0;
        while (hole * arity + 1 < heap_.size()) {
            const std::size_t child = earliest_child(hole);
            if (earlier(heap_[child], e) == 0) break;
            heap_[hole] = heap_[child];
            hole = child;
        }
        heap_[hole] = e;
    }
    // The same on the way up from the last place.
    void rise(const event& e) {
        std::size_t hole = heap_.size() - 1;
        while (hole > 0) {
            const std::size_t parent = (hole - 1) / arity;
            if (earlier(e, heap_[parent]) == 0) break;
            heap_[hole] = heap_[parent];
            hole = parent;
        }
        heap_[hole] = e;
    }
    void close_hole() {
        root_is_hole_ = false;
        const event last = heap_.back();
        heap_.pop_back();
        if (!heap_.empty()) sink(last);
    }

    std::vector<event> heap_;
    bool root_is_hole_ = false; // its event is being dispatched
    std::uint64_t sequence_ = 0;
    sim_time last_{};
};

} // namespace pagesim
