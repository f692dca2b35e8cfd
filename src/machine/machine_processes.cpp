// SPDX-License-Identifier: MIT
// Processes come, are killed and end.
#include <pagesim/machine/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace pagesim {

namespace {

oom_candidate::state state_of(const workload_task& p) {
    using state = oom_candidate::state;
    const bool empty = p.gone() || p.space().flags.has(mm_flag::oom_skip);
    if (p.signals.oom_victim) return empty ? state::dead_victim : state::victim;
    if (empty) return state::reaped;
    return p.signals.sigkill ? state::dying : state::alive;
}

oom_candidate candidate(const workload_task& p) {
    const mm& space = p.space();
    return {.pid = p.pid(),
            .name = std::string{p.name()},
            .oom_score_adj = p.oom_score_adj(),
            .is = state_of(p),
            .has_mm = !p.exiting() && !p.finished(),
            .total_vm = space.total_vm(),
            .anon_rss = space.anon_pages,
            .file_rss = space.file_pages,
            .shmem_rss = space.shmem_pages,
            .swap_entries = space.swap_entries,
            .table_pages = space.table_pages()};
}

void check_options(const process_options& o, std::span<workload_task* const> others) {
    if (o.oom_score_adj < oom_score_adj_min || o.oom_score_adj > oom_score_adj_max) {
        throw std::invalid_argument{
            fmt::format("oom_score_adj {} is not within -1000 and 1000", o.oom_score_adj)};
    }
    for (const workload_task* p : others) {
        if (o.pid && p->pid() == *o.pid) throw std::invalid_argument{fmt::format("pid {} is taken", *o.pid)};
    }
}

} // namespace

workload_task& machine::add(access_stream& stream, std::span<const page_range> ranges,
                            process_options options, std::unique_ptr<mm> space) {
    check_options(options, processes_);
    if (!options.pid) {
        std::uint32_t highest = first_pid - 1;
        for (const workload_task* p : processes_) highest = std::max(highest, p->pid());
        options.pid = highest + 1;
    }
    auto process = std::make_unique<workload_task>(static_cast<std::uint32_t>(tasks_.size()), *parts_, stream,
                                                   std::move(space), std::move(options));
    for (const page_range& r : ranges) process->add_range(r.first, r.end, first_read::private_frame);
    workload_task& added = *process;
    tasks_.push_back(std::move(process));
    processes_.push_back(&added);
    queue_.start(added.entity);
    return added;
}

const workload_task& machine::add_process(access_stream& stream, const process_options& options,
                                          std::span<const page_range> ranges) {
    PAGESIM_ASSERT(!processes_.empty() && !panicked_);
    check_options(options, processes_); // before an address space is made
    return add(stream, ranges, options, parts_->new_mm_without_root());
}

bool machine::ended() const {
    return panicked_ ||
           std::all_of(processes_.begin(), processes_.end(), [](const auto* p) { return p->finished(); });
}

bool machine::others_go_on(const workload_task& process) const {
    return std::any_of(processes_.begin(), processes_.end(), [&](const workload_task* p) {
        return p != &process && !p->finished() && !p->exiting();
    });
}

bool machine::has_ended(const task& t) const {
    const workload_task* const p = process_of(t);
    return p != nullptr && p->finished();
}

workload_task* machine::process_of(const task& t) const {
    const auto it = std::find_if(processes_.begin(), processes_.end(),
                                 [&](const workload_task* p) { return p->entity.id() == t.entity.id(); });
    return it == processes_.end() ? nullptr : *it;
}

// The current task has nothing more to do.
void machine::on_done(task& t) {
    if (workload_task* p = process_of(t); p != nullptr) {
        if (p->gone()) {
            parts_->retire(p->space());
        } else if (others_go_on(*p)) {
            p->exit();
            return;
        }
    }
    queue_.exit_current();
}

void machine::send_sigkill(workload_task& p, run_outcome cause, std::optional<std::size_t> report) {
    p.kill(cause, report);
    if (p.asleep && p.sleep_ends == sleep_state::killable) wake(p);
}

void machine::kill(const workload_task& process) {
    workload_task* p = process_of(process);
    PAGESIM_ASSERT(p != nullptr);
    if (!p->finished() && !p->exiting()) send_sigkill(*p, run_outcome::killed, std::nullopt);
}

void machine::mark_oom_victim(workload_task& p, std::optional<std::size_t> report) {
    p.signals.oom_victim = true;
    reaper_->queue(p.space(), report);
}

void machine::oom_kill_process(workload_task& p, oom_report report) {
    const std::size_t number = oom_reports_.size();
    report.victim = candidate(p);
    oom_reports_.push_back(std::move(report));
    parts_->cpu.count(vm_item::oom_kill);
    parts_->cpu.emit(trace_kind::oom, p.entity.id());
    send_sigkill(p, run_outcome::oom_killed, number);
    mark_oom_victim(p, number);
}

void machine::panic(oom_report report) {
    oom_reports_.push_back(std::move(report));
    panicked_ = true;
    for (workload_task* p : processes_) {
        if (!p->finished() && !p->exiting()) p->panic();
    }
}

oom_progress machine::out_of_memory(const oom_request& request) {
    const task& invoker = *current_task();
    workload_task* const self = process_of(invoker);
    if (self != nullptr && state_of(*self) == oom_candidate::state::dying) {
        mark_oom_victim(*self, std::nullopt);
        return oom_progress::made;
    }
    if (self != nullptr && state_of(*self) == oom_candidate::state::victim) return oom_progress::made;
    if (!request.gfp.has(gfp_flag::fs)) return oom_progress::made;

    std::vector<oom_candidate> all;
    for (const workload_task* p : processes_) all.push_back(candidate(*p));
    const page_count total = parts_->home.managed() + page_count{parts_->swap.total_swap_pages()};
    const oom_choice chosen = select_bad_process(all, total, parts_->config.profile.oom_scores);
    if (chosen.what == oom_choice::verdict::wait_for_victim) return oom_progress::made;

    const bool somebody = chosen.what == oom_choice::verdict::process;
    if (somebody && all[chosen.index].is == oom_candidate::state::dying) {
        mark_oom_victim(*processes_[chosen.index], std::nullopt);
        return oom_progress::made;
    }
    oom_report report{.time = parts_->clock.now(),
                      .invoker = std::string{invoker.name()},
                      .invoker_adj = self == nullptr ? 0 : self->oom_score_adj(),
                      .request = request,
                      .memory = report_memory(*parts_),
                      .tasks = std::move(all),
                      .points = chosen.points};
    if (!somebody) {
        panic(std::move(report));
        return oom_progress::none;
    }
    oom_kill_process(*processes_[chosen.index], std::move(report));
    return oom_progress::made;
}

} // namespace pagesim
