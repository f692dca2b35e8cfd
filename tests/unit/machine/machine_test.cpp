// SPDX-License-Identifier: MIT
#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <support/script.hpp>

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>

namespace pagesim {
namespace {

using testing::script;

constexpr std::uint64_t base = 0x10000;

access_record load(std::uint64_t page) {
    return {vpn{base + page}, run_writes::none, instruction_role::time_only, 100, 1};
}
access_record save(std::uint64_t page) {
    return {vpn{base + page}, run_writes::first, instruction_role::time_only, 100, 1};
}

// Stores to `pages` pages in turn, `rounds` times.
std::vector<access_record> sweeps(std::uint64_t pages, unsigned rounds) {
    std::vector<access_record> out;
    for (unsigned r = 0; r < rounds; ++r) {
        for (std::uint64_t p = 0; p < pages; ++p) out.push_back(save(p));
    }
    return out;
}

machine_config small(swap_device device = swap_device::flash) {
    machine_config c = machine_with(page_count{1024});
    c.swap.device = device;
    c.swap.pages = page_count{8192};
    return c;
}

TEST(machine, a_workload_that_fits_never_reclaims) {
    script s;
    s.anon("a", base, 500).access(sweeps(500, 3));
    machine m{small()};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::finished);
    EXPECT_EQ(m.stat()[vm_item::pgfault], 500U);
    EXPECT_EQ(m.stat()[vm_item::pgscan_kswapd] + m.stat()[vm_item::pgscan_direct], 0U);
    EXPECT_EQ(m.workload().accesses(), 1500U);
    EXPECT_EQ(m.parts().cpu_mmu.stats().accesses(), 2000U) << "an access that faulted is made again";
    m.check_consistency();
}

TEST(machine, a_workload_that_does_not_fit_swaps_and_kswapd_takes_cpu_time) {
    for (const swap_device device : {swap_device::flash, swap_device::zram}) {
        script s;
        s.anon("a", base, 1500).access(sweeps(1500, 3));
        machine m{small(device)};
        m.start(s);
        while (m.step()) {}
        EXPECT_GT(m.stat()[vm_item::pswpout], 1000U);
        EXPECT_GT(m.stat()[vm_item::pgmajfault], 100U);
        EXPECT_GT(m.kswapd().cpu_time.ns, 0U);
        EXPECT_EQ(m.workload().cpu_time + m.kswapd().cpu_time + m.other_time() + m.idle_time(),
                  m.now() - sim_time{})
            << "every nanosecond is somebody's";
        EXPECT_EQ(m.stat()[vm_item::pgscan_anon],
                  m.stat()[vm_item::pgscan_kswapd] + m.stat()[vm_item::pgscan_direct]);
        EXPECT_EQ(m.stat()[vm_item::pgsteal_anon],
                  m.stat()[vm_item::pgsteal_kswapd] + m.stat()[vm_item::pgsteal_direct]);
        EXPECT_EQ(m.stat()[vm_item::workingset_refault_anon], m.stat()[vm_item::pswpin]);
        m.check_consistency();
    }
}

TEST(machine, a_swap_device_changes_time_but_not_what_is_counted_by_path) {
    const auto run = [](sim_duration latency) {
        script s;
        s.anon("a", base, 1200).access(sweeps(1200, 1));
        machine_config c = small();
        c.swap.flash.latency = latency;
        machine m{c};
        m.start(s);
        m.run();
        return m.stat()[vm_item::pgfault];
    };
    EXPECT_EQ(run(microseconds(10)), run(milliseconds(1)));
}

TEST(machine, the_same_input_gives_the_same_fingerprint_and_another_seed_another_run) {
    const auto run = [](std::uint64_t seed) {
        script s;
        s.anon("a", base, 1500).access(sweeps(1500, 2));
        machine_config c = small();
        c.seed = seed;
        machine m{c};
        m.start(s);
        m.run();
        return m.fingerprint_value();
    };
    EXPECT_EQ(run(1), run(1));
}

TEST(machine, two_in_one_process_share_nothing) {
    script s1;
    script s2;
    for (script* s : {&s1, &s2}) s->anon("a", base, 1500).access(sweeps(1500, 2));
    machine a{small()};
    machine b{small()};
    a.start(s1);
    b.start(s2);
    bool a_runs = true;
    bool b_runs = true;
    for (unsigned turn = 0; a_runs || b_runs; ++turn) {
        if (a_runs && turn % 3 != 0) a_runs = a.step();
        if (b_runs && turn % 3 == 0) b_runs = b.step();
    }
    EXPECT_EQ(a.fingerprint_value(), b.fingerprint_value());
    EXPECT_EQ(a.now(), b.now());
}

TEST(machine, unmap_gives_back_memory_and_slots) {
    script s;
    s.anon("a", base, 1500).access(sweeps(1500, 1)).unmap("a", base, 1500);
    machine m{small(swap_device::zram)};
    m.start(s);
    m.run();
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 0U);
    EXPECT_EQ(m.workload().space().swap_entries, 0U);
    m.check_consistency();
}

TEST(machine, sleep_takes_simulated_time_and_no_cpu) {
    script s;
    s.sleep(milliseconds(50));
    machine m{small()};
    m.start(s);
    m.run();
    EXPECT_GE(m.now().ns, 50'000'000U);
    EXPECT_GT(m.idle_time().ns, 49'000'000U);
}

TEST(machine, marks_are_snapshots) {
    script s;
    s.anon("a", base, 100).access({save(1)}).mark("one").access({save(2), save(3)}).mark("three");
    machine m{small()};
    m.start(s);
    m.run();
    ASSERT_EQ(m.workload().marks().size(), 2U);
    EXPECT_EQ(m.workload().marks()[0].label, "one");
    EXPECT_EQ(m.workload().marks()[0].stat[vm_item::pgfault], 1U);
    EXPECT_EQ(m.workload().marks()[1].stat[vm_item::pgfault], 3U);
}

// How often each task was switched to.
struct switches_by_name final : trace_sink {
    void on(const trace_event& e) override {
        if (e.kind == trace_kind::task_switch)
            ++of[std::string{m->task_of(static_cast<std::uint32_t>(e.a)).name()}];
    }
    const machine* m = nullptr;
    std::map<std::string, std::uint64_t> of;
};

TEST(machine, a_worker_hears_of_the_pressure_on_memory_before_6_1) {
    for (const kernel_profile& profile : {linux_5_8, linux_5_10, linux_6_1}) {
        script s;
        s.anon("a", base, 2000).access(sweeps(2000, 2));
        machine_config config = small(swap_device::zram);
        config.profile = profile;
        switches_by_name switches;
        machine m{config, &switches};
        switches.m = &m;
        m.start(s);
        m.run();
        const std::uint64_t scanned = m.stat()[vm_item::pgscan_kswapd] + m.stat()[vm_item::pgscan_direct];
        const std::uint64_t turns = switches.of["kworker/0:1"];
        EXPECT_GT(scanned, 2000U);
        if (profile.vmpressure == vmpressure_rule::is_off) {
            EXPECT_EQ(turns, 0U);
        } else {
            EXPECT_GT(turns, 0U) << profile.name;
            const std::uint64_t stalls = m.stat()[vm_item::allocstall_movable];
            EXPECT_LE(turns, scanned / 512 + 4 * stalls)
                << "512 pages, or a direct reclaim at priority 3 to 0";
        }
        m.check_consistency();
    }
}

TEST(machine, a_run_read_first_and_written_later_ends_dirty) {
    script s;
    s.anon("a", base, 10)
        .access({access_record{vpn{base}, run_writes::later, instruction_role::fetched_here, 7, 3}});
    machine m{small()};
    m.start(s);
    m.run();
    EXPECT_EQ(m.stat()[vm_item::pgfault], 2U) << "the zero page, then a copy";
    EXPECT_EQ(m.workload().accesses(), 10U);
    EXPECT_EQ(m.parts().cpu_mmu.stats().accesses(), 12U);
}

TEST(machine, a_record_is_split_where_an_event_falls_due) {
    const access_record run{vpn{base}, run_writes::first_and_later, instruction_role::fetched_here, 7000, 3};
    script s;
    s.anon("a", base, 1).access(std::vector<access_record>(2000, run)); // 14 ms
    machine m{small()};
    m.start(s);
    unsigned at_a_tick = 0;
    while (m.step()) at_a_tick += m.now().ns > 0 && m.now().ns % milliseconds(4).ns == 0 ? 1U : 0U;
    EXPECT_EQ(at_a_tick, 3U) << "the workload stopped at each tick, not up to 7 us behind it";
    EXPECT_EQ(m.workload().accesses(), 2000U * 7003U);
    EXPECT_EQ(m.parts().cpu_mmu.stats().accesses(), 2000U * 7003U + 1) << "one faulted";
    EXPECT_EQ(m.stat()[vm_item::pgfault], 1U);
}

TEST(machine, without_swap_the_process_is_killed_and_gives_everything_back) {
    script s;
    s.anon("a", base, 1500).access(sweeps(1500, 1));
    machine m{small(swap_device::none)};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::oom_killed);
    EXPECT_EQ(m.stat()[vm_item::oom_kill], 1U);
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 0U);
    EXPECT_NE(describe_outcome(m.workload()).find("out of memory"), std::string::npos);
}

TEST(machine, swap_that_fills_up_ends_in_the_same_way) {
    script s;
    s.anon("a", base, 3000).access(sweeps(3000, 1));
    machine_config c = small(swap_device::flash);
    c.swap.pages = page_count{300};
    machine m{c};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::oom_killed);
    m.check_consistency();
}

TEST(machine, an_access_outside_every_range_ends_the_process) {
    script s;
    s.anon("a", base, 10).access({save(1), save(50)});
    machine m{small()};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::segv_map_error);
    EXPECT_EQ(raw(m.workload().fault_address()), base + 50);
}

TEST(machine, a_bad_line_ends_the_run_after_what_came_before) {
    script s;
    s.anon("a", base, 10).access({save(1)}).fail({.file = "x", .line = 3, .reason = "r"});
    machine m{small()};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::bad_input);
    EXPECT_EQ(m.workload().error()->line, 3U);
    EXPECT_EQ(m.stat()[vm_item::pgfault], 1U);
}

TEST(machine, ranges_given_at_the_start_take_private_frames_on_read) {
    script s;
    s.access({load(1), load(2)});
    machine m{small()};
    const page_range r{vpn{base}, vpn{base + 10}};
    m.start(s, {&r, 1});
    m.run();
    EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 2U);
}

TEST(machine, hardware_access_flag_saves_the_faults_of_aged_pages) {
    for (const cpu_model& model : {cortex_a72, neoverse_n1}) {
        script s;
        s.anon("a", base, 1300).access(sweeps(1300, 1));
        std::vector<access_record> reads;
        for (unsigned n = 0; n < 30'000; ++n) reads.push_back(load(n * 7 % 900));
        s.access(reads);
        machine_config c = small(swap_device::zram);
        c.cpu = model;
        machine m{c};
        m.start(s);
        m.run();
        const mmu_stats& t = m.parts().cpu_mmu.stats();
        EXPECT_EQ(t.faults_of(fault_kind::access_flag) == 0, model.has_hw_af());
        EXPECT_EQ(t.hw_access_flag > 0, model.has_hw_af());
        m.check_consistency();
    }
}

TEST(machine, two_mebibytes_are_enough) {
    script s;
    s.anon("a", base, 1000).access(sweeps(1000, 2));
    machine_config c = machine_with(page_count{512});
    machine m{c};
    m.start(s);
    m.run();
    EXPECT_EQ(m.workload().outcome(), run_outcome::finished);
    EXPECT_GT(m.stat()[vm_item::pswpout], 500U);
}

TEST(machine_config, what_cannot_be_built_is_told_in_a_sentence) {
    EXPECT_EQ(find_fault_in(small()), std::nullopt);
    EXPECT_NE(find_fault_in(machine_with(page_count{10})), std::nullopt);
    EXPECT_NE(find_fault_in(machine_with(page_count{1ULL << 40U})), std::nullopt);
    machine_config c = small();
    c.reclaim.swappiness = 201;
    EXPECT_NE(find_fault_in(c), std::nullopt);
    c = small();
    c.swap.pages = page_count{0};
    EXPECT_NE(find_fault_in(c), std::nullopt);
    c = small();
    c.start.free_pages = page_count{5000};
    EXPECT_NE(find_fault_in(c), std::nullopt);
    c = small();
    c.start.slabs.bios = 1;
    EXPECT_EQ(find_fault_in(c), "the pool keeps two bios");
    c = small();
    c.zones.push_back(c.zones.front());
    EXPECT_NE(find_fault_in(c), std::nullopt) << "the same zone twice";
    EXPECT_THROW((machine{c}), std::invalid_argument);
}

TEST(machine_config, a_described_state_is_what_the_run_begins_with) {
    machine_config c = machine_with(page_count{4096});
    c.start.free_pages = page_count{2000};
    c.start.pcp_pages = page_count{40};
    c.start.unevictable = page_count{30};
    script s;
    machine m{c};
    m.start(s);
    EXPECT_EQ(m.stat()[vm_item::nr_free_pages], 2000U);
    EXPECT_EQ(m.stat()[vm_item::nr_unevictable], 30U);
    EXPECT_EQ(m.parts().home.zones().front().pcp().count(), 40U);
    EXPECT_EQ(m.stat()[vm_item::pgalloc_dma], 0U);
    m.check_consistency();
}

TEST(machine_config, a_described_state_that_does_not_fit_is_refused_when_the_run_begins) {
    machine_config c = machine_with(page_count{4096});
    c.start.free_pages = page_count{4000};
    c.start.pcp_pages = page_count{95};
    script s;
    machine m{c};
    EXPECT_THROW(m.start(s), std::invalid_argument) << "zero page, tables and reserve take the rest";
}

TEST(report, names_input_machine_and_outcome) {
    script s;
    s.anon("a", base, 10).access({save(1)});
    machine m{small()};
    m.start(s);
    m.run();
    const std::string text = format_summary(m, {.name = "x.ops", .format = "ops", .hash = 0x1234});
    for (const char* part :
         {"x.ops (ops, fnv1a 0000000000001234)", "kernel 6.1", "memory 4.0 MiB (1024 pages)",
          "swap 32.0 MiB on flash", "the workload ran to its end", "minor 1  major 0"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
}

TEST(report, whatever_a_run_depends_on_changes_the_hash) {
    const auto changed = [](auto change) {
        machine_config c = small();
        c.swap.device = swap_device::flash;
        const std::uint64_t before = config_hash(c);
        change(c);
        return config_hash(c) != before;
    };
    EXPECT_TRUE(changed([](machine_config& c) { c.swap.wbt_lat = sim_duration{}; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.swap.nr_requests = 7; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.map = {{frame_use::in_use, 8}}; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.metadata.by_bh_lru = page_count{1}; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.slabs.nodes = 1; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.slabs.handles = 1; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.slabs.zspages = 1; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.slabs.bios = 17; }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.kcompactd_due = milliseconds(1); }));
    EXPECT_TRUE(changed([](machine_config& c) { c.start.since_tick = milliseconds(1); }));
    EXPECT_TRUE(changed([](machine_config& c) { c.reclaim.compaction_proactiveness = 0; }));
    EXPECT_FALSE(changed([](machine_config&) {}));
}

TEST(report, equal_configurations_have_equal_hashes) {
    machine_config c = small();
    EXPECT_EQ(config_hash(c), config_hash(small()));
    c.cost.judge_page = nanoseconds(221);
    EXPECT_NE(config_hash(c), config_hash(small()));
}

TEST(report, sizes_read_like_sizes) {
    EXPECT_EQ(format_bytes(512), "512 bytes");
    EXPECT_EQ(format_bytes(25165824), "24.0 MiB");
}

} // namespace
} // namespace pagesim
