// SPDX-License-Identifier: MIT
// Several processes on one small machine: every system call on an address space as one line, run to its end.
//
//     processes m{a_machine().config()};
//     process& parent = m.start();
//     const vpn a = parent.map(4);
//     parent.write(a);
//     process& child = m.fork(parent);
//
// Nobody else runs meanwhile: who sleeps is woken by the device, or by the clock.
#pragma once

#include <support/small_machine.hpp>

#include <pagesim/process/fork.hpp>
#include <pagesim/process/madvise.hpp>
#include <pagesim/process/mprotect.hpp>
#include <pagesim/process/mremap.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pagesim::testing {

class processes;

class process {
public:
    process(processes& all, std::unique_ptr<mm> s) : all_{&all}, space_{std::move(s)} {}

    // What the last call answered.
    mm_error error = mm_error::none;
    fault_outcome outcome = fault_outcome::resolved; // out_of_memory: the process must die
    advice_outcome advised = advice_outcome::done;
    // Counts the pages that it dirties by faults; if set, it may be made to wait for the flusher, so one must run.
    task_dirty* dirtier = nullptr;

    vpn map(std::uint64_t pages) { return map({.pages = page_count{pages}}); }
    vpn map(const mmap_request& q);
    // There, whatever was there before.
    vpn map_at(std::uint64_t first, std::uint64_t pages, vm_flags access = {vm_flag::read, vm_flag::write});
    void unmap(vpn first, std::uint64_t pages);
    void protect(vpn first, std::uint64_t pages, vm_flags access);
    vpn remap(vpn first, std::uint64_t old_pages, std::uint64_t new_pages);
    void lock(vpn first, std::uint64_t pages, lock_action what = lock_action::mlock);
    void lock_all(mcl_flags flags);
    void advise(vpn first, std::uint64_t pages, advice what);
    void brk(std::uint64_t pages_above_start);

    fault_outcome touch(vpn n, access_kind kind);
    fault_outcome write(vpn n) { return touch(n, access_kind::write); }
    fault_outcome read(vpn n) { return touch(n, access_kind::read); }
    // Writes each page of [first, first + pages).
    void fill(vpn first, std::uint64_t pages);

    [[nodiscard]] descriptor entry(vpn n) const;
    [[nodiscard]] page& page_at(vpn n) const;
    [[nodiscard]] vma* range_at(vpn n) const { return space_->find_vma(n); }
    [[nodiscard]] mm& space() const { return *space_; }
    // The ranges, each as pages and access, gaps as "|": "2rw 1r | 3rw".
    [[nodiscard]] std::string ranges() const;

private:
    friend class processes;
    processes* all_;
    std::unique_ptr<mm> space_;
};

class processes {
public:
    explicit processes(const machine_config& config, trace_sink* trace = nullptr)
        : parts{config, waker_, trace} {}

    process& start();
    // A file of that size, opened once.
    open_file& file(std::uint64_t pages, file_kind kind);
    // Null if there was no memory for a child.
    process* try_fork(process& parent);
    process& fork(process& parent) { return *try_fork(parent); }
    // `p` is gone afterwards.
    void exit(process& p);
    void exec(process& p);

    // Takes the page to swap, wherever it is mapped; why it did not work, if not.
    why swap_out(page& p);
    // Isolates exactly this page, judges it once and puts it back.
    why judge(page& p);
    // Runs a step again and again until it is done, and lets time pass while it sleeps.
    void finish(const std::function<step_result()>& step);
    // Called between any two steps, if set.
    std::function<void()> between_steps;
    void complete_io();
    void drain() { parts.batches.lru_add_drain(); }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return parts.stat[i]; }
    [[nodiscard]] std::size_t size() const { return all_.size(); }
    [[nodiscard]] process& operator[](std::size_t i) { return *all_[i]; }
    [[nodiscard]] const process& operator[](std::size_t i) const { return *all_[i]; }
    void check() const;

private:
    silent_waker waker_;

public:
    machine_parts parts;

private:
    std::vector<std::unique_ptr<process>> all_;
};

} // namespace pagesim::testing
