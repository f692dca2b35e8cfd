// SPDX-License-Identifier: MIT
#include <pagesim/process/mprotect.hpp>

#include <algorithm>

namespace pagesim {

namespace {

// Whether the may_ flags grant it: each lies as far from its flag as the first does.
bool may_become(vm_flags range, vm_flags access) {
    constexpr unsigned shift =
        static_cast<unsigned>(vm_flag::may_read) - static_cast<unsigned>(vm_flag::read);
    return without(access, vm_flags::from_word(range.word() >> shift)).empty();
}

// kernel: can_change_pte_writable(). Of a shared page that is dirty the file system knows already.
bool can_be_writable(const fault_context& fc, const vma& range, descriptor d) {
    if (!range.flags.has(vm_flag::write)) return false;
    if (d.writable() || d.protnone() || !d.dirty() || d.special()) return false;
    if (range.flags.has(vm_flag::shared)) return true;
    if (fc.rc.profile.mprotect == protect_exclusive::stays_read_only) return false;
    const page& p = fc.rc.home.frames()[d.frame()];
    return p.anon() && p.test(page_flag::anon_exclusive);
}

// kernel: change_pte_range(). Swap entries know nothing of protection.
void change_descriptors(const fault_context& fc, mm& owner, const vma& range, vpn from, vpn to) {
    const page_prot prot = vma_page_prot(fc, range);
    bool changed = false;
    owner.table().for_each_leaf(from, to, [&](vpn, std::uint64_t& word) {
        const descriptor old{word};
        if (!old.present()) return;
        descriptor d = old.modify(prot);
        if (can_be_writable(fc, range, d)) d = d.mkwrite();
        word = d.word();
        changed = true;
    });
    if (changed) fc.tlbs.flush_range(owner.id(), from, to);
}

// The range at c.next gets its flags (kernel: mprotect_fixup()).
void begin_range(const fault_context& fc, mm& owner, vpn end, vm_flags access, mprotect_cursor& c) {
    vma* const range = owner.find_vma(c.next);
    if (range == nullptr) {
        c.error = mm_error::enomem;
        return;
    }
    if (!may_become(range->flags, access)) {
        c.error = mm_error::eacces;
        return;
    }
    const vpn stop = std::min(range->end, end);
    const vm_flags flags = without(range->flags, vm_access) | access;
    if (flags == range->flags) {
        c.next = c.part_end = stop;
    } else if (change_flags(fc, owner, *range, c.next, stop, flags) == nullptr) {
        c.error = mm_error::enomem;
    } else {
        c.part_end = stop;
    }
}

} // namespace

step_result mprotect(const fault_context& fc, mm& owner, vpn first, vpn end, vm_flags access,
                     mprotect_cursor& c) {
    if (!c.begun) {
        fc.rc.cpu.charge(fc.rc.cpu.cost.map_call);
        c = {.begun = true, .next = first, .part_end = first};
        owner.lock = mmap_lock::written;
        if (raw(end) > vpn_limit) c.error = mm_error::enomem;
    }
    if (c.error == mm_error::none && c.next < end) {
        if (c.next == c.part_end) begin_range(fc, owner, end, access, c);
        if (c.error == mm_error::none && c.next < c.part_end) {
            const vpn table_end{(raw(c.next) / table_entries + 1) * table_entries};
            const vpn stop = std::min(c.part_end, table_end);
            change_descriptors(fc, owner, *owner.find_vma(c.next), c.next, stop);
            c.next = stop;
        }
    }
    if (c.error == mm_error::none && c.next < end) return step_again;
    c.begun = false;
    owner.lock = mmap_lock::free;
    return step_done;
}

} // namespace pagesim
