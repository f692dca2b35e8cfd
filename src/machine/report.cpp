// SPDX-License-Identifier: MIT
#include <pagesim/machine/report.hpp>

#include <pagesim/base/hash.hpp>
#include <pagesim/version.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

namespace pagesim {

namespace {

std::string_view device_name(swap_device d) {
    switch (d) {
    case swap_device::none: return "none";
    case swap_device::zram: return "zram";
    case swap_device::flash: return "flash";
    }
    return "";
}

double seconds(sim_duration d) { return static_cast<double>(d.ns) / 1e9; }

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

class config_text {
public:
    template <typename T>
    void line(std::string_view name, const T& value) {
        fmt::format_to(std::back_inserter(text_), "{} {}\n", name, value);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void describe_memory(config_text& out, const machine_config& c) {
    for (const zone_config& z : c.zones) {
        out.line("zone", static_cast<unsigned>(z.type));
        out.line("zone.present_pages", z.present.value);
        out.line("zone.managed_pages", z.managed.value);
        if (z.wmarks) {
            out.line("zone.watermarks",
                     fmt::format("{} {} {}", z.wmarks->min, z.wmarks->low, z.wmarks->high));
        }
        if (z.pcp) out.line("zone.pcp", fmt::format("{} {}", z.pcp->high, z.pcp->batch));
    }
    if (c.memory.min_free_kbytes) out.line("vm.min_free_kbytes", *c.memory.min_free_kbytes);
    if (c.memory.khugepaged == khugepaged_reserve::present) out.line("khugepaged", "present");
    out.line("vm.lowmem_reserve_ratio", fmt::format("{}", fmt::join(c.memory.lowmem_reserve_ratio, " ")));
    out.line("vm.watermark_scale_factor", c.memory.watermark_scale_factor);
    out.line("vm.watermark_boost_factor", c.memory.watermark_boost_factor);
    if (c.start.free_pages) out.line("start.free_pages", c.start.free_pages->value);
    if (c.start.free_blocks) {
        for (unsigned t = 0; t < nr_migratetypes; ++t) {
            out.line(fmt::format("start.free_blocks.{}", t),
                     fmt::format("{}", fmt::join(c.start.free_blocks->blocks[t], " ")));
        }
    }
    out.line("start.pcp_pages", c.start.pcp_pages.value);
    out.line("start.unevictable", c.start.unevictable.value);
    if (c.start.metadata.by_mount.value + c.start.metadata.by_bh_lru.value > 0)
        out.line("start.metadata",
                 fmt::format("{} {}", c.start.metadata.by_mount.value, c.start.metadata.by_bh_lru.value));
    for (const vpn n : c.start.tables_at) out.line("start.tables_at", raw(n));
    if (!c.start.map.empty()) {
        std::string runs;
        for (const frame_run& r : c.start.map)
            fmt::format_to(std::back_inserter(runs), "{}:{} ", static_cast<unsigned>(r.use), r.frames);
        out.line("start.map", runs);
    }
    const slab_room& room = c.start.slabs;
    out.line("start.slabs", fmt::format("{} {} {} {}", room.nodes, room.handles, room.zspages, room.bios));
    if (c.start.kcompactd_due != initial_state{}.kcompactd_due)
        out.line("start.kcompactd_due_ns", c.start.kcompactd_due.ns);
    if (c.start.since_tick != sim_duration{}) out.line("start.since_tick_ns", c.start.since_tick.ns);
}

// One area; what it has in common with every simple area is not said.
void describe_swap(config_text& out, const swap_config& a, std::string_view prefix) {
    const auto line = [&](std::string_view name, const auto& value) {
        out.line(fmt::format("{}{}", prefix, name), value);
    };
    line(prefix.empty() ? "swap.device" : "device", device_name(a.device));
    if (a.device == swap_device::none) return;
    line(prefix.empty() ? "swap.pages" : "pages", a.pages.value);
    if (a.device == swap_device::zram) line("zram.compressed_bytes", a.zram.compressed_bytes);
    if (a.device == swap_device::flash) {
        line("flash.latency_ns", a.flash.latency.ns);
        line("flash.bytes_per_second", a.flash.bytes_per_second);
        line("flash.queue_depth", a.flash.queue_depth);
        line("flash.max_request_pages", a.max_request_pages);
        if (a.wbt_lat) line("flash.wbt_lat_ns", a.wbt_lat->ns);
        if (a.nr_requests) line("flash.nr_requests", *a.nr_requests);
    }
    if (a.priority) line("priority", *a.priority);
    if (a.medium == swap_medium::rotational) line("medium", "rotational");
    if (!a.bad_slots.empty()) line("bad_slots", fmt::format("{}", fmt::join(a.bad_slots, " ")));
    for (std::size_t i = 0; i < a.failures.size(); ++i) {
        const io_failure& f = a.failures[i];
        line(fmt::format("failure.{}", i),
             fmt::format("{} pages {} to {} requests {} to {}",
                         f.direction == io_direction::read ? "read" : "write", f.first_page, f.end_page,
                         f.first_request, f.end_request));
    }
}

// "256.0 MiB on flash", or "off on none".
std::string summarize_swap(const machine_config& c) {
    page_count total;
    std::string devices;
    for (const swap_config& a : swap_areas(c)) {
        total += a.pages;
        devices += fmt::format("{}{}", devices.empty() ? "" : ", ", device_name(a.device));
    }
    return devices.empty() ? "off on none" : fmt::format("{} on {}", format_bytes(total.bytes()), devices);
}

// Every cost as a number, in the order of the table.
void describe_costs(config_text& out, const cost_table& t) {
    static_assert(sizeof(cost_table) % sizeof(sim_duration) == 0);
    std::array<sim_duration, sizeof(cost_table) / sizeof(sim_duration)> all{};
    static_assert(sizeof(all) == sizeof(t));
    std::copy_n(reinterpret_cast<const sim_duration*>(&t), all.size(), all.begin());
    std::string line;
    for (const sim_duration d : all) fmt::format_to(std::back_inserter(line), "{} ", d.ns);
    out.line("costs_ns", line);
}

} // namespace

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> units{"bytes", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string describe_config(const machine_config& c) {
    config_text out;
    out.line("kernel", c.profile.name);
    out.line("cpu", c.cpu.name);
    out.line("tlb", fmt::format("{}x{} {}x{}", c.cpu.tlb.l1_entries, c.cpu.tlb.l1_ways, c.cpu.tlb.l2_entries,
                                c.cpu.tlb.l2_ways));
    out.line("hafdbs", static_cast<unsigned>(c.cpu.hardware_update));
    describe_memory(out, c);
    out.line("vm.swappiness", c.reclaim.swappiness);
    out.line("vm.page_cluster", c.reclaim.page_cluster);
    out.line("vm.compaction_proactiveness", c.reclaim.compaction_proactiveness);
    out.line("vm.dirty_ratio", c.dirty.ratio);
    out.line("vm.dirty_background_ratio", c.dirty.background_ratio);
    out.line("vm.dirty_bytes", c.dirty.bytes);
    out.line("vm.dirty_background_bytes", c.dirty.background_bytes);
    out.line("vm.dirty_expire_centisecs", c.dirty.expire_centisecs);
    out.line("vm.dirty_writeback_centisecs", c.dirty.writeback_centisecs);
    out.line("files.device", c.files.device == file_device::pmem ? "pmem" : "flash");
    if (c.files.device == file_device::flash) {
        out.line("files.latency_ns", c.files.flash.latency.ns);
        out.line("files.bytes_per_second", c.files.flash.bytes_per_second);
        out.line("files.queue_depth", c.files.flash.queue_depth);
    }
    out.line("files.max_request_pages", c.files.max_request_pages);
    if (c.reclaim.vma_ra == vma_readahead::disabled) out.line("swap.vma_ra_enabled", false);
    describe_swap(out, c.swap, "");
    for (std::size_t i = 0; i < c.more_swap.size(); ++i)
        describe_swap(out, c.more_swap[i], fmt::format("swap.{}.", i + 1));
    out.line("sched.latency_ns", c.sched.latency.ns);
    out.line("sched.min_granularity_ns", c.sched.min_granularity.ns);
    out.line("sched.wakeup_granularity_ns", c.sched.wakeup_granularity.ns);
    out.line("sched.rcu_sched", c.sched.rcu_sched);
    describe_costs(out, c.cost);
    out.line("seed", c.seed);
    return out.take();
}

std::uint64_t config_hash(const machine_config& config) {
    fnv1a h;
    h.text(describe_config(config));
    return h.value();
}

std::string describe_outcome(const workload_task& task) { return describe_end(task.label(), task.ending()); }

namespace {

void summarize_translation(std::string& out, const machine& m) {
    const mmu_stats& t = m.parts().cpu_mmu.stats();
    const std::uint64_t all = t.accesses();
    fmt::format_to(std::back_inserter(out),
                   "{:<12}L1 hits {} ({:.3f} %)  L2 hits {}  walks {} ({} steps)  flushes {}\n", "tlb",
                   t.l1_hits, percent(t.l1_hits, all), t.l2_hits, t.walks, t.walk_steps,
                   m.parts().tlbs.flushes());
}

void summarize_reclaim(std::string& out, const machine& m) {
    const vmstat& s = m.stat();
    const auto at = std::back_inserter(out);
    const std::uint64_t major = s[vm_item::pgmajfault];
    fmt::format_to(at, "{:<12}minor {}  major {}\n", "faults", s[vm_item::pgfault] - major, major);
    fmt::format_to(at, "{:<12}kswapd {}  direct {}\n", "scanned", s[vm_item::pgscan_kswapd],
                   s[vm_item::pgscan_direct]);
    fmt::format_to(at, "{:<12}kswapd {}  direct {}  activated {}  deactivated {}\n", "reclaimed",
                   s[vm_item::pgsteal_kswapd], s[vm_item::pgsteal_direct], s[vm_item::pgactivate],
                   s[vm_item::pgdeactivate]);
    fmt::format_to(at, "{:<12}out {}  in {}  read ahead {} ({} of them used)  refaults {}\n", "swapped",
                   s[vm_item::pswpout], s[vm_item::pswpin], s[vm_item::swap_ra], s[vm_item::swap_ra_hit],
                   s[vm_item::workingset_refault_anon]);
    fmt::format_to(at, "{:<12}kswapd ran {} times, {} direct reclaims\n", "stalls", s[vm_item::pageoutrun],
                   s[vm_item::allocstall_normal] + s[vm_item::allocstall_movable]);
    fmt::format_to(at, "{:<12}free {}  inactive {}  active {}  page tables {}  zram pool {}\n", "pages now",
                   s[vm_item::nr_free_pages], s[vm_item::nr_inactive_anon], s[vm_item::nr_active_anon],
                   s[vm_item::nr_page_table_pages], s[vm_item::nr_zspages]);
}

} // namespace

process_totals totals_of(const machine& m) {
    process_totals t;
    for (const workload_task* p : m.processes()) {
        t.accesses += p->accesses();
        t.cpu_time += p->cpu_time;
        t.stalled += p->stalled();
    }
    return t;
}

run_outcome outcome_of(const machine& m) {
    for (const workload_task* p : m.processes()) {
        if (p->outcome() != run_outcome::finished) return p->outcome();
    }
    return run_outcome::finished;
}

namespace {

input_identity sum_of(std::span<const input_identity> inputs) {
    input_identity all;
    for (const input_identity& i : inputs) {
        all.records += i.records;
        all.skipped += i.skipped;
        all.touched_pages += i.touched_pages;
    }
    return all;
}

} // namespace

std::string format_summary(const machine& m, std::span<const input_identity> inputs) {
    const machine_config& c = m.parts().config;
    std::string out;
    const auto at = std::back_inserter(out);
    page_count managed;
    for (const zone_config& z : c.zones) managed += z.managed;
    fmt::format_to(at, "pagesim {}", version);
    for (const input_identity& i : inputs)
        fmt::format_to(at, "  {} ({}, fnv1a {:016x})", i.name, i.format, i.hash);
    out += '\n';
    fmt::format_to(
        at, "{:<12}kernel {}  {}  memory {} ({} pages)  swap {}  swappiness {}  configuration {:016x}\n",
        "machine", c.profile.name, c.cpu.name, format_bytes(managed.bytes()), managed.value,
        summarize_swap(c), c.reclaim.swappiness, config_hash(c));
    const input_identity all = sum_of(inputs);
    fmt::format_to(at, "{:<12}records {}  skipped {}  pages touched {} ({})\n", "input", all.records,
                   all.skipped, all.touched_pages, format_bytes(page_count{all.touched_pages}.bytes()));
    std::string_view label = "outcome";
    for (const workload_task* p : m.processes())
        fmt::format_to(at, "{:<12}{}\n", std::exchange(label, ""), describe_outcome(*p));
    const process_totals t = totals_of(m);
    fmt::format_to(at, "{:<12}{}\n", "accesses", t.accesses);
    summarize_translation(out, m);
    summarize_reclaim(out, m);
    fmt::format_to(at, "{:<12}simulated {:.6f} s: workload {:.6f} s  kswapd {:.6f} s  idle {:.6f} s\n",
                   "time", seconds(m.now() - sim_time{}), seconds(t.cpu_time), seconds(m.kswapd().cpu_time),
                   seconds(m.idle_time()));
    fmt::format_to(at, "{:<12}in faults {:.6f} s\n", "stalled", seconds(t.stalled));
    fmt::format_to(at, "{:<12}{:016x}\n", "fingerprint", m.fingerprint_value());
    return out;
}

} // namespace pagesim
