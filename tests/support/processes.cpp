// SPDX-License-Identifier: MIT
#include <support/processes.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace pagesim::testing {

vpn process::map(const mmap_request& q) {
    mmap_cursor c;
    all_->finish([&] { return mmap(all_->parts.fc, *space_, q, c); });
    error = c.error;
    outcome = c.outcome();
    return c.first;
}

vpn process::map_at(std::uint64_t first, std::uint64_t pages, vm_flags access) {
    return map({.pages = page_count{pages}, .access = access, .place = placement::fixed, .at = vpn{first}});
}

void process::unmap(vpn first, std::uint64_t pages) {
    munmap_cursor c;
    all_->finish([&] { return munmap(all_->parts.fc, *space_, first, first + pages, c); });
    error = c.error;
}

void process::protect(vpn first, std::uint64_t pages, vm_flags access) {
    mprotect_cursor c;
    all_->finish([&] { return mprotect(all_->parts.fc, *space_, first, first + pages, access, c); });
    error = c.error;
}

vpn process::remap(vpn first, std::uint64_t old_pages, std::uint64_t new_pages) {
    mremap_cursor c;
    const mremap_request q{
        .first = first, .old_pages = page_count{old_pages}, .new_pages = page_count{new_pages}};
    all_->finish([&] { return mremap(all_->parts.fc, *space_, q, c); });
    error = c.error;
    outcome = c.outcome;
    return c.first;
}

void process::lock(vpn first, std::uint64_t pages, lock_action what) {
    lock_cursor c;
    all_->finish([&] { return change_lock(all_->parts.fc, *space_, what, first, first + pages, c); });
    error = c.error;
    outcome = c.outcome;
}

void process::lock_all(mcl_flags flags) {
    mlockall_cursor c;
    all_->finish([&] { return mlockall(all_->parts.fc, *space_, flags, c); });
    outcome = c.outcome();
}

void process::advise(vpn first, std::uint64_t pages, advice what) {
    advise_cursor c;
    all_->finish([&] { return pagesim::advise(all_->parts.fc, *space_, what, first, first + pages, c); });
    advised = c.outcome;
}

void process::brk(std::uint64_t pages_above_start) {
    brk_cursor c;
    const virt_addr to{raw(space_->start_brk) + page_count{pages_above_start}.bytes()};
    all_->finish([&] { return set_brk(all_->parts.fc, *space_, to, c); });
}

fault_outcome process::touch(vpn n, access_kind kind) {
    mmu& cpu = all_->parts.cpu_mmu;
    while (!cpu.translate(space_->table(), space_->id(), n, kind).ok()) {
        fault_cursor f;
        f.where = n;
        f.kind = kind;
        f.dirtier = dirtier;
        all_->finish([&] { return handle_mm_fault(all_->parts.fc, *space_, f); });
        if (f.outcome != fault_outcome::resolved) return f.outcome;
    }
    return fault_outcome::resolved;
}

void process::fill(vpn first, std::uint64_t pages) {
    for (std::uint64_t i = 0; i < pages; ++i) static_cast<void>(write(first + i));
    all_->drain();
}

descriptor process::entry(vpn n) const {
    const std::uint64_t* const word = space_->table().leaf(n);
    return descriptor{word == nullptr ? 0 : *word};
}

page& process::page_at(vpn n) const { return all_->parts.frames[entry(n).frame()]; }

std::string process::ranges() const {
    std::string out;
    const vma* before = nullptr;
    for (const vma& v : space_->vmas()) {
        if (before != nullptr) out += before->end == v.first ? " " : " | ";
        out += fmt::format("{}{}{}{}{}", v.pages(), v.flags.has(vm_flag::read) ? "r" : "",
                           v.flags.has(vm_flag::write) ? "w" : "", v.flags.has(vm_flag::exec) ? "x" : "",
                           v.flags.has(vm_flag::locked) ? "#" : "");
        before = &v;
    }
    return out;
}

process& processes::start() {
    all_.push_back(std::make_unique<process>(*this, parts.new_mm()));
    return *all_.back();
}

open_file& processes::file(std::uint64_t pages, file_kind kind) {
    return parts.cache.open(parts.cache.create("f", page_count{pages}, kind));
}

process* processes::try_fork(process& parent) {
    all_.push_back(std::make_unique<process>(*this, parts.new_mm_without_root()));
    process& child = *all_.back();
    fork_cursor c;
    finish([&] { return fork_mm(parts.fc, *parent.space_, *child.space_, c); });
    if (c.outcome == fault_outcome::resolved) return &child;
    exit(child);
    return nullptr;
}

void processes::exit(process& p) {
    exit_cursor c;
    finish([&] { return exit_mmap(parts.fc, *p.space_, c); });
    parts.drop_mm(std::move(p.space_));
    all_.erase(std::find_if(all_.begin(), all_.end(), [&p](const auto& q) { return q.get() == &p; }));
}

void processes::exec(process& p) {
    exit_cursor c;
    finish([&] { return exec_mmap(parts.fc, *p.space_, c); });
}

void processes::finish(const std::function<step_result()>& step) {
    for (;;) {
        const step_result r = step();
        if (between_steps) between_steps();
        if (r.done()) return;
        if (r.kind != step_kind::sleep) continue;
        if (!parts.events.empty()) {
            complete_io();
        } else if (r.until != never) {
            parts.clock.advance_to(std::max(parts.clock.now(), r.until));
        } else {
            PAGESIM_ASSERT(between_steps != nullptr); // nobody is left who could wake it
        }
    }
}

void processes::complete_io() {
    while (!parts.events.empty()) {
        parts.clock.advance_to(std::max(parts.clock.now(), parts.events.next_time()));
        while (parts.events.run_one(parts.clock.now())) {}
    }
}

why processes::judge(page& p) {
    p.get();
    parts.lru.del_page(p);
    scan_control sc;
    shrink_page_list_cursor c;
    c.input.push(p);
    io_plug plug;
    const reason_counts before = parts.reasons;
    while (!shrink_page_list(parts.rc, sc, c, plug).done()) {}
    if (parts.io) parts.io->flush(plug);
    for (unsigned i = 0; i < c.kept.size; ++i) {
        static_cast<void>(putback_page(parts.cpu, parts.lru, parts.batches, *c.kept.pages[i]));
    }
    for (std::size_t r = 0; r < nr_reasons; ++r) {
        if (parts.reasons[static_cast<why>(r)] != before[static_cast<why>(r)]) return static_cast<why>(r);
    }
    return why::count_;
}

why processes::swap_out(page& p) {
    static_cast<void>(parts.map.page_referenced(p));
    p.clear(page_flag::referenced);
    if (p.test(page_flag::active)) {
        parts.lru.del_page(p);
        p.clear(page_flag::active); // 5.8 bears it active
        parts.lru.add_page(p);
    }
    const why reason = judge(p);
    complete_io();
    drain();
    return reason;
}

void processes::check() const {
    std::vector<const mm*> spaces;
    for (const auto& p : all_) spaces.push_back(p->space_.get());
    parts.check_consistency(spaces);
}

} // namespace pagesim::testing
