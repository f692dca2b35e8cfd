// SPDX-License-Identifier: MIT
#include <pagesim/machine/task.hpp>

#include <pagesim/fault/handle_mm_fault.hpp>

#include <algorithm>

namespace pagesim {

void workload_task::add_range(vpn first, vpn end, first_read on_read) {
    pagesim::add_range(parts_.fc, *mm_, first, end,
                       {.flags = vm_data, .on_read = on_read, .pgoff = raw(first)});
}

step_result workload_task::step() {
    if (exiting_) return run_exit();
    if (faulting_) return run_fault();
    if (unmapping_) return run_unmap();
    if (locking_) return run_lock();
    if (files_.active()) return run_file_call();
    if (advising_) return run_advise();
    if (signals.sigkill) return end(cause_); // on the way back to user mode
    if (at_ < block_.records.size()) return run_records();
    return next_item();
}

// The hit path: no virtual call, no allocation, no event. Leaves at the first fault and when an event is due,
// where it splits a record.
step_result workload_task::run_records() {
    const sim_time horizon = parts_.events.next_time();
    const sim_duration instruction = parts_.config.cost.instruction;
    const asid space = mm_->id();
    sim_clock& clock = parts_.clock;
    std::uint64_t memo_hits = 0;
    const auto leave = [&](step_result r) {
        parts_.cpu_mmu.count_memo_hits(memo_hits);
        return r;
    };
    while (at_ < block_.records.size()) {
        const access_record record = record_;
        const translation_key key{space, record.vpn()};
        const std::uint64_t accesses = record.accesses();
        const bool write = record.first_is_write() || record.written_later();
        std::uint64_t translated = 0; // of the accesses, other than by the memo
        if (parts_.cpu_mmu.memo_hit(key, write ? access_kind::write : access_kind::read)) {
            memo_hits += accesses;
        } else if (accesses > 0) {
            const access_kind first = record.first_is_write() ? access_kind::write : access_kind::read;
            if (!first_access_done_ && !access(record.vpn(), first)) return leave(step_again);
            first_access_done_ = true;
            translated = 1;
            if (record.written_later() && !record.first_is_write()) {
                if (!access(record.vpn(), access_kind::write)) return leave(step_again);
                translated = 2;
            }
            memo_hits += accesses - std::min(translated, accesses);
        }
        first_access_done_ = false;
        const sim_duration takes = instruction * record.instructions();
        if (clock.now() + takes > horizon && clock.now() < horizon) {
            const std::uint64_t fit = ((horizon - clock.now()).ns + instruction.ns - 1) / instruction.ns;
            if (fit < record.instructions() && record.rest_after(fit).accesses() + translated <= accesses) {
                record_ = record.rest_after(fit);
                accesses_ += accesses - record_.accesses();
                memo_hits -= record_.accesses();
                clock.charge(instruction * fit);
                return leave(step_again);
            }
        }
        accesses_ += accesses;
        clock.charge(takes);
        ++at_;
        take_record();
        if (clock.now() >= horizon) return leave(step_again);
    }
    return leave(step_again);
}

bool workload_task::access(vpn at, access_kind kind) {
    // One that misses the TLB is seldom alone: fetch a descriptor that is wanted soon.
    constexpr std::size_t ahead = 8;
    if (at_ + ahead < block_.records.size()) mm_->table().prefetch_leaf(block_.records[at_ + ahead].vpn());
    const translation t = parts_.cpu_mmu.translate(mm_->table(), mm_->id(), at, kind);
    const cost_table& cost = parts_.config.cost;
    if (t.outcome == translation_outcome::l2_hit) parts_.clock.charge(cost.tlb_l2_hit);
    parts_.clock.charge(cost.walk_step * t.steps);
    if (t.ok()) return true;
    fault_.where = at;
    fault_.kind = kind;
    fault_.dirtier = &files_.dirtied();
    faulting_ = true;
    fault_began_ = parts_.clock.now();
    return false;
}

step_result workload_task::run_fault() {
    const step_result r = handle_mm_fault(parts_.fc, *mm_, fault_);
    if (!r.done()) return r;
    faulting_ = false;
    stalled_ += parts_.clock.now() - fault_began_;
    if (signals.sigkill) return step_again; // it dies of that, whatever came of the fault
    switch (fault_.outcome) {
    case fault_outcome::resolved:
    case fault_outcome::out_of_memory:
        return step_again; // kernel: pagefault_out_of_memory(): the access runs again
    case fault_outcome::map_error: return die_at(run_outcome::segv_map_error, fault_.where);
    case fault_outcome::access_error: return die_at(run_outcome::segv_access_error, fault_.where);
    case fault_outcome::bus_error: return die_at(run_outcome::bus_error, fault_.where);
    }
    return step_again;
}

step_result workload_task::run_unmap() {
    const step_result r = munmap(parts_.fc, *mm_, part_.first, part_.end, unmap_);
    if (!r.done()) return r;
    unmapping_ = false;
    return step_again;
}

step_result workload_task::run_lock() {
    const step_result r = change_lock(parts_.fc, *mm_, lock_what_, part_.first, part_.end, lock_);
    if (!r.done()) return r;
    locking_ = false;
    return step_again;
}

step_result workload_task::run_file_call() {
    const step_result r = files_.step();
    return r.done() ? step_again : r; // a call that fails for want of memory is nobody's death
}

step_result workload_task::run_advise() {
    const step_result r = advise(parts_.fc, *mm_, advice_, part_.first, part_.end, advise_);
    if (!r.done()) return r;
    advising_ = false;
    return step_again;
}

step_result workload_task::next_item() {
    block_ = {};
    at_ = 0;
    const stream_item item = stream_.next();
    return std::visit([this](const auto& i) { return perform(i); }, item);
}

step_result workload_task::perform(const access_block& block) {
    block_ = block;
    take_record();
    return step_again;
}

step_result workload_task::perform(const op_anon& op) {
    add_range(op.first, op.first + op.pages.value, first_read::zero_page);
    return step_again;
}

step_result workload_task::perform(const op_unmap& op) {
    part_ = {.first = op.first, .end = op.first + op.pages.value};
    unmapping_ = true;
    return step_again;
}

step_result workload_task::perform(const op_lock& op) {
    part_ = {.first = op.first, .end = op.first + op.pages.value};
    lock_what_ = op.what == op_lock::action::mlock ? lock_action::mlock : lock_action::munlock;
    lock_ = {};
    locking_ = true;
    return step_again;
}

step_result workload_task::perform(const op_advise& op) {
    part_ = {.first = op.first, .end = op.first + op.pages.value};
    advice_ = op.what;
    advise_ = {};
    advising_ = true;
    return step_again;
}

step_result workload_task::perform(const op_sleep& op) {
    return killable(sleep_until(parts_.clock.now() + op.duration));
}

step_result workload_task::perform(const op_mark& op) {
    using asker = op_mark::asker;
    std::vector<marked>& told = op.by == asker::observer ? observed_ : marks_;
    if (op.by == asker::observer) {
        parts_.cpu.emit(tracepoints::observed{.number = told.size()});
    } else {
        if (op.by == asker::workload) parts_.cpu.emit(trace_kind::mark, told.size());
        parts_.lru.refresh_stat(); // exact figures are asked for
    }
    if (op.by != asker::recorder)
        told.push_back({.label = op.label, .time = parts_.clock.now(), .stat = parts_.snapshot()});
    if (op.takes > sim_duration{}) { // files in /proc were read and closed
        parts_.cpu.charge(op.takes);
        parts_.cpu.call_rcu();
        parts_.lru.pgdat.unused_inodes = true;
    }
    return step_again;
}

step_result workload_task::perform(const op_file& op) {
    files_.open(op);
    return step_again;
}

step_result workload_task::perform(const op_map& op) {
    const vma_traits shared_file{.flags = vm_data | vm_flags{vm_flag::shared, vm_flag::may_share},
                                 .file = files_.opened(op.name).id};
    pagesim::add_range(parts_.fc, *mm_, op.first, op.first + op.pages.value, shared_file);
    return step_again;
}

step_result workload_task::perform(const op_transfer& op) {
    files_.begin(op);
    return step_again;
}

step_result workload_task::perform(const op_descriptor& op) {
    files_.begin(op);
    return step_again;
}

step_result workload_task::perform(const op_drop& op) {
    files_.begin(op);
    return step_again;
}

step_result workload_task::perform(const end_of_stream& /*op*/) { return end(run_outcome::finished); }

step_result workload_task::perform(const input_error& error) {
    error_ = error;
    return end(run_outcome::bad_input);
}

} // namespace pagesim
