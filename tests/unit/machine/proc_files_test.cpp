// SPDX-License-Identifier: MIT
// meminfo, zoneinfo and buddyinfo: the layout against files in tests/golden, whose lines and columns are those that
// kernels 5.8, 5.10 and 6.1 print, and the watermarks against machines whose real numbers are known.
#include <pagesim/machine/proc_files.hpp>

#include <pagesim/machine/machine.hpp>
#include <support/golden.hpp>
#include <support/script.hpp>
#include <support/small_machine.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <sstream>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::expect_golden;
using testing::script;
using testing::silent_waker;

machine_config two_zones(const kernel_profile& profile) {
    machine_config c;
    c.profile = profile;
    c.zones = {{.type = zone_type::dma, .present = page_count{600}, .managed = page_count{500}},
               {.type = zone_type::movable, .present = page_count{700}, .managed = page_count{700}}};
    c.swap.device = swap_device::zram;
    return c;
}

// A machine that has swapped, with something on each line that it can fill.
void run_for_golden(const kernel_profile& profile, const std::string& suffix) {
    std::vector<access_record> records;
    for (std::uint64_t i = 0; i < 4000; ++i) {
        records.emplace_back(vpn{0x20000 + i * 7 % 1900}, run_writes::first, instruction_role::time_only, 200,
                             1);
    }
    script s;
    s.anon("a", 0x20000, 1900).access(std::move(records));
    machine m{two_zones(profile)};
    m.start(s);
    m.run();
    ASSERT_GT(m.stat()[vm_item::pswpout], 0U);
    expect_golden(format_zoneinfo(m.parts()), "zoneinfo_" + suffix);
    expect_golden(format_meminfo(m.parts(), page_count{1900}), "meminfo_" + suffix);
    expect_golden(format_buddyinfo(m.parts().home), "buddyinfo_" + suffix);
    expect_golden(format_pagetypeinfo(m.parts().home), "pagetypeinfo_" + suffix);
}

TEST(proc_files, have_the_layout_of_linux_6_1) { run_for_golden(linux_6_1, "6.1.txt"); }
TEST(proc_files, have_the_layout_of_linux_5_10) { run_for_golden(linux_5_10, "5.10.txt"); }
TEST(proc_files, have_the_layout_of_linux_5_8) { run_for_golden(linux_5_8, "5.8.txt"); }

// The numbers of all lines "name number", perhaps with a unit behind.
std::vector<std::uint64_t> numbers_of(const std::string& text, const std::string& name) {
    std::vector<std::uint64_t> out;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        std::string first;
        std::uint64_t number = 0;
        if (words >> first >> number && first == name) out.push_back(number);
    }
    return out;
}
std::uint64_t sum_of(const std::string& text, const std::string& name) {
    std::uint64_t n = 0;
    for (const std::uint64_t v : numbers_of(text, name)) n += v;
    return n;
}

TEST(zoneinfo, the_zones_items_add_up_to_vmstat) {
    for (const kernel_profile& profile : {linux_6_1, linux_5_8}) {
        testing::small_machine m{two_zones(profile)};
        m.range->flags.set(vm_flag::locked);
        for (std::uint64_t n = 0; n < 20; ++n) m.written(n);
        m.range->flags.clear(vm_flag::locked);
        for (std::uint64_t n = 20; n < 800; ++n) m.written(n);
        const bool newer = profile.vmstat != vmstat_lines::of_5_8;
        for (std::uint64_t n = 20; newer && n < 60; ++n) m.swap_out(n); // of 5.8 they are active
        const std::string text = format_zoneinfo(m.parts);
        const vmstat& s = m.parts.stat;
        std::vector<std::string> names{"nr_free_pages",       "nr_zone_inactive_anon",
                                       "nr_zone_unevictable", "nr_mlock",
                                       "nr_zspages",          "numa_hit"};
        if (!newer) names.emplace_back("nr_page_table_pages");
        for (const std::string& name : names) {
            EXPECT_EQ(numbers_of(text, name).size(), 2U) << name;
            EXPECT_EQ(sum_of(text, name), s[vm_item_from_name(name).value()])
                << name << " of " << profile.name;
        }
        EXPECT_EQ(s[vm_item::nr_mlock], 20U);
        EXPECT_EQ(s[vm_item::nr_zspages] > 0, newer);
    }
}

// ---- the worked machines

struct worked_zone {
    zone_type type;
    std::uint64_t managed;
    watermarks marks;
    std::string protection;
};
struct worked_machine {
    std::string name;
    kernel_profile profile;
    khugepaged_reserve khugepaged;
    std::uint64_t min_free_kbytes;
    std::uint64_t totalreserve;
    std::vector<worked_zone> zones;
};

std::vector<worked_machine> worked_machines() {
    constexpr auto none = khugepaged_reserve::absent;
    constexpr auto thp = khugepaged_reserve::present;
    constexpr auto dma = zone_type::dma;
    const std::string open = "0, 0, 0, 0";
    const std::string two = "0, 0, 1024, 1024";
    std::vector<worked_machine> all;
    for (const kernel_profile& k : {linux_6_1, linux_5_8}) {
        all.push_back({"256 MiB", k, none, 2048, 768, {{dma, 65536, {512, 640, 768}, open}}});
        all.push_back({"256 MiB thp", k, thp, 2048, 768, {{dma, 65536, {512, 640, 768}, open}}});
        all.push_back({"224 MiB", k, none, 1915, 716, {{dma, 57344, {478, 597, 716}, open}}});
        all.push_back({"512 MiB thp", k, thp, 22528, 8448, {{dma, 131072, {5632, 7040, 8448}, open}}});
        all.push_back({"512 MiB", k, none, 2896, 1086, {{dma, 131072, {724, 905, 1086}, open}}});
        all.push_back({"4 GiB", k, none, 8192, 4144, {{dma, 1048576, {2048, 3096, 4144}, open}}});
        all.push_back({"4 GiB thp", k, thp, 22528, 8448, {{dma, 1048576, {5632, 7040, 8448}, open}}});
    }
    all.push_back(
        {"4 GiB, two zones, thp",
         linux_6_1,
         thp,
         45056,
         17920,
         {{dma, 786432, {8448, 10560, 12672}, two}, {zone_type::normal, 262144, {2816, 3520, 4224}, open}}});
    all.push_back(
        {"4 GiB, two zones",
         linux_6_1,
         none,
         8192,
         5168,
         {{dma, 786432, {1536, 2322, 3108}, two}, {zone_type::normal, 262144, {512, 774, 1036}, open}}});
    all.push_back({"4 GiB, three zones, thp",
                   linux_5_8,
                   thp,
                   67584,
                   29440,
                   {{dma, 262144, {4224, 5280, 6336}, "0, 2048, 3072, 3072"},
                    {zone_type::dma32, 524288, {8448, 10560, 12672}, two},
                    {zone_type::normal, 262144, {4224, 5280, 6336}, open}}});
    return all;
}

std::vector<std::uint64_t> populated(std::vector<std::uint64_t> numbers) {
    std::erase(numbers, 0);
    return numbers;
}

TEST(zoneinfo, watermarks_of_the_worked_machines_are_exact) {
    for (const worked_machine& w : worked_machines()) {
        machine_config c;
        c.profile = w.profile;
        c.memory.khugepaged = w.khugepaged;
        std::vector<std::uint64_t> min;
        std::vector<std::uint64_t> low;
        std::vector<std::uint64_t> high;
        for (const worked_zone& z : w.zones) {
            c.zones.push_back({.type = z.type, .present = {z.managed}, .managed = {z.managed}});
            min.push_back(z.marks.min);
            low.push_back(z.marks.low);
            high.push_back(z.marks.high);
        }
        silent_waker wakes;
        const machine_parts m{c, wakes, nullptr};
        const std::string text = format_zoneinfo(m);
        EXPECT_EQ(populated(numbers_of(text, "min")), min) << w.name;
        EXPECT_EQ(populated(numbers_of(text, "low")), low) << w.name;
        EXPECT_EQ(populated(numbers_of(text, "high")), high) << w.name;
        for (const worked_zone& z : w.zones) {
            const std::string of_zone =
                text.substr(text.find(fmt::format("zone {:>8}\n", zone_name(z.type))));
            const std::size_t at = of_zone.find("protection: (");
            EXPECT_EQ(of_zone.substr(at + 13, z.protection.size() + 1), z.protection + ")") << w.name;
        }
        EXPECT_EQ(m.home.min_free_kbytes(), w.min_free_kbytes) << w.name;
        EXPECT_EQ(m.home.totalreserve_pages(), w.totalreserve) << w.name;
    }
}

// ---- meminfo

TEST(meminfo, available_memory_counts_half_of_the_caches_at_most_down_to_low) {
    silent_waker wakes;
    machine_parts m{machine_with(page_count{65536}), wakes, nullptr};
    m.stat.set(vm_item::nr_free_pages, 10'000);
    m.stat.set(vm_item::nr_inactive_file, 5000);
    m.stat.set(vm_item::nr_active_file, 3000);
    m.stat.set(vm_item::nr_slab_reclaimable, 1000);
    EXPECT_EQ(mem_available(m).value, 17'092U) << "low 640, reserve 768";
    m.stat.set(vm_item::nr_active_file, 0);
    m.stat.set(vm_item::nr_inactive_file, 100);
    EXPECT_EQ(mem_available(m).value, 10'000U - 768 + 50 + 500) << "half of few file pages";
    m.stat.set(vm_item::nr_free_pages, 700);
    m.stat.set(vm_item::nr_inactive_file, 0);
    m.stat.set(vm_item::nr_slab_reclaimable, 0);
    EXPECT_EQ(mem_available(m).value, 0U) << "never below nothing";
}

TEST(meminfo, counts_what_is_there) {
    const auto m = a_machine().with_swap_on(swap_device::zram, 2000).build();
    for (std::uint64_t n = 0; n < 30; ++n) m->written(n);
    for (std::uint64_t n = 0; n < 5; ++n) m->swap_out(n);
    const std::string text = format_meminfo(m->parts, page_count{64});
    const auto kb = [&](const std::string& label) {
        const std::vector<std::uint64_t> found = numbers_of(text, label);
        EXPECT_EQ(found.size(), 1U) << label;
        return found.empty() ? 0 : found.front();
    };
    EXPECT_EQ(kb("MemTotal:"), 4096U);
    EXPECT_EQ(kb("MemFree:"), m->parts.stat[vm_item::nr_free_pages] * 4);
    EXPECT_EQ(kb("AnonPages:"), 25U * 4);
    EXPECT_EQ(kb("Inactive(anon):"), 25U * 4);
    EXPECT_EQ(kb("SwapTotal:"), 8000U);
    EXPECT_EQ(kb("SwapFree:"), m->parts.swap.nr_swap_pages() * 4);
    EXPECT_EQ(kb("CommitLimit:"), 2048U + 8000);
    EXPECT_EQ(kb("Committed_AS:"), 256U);
}

TEST(buddyinfo, blocks_add_up_to_the_free_pages) {
    const auto m = a_machine().with_memory(3000).build();
    for (std::uint64_t n = 0; n < 77; ++n) m->written(n);
    std::istringstream text{format_buddyinfo(m->parts.home)};
    std::string word;
    for (int i = 0; i < 4; ++i) text >> word; // Node 0, zone DMA
    EXPECT_EQ(word, "DMA");
    std::uint64_t pages = 0;
    for (unsigned o = 0; o < 11; ++o) {
        std::uint64_t blocks = 0;
        ASSERT_TRUE(text >> blocks);
        pages += blocks << o;
    }
    EXPECT_EQ(pages, m->parts.stat[vm_item::nr_free_pages]);
    EXPECT_FALSE(text >> word);
}

// The words of the lines that begin so, less their first five.
std::vector<std::vector<std::uint64_t>> rows_of(const std::string& text, const std::string& beginning,
                                                std::size_t words_before) {
    std::vector<std::vector<std::uint64_t>> out;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(beginning)) continue;
        std::istringstream words{line};
        std::string word;
        for (std::size_t i = 0; i < words_before; ++i) words >> word;
        out.emplace_back();
        for (std::uint64_t n = 0; words >> n;) out.back().push_back(n);
    }
    return out;
}

TEST(pagetypeinfo, blocks_of_all_types_add_up_to_the_free_pages_and_to_the_pageblocks) {
    const auto m = a_machine().with_memory(3000).build();
    for (std::uint64_t n = 0; n < 600; ++n) m->written(n); // and tables, which are unmovable
    const std::string text = format_pagetypeinfo(m->parts.home);
    const auto free = rows_of(text, "Node    0, zone      DMA, type", 6);
    ASSERT_EQ(free.size(), 6U);
    std::uint64_t pages = 0;
    for (const std::vector<std::uint64_t>& row : free) {
        ASSERT_EQ(row.size(), 11U);
        for (std::size_t o = 0; o < row.size(); ++o) pages += row[o] << o;
    }
    EXPECT_EQ(pages, m->parts.stat[vm_item::nr_free_pages]);
    const auto blocks = rows_of(text, "Node 0, zone", 4);
    ASSERT_EQ(blocks.size(), 1U);
    ASSERT_EQ(blocks.front().size(), 6U);
    for (unsigned t = 0; t < nr_migratetypes; ++t)
        EXPECT_EQ(blocks.front()[t],
                  m->parts.home.zones().front().free_area().pageblocks(static_cast<migratetype>(t)));
    EXPECT_EQ(blocks.front()[0] + blocks.front()[1], 6U) << "the last is partial";
    EXPECT_GT(blocks.front()[0], 0U);
}

TEST(pagetypeinfo, counts_at_most_a_hundred_thousand_blocks) {
    const auto m = a_machine().with_memory(260'000).build();
    std::vector<page*> taken;
    zone& z = m->parts.home.zones().front();
    while (page* p = z.rmqueue(page_order{0}, migratetype::movable)) taken.push_back(p);
    for (std::size_t i = 0; i < taken.size(); i += 2) {
        EXPECT_TRUE(taken[i]->put_testzero());
        z.free_page(*taken[i]);
    }
    z.drain_pcp();
    const std::string text = format_pagetypeinfo(m->parts.home);
    EXPECT_NE(text.find("type      Movable >100000      0 "), std::string::npos) << text;
}

} // namespace
} // namespace pagesim
