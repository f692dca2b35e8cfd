// SPDX-License-Identifier: MIT
#include <pagesim/machine/proc_files.hpp>

#include <pagesim/reclaim/kswapd.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace pagesim {

// ---- meminfo

page_count mem_available(const machine_parts& m) {
    std::uint64_t low = 0;
    for (const zone& z : m.home.zones()) low += z.low_wmark_pages();
    const vmstat& s = m.stat;
    const std::uint64_t files = s[vm_item::nr_active_file] + s[vm_item::nr_inactive_file];
    const std::uint64_t slab = s[vm_item::nr_slab_reclaimable] + s[vm_item::nr_kernel_misc_reclaimable];
    const std::uint64_t all =
        s[vm_item::nr_free_pages] + files - std::min(files / 2, low) + slab - std::min(slab / 2, low);
    return {all - std::min(all, m.home.totalreserve_pages())};
}

namespace {

// What the kernel's address space has room for, kilobytes: the length of the vmalloc area with 48-bit addresses.
std::uint64_t vmalloc_total(vmstat_lines kernel) {
    return kernel == vmstat_lines::of_6_1 ? 133'143'592'960 : 135290159040;
}

// Lines "label: number kB"; the number starts where the kernel puts it.
class meminfo_text {
public:
    void pages(std::string_view label, std::uint64_t n) { kilobytes(label, n << (page_shift - 10)); }
    void kilobytes(std::string_view label, std::uint64_t n) {
        fmt::format_to(std::back_inserter(text_), "{:<16}{:>8} kB\n", label, n);
    }
    void hardware_corrupted() { text_ += "HardwareCorrupted:     0 kB\n"; }
    void huge_pages(std::string_view label) {
        fmt::format_to(std::back_inserter(text_), "{:<19}{:>5}\n", label, 0);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void put_lists(meminfo_text& out, const vmstat& s) {
    const std::uint64_t active_anon = s[vm_item::nr_active_anon];
    const std::uint64_t active_file = s[vm_item::nr_active_file];
    const std::uint64_t inactive_anon = s[vm_item::nr_inactive_anon];
    const std::uint64_t inactive_file = s[vm_item::nr_inactive_file];
    out.pages("Active:", active_anon + active_file);
    out.pages("Inactive:", inactive_anon + inactive_file);
    out.pages("Active(anon):", active_anon);
    out.pages("Inactive(anon):", inactive_anon);
    out.pages("Active(file):", active_file);
    out.pages("Inactive(file):", inactive_file);
    out.pages("Unevictable:", s[vm_item::nr_unevictable]);
    out.pages("Mlocked:", s[vm_item::nr_mlock]);
}

void put_swap(meminfo_text& out, const machine_parts& m, bool newer) {
    const swap_space::totals swap = m.swap.si_swapinfo();
    out.pages("SwapTotal:", swap.total);
    out.pages("SwapFree:", swap.free);
    if (!newer) return;
    out.pages("Zswap:", 0);
    out.pages("Zswapped:", 0);
}

void put_contents(meminfo_text& out, const vmstat& s, bool newer) {
    const std::uint64_t reclaimable = s[vm_item::nr_slab_reclaimable];
    const std::uint64_t unreclaimable = s[vm_item::nr_slab_unreclaimable];
    out.pages("Dirty:", s[vm_item::nr_dirty]);
    out.pages("Writeback:", s[vm_item::nr_writeback]);
    out.pages("AnonPages:", s[vm_item::nr_anon_pages]);
    out.pages("Mapped:", s[vm_item::nr_mapped]);
    out.pages("Shmem:", s[vm_item::nr_shmem]);
    out.pages("KReclaimable:", reclaimable + s[vm_item::nr_kernel_misc_reclaimable]);
    out.pages("Slab:", reclaimable + unreclaimable);
    out.pages("SReclaimable:", reclaimable);
    out.pages("SUnreclaim:", unreclaimable);
    out.kilobytes("KernelStack:", s[vm_item::nr_kernel_stack]);
    out.pages("PageTables:", s[vm_item::nr_page_table_pages]);
    if (newer) out.pages("SecPageTables:", s[vm_item::nr_sec_page_table_pages]);
    out.pages("NFS_Unstable:", 0);
    out.pages("Bounce:", s[vm_item::nr_bounce]);
    out.pages("WritebackTmp:", s[vm_item::nr_writeback_temp]);
}

void put_huge(meminfo_text& out) {
    out.hardware_corrupted();
    for (const std::string_view label : {"AnonHugePages:", "ShmemHugePages:", "ShmemPmdMapped:",
                                         "FileHugePages:", "FilePmdMapped:", "CmaTotal:", "CmaFree:"}) {
        out.pages(label, 0);
    }
    for (const std::string_view label :
         {"HugePages_Total:", "HugePages_Free:", "HugePages_Rsvd:", "HugePages_Surp:"}) {
        out.huge_pages(label);
    }
    out.kilobytes("Hugepagesize:", 2048);
    out.kilobytes("Hugetlb:", 0);
}

} // namespace

std::string format_meminfo(const machine_parts& m, page_count committed) {
    const vmstat& s = m.stat;
    const vmstat_lines kernel = m.config.profile.vmstat;
    const bool newer = kernel == vmstat_lines::of_6_1;
    const std::uint64_t total = m.home.managed().value;
    meminfo_text out;
    out.pages("MemTotal:", total);
    out.pages("MemFree:", s[vm_item::nr_free_pages]);
    out.pages("MemAvailable:", mem_available(m).value);
    out.pages("Buffers:", 0);
    out.pages("Cached:",
              s[vm_item::nr_file_pages] - std::min(s[vm_item::nr_swapcached], s[vm_item::nr_file_pages]));
    out.pages("SwapCached:", s[vm_item::nr_swapcached]);
    put_lists(out, s);
    put_swap(out, m, newer);
    put_contents(out, s, newer);
    out.pages("CommitLimit:", total / 2 + m.swap.total_swap_pages()); // vm.overcommit_ratio 50
    out.pages("Committed_AS:", committed.value);
    out.kilobytes("VmallocTotal:", vmalloc_total(kernel));
    out.kilobytes("VmallocUsed:", 0);
    out.kilobytes("VmallocChunk:", 0);
    out.kilobytes("Percpu:", 0);
    put_huge(out);
    return out.take();
}

// ---- zoneinfo

namespace {

// The blocks in which /proc/vmstat has its lines.
struct vmstat_blocks {
    std::size_t zone;
    std::size_t numa;
    std::size_t node;
};
vmstat_blocks blocks_of(vmstat_lines kernel) {
    switch (kernel) {
    case vmstat_lines::of_5_8: return {13, 6, 33};
    case vmstat_lines::of_5_10: return {12, 6, 37};
    case vmstat_lines::of_6_1: break;
    }
    return {11, 6, 43};
}

std::uint64_t count_frames(const node& home, const zone& z,
                           bool (*wanted)(const page&, const kernel_profile&),
                           const kernel_profile& profile) {
    std::uint64_t n = 0;
    for (pfn f = z.start_pfn(); f < z.end_pfn(); f = f + 1) n += wanted(home.frames()[f], profile) ? 1U : 0U;
    return n;
}

// Requests that a zone served. All were for single pages but those for slabs, which the highest zone for kernel objects
// serves.
std::uint64_t allocations_from(const machine_parts& m, const zone& z) {
    std::uint64_t pages = 0;
    const zone* for_objects = nullptr;
    for (const zone& other : m.home.zones()) {
        pages += m.stat[pgalloc_item(other.index())];
        if (for_objects == nullptr || other.type() <= zone_type::normal) for_objects = &other;
    }
    const std::uint64_t of_blocks = pages - m.stat[vm_item::numa_hit];
    return m.stat[pgalloc_item(z.index())] - (&z == for_objects ? of_blocks : 0);
}

} // namespace

// The machine counts most of them for all zones together, which one zone is if it is alone.
std::uint64_t zone_value(const machine_parts& m, const zone& z, const vmstat_line& line) {
    const node& home = m.home;
    const kernel_profile& profile = m.config.profile;
    if (line.item == vm_item::nr_free_pages) return z.nr_free_pages();
    for (unsigned l = 0; l < nr_lru_lists; ++l) {
        if (line.item == zone_item(static_cast<lru_list>(l))) return z.nr_zone_lru(l);
    }
    if (home.zones().size() == 1) return line.value(m.stat);
    switch (line.item) {
    case vm_item::numa_hit:
    case vm_item::numa_local: return allocations_from(m, z);
    case vm_item::nr_mlock:
        return count_frames(
            home, z, [](const page& p, const kernel_profile&) { return p.test(page_flag::mlocked); },
            profile);
    case vm_item::nr_zspages:
        return count_frames(
            home, z, [](const page& p, const kernel_profile&) { return p.test(page_flag::zsmalloc); },
            profile);
    case vm_item::nr_page_table_pages:
        return count_frames(
            home, z,
            [](const page& p, const kernel_profile& k) {
                return p.test(page_flag::table) && counts_table(k, static_cast<int>(p.private_data()));
            },
            profile);
    default: break;
    }
    PAGESIM_ASSERT(line.value(m.stat) == 0); // what this version does not count
    return 0;
}

namespace {

void put_item(std::string& out, std::string_view name, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out), "\n      {:<12} {}", name, value);
}

void put_sizes(std::string& out, const zone* z, bool newer) {
    const auto line = [&out](std::string_view name, std::uint64_t n) {
        fmt::format_to(std::back_inserter(out), "\n        {:<9}{}", name, n);
    };
    fmt::format_to(std::back_inserter(out), "\n  pages free     {}", z == nullptr ? 0 : z->nr_free_pages());
    if (newer) line("boost", z == nullptr ? 0 : z->watermark_boost());
    line("min", z == nullptr ? 0 : z->min_wmark_pages());
    line("low", z == nullptr ? 0 : z->low_wmark_pages());
    line("high", z == nullptr ? 0 : z->high_wmark_pages());
    line("spanned", z == nullptr ? 0 : z->spanned().value);
    line("present", z == nullptr ? 0 : z->present().value);
    line("managed", z == nullptr ? 0 : z->managed().value);
    if (newer) line("cma", 0);
    std::array<std::uint64_t, max_nr_zones> reserve{};
    for (unsigned j = 0; z != nullptr && j < max_nr_zones; ++j) {
        reserve[j] = z->lowmem_reserve(static_cast<zone_type>(j));
    }
    fmt::format_to(std::back_inserter(out), "\n        protection: ({})", fmt::join(reserve, ", "));
}

void put_populated(std::string& out, const machine_parts& m, const zone& z,
                   const std::vector<vmstat_line>& lines) {
    const vmstat_blocks blocks = blocks_of(m.config.profile.vmstat);
    for (std::size_t i = 0; i < blocks.zone + blocks.numa; ++i)
        put_item(out, lines[i].name, zone_value(m, z, lines[i]));
    constexpr unsigned cpus = 1;
    const auto at = std::back_inserter(out);
    fmt::format_to(at, "\n  pagesets\n    cpu: 0");
    fmt::format_to(at, "\n              count: {}", z.pcp().count());
    fmt::format_to(at, "\n              high:  {}", z.pcp().high());
    fmt::format_to(at, "\n              batch: {}", z.pcp().batch());
    fmt::format_to(at, "\n  vm stats threshold: {}", stat_threshold(z.managed(), cpus));
    fmt::format_to(at, "\n  node_unreclaimable:  {}",
                   m.lru.pgdat.kswapd_failures >= max_reclaim_retries ? 1 : 0);
    fmt::format_to(at, "\n  start_pfn:           {}", raw(z.start_pfn()));
}

} // namespace

std::string format_zoneinfo(const machine_parts& m) {
    const std::vector<vmstat_line> lines = lines_of(m.config.profile.vmstat);
    const vmstat_blocks blocks = blocks_of(m.config.profile.vmstat);
    const bool newer = m.config.profile.vmstat == vmstat_lines::of_6_1;
    std::string out;
    bool told_node = false;
    for (unsigned i = 0; i < max_nr_zones; ++i) {
        const auto type = static_cast<zone_type>(i);
        const auto& zones = m.home.zones();
        const auto found =
            std::find_if(zones.begin(), zones.end(), [&](const zone& z) { return z.type() == type; });
        const zone* z = found == zones.end() ? nullptr : &*found;
        fmt::format_to(std::back_inserter(out), "Node 0, zone {:>8}", zone_name(type));
        if (z != nullptr && !told_node) {
            told_node = true;
            out += "\n  per-node stats";
            const std::size_t first = blocks.zone + blocks.numa;
            for (std::size_t l = first; l < first + blocks.node; ++l)
                put_item(out, lines[l].name, lines[l].value(m.stat));
        }
        put_sizes(out, z, newer);
        if (z != nullptr) put_populated(out, m, *z, lines);
        out += '\n';
    }
    return out;
}

// ---- buddyinfo

std::string format_buddyinfo(const node& home) {
    std::string out;
    for (const zone& z : home.zones()) {
        fmt::format_to(std::back_inserter(out), "Node 0, zone {:>8} ", zone_name(z.type()));
        for (unsigned o = 0; o < max_order; ++o) {
            const std::uint64_t blocks = z.free_area().free_blocks(page_order{static_cast<std::uint8_t>(o)});
            fmt::format_to(std::back_inserter(out), "{:>6} ", blocks);
        }
        out += '\n';
    }
    return out;
}

} // namespace pagesim
