// SPDX-License-Identifier: MIT
// do_fault and wp_page_shared: the faults of ranges that map a file.
//
//     read       fault-around: up to 16 cached pages of the aligned 64 KiB are mapped, the wanted one perhaps among them
//     otherwise  find the page ── cached ──> (marker: readahead) ──────────────────┐
//                     │ missing                                                    v
//                     └─> readahead around it, or this page alone ──> lock, wait until it is read
//                                                                                  │
//                read was begun, first try: the whole fault again <────────────────┴──> map, copy or make writable
#include "file_fault.hpp"

#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/mmu/ptep.hpp>

#include <algorithm>

namespace pagesim {

namespace {

bool is_shmem(const fault_context& fc, const vma& range) {
    return fc.rc.cache.opened(range.file).of->kind() == file_kind::shmem;
}

} // namespace

page_prot vma_page_prot(const fault_context& fc, const vma& range) {
    vm_flags flags = range.flags;
    if (range.file != 0 && !is_shmem(fc, range)) flags.clear(vm_flag::shared);
    return vm_page_prot(flags);
}

namespace {

using phase = fault_cursor::phase;
constexpr std::uint64_t fault_around_pages = 16; // kernel: fault_around_bytes

bool is_shared(const fault_cursor& f) { return f.range->flags.has(vm_flag::shared); }

descriptor readable(const fault_context& fc, const vma& range, const page& p) {
    return descriptor::page(fc.rc.home.frames().pfn_of(p), vma_page_prot(fc, range));
}

void map_file_page(const fault_context& fc, mm& owner, const vma& range, page& p, std::uint64_t& slot,
                   descriptor d) {
    fc.rc.map.page_add_file_rmap(p, range);
    ++owner.rss(p);
    slot = d.word();
}

void drop_pages(const fault_context& fc, fault_cursor& f) {
    for (page** p : {&f.target, &f.cow}) {
        if (*p != nullptr) fc.rc.batches.put_page(**p);
        *p = nullptr;
    }
}

// kernel: VM_FAULT_RETRY.
step_result retry(const fault_context& fc, fault_cursor& f, sim_duration cost) {
    drop_pages(fc, f);
    fc.rc.cpu.charge(cost);
    f.tried = true;
    f.at = phase::begin;
    return step_again;
}

// kernel: filemap_map_pages(). True if the faulting page was mapped.
bool fault_around(const fault_context& fc, mm& owner, const fault_cursor& f) {
    const vma& range = *f.range;
    open_file& file = file_of_fault(fc, f);
    const vpn window{raw(f.where) / fault_around_pages * fault_around_pages};
    const vpn first = std::max(window, range.first);
    const vpn table_end{(raw(first) / table_entries + 1) * table_entries};
    const vpn end = std::min({first + fault_around_pages, range.end, table_end});
    const bool ages = fc.hardware_ages && fc.rc.profile.prefaults == prefault_age::old_if_hardware_ages;
    for (vpn n = first; n < end; n = n + 1) {
        const std::uint64_t index = range.pgoff + (n - range.first);
        page* p = index < file.of->size().value ? fc.rc.cache.find(*file.of, index) : nullptr;
        if (p == nullptr || p->test(page_flag::locked) || !p->test(page_flag::uptodate)) continue;
        if (p->test(page_flag::readahead)) continue;
        if (file.ra.mmap_miss > 0) --file.ra.mmap_miss;
        std::uint64_t& slot = *owner.table().leaf(n);
        if (slot != 0) continue;
        fc.rc.cpu.charge(fc.rc.cpu.cost.fault_around_page);
        p->get();
        const descriptor d = readable(fc, range, *p);
        map_file_page(fc, owner, range, *p, slot, ages && n != f.where ? d.mkold() : d);
    }
    return *owner.table().leaf(f.where) != 0;
}

// Who must be in the cache is missing: what to read. Nothing: the page alone.
std::optional<readahead_window> sync_mmap_readahead(const fault_context& fc, const fault_cursor& f) {
    open_file& file = file_of_fault(fc, f);
    if (f.range->flags.has(vm_flag::rand_read)) return std::nullopt;
    if (f.range->flags.has(vm_flag::seq_read)) {
        return ondemand_readahead(*file.of, file.ra, index_of_fault(f), file.ra.ra_pages,
                                  readahead_cause::miss, fc.rc.profile);
    }
    return mmap_read_around(file.ra, index_of_fault(f));
}

// kernel: do_async_mmap_readahead().
std::optional<readahead_window> async_mmap_readahead(const fault_context& fc, const fault_cursor& f,
                                                     page& p) {
    open_file& file = file_of_fault(fc, f);
    if (f.range->flags.has(vm_flag::rand_read)) return std::nullopt;
    if (file.ra.mmap_miss > 0) --file.ra.mmap_miss;
    if (!p.test(page_flag::readahead) || p.test(page_flag::writeback)) return std::nullopt;
    p.clear(page_flag::readahead);
    return ondemand_readahead(*file.of, file.ra, index_of_fault(f), file.ra.ra_pages, readahead_cause::marker,
                              fc.rc.profile);
}

// The lock that a fault gives up while it reads: it must then start again, but only once.
void drop_mmap_lock(fault_cursor& f) { f.dropped = !f.tried; }

step_result find_page(const fault_context& fc, fault_cursor& f) {
    mapping& file = *file_of_fault(fc, f).of;
    if (index_of_fault(f) >= file.size().value) return give_up_file_fault(fc, f, fault_outcome::bus_error);
    f.target = fc.rc.cache.find(file, index_of_fault(f));
    f.at = phase::file_lock;
    if (f.target != nullptr) {
        f.target->get();
        const auto w = f.tried ? std::nullopt : async_mmap_readahead(fc, f, *f.target);
        if (!w) return step_again;
        drop_mmap_lock(f);
        begin_read_ahead(f.ahead, file, *w);
        f.at = phase::file_ahead;
        return step_again;
    }
    f.major = true;
    fc.rc.cpu.count(vm_item::pgmajfault);
    fc.rc.cpu.emit(trace_kind::major_fault, raw(f.where), index_of_fault(f));
    f.at = phase::file_find;
    const auto w = sync_mmap_readahead(fc, f);
    if (!w) return step_again;
    drop_mmap_lock(f);
    begin_read_ahead(f.ahead, file, *w);
    f.at = phase::file_ahead;
    return step_again;
}

step_result run_read_ahead(const fault_context& fc, fault_cursor& f) {
    const step_result r = read_ahead_step(fc.rc, f.ahead);
    if (!r.done()) return r;
    f.at = f.target != nullptr ? phase::file_lock : phase::file_find;
    return step_again;
}

// The page that was to be read; if it is not there after all, it alone.
step_result find_or_read(const fault_context& fc, fault_cursor& f) {
    mapping& file = *file_of_fault(fc, f).of;
    if (f.alloc.at == alloc_cursor::phase::idle) {
        f.target = fc.rc.cache.find(file, index_of_fault(f));
        if (f.target != nullptr) {
            f.target->get();
            f.at = phase::file_lock;
            return step_again;
        }
    }
    const step_result r = read_single_page(fc.rc, file, index_of_fault(f), f.alloc);
    if (!r.done()) return r;
    if (f.alloc.outcome != alloc_outcome::page)
        return give_up_file_fault(fc, f, fault_outcome::out_of_memory);
    drop_mmap_lock(f);
    f.target = f.alloc.result;
    if (f.target != nullptr) f.at = phase::file_lock;
    return step_again;
}

// kernel: do_page_mkwrite() as ext4 does it, and fault_dirty_shared_page() up to its throttling.
// Shared memory has neither.
void make_writable(const fault_context& fc, fault_cursor& f, page& p) {
    const bool writes_back = fc.rc.cache.file_of(p).writes_back();
    if (writes_back) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.page_mkwrite);
        fc.rc.cache.attach_private(p);
    }
    const bool dirtied = fc.rc.cache.set_page_dirty(p);
    if (dirtied && writes_back && f.dirtier != nullptr) ++f.dirtier->nr_dirtied;
    f.throttles = dirtied || writes_back;
}

step_result lock_target(const fault_context& fc, mm& owner, fault_cursor& f) {
    page& p = *f.target;
    if (p.test(page_flag::locked)) {
        drop_mmap_lock(f);
        return sleep_on(lock_channel(fc.rc, p));
    }
    const mapping& file = *file_of_fault(fc, f).of;
    if (!p.in_file() || p.file_id() != file.id()) {
        fc.rc.batches.put_page(p);
        f.target = nullptr;
        f.at = phase::file_find;
        return step_again;
    }
    const bool cut = index_of_fault(f) >= file.size().value; // meanwhile, and the page has not gone yet
    if (cut || !p.test(page_flag::uptodate)) return give_up_file_fault(fc, f, fault_outcome::bus_error);
    if (!f.dropped) return map_file_target(fc, owner, f);
    const cost_table& cost = fc.rc.cpu.cost;
    return retry(fc, f, f.major ? cost.file_fault_retry : cost.async_fault_retry);
}

// The page is dirty, and whoever dirties may be made to wait.
step_result end_dirty_fault(const fault_context& fc, fault_cursor& f) {
    if (!f.throttles) return step_done;
    if (f.dirtier != nullptr) {
        const step_result r = balance_dirty_pages_ratelimited(fc.bdi, *f.dirtier, f.balance);
        if (!r.done()) return r;
    }
    if (fc.rc.profile.dirty_faults == dirty_fault_end::retries && !f.tried)
        return retry(fc, f, fc.rc.cpu.cost.dirty_fault_retry);
    return step_done;
}

phase first_phase(const fault_context& fc, const fault_cursor& f) {
    return is_shmem(fc, *f.range) ? phase::shmem_lookup : phase::file_begin;
}

step_result allocate_copy(const fault_context& fc, fault_cursor& f) {
    fc.rc.map.anon_vmas().prepare(*f.range);
    const step_result r = fault_alloc(fc, f, gfp::highuser_movable);
    if (!r.done() || f.outcome != fault_outcome::resolved) return r;
    f.cow = f.alloc.result;
    f.at = first_phase(fc, f);
    return step_again;
}

step_result begin_file_fault(const fault_context& fc, mm& owner, fault_cursor& f) {
    fc.rc.cpu.charge(fc.rc.cpu.cost.file_fault);
    f.dropped = false;
    f.target = nullptr;
    f.cow = nullptr;
    if (!f.is_write() && fault_around(fc, owner, f)) return step_done;
    f.at = f.is_write() && !is_shared(f) ? phase::file_cow : first_phase(fc, f);
    return step_again;
}

} // namespace

step_result give_up(const fault_context& fc, fault_cursor& f, fault_outcome outcome) {
    drop_pages(fc, f);
    f.outcome = outcome;
    return step_done;
}

step_result give_up_file_fault(const fault_context& fc, fault_cursor& f, fault_outcome outcome) {
    drop_pages(fc, f);
    f.outcome = outcome;
    return step_done;
}

step_result map_file_target(const fault_context& fc, mm& owner, fault_cursor& f) {
    std::uint64_t& slot = *owner.table().leaf(f.where);
    page& p = *f.target;
    if (slot != 0) return give_up_file_fault(fc, f, fault_outcome::resolved); // somebody mapped it meanwhile
    f.target = nullptr;
    if (!f.is_write()) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.fault_around_page);
        map_file_page(fc, owner, *f.range, p, slot, readable(fc, *f.range, p));
        return step_done;
    }
    if (!is_shared(f)) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.wp_copy);
        map_new_page(fc, owner, f, *std::exchange(f.cow, nullptr));
        fc.rc.batches.put_page(p);
        return step_done;
    }
    make_writable(fc, f, p);
    map_file_page(fc, owner, *f.range, p, slot, readable(fc, *f.range, p).mkdirty().mkwrite());
    f.at = phase::file_dirtied;
    return step_again;
}

step_result do_fault(const fault_context& fc, mm& owner, fault_cursor& f) {
    switch (f.at) {
    case phase::file_cow: return allocate_copy(fc, f);
    case phase::file_begin: return find_page(fc, f);
    case phase::file_ahead: return run_read_ahead(fc, f);
    case phase::file_find: return find_or_read(fc, f);
    case phase::file_lock: return lock_target(fc, owner, f);
    case phase::file_dirtied: return end_dirty_fault(fc, f);
    case phase::shmem_lookup:
    case phase::shmem_alloc:
    case phase::shmem_read:
    case phase::shmem_lock: return shmem_fault(fc, owner, f);
    default: return begin_file_fault(fc, owner, f);
    }
}

step_result wp_page_shared(const fault_context& fc, mm& owner, fault_cursor& f) {
    const cpu_context& cpu = fc.rc.cpu;
    std::uint64_t& slot = *owner.table().leaf(f.where);
    if (f.at != phase::file_wp) {
        f.target = &fc.rc.home.frames()[descriptor{f.original}.frame()];
        f.target->get();
        f.at = phase::file_wp;
    }
    page& p = *f.target;
    if (p.test(page_flag::locked)) return sleep_on(lock_channel(fc.rc, p));
    f.target = nullptr;
    if (slot != f.original || !p.in_file()) {
        fc.rc.batches.put_page(p);
        return step_done;
    }
    make_writable(fc, f, p);
    if (fc.rc.profile.reuse != anon_reuse::by_mapcount) cpu.count(vm_item::pgreuse);
    const descriptor entry = descriptor{slot}.mkyoung().mkdirty().mkwrite();
    ptep_set_access_flags(fc.tlbs, {owner.id(), f.where}, slot, entry, access_kind::write);
    fc.rc.batches.put_page(p);
    f.at = phase::file_dirtied;
    return step_again;
}

} // namespace pagesim
