// SPDX-License-Identifier: MIT
#include <pagesim/sched/cfs.hpp>

#include <pagesim/base/assert.hpp>

#include <algorithm>
#include <limits>

namespace pagesim {

namespace {

constexpr unsigned many_tasks = 8; // more than that: min_granularity each
constexpr std::int64_t nobody = std::numeric_limits<std::int64_t>::max();

std::int64_t ns(sim_duration d) { return static_cast<std::int64_t>(d.ns); }

} // namespace

std::int64_t cfs_run_queue::smallest_waiting() const {
    std::int64_t smallest = nobody;
    for (const sched_entity* e : waiting_) smallest = std::min(smallest, e->vruntime_);
    return smallest;
}

void cfs_run_queue::update_min_vruntime() {
    std::int64_t smallest = smallest_waiting();
    if (current_ != nullptr) smallest = std::min(smallest, current_->vruntime_);
    if (smallest != nobody) min_vruntime_ = std::max(min_vruntime_, smallest);
}

void cfs_run_queue::start(sched_entity& e) {
    e.vruntime_ = min_vruntime_;
    waiting_.push_back(&e);
    if (current_ == nullptr) need_resched_ = true;
}

void cfs_run_queue::wake(sched_entity& e) {
    PAGESIM_ASSERT(&e != current_ && std::find(waiting_.begin(), waiting_.end(), &e) == waiting_.end());
    e.vruntime_ = std::max(e.vruntime_, min_vruntime_ - ns(config_.latency) / 2);
    waiting_.push_back(&e);
    if (need_resched_) return;
    if (current_ == nullptr) {
        need_resched_ = true;
    } else if (current_->vruntime_ - e.vruntime_ > ns(config_.wakeup_granularity)) {
        need_resched_ = true;
        next_buddy_ = &e;
    }
}

void cfs_run_queue::charge(sim_duration ran) {
    if (current_ == nullptr) return;
    current_->vruntime_ += ns(ran);
    ran_ += ns(ran);
    update_min_vruntime();
}

std::int64_t cfs_run_queue::slice() const {
    const std::int64_t least = ns(config_.min_granularity);
    return nr_running() > many_tasks ? least : std::max(ns(config_.latency) / nr_running(), least);
}

void cfs_run_queue::tick() {
    if (current_ == nullptr || waiting_.empty()) return;
    if (ran_ > slice()) {
        need_resched_ = true;
        next_buddy_ = nullptr;
    } else if (ran_ >= ns(config_.min_granularity) && current_->vruntime_ - smallest_waiting() > slice()) {
        need_resched_ = true;
    }
}

sched_entity* cfs_run_queue::pick_next() {
    sched_entity* const before = current_;
    if (current_ != nullptr) waiting_.push_back(current_);
    current_ = nullptr;
    need_resched_ = false;
    if (waiting_.empty()) return nullptr;

    const auto first = std::min_element(waiting_.begin(), waiting_.end(), [](const auto* a, const auto* b) {
        return a->vruntime_ != b->vruntime_ ? a->vruntime_ < b->vruntime_ : a->id_ < b->id_;
    });
    auto chosen = first;
    const auto buddy = std::find(waiting_.begin(), waiting_.end(), next_buddy_);
    if (buddy != waiting_.end() &&
        (*buddy)->vruntime_ - (*first)->vruntime_ <= ns(config_.wakeup_granularity)) {
        chosen = buddy;
    }
    next_buddy_ = nullptr;
    current_ = *chosen;
    waiting_.erase(chosen);
    if (current_ != before) ran_ = 0;
    return current_;
}

void cfs_run_queue::sleep_current() {
    PAGESIM_ASSERT(current_ != nullptr);
    if (next_buddy_ == current_) next_buddy_ = nullptr;
    current_ = nullptr;
    need_resched_ = true;
    update_min_vruntime();
}

} // namespace pagesim
