// SPDX-License-Identifier: MIT
#include <pagesim/machine/oom_report.hpp>

#include <pagesim/machine/proc_files.hpp>
#include <pagesim/reclaim/kswapd.hpp>

#include <fmt/format.h>

#include <iterator>

namespace pagesim {

namespace {

constexpr std::uint64_t kb(std::uint64_t pages) { return pages << (page_shift - 10); }

zone_report report_zone(const machine_parts& m, const zone& z) {
    const auto value = [&](vm_item item) { return zone_value(m, z, {.name = {}, .item = item}); };
    zone_report r{
        .type = z.type(),
        .free = z.nr_free_pages(),
        .boost = z.watermark_boost(),
        .marks = {.min = z.min_wmark_pages(), .low = z.low_wmark_pages(), .high = z.high_wmark_pages()},
        .write_pending = value(vm_item::nr_zone_write_pending),
        .present = z.present().value,
        .managed = z.managed().value,
        .mlocked = value(vm_item::nr_mlock),
        .page_tables = value(vm_item::nr_page_table_pages),
        .free_pcp = z.pcp().count()};
    for (unsigned l = 0; l < r.lists.size(); ++l) r.lists[l] = z.nr_zone_lru(l);
    for (unsigned j = 0; j < max_nr_zones; ++j)
        r.lowmem_reserve[j] = z.lowmem_reserve(static_cast<zone_type>(j));
    for (unsigned o = 0; o < max_order; ++o) {
        const auto order = page_order{static_cast<std::uint8_t>(o)};
        r.blocks[o] = z.free_area().free_blocks(order);
        for (const auto& [type, letter] : {std::pair{migratetype::unmovable, 'U'},
                                           {migratetype::movable, 'M'},
                                           {migratetype::reclaimable, 'E'}}) {
            if (!z.free_area().blocks(order, type).empty()) r.types[o] += letter;
        }
    }
    return r;
}

// Lines of the kernel's log, all of one instant.
class log_lines {
public:
    explicit log_lines(sim_time t)
        : stamp_{fmt::format("[{:5}.{:06}] ", t.ns / 1'000'000'000, t.ns / 1000 % 1'000'000)} {}

    template <typename... Args>
    void line(fmt::format_string<Args...> text, Args&&... args) {
        text_ += stamp_;
        fmt::format_to(std::back_inserter(text_), text, std::forward<Args>(args)...);
        text_ += '\n';
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string stamp_;
    std::string text_;
};

std::string gfp_text(gfp_flags gfp) {
    constexpr std::uint64_t hardwall = 1U << 20U; // part of every request for a user's page
    if (gfp == gfp::highuser_movable)
        return fmt::format("{:#x}(GFP_HIGHUSER_MOVABLE)", gfp.word() | hardwall);
    if (gfp == gfp::kernel) return fmt::format("{:#x}(GFP_KERNEL)", gfp.word());
    return fmt::format("{:#x}", gfp.word());
}

// "a:1 b:2" of items that stand in the node's or the machine's counters.
struct named_item {
    std::string_view name;
    vm_item item;
};

std::string in_pages(const vmstat& s, std::initializer_list<named_item> items) {
    std::string out;
    for (const named_item& i : items) fmt::format_to(std::back_inserter(out), " {}:{}", i.name, s[i.item]);
    return out;
}

std::string in_kb(const vmstat& s, std::initializer_list<named_item> items) {
    std::string out;
    for (const named_item& i : items)
        fmt::format_to(std::back_inserter(out), " {}:{}kB", i.name, kb(s[i.item]));
    return out;
}

void put_totals(log_lines& out, const memory_report& m) {
    const vmstat& s = m.stat;
    std::uint64_t pcp = 0;
    for (const zone_report& z : m.zones) pcp += z.free_pcp;
    out.line("active_anon:{} inactive_anon:{} isolated_anon:{}", s[vm_item::nr_active_anon],
             s[vm_item::nr_inactive_anon], s[vm_item::nr_isolated_anon]);
    out.line("{}", in_pages(s, {{"active_file", vm_item::nr_active_file},
                                {"inactive_file", vm_item::nr_inactive_file},
                                {"isolated_file", vm_item::nr_isolated_file}}));
    out.line("{}", in_pages(s, {{"unevictable", vm_item::nr_unevictable},
                                {"dirty", vm_item::nr_dirty},
                                {"writeback", vm_item::nr_writeback}}));
    out.line("{}", in_pages(s, {{"slab_reclaimable", vm_item::nr_slab_reclaimable},
                                {"slab_unreclaimable", vm_item::nr_slab_unreclaimable}}));
    const std::string mapped = in_pages(s, {{"mapped", vm_item::nr_mapped},
                                            {"shmem", vm_item::nr_shmem},
                                            {"pagetables", vm_item::nr_page_table_pages}});
    if (m.kernel == vmstat_lines::of_6_1) {
        out.line("{}", mapped);
        out.line("{}", in_pages(s, {{"sec_pagetables", vm_item::nr_sec_page_table_pages},
                                    {"bounce", vm_item::nr_bounce}}));
        out.line("{}", in_pages(s, {{"kernel_misc_reclaimable", vm_item::nr_kernel_misc_reclaimable}}));
    } else {
        out.line("{} bounce:{}", mapped, s[vm_item::nr_bounce]);
    }
    out.line(" free:{} free_pcp:{} free_cma:0", s[vm_item::nr_free_pages], pcp);
}

void put_node(log_lines& out, const memory_report& m) {
    const vmstat& s = m.stat;
    std::string text = in_kb(s, {{"active_anon", vm_item::nr_active_anon},
                                 {"inactive_anon", vm_item::nr_inactive_anon},
                                 {"active_file", vm_item::nr_active_file},
                                 {"inactive_file", vm_item::nr_inactive_file},
                                 {"unevictable", vm_item::nr_unevictable},
                                 {"isolated(anon)", vm_item::nr_isolated_anon},
                                 {"isolated(file)", vm_item::nr_isolated_file},
                                 {"mapped", vm_item::nr_mapped},
                                 {"dirty", vm_item::nr_dirty},
                                 {"writeback", vm_item::nr_writeback},
                                 {"shmem", vm_item::nr_shmem}});
    text += " shmem_thp: 0kB shmem_pmdmapped: 0kB anon_thp: 0kB";
    text += in_kb(s, {{"writeback_tmp", vm_item::nr_writeback_temp}});
    if (m.kernel != vmstat_lines::of_5_8)
        fmt::format_to(std::back_inserter(text), " kernel_stack:{}kB", s[vm_item::nr_kernel_stack]);
    if (m.kernel == vmstat_lines::of_6_1)
        text += in_kb(s, {{"pagetables", vm_item::nr_page_table_pages},
                          {"sec_pagetables", vm_item::nr_sec_page_table_pages}});
    out.line("Node 0{} all_unreclaimable? {}", text, m.all_unreclaimable ? "yes" : "no");
}

void put_zone(log_lines& out, const zone_report& z, vmstat_lines kernel) {
    const bool newer = kernel == vmstat_lines::of_6_1;
    std::string text = fmt::format(" free:{}kB", kb(z.free));
    const auto at = std::back_inserter(text);
    if (newer) fmt::format_to(at, " boost:{}kB", kb(z.boost));
    fmt::format_to(at, " min:{}kB low:{}kB high:{}kB reserved_highatomic:0KB", kb(z.marks.min),
                   kb(z.marks.low), kb(z.marks.high));
    fmt::format_to(at, " active_anon:{}kB inactive_anon:{}kB active_file:{}kB inactive_file:{}kB",
                   kb(z.lists[1]), kb(z.lists[0]), kb(z.lists[3]), kb(z.lists[2]));
    fmt::format_to(at, " unevictable:{}kB writepending:{}kB present:{}kB managed:{}kB mlocked:{}kB",
                   kb(z.lists[4]), kb(z.write_pending), kb(z.present), kb(z.managed), kb(z.mlocked));
    if (kernel == vmstat_lines::of_5_8) text += " kernel_stack:0kB";
    if (!newer) fmt::format_to(std::back_inserter(text), " pagetables:{}kB", kb(z.page_tables));
    fmt::format_to(std::back_inserter(text), " bounce:0kB free_pcp:{}kB local_pcp:{}kB free_cma:0kB",
                   kb(z.free_pcp), kb(z.free_pcp));
    out.line("Node 0 {}{}", zone_name(z.type), text);
    std::string reserve;
    for (const std::uint64_t n : z.lowmem_reserve) fmt::format_to(std::back_inserter(reserve), " {}", n);
    out.line("lowmem_reserve[]:{}", reserve);
}

void put_blocks(log_lines& out, const zone_report& z) {
    std::string text;
    std::uint64_t total = 0;
    for (unsigned o = 0; o < max_order; ++o) {
        fmt::format_to(std::back_inserter(text), "{}*{}kB ", z.blocks[o], kb(1) << o);
        if (z.blocks[o] > 0) fmt::format_to(std::back_inserter(text), "({}) ", z.types[o]);
        total += z.blocks[o] << o;
    }
    out.line("Node 0 {}: {}= {}kB", zone_name(z.type), text, kb(total));
}

void put_memory(log_lines& out, const memory_report& m) {
    out.line("Mem-Info:");
    put_totals(out, m);
    put_node(out, m);
    for (const zone_report& z : m.zones) put_zone(out, z, m.kernel);
    for (const zone_report& z : m.zones) put_blocks(out, z);
    for (const unsigned size : {1048576U, 32768U, 2048U, 64U}) {
        out.line("Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size={}kB", size);
    }
    out.line("{} total pagecache pages", m.stat[vm_item::nr_file_pages]);
    out.line("{} pages in swap cache", m.stat[vm_item::nr_swapcached]);
    out.line("Free swap  = {}kB", kb(m.swap_free));
    out.line("Total swap = {}kB", kb(m.swap_total));
    out.line("{} pages RAM", m.ram);
    out.line("0 pages HighMem/MovableOnly");
    out.line("{} pages reserved", m.reserved);
    out.line("0 pages cma reserved");
    out.line("0 pages hwpoisoned");
}

void put_tasks(log_lines& out, const std::vector<oom_candidate>& tasks) {
    out.line("Tasks state (memory values in pages):");
    out.line("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name");
    for (const oom_candidate& t : tasks) {
        if (!t.has_mm) continue;
        out.line("[{:7}] {:5} {:5} {:8} {:8} {:8} {:8}         {:5} {}", t.pid, 0, t.pid, t.total_vm, t.rss(),
                 t.table_pages << page_shift, t.swap_entries, t.oom_score_adj, t.name);
    }
}

void put_kill(log_lines& out, const oom_candidate& v) {
    out.line("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
             "task_memcg=/,task={},pid={},uid=0",
             v.name, v.pid);
    out.line("Out of memory: Killed process {} ({}) total-vm:{}kB, anon-rss:{}kB, file-rss:{}kB, "
             "shmem-rss:{}kB, UID:0 pgtables:{}kB oom_score_adj:{}",
             v.pid, v.name, kb(v.total_vm), kb(v.anon_rss), kb(v.file_rss), kb(v.shmem_rss),
             kb(v.table_pages), v.oom_score_adj);
}

std::string reaper_text(const oom_candidate& v, const reaper_report& r) {
    log_lines out{r.time};
    if (r.reaped) {
        out.line("oom_reaper: reaped process {} ({}), now anon-rss:{}kB, file-rss:{}kB, shmem-rss:{}kB",
                 v.pid, v.name, kb(r.anon_rss), kb(r.file_rss), kb(r.shmem_rss));
    } else {
        out.line("oom_reaper: unable to reap pid:{} ({})", v.pid, v.name);
    }
    return out.take();
}

} // namespace

memory_report report_memory(const machine_parts& m) {
    memory_report r{.kernel = m.config.profile.vmstat,
                    .stat = m.stat,
                    .all_unreclaimable = m.lru.pgdat.kswapd_failures >= max_reclaim_retries,
                    .zones = {},
                    .swap_free = m.swap.nr_swap_pages(),
                    .swap_total = m.swap.total_swap_pages()};
    for (const zone& z : m.home.zones()) {
        r.zones.push_back(report_zone(m, z));
        r.ram += z.present().value;
        r.reserved += z.present().value - z.managed().value;
    }
    return r;
}

std::string format_oom_report(const oom_report& r) {
    log_lines out{r.time};
    out.line("{} invoked oom-killer: gfp_mask={}, order={}, oom_score_adj={}", r.invoker,
             gfp_text(r.request.gfp), r.request.order, r.invoker_adj);
    put_memory(out, r.memory);
    put_tasks(out, r.tasks);
    if (r.victim) {
        put_kill(out, *r.victim);
    } else {
        out.line("Out of memory and no killable processes...");
        out.line("Kernel panic - not syncing: System is deadlocked on memory");
    }
    std::string text = out.take();
    if (r.victim && r.reaper) text += reaper_text(*r.victim, *r.reaper);
    return text;
}

} // namespace pagesim
