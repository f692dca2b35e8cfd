// SPDX-License-Identifier: MIT
// /proc/PID/maps, smaps and smaps_rollup (kernel: fs/proc/task_mmu.c).
#include <pagesim/machine/proc_pid.hpp>

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace pagesim {

mem_size_stats& mem_size_stats::operator+=(const mem_size_stats& o) {
    resident += o.resident;
    shared_clean += o.shared_clean;
    shared_dirty += o.shared_dirty;
    private_clean += o.private_clean;
    private_dirty += o.private_dirty;
    referenced += o.referenced;
    anonymous += o.anonymous;
    lazyfree += o.lazyfree;
    swap += o.swap;
    pss += o.pss;
    pss_anon += o.pss_anon;
    pss_file += o.pss_file;
    pss_shmem += o.pss_shmem;
    pss_dirty += o.pss_dirty;
    pss_locked += o.pss_locked;
    swap_pss += o.swap_pss;
    return *this;
}

namespace {

constexpr std::uint64_t whole_page = page_size << pss_shift;

std::uint64_t share_of(std::uint64_t users) { return users >= 2 ? whole_page / users : whole_page; }

// kernel: smaps_account().
void account_page(mem_size_stats& s, const page& p, descriptor d, const vma& range) {
    const bool dirty = d.dirty() || p.test(page_flag::dirty);
    const bool only_here = p.mapcount() < 2;
    const std::uint64_t pss = share_of(static_cast<std::uint64_t>(p.mapcount()));
    s.resident += page_size;
    if (p.anon()) {
        s.anonymous += page_size;
        if (!p.test(page_flag::swapbacked) && !dirty) s.lazyfree += page_size;
    }
    if (d.young() || p.test(page_flag::referenced)) s.referenced += page_size;
    s.pss += pss;
    (p.anon() ? s.pss_anon : p.test(page_flag::swapbacked) ? s.pss_shmem : s.pss_file) += pss;
    if (range.flags.has(vm_flag::locked)) s.pss_locked += pss;
    if (dirty) {
        s.pss_dirty += pss;
        (only_here ? s.private_dirty : s.shared_dirty) += page_size;
    } else {
        (only_here ? s.private_clean : s.shared_clean) += page_size;
    }
}

const mapping* file_of(const machine_parts& m, const vma& range) {
    return range.file == 0 ? nullptr : m.cache.opened(range.file).of;
}

// Pages of shared memory that lie in swap: of a range whose pages all belong to the file, each; of another, those that
// it has no copy of.
std::uint64_t shmem_swapped(const vma& range, const mapping& file) {
    const bool all = range.flags.has(vm_flag::shared) || !range.flags.has(vm_flag::write);
    const std::uint64_t end = range.pgoff + range.pages();
    std::uint64_t n = 0;
    for (std::uint64_t i = file.next_used(range.pgoff); i < end; i = file.next_used(i + 1)) {
        if (!file.slot(i).is_value()) continue;
        const std::uint64_t* const word = range.owner->table().leaf(range.address_of(i));
        if (all || word == nullptr || descriptor{*word}.none()) ++n;
    }
    return n;
}

// ---- text

// kernel: the order of VM_*'s bits.
constexpr std::array<std::pair<vm_flag, std::string_view>, 12> mnemonics{{{vm_flag::read, "rd"},
                                                                          {vm_flag::write, "wr"},
                                                                          {vm_flag::exec, "ex"},
                                                                          {vm_flag::shared, "sh"},
                                                                          {vm_flag::may_read, "mr"},
                                                                          {vm_flag::may_write, "mw"},
                                                                          {vm_flag::may_exec, "me"},
                                                                          {vm_flag::may_share, "ms"},
                                                                          {vm_flag::growsdown, "gd"},
                                                                          {vm_flag::locked, "lo"},
                                                                          {vm_flag::seq_read, "sr"},
                                                                          {vm_flag::rand_read, "rr"}}};

// VM_ACCOUNT: its pages were promised.
bool accounted(const vma& v) {
    return is_cow_mapping(v.flags) && (v.flags.has(vm_flag::write) || v.anon_vma != 0);
}

std::string vm_flags_text(const vma& v) {
    std::string out = "VmFlags: ";
    for (const auto& [flag, name] : mnemonics) {
        if (!v.flags.has(flag)) continue;
        out += name;
        out += ' ';
    }
    if (accounted(v)) out += "ac ";
    return out + '\n';
}

std::string name_of(const mm& space, const vma& v, const mapping* file) {
    if (file != nullptr) {
        if (!file->writes_back()) return "/dev/zero (deleted)";
        return file->name().starts_with('/') ? file->name() : '/' + file->name();
    }
    if (addr_of(v.first) <= space.brk && addr_of(v.end) >= space.start_brk) return "[heap]";
    return v.flags.has(vm_flag::growsdown) ? "[stack]" : "";
}

// Padded to where the name begins, if there is one.
void put_header(std::string& out, std::string_view fields, std::string_view name) {
    constexpr int name_column = 72;
    if (name.empty()) {
        fmt::format_to(std::back_inserter(out), "{} \n", fields);
    } else {
        fmt::format_to(std::back_inserter(out), "{:<{}} {}\n", fields, name_column, name);
    }
}

void put_map(std::string& out, const machine_parts& m, const mm& space, const vma& v) {
    const mapping* const file = file_of(m, v);
    const auto letter = [&v](vm_flag f, char c) { return v.flags.has(f) ? c : '-'; };
    const std::string_view device = file == nullptr ? "00:00" : file->writes_back() ? "103:00" : "00:01";
    const std::string fields =
        fmt::format("{:08x}-{:08x} {}{}{}{} {:08x} {} {}", raw(addr_of(v.first)), raw(addr_of(v.end)),
                    letter(vm_flag::read, 'r'), letter(vm_flag::write, 'w'), letter(vm_flag::exec, 'x'),
                    v.flags.has(vm_flag::may_share) ? 's' : 'p', file == nullptr ? 0 : v.pgoff << page_shift,
                    device, file == nullptr ? 0 : file->id());
    put_header(out, fields, name_of(space, v, file));
}

void put_kb(std::string& out, std::string_view label, std::uint64_t bytes) {
    fmt::format_to(std::back_inserter(out), "{:<16}{:>8} kB\n", label, bytes >> 10U);
}

enum class smaps_form : std::uint8_t { of_a_range, rollup };

void put_stats(std::string& out, const mem_size_stats& s, vmstat_lines kernel, smaps_form form) {
    put_kb(out, "Rss:", s.resident);
    put_kb(out, "Pss:", s.pss >> pss_shift);
    if (kernel == vmstat_lines::of_6_1) put_kb(out, "Pss_Dirty:", s.pss_dirty >> pss_shift);
    if (form == smaps_form::rollup) {
        put_kb(out, "Pss_Anon:", s.pss_anon >> pss_shift);
        put_kb(out, "Pss_File:", s.pss_file >> pss_shift);
        put_kb(out, "Pss_Shmem:", s.pss_shmem >> pss_shift);
    }
    put_kb(out, "Shared_Clean:", s.shared_clean);
    put_kb(out, "Shared_Dirty:", s.shared_dirty);
    put_kb(out, "Private_Clean:", s.private_clean);
    put_kb(out, "Private_Dirty:", s.private_dirty);
    put_kb(out, "Referenced:", s.referenced);
    put_kb(out, "Anonymous:", s.anonymous);
    put_kb(out, "LazyFree:", s.lazyfree);
    put_kb(out, "AnonHugePages:", 0);
    put_kb(out, "ShmemPmdMapped:", 0);
    // One blank short in 5.8.
    out += kernel == vmstat_lines::of_5_8 ? "FilePmdMapped:        0 kB\n" : "FilePmdMapped:         0 kB\n";
    put_kb(out, "Shared_Hugetlb:", 0);
    out += "Private_Hugetlb:       0 kB\n";
    put_kb(out, "Swap:", s.swap);
    put_kb(out, "SwapPss:", s.swap_pss >> pss_shift);
    put_kb(out, "Locked:", s.pss_locked >> pss_shift);
}

} // namespace

mem_size_stats smap_gather_stats(const machine_parts& m, const vma& range) {
    mem_size_stats s;
    const mapping* const file = file_of(m, range);
    if (file != nullptr && !file->writes_back()) s.swap += shmem_swapped(range, *file) * page_size;
    const mm& space = *range.owner;
    space.table().for_each_leaf(range.first, range.end, [&](vpn /*n*/, std::uint64_t word) {
        const descriptor d{word};
        if (d.is_swap()) {
            s.swap += page_size;
            s.swap_pss += share_of(m.swap.count(entry_in(d, m.config.profile.swap_pte)));
        } else if (d.present() && !d.special()) {
            account_page(s, m.frames[d.frame()], d, range);
        }
    });
    return s;
}

std::string format_maps(const machine_parts& m, const mm& space) {
    std::string out;
    for (const vma& v : space.vmas()) put_map(out, m, space, v);
    return out;
}

std::string format_smaps(const machine_parts& m, const mm& space) {
    std::string out;
    for (const vma& v : space.vmas()) {
        put_map(out, m, space, v);
        put_kb(out, "Size:", v.pages() * page_size);
        put_kb(out, "KernelPageSize:", page_size);
        put_kb(out, "MMUPageSize:", page_size);
        put_stats(out, smap_gather_stats(m, v), m.config.profile.vmstat, smaps_form::of_a_range);
        out += "THPeligible:    0\n";
        out += vm_flags_text(v);
    }
    return out;
}

std::string format_smaps_rollup(const machine_parts& m, const mm& space) {
    mem_size_stats sum;
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    for (const vma& v : space.vmas()) {
        sum += smap_gather_stats(m, v);
        if (end == 0) first = raw(addr_of(v.first));
        end = raw(addr_of(v.end));
    }
    std::string out;
    put_header(out, fmt::format("{:08x}-{:08x} ---p 00000000 00:00 0", first, end), "[rollup]");
    put_stats(out, sum, m.config.profile.vmstat, smaps_form::rollup);
    return out;
}

} // namespace pagesim
