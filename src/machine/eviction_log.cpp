// SPDX-License-Identifier: MIT
#include <pagesim/machine/eviction_log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace pagesim {

namespace {

bool is_freed(why reason) {
    return reason == why::reclaimed || reason == why::lazyfreed || reason == why::orphan_freed;
}

} // namespace

// What the frames that were handed out lately became: pages of files are known from here on.
void eviction_log::learn_fresh(sim_time time) {
    const machine_parts& parts = machine_->parts();
    std::erase_if(fresh_, [&](std::uint64_t frame) {
        const page& p = parts.frames[pfn{frame}];
        if (p.in_file() && !p.test(page_flag::swapbacked)) {
            const identity who{.file = p.file_id(), .index = p.index()};
            holds_[frame] = who;
            came(time, who, fmt::format("{}:{}", parts.cache.file_of(p).name(), p.index()));
            return true;
        }
        return p.refcount() == 0 || p.mapped();
    });
}

void eviction_log::went(sim_time time, std::uint64_t frame, why reason) {
    const auto held = holds_.find(frame);
    if (held == holds_.end() || !is_freed(reason)) return;
    const task_name by = name_of_task(*machine_, current_);
    out_[held->second] = {.time = time,
                          .reason = reason,
                          .comm = std::string{by.comm},
                          .pid = by.pid,
                          .priority = std::nullopt};
    undated_.emplace_back(current_, held->second);
    ++evicted_;
}

void eviction_log::came(sim_time time, const identity& who, std::string page) {
    const auto out = out_.find(who);
    if (out == out_.end()) return;
    ++came_back_;
    comeback c{.out = std::move(out->second), .time = time, .page = std::move(page)};
    out_.erase(out);
    const auto at =
        std::upper_bound(soonest_.begin(), soonest_.end(), c,
                         [](const comeback& a, const comeback& b) { return a.away() < b.away(); });
    if (at == soonest_.end() && soonest_.size() >= most_) return;
    soonest_.insert(at, std::move(c));
    if (soonest_.size() > most_) soonest_.pop_back();
}

// A fault that has to read: of what slot, if any.
void eviction_log::wanted(sim_time time, vpn at) {
    const machine_parts& parts = machine_->parts();
    const task_name by = name_of_task(*machine_, current_);
    const workload_task* const process = process_with_pid(*machine_, by.pid);
    const std::uint64_t* const word = process == nullptr ? nullptr : process->space().table().leaf(at);
    if (word == nullptr || !descriptor{*word}.is_swap()) return;
    const swap_entry slot = entry_in(descriptor{*word}, parts.config.profile.swap_pte);
    came(time, {.file = 0, .index = slot.packed()}, fmt::format("{:#x}@{}", raw(at), by.pid));
}

void eviction_log::on(const trace_event& e) {
    if (machine_ == nullptr) return; // the machine is being made
    learn_fresh(e.time);
    if (e.kind == trace_kind::judged) went(e.time, e.a, static_cast<why>(e.b));
    if (e.kind == trace_kind::major_fault) wanted(e.time, vpn{e.a});
    if (e.kind == trace_kind::swap_in)
        holds_[e.a] = {.file = 0, .index = from_generic_swap_entry(e.b).packed()};
}

void eviction_log::on(sim_time time, const tracepoint& t) {
    if (machine_ == nullptr || is_decision(t)) return;
    learn_fresh(time);
    if (const auto* s = std::get_if<tracepoints::sched_switch>(&t)) current_ = s->next;
    if (const auto* a = std::get_if<tracepoints::page_alloc>(&t)) {
        for (std::uint64_t n = 0; n < 1ULL << a->order; ++n) fresh_.push_back(a->pfn + n);
    }
    if (const auto* f = std::get_if<tracepoints::page_free>(&t)) holds_.erase(f->pfn);
    if (const auto* w = std::get_if<tracepoints::write_page>(&t)) {
        const page& p = machine_->parts().frames[pfn{w->pfn}];
        if (p.test(page_flag::swapcache))
            holds_[w->pfn] = {.file = 0, .index = swap_space::entry_of(p).packed()};
    }
    if (const auto* i = std::get_if<tracepoints::lru_shrink_inactive>(&t)) {
        std::erase_if(undated_, [&](const auto& waiting) {
            if (waiting.first != current_) return false;
            if (const auto out = out_.find(waiting.second); out != out_.end())
                out->second.priority = i->priority;
            return true;
        });
    }
}

} // namespace pagesim
