// SPDX-License-Identifier: MIT
#include <pagesim/machine/reclaim_log.hpp>

#include <pagesim/machine/task_name.hpp>

#include <algorithm>

namespace pagesim {

namespace {

std::uint64_t at_rank(std::vector<std::uint64_t> values, std::size_t rank) {
    if (values.empty()) return 0;
    const auto it = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), it, values.end());
    return *it;
}

constexpr std::size_t type_index(bool file) { return file ? 1 : 0; }

} // namespace

std::uint64_t sample::least() const { return at_rank(values_, 0); }
std::uint64_t sample::middle() const { return at_rank(values_, values_.empty() ? 0 : (count() - 1) / 2); }
std::uint64_t sample::greatest() const { return at_rank(values_, values_.empty() ? 0 : count() - 1); }

void reclaim_log::begin(const machine& m) {
    machine_ = &m;
    if (!stretch_.from) open();
}

void reclaim_log::finish() {
    if (listening_) close();
}

reclaim_log::standing reclaim_log::look() const {
    const machine_parts& parts = machine_->parts();
    standing s{.time = machine_->now(),
               .free = parts.home.nr_free_pages(),
               .anon_cost = parts.lru.anon_cost,
               .file_cost = parts.lru.file_cost,
               .nonresident_age = parts.lru.nonresident_age,
               .free_swap = parts.swap.nr_swap_pages(),
               .stat = parts.snapshot()};
    for (unsigned l = 0; l < nr_lru_lists; ++l) s.lists[l] = parts.lru.size(static_cast<lru_list>(l));
    for (const zone& z : parts.home.zones()) {
        s.min += z.wmark_pages(wmark_level::min);
        s.low += z.wmark_pages(wmark_level::low);
        s.high += z.wmark_pages(wmark_level::high);
        s.boost += z.watermark_boost();
    }
    return s;
}

void reclaim_log::open() {
    listening_ = true;
    first_ = look();
}

void reclaim_log::close() {
    listening_ = false;
    last_ = look();
}

reclaim_log::pass* reclaim_log::current_pass() {
    const auto at = under_way_.find(current_);
    return at == under_way_.end() ? nullptr : &passes_[at->second];
}

void reclaim_log::note(sim_time time, const tracepoints::scan_count& t) {
    const task_name by = name_of_task(*machine_, current_);
    under_way_[current_] = passes_.size();
    passes_.push_back({.time = time,
                       .comm = std::string{by.comm},
                       .pid = by.pid,
                       .chosen = t,
                       .free = machine_->parts().home.nr_free_pages()});
}

void reclaim_log::note(const tracepoints::workingset_refault& t) {
    refaults& r = refaults_[type_index(t.file)];
    r.activated += t.activated ? 1U : 0U;
    r.restored += t.restored ? 1U : 0U;
    r.distance.add(t.distance);
    r.size.add(t.size);
}

void reclaim_log::note(const tracepoints::lru_shrink_inactive& t) {
    const std::size_t type = type_index(t.file);
    batches& b = batches_[type];
    b.scanned.add(t.nr_scanned);
    b.reclaimed.add(t.nr_reclaimed);
    b.all_scanned += t.nr_scanned;
    b.all_reclaimed += t.nr_reclaimed;
    if (pass* const p = current_pass(); p != nullptr) {
        p->scanned[type] += t.nr_scanned;
        p->reclaimed[type] += t.nr_reclaimed;
    }
}

void reclaim_log::note(const tracepoints::lru_shrink_active& t) {
    if (pass* const p = current_pass(); p != nullptr) p->deactivated[type_index(t.file)] += t.nr_deactivated;
}

void reclaim_log::on(const trace_event& e) {
    if (!listening_) return;
    switch (e.kind) {
    case trace_kind::judged: ++counts_.verdicts[e.b]; break;
    case trace_kind::kswapd_wake: ++counts_.kswapd_wakes; break;
    case trace_kind::kswapd_sleep:
        ++counts_.kswapd_sleeps;
        under_way_.erase(current_);
        break;
    case trace_kind::direct_reclaim_begin: ++counts_.direct_reclaims; break;
    case trace_kind::direct_reclaim_end: under_way_.erase(current_); break;
    default: break;
    }
}

void reclaim_log::on(sim_time time, const tracepoint& t) {
    if (machine_ == nullptr) return; // the machine is being made
    if (const auto* s = std::get_if<tracepoints::sched_switch>(&t)) current_ = s->next;
    if (const auto* o = std::get_if<tracepoints::observed>(&t)) {
        if (listening_ && stretch_.to == o->number) close();
        if (!listening_ && stretch_.from == o->number) open();
    }
    if (!listening_) return;
    if (const auto* c = std::get_if<tracepoints::scan_count>(&t)) note(time, *c);
    if (const auto* r = std::get_if<tracepoints::workingset_refault>(&t)) note(*r);
    if (const auto* i = std::get_if<tracepoints::lru_shrink_inactive>(&t)) note(*i);
    if (const auto* a = std::get_if<tracepoints::lru_shrink_active>(&t)) note(*a);
    if (const auto* w = std::get_if<tracepoints::throttled>(&t))
        ++counts_.throttled[static_cast<std::size_t>(w->reason)];
}

std::string_view balance_name(tracepoints::scan_count::balance b) {
    constexpr std::array<std::string_view, 4> names{"SCAN_EQUAL", "SCAN_FRACT", "SCAN_ANON", "SCAN_FILE"};
    return names[static_cast<std::size_t>(b)];
}

std::string_view balance_cause_name(tracepoints::scan_count::cause c) {
    constexpr std::array<std::string_view, 5> names{"no_swap", "last_priority", "file_is_tiny",
                                                    "cache_trim_mode", "costs"};
    return names[static_cast<std::size_t>(c)];
}

} // namespace pagesim
