// SPDX-License-Identifier: MIT
#include <pagesim/stat/fingerprint.hpp>
#include <pagesim/stat/vmstat.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace pagesim {
namespace {

TEST(vmstat, every_item_has_the_name_that_finds_it) {
    for (std::size_t i = 0; i < nr_vm_items; ++i) {
        const auto item = static_cast<vm_item>(i);
        EXPECT_EQ(vm_item_from_name(vm_item_name(item)), item) << vm_item_name(item);
    }
    EXPECT_EQ(vm_item_from_name("nr_nonsense"), std::nullopt);
}

TEST(vmstat, enumerators_and_names_agree) {
    EXPECT_EQ(vm_item_name(vm_item::nr_free_pages), "nr_free_pages");
    EXPECT_EQ(vm_item_name(vm_item::nr_zone_write_pending), "nr_zone_write_pending");
    EXPECT_EQ(vm_item_name(vm_item::numa_hit), "numa_hit");
    EXPECT_EQ(vm_item_name(vm_item::nr_inactive_anon), "nr_inactive_anon");
    EXPECT_EQ(vm_item_name(vm_item::workingset_restore_file), "workingset_restore_file");
    EXPECT_EQ(vm_item_name(vm_item::nr_vmscan_write), "nr_vmscan_write");
    EXPECT_EQ(vm_item_name(vm_item::nr_swapcached), "nr_swapcached");
    EXPECT_EQ(vm_item_name(vm_item::pswpout), "pswpout");
    EXPECT_EQ(vm_item_name(vm_item::allocstall_movable), "allocstall_movable");
    EXPECT_EQ(vm_item_name(vm_item::pgmajfault), "pgmajfault");
    EXPECT_EQ(vm_item_name(vm_item::pgreuse), "pgreuse");
    EXPECT_EQ(vm_item_name(vm_item::pgsteal_direct), "pgsteal_direct");
    EXPECT_EQ(vm_item_name(vm_item::pageoutrun), "pageoutrun");
    EXPECT_EQ(vm_item_name(vm_item::unevictable_pgs_stranded), "unevictable_pgs_stranded");
    EXPECT_EQ(vm_item_name(vm_item::swap_ra_hit), "swap_ra_hit");
    EXPECT_EQ(vm_item_name(vm_item::zswpout), "zswpout");
}

TEST(vmstat, the_text_has_a_line_for_each_item_and_ends_with_nr_unstable) {
    vmstat s;
    s.add(vm_item::pgfault, 7);
    const std::string text = format_vmstat(s);
    EXPECT_EQ(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), nr_vm_items + 1);
    EXPECT_EQ(text.substr(0, 16), "nr_free_pages 0\n");
    EXPECT_NE(text.find("\npgfault 7\n"), std::string::npos);
    EXPECT_EQ(text.substr(text.size() - 14), "nr_unstable 0\n");
}

TEST(vmstat, the_lines_of_5_8_are_145_in_its_order) {
    const std::vector<vmstat_line> lines = lines_of(vmstat_lines::of_5_8);
    EXPECT_EQ(lines.size(), 145U);
    EXPECT_EQ(lines_of(vmstat_lines::of_6_1).size(), 168U);
    const auto place = [&](std::string_view name) {
        const auto it =
            std::find_if(lines.begin(), lines.end(), [&](const vmstat_line& l) { return l.name == name; });
        return it == lines.end() ? -1 : it - lines.begin();
    };
    // Blocks of 13 zone items, 6 of NUMA, 33 of the node, 2 thresholds, 91 events.
    EXPECT_EQ(place("nr_mlock"), 7);
    EXPECT_EQ(place("nr_page_table_pages"), 8);
    EXPECT_EQ(place("nr_kernel_stack"), 9);
    EXPECT_EQ(place("numa_hit"), 13);
    EXPECT_EQ(place("nr_inactive_anon"), 19);
    EXPECT_EQ(place("workingset_refault"), 29);
    EXPECT_EQ(place("nr_dirty_threshold"), 52);
    EXPECT_EQ(place("pgpgin"), 54);
    EXPECT_EQ(place("swap_ra_hit"), 144);
    for (const char* later :
         {"workingset_refault_anon", "pgreuse", "nr_swapcached", "zswpin", "nr_throttled_written"})
        EXPECT_EQ(place(later), -1) << later;
}

TEST(vmstat, the_lines_of_5_10_are_152_in_its_order) {
    const std::vector<vmstat_line> lines = lines_of(vmstat_lines::of_5_10);
    EXPECT_EQ(lines.size(), 152U);
    const auto place = [&](std::string_view name) {
        const auto it =
            std::find_if(lines.begin(), lines.end(), [&](const vmstat_line& l) { return l.name == name; });
        return it == lines.end() ? -1 : it - lines.begin();
    };
    // Blocks of 12 zone items, 6 of NUMA, 37 of the node, 2 thresholds, 95 events.
    EXPECT_EQ(place("nr_page_table_pages"), 8);
    EXPECT_EQ(place("numa_hit"), 12);
    EXPECT_EQ(place("nr_inactive_anon"), 18);
    EXPECT_EQ(place("workingset_refault_anon"), 28);
    EXPECT_EQ(place("nr_kernel_stack"), 54);
    EXPECT_EQ(place("nr_dirty_threshold"), 55);
    EXPECT_EQ(place("pgreuse"), 81);
    EXPECT_EQ(place("swap_ra_hit"), 151);
    for (const char* later : {"nr_swapcached", "zswpin", "nr_throttled_written", "pgdemote_kswapd"})
        EXPECT_EQ(place(later), -1) << later;
}

TEST(vmstat, one_number_of_5_8_is_the_sum_of_two) {
    vmstat s;
    s.add(vm_item::workingset_refault_anon, 3);
    s.add(vm_item::workingset_refault_file, 4);
    const std::string text = format_vmstat(s, vmstat_lines::of_5_8);
    EXPECT_NE(text.find("\nworkingset_refault 7\n"), std::string::npos);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 146);
}

TEST(vmstat, a_gauge_below_zero_reads_as_zero) {
    vmstat s;
    s.add(vm_item::nr_free_pages, -3);
    EXPECT_EQ(s[vm_item::nr_free_pages], 0U);
    EXPECT_EQ(s.raw(vm_item::nr_free_pages), -3);
}

TEST(vmstat, events_are_cleared_and_gauges_stay) {
    vmstat s;
    for (std::size_t i = 0; i < nr_vm_items; ++i) s.set(static_cast<vm_item>(i), 5);
    s.clear_events();
    EXPECT_EQ(s[vm_item::nr_free_pages], 5U);
    EXPECT_EQ(s[vm_item::nr_anon_pages], 5U);
    EXPECT_EQ(s[vm_item::nr_vmscan_write], 0U);
    EXPECT_EQ(s[vm_item::nr_written], 0U);
    EXPECT_EQ(s[vm_item::pswpin], 0U);
    EXPECT_EQ(s[vm_item::workingset_refault_anon], 0U);
}

TEST(vmstat, two_can_be_subtracted) {
    vmstat before;
    before.add(vm_item::pgfault, 5);
    vmstat after = before;
    after.add(vm_item::pgfault, 2);
    EXPECT_EQ((after - before)[vm_item::pgfault], 2U);
}

std::uint64_t value_of(const trace_event& e) {
    fingerprint f;
    f.on(e);
    return f.value();
}

TEST(fingerprint, changes_with_every_field) {
    const trace_event e{sim_time{1}, trace_kind::judged, 2, 3};
    EXPECT_EQ(value_of(e), value_of(e));
    EXPECT_NE(value_of(e), value_of({sim_time{2}, trace_kind::judged, 2, 3}));
    EXPECT_NE(value_of(e), value_of({sim_time{1}, trace_kind::activate, 2, 3}));
    EXPECT_NE(value_of(e), value_of({sim_time{1}, trace_kind::judged, 9, 3}));
    EXPECT_NE(value_of(e), value_of({sim_time{1}, trace_kind::judged, 2, 9}));
}

TEST(fingerprint, changes_with_a_counter_and_is_the_same_everywhere) {
    fingerprint a;
    fingerprint b;
    vmstat s;
    a.counters(s);
    s.add(vm_item::pgfault);
    b.counters(s);
    EXPECT_NE(a.value(), b.value());
    EXPECT_EQ(value_of({sim_time{1}, trace_kind::fault, 2, 3}), 4222109642541573389ULL);
}

} // namespace
} // namespace pagesim
